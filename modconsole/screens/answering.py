"""Answering the protocol on screen by keys, whether its answers are kept for a case or it is walked for practice."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

from modconsole.screens.ink import Ink, Line, paragraph
from modconsole.screens.panes import ProtocolPane
from modconsole.screens.words import moment, parse_when

if TYPE_CHECKING:  # what a protocol is made of is loaded where it is used: the first screen shows none
    from modconsole.core.protocol import Question
    from modconsole.core.run import RunView, StepView
    from modconsole.screens.app import Console

__all__ = ["Answering", "asked_skip", "asked_words"]


class Answering:
    """What the keys of a protocol do. The screen that has it says what becomes of an answer."""

    protocol: ProtocolPane

    @property
    @abstractmethod
    def console(self) -> Console: ...

    @abstractmethod
    def why_no_case(self) -> str:
        """Say why nothing can be answered at all."""

    @abstractmethod
    def give(self, question: Question, values: Sequence[str]) -> None:
        """Take an answer."""

    @abstractmethod
    def mark(self, step: StepView, *, done: bool) -> None:
        """Tick a step, or take the tick back."""

    @abstractmethod
    def type_answer(self, question: Question) -> None:
        """Ask for an answer that has to be typed."""

    def at_cursor(self) -> tuple[StepView, Question | None] | None:
        run, cursor = self.protocol.run, self.protocol.cursor
        if run is None or cursor is None:
            return None
        step = next((shown for shown in run.steps if shown.step.id == cursor.step), None)
        if step is None:
            return None
        return step, next((q for q in step.step.questions if q.id == cursor.question), None)

    def _question(self) -> Question | None:
        found = self.at_cursor()
        return found[1] if found else None

    def answer(self, value: str) -> None:
        question = self._question()
        if question is None:
            return
        values: tuple[str, ...] = (value,)
        if question.multiple:
            run = self.protocol.run
            given = run.answers.get(question.id) if run else None
            before = given.values if given else ()
            values = tuple(v for v in before if v != value) if value in before else (*before, value)
            if not values:
                self.console.say("One answer has to stay. Choose another first.")
                return
        self.give(question, values)

    def answer_nth(self, number: int) -> None:
        question = self._question()
        if question is not None:
            self.answer(question.options[number - 1].value)

    def why_no_answer(self, value: str) -> str:
        from modconsole.screens.protocol_page import option_for

        question = self._question()
        if question is None:
            return self.why_no_case() or "There is no question at the cursor."
        return "" if option_for(question, value) else "That is not one of the answers here."

    def why_no_nth(self, number: int) -> str:
        question = self._question()
        if question is None:
            return self.why_no_case() or "There is no question at the cursor."
        return "" if number <= len(question.options) else "There is no answer with that number."

    def why_no_step(self) -> str:
        return self.why_no_case() or ("" if self.at_cursor() else "There is no step at the cursor.")

    def act_on_step(self) -> None:
        from modconsole.core.protocol import QuestionType

        found = self.at_cursor()
        if found is None:
            return
        _, question = found
        if question is None:
            self.tick_step()
        elif question.type is QuestionType.CHOICE:
            run = self.protocol.run
            if (run and question.id in run.answers) or not question.required:
                self.protocol.go_down()
            else:
                self.console.say("Press the key in front of the answer.")
        else:
            self.type_answer(question)

    def tick_step(self) -> None:
        """Tick the step, or take the tick back."""
        from modconsole.core.run import StepState

        found = self.at_cursor()
        if found is None:
            return
        step, _ = found
        if step.open_questions and step.state is not StepState.DONE:
            self.console.say("This step has a question to answer first, or skip it with s.")
            return
        self.mark(step, done=step.state is not StepState.DONE)


async def asked_words(
    console: Console,
    question: Question,
    run: RunView,
    *,
    text: str = "",
    keep: Callable[[str], object] | None = None,
    now: Callable[[], datetime],
    zone: tzinfo,
) -> str | None:
    """Ask for an answer that has to be typed; None when it was left.

    Args:
        text: What stands there to begin with.
        keep: Keeps what is being typed.
    """
    from modconsole.core.protocol import QuestionType
    from modconsole.screens.dialogs import AskLine, AskWords, whole_number

    def about(width: int) -> list[Line]:
        return paragraph(question.help, width, Ink.DIM, limit=600) if question.help else []

    if question.type is QuestionType.TEXT:
        return await console.ask(AskWords(question.text, about=about, text=text, keep=keep))
    if question.type is QuestionType.INTEGER:
        return await console.ask(
            AskLine(
                question.text, about=about, read=whole_number, text=text, placeholder="a number", keep=keep
            )
        )
    usual = run.protocol.follow_up_after or "24h"
    return await console.ask(
        AskLine(
            question.text,
            about=about,
            read=lambda words: parse_when(words or usual, now(), zone),
            shown=lambda value: _when_words(value, zone),
            text=text,
            placeholder=f"{usual} · tomorrow 9:00 · fri 14:30 · not needed: why",
            keep=keep,
        )
    )


def _when_words(value: str, zone: tzinfo) -> str:
    return moment(datetime.fromisoformat(value), zone) if value[:1].isdigit() else value


async def asked_skip(console: Console, step: StepView) -> tuple[str, str] | None:
    """Ask why a step is skipped: the reason's code and, where given, a note; None when it was left."""
    from modconsole.core.run import SKIP_REASONS
    from modconsole.screens.dialogs import AskWords, Pick

    items = [(code, words, "") for code, words in SKIP_REASONS.items()]
    reason = await console.ask(Pick(f"Skip “{step.step.text}”: why?", items))
    if reason is None:
        return None
    note: str | None = ""
    if reason in ("other", "disagreed"):
        note = await console.ask(AskWords("In a few words", may_be_empty=reason != "other"))
    return None if note is None else (reason, note)
