"""What is asked in dialogs, one question after another, on the way to something done at the desk.

Loaded after the first frame. Each talk can be left at every question; nothing is done before its last.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from modconsole.core.actions import Action
from modconsole.core.protocol import Question, QuestionType
from modconsole.core.urgency import Urgency
from modconsole.screens.answering import asked_skip, asked_words
from modconsole.screens.case_page import waiting_by_hand
from modconsole.screens.decide import Deciding, templates_of, why_not_template
from modconsole.screens.dialogs import AskLine, AskWords, Pick
from modconsole.screens.help import Palette
from modconsole.screens.ink import Ink, Line, Span, bullet, paragraph
from modconsole.screens.matters import Matters
from modconsole.screens.theme import THEMES
from modconsole.screens.words import action_words, moment, role_words, span

if TYPE_CHECKING:
    from modconsole.screens.desk_screen import DeskScreen

__all__ = ["Talks"]


class Talks:
    """The talks of one desk."""

    def __init__(self, screen: DeskScreen) -> None:
        self._screen = screen

    async def choose_protocol(self) -> None:
        view = self._screen.view
        if view is None:
            return
        items: list[tuple[str, str, str]] = []
        for run in view.runs:
            state = (
                f"handed over to {run.switched_to}"
                if run.switched_to
                else "running"
                if run.open_required
                else "done"
            )
            items.append((f"run:{run.run.id}", run.protocol.title, state))
        running = {run.protocol.id for run in view.runs}
        suggested = [id for id in view.case.suggested if id not in running]
        others = [id for id in self._screen.desk.library.ids() if id not in running and id not in suggested]
        items += [(f"new:{id}", id.replace("-", " "), "suggested for this case") for id in suggested]
        items += [(f"new:{id}", id.replace("-", " "), "") for id in others]
        chosen = await self._screen.console.ask(Pick("Which protocol?", items))
        if chosen is None or self._screen.view is None:
            return
        kind, _, id = chosen.partition(":")
        self._screen.show_protocol(*((id, "") if kind == "run" else ("", id)))

    async def type_answer(self, question: Question) -> None:
        run = self._screen.protocol.run
        if run is None or self._screen.view is None:
            return
        case = self._screen.case_id
        name = f"answer:{run.protocol.id}:{question.id}"
        given = run.answers.get(question.id)
        draft = self._screen.view.drafts.get(name)
        is_time = question.type is QuestionType.DATETIME  # nobody types over a time in the form it is kept in
        text = draft.text if draft else given.values[0] if given and not is_time else ""

        def keep(words: str) -> None:
            self._screen.desk.cases.save_draft(case, name, words)

        said = await asked_words(
            self._screen.console,
            question,
            run,
            text=text,
            keep=keep,
            now=self._screen.desk.now,
            zone=self._screen.zone,
        )
        if said is None or self._screen.case_id != case:
            return
        self._screen.give(question, (said,))
        keep("")

    async def skip(self) -> None:
        found = self._screen.at_cursor()
        if found is None:
            return
        case = self._screen.case_id
        why = await asked_skip(self._screen.console, found[0])
        if why is None or self._screen.case_id != case:
            return
        self._screen.desk.cases.skip(case, self._screen.begun(), found[0].step.id, *why)
        self._screen.protocol.notes = []
        self._screen.reload(moved_on=True)

    async def decide(self, ticked: Sequence[Action], *, template: str = "", from_texts: bool = False) -> None:
        if self._screen.view is None:
            return
        case = self._screen.case_id
        decision = await Deciding(self._screen, self._screen.view, ticked, template=template).run(
            from_texts=from_texts
        )
        if decision is None:
            return
        window = self._screen.desk.decisions.window(self._screen.desk.cases.case(case))
        undo = f" z undoes it for {span(window.total_seconds())}." if window else ""
        self._screen.console.say(f"Sealed: {action_words(decision)}.{undo}")
        self._screen.console.carry_out(decision, case)

    async def message(self) -> None:
        found = [
            self._screen.desk.library.template(id)
            for id in templates_of(self._screen.shown_run(), self._screen.cursor_step())
        ]
        templates = {template.id: template for template in found if template is not None}
        items = [
            (id, id.replace("-", " "), f"{template.situation} · {template.channel}")
            for id, template in templates.items()
        ]
        items += [
            ("keep_reply", "Own words, as a reply under the post", ""),
            ("message_member", "Own words, in private", ""),
        ]
        view = self._screen.view
        if view is None:
            return

        def refused(id: str) -> str:
            return why_not_template(self._screen.desk, view, id)

        chosen = await self._screen.console.ask(Pick("Which message?", items, refused=refused))
        if chosen is None:
            return
        template = templates.get(chosen)
        public = template.channel == "public" if template else chosen == "keep_reply"
        action = Action.KEEP_REPLY if public else Action.MESSAGE_MEMBER
        await self.decide([action], template=template.id if template else "", from_texts=True)

    async def escalate(self) -> None:
        case = self._screen.case_id
        items = [
            (f"told:{Action.ESCALATE_LEAD}", "I have told the safeguarding lead", "Recorded at once."),
            (
                f"will:{Action.ESCALATE_LEAD}",
                "I will tell the safeguarding lead",
                "On the list of this case until b says it is done.",
            ),
            (f"told:{Action.ESCALATE_CLINICAL}", "I have told the clinical lead", ""),
            (f"will:{Action.ESCALATE_CLINICAL}", "I will tell the clinical lead", ""),
        ]
        chosen = await self._screen.console.ask(Pick("Escalate", items, about=self._contacts))
        if chosen is None:
            return
        kind, _, code = chosen.partition(":")
        if kind == "will":
            await self.decide([Action(code)], from_texts=True)
            return
        note = await self._screen.console.ask(
            AskWords(
                "Told them. Enter records it",
                placeholder="Who, when, what they said. May stay empty.",
                may_be_empty=True,
            )
        )
        if note is not None:
            self._screen.desk.decisions.record_done(case, Action(code), note)
            self._screen.console.say("Sealed: you told them.")

    def _contacts(self, width: int) -> list[Line]:
        contacts = self._screen.desk.settings.service.contacts
        if not contacts:
            return paragraph("No contacts are in the settings yet.", width, Ink.WARN)
        lines: list[Line] = []
        for contact in contacts:
            hours = f" · {contact.hours}" if contact.hours else ""
            words = f"{role_words(contact.role)}: {contact.reach} · {contact.name}{hours}"
            lines += bullet("☎", words, width, Ink.STRONG)
        return [*lines, []]

    async def done_by_hand(self) -> None:
        waiting = waiting_by_hand(self._screen.view) if self._screen.view else []
        if not waiting:
            return
        chosen: str | None = waiting[0][1]
        if len(waiting) > 1:
            items = [
                (order, label, f"decided {moment(d.at, self._screen.zone, self._screen.desk.now())}")
                for d, order, label in waiting
            ]
            chosen = await self._screen.console.ask(Pick("Which of them is done?", items))
        found = next(((d, order, label) for d, order, label in waiting if order == chosen), None)
        if found is None:
            return
        decision, order, label = found
        note = await self._screen.console.ask(
            AskWords(
                f"{label}: done. Enter records it",
                placeholder="A note, if it helps. May stay empty.",
                may_be_empty=True,
            )
        )
        if note is None:
            return
        for pending in list(self._screen.console.pending.values()):
            if pending.decision.id == decision.id:
                pending.go.set()
        self._screen.desk.decisions.done_by_hand(decision.id, order, note)
        self._screen.console.say(f"Sealed: {label}, done by hand.")

    async def write_note(self) -> None:
        case = self._screen.case_id
        draft = self._screen.view.drafts.get("note") if self._screen.view else None

        def keep(words: str) -> None:
            self._screen.desk.cases.save_draft(case, "note", words)

        words = await self._screen.console.ask(
            AskWords("A note for your colleagues", text=draft.text if draft else "", keep=keep)
        )
        if words is not None:
            self._screen.desk.cases.note(case, words)
            keep("")
            if case == self._screen.case_id:
                self._screen.reload()

    async def change_urgency(self, *, up: bool) -> None:
        if self._screen.view is None:
            return
        case, present = self._screen.case_id, self._screen.view.case.urgency
        levels = [u for u in Urgency if (u.rank < present.rank if up else u.rank > present.rank)]
        if not levels:
            self._screen.console.say(f"It is {present} already.")
            return
        chosen = await self._screen.console.ask(Pick("How urgent is it?", [(u, u.value, "") for u in levels]))
        if chosen is None:
            return
        if up:
            self._screen.desk.cases.raise_urgency(case, Urgency(chosen))
        else:
            why = await self._screen.console.ask(AskWords("Why is it less urgent? This is sealed"))
            if why is None:
                return
            self._screen.desk.cases.lower_urgency(case, Urgency(chosen), why)
        self._screen.reload()
        self._screen.queue.look()

    async def show_palette(self) -> None:
        chosen = await self._screen.console.ask(Palette(self._screen, self._screen.desk.settings.look.keys))
        if chosen is not None:
            self._screen.action_command(chosen)

    async def show_matters(self) -> None:
        case = await self._screen.console.ask(Matters())
        if case is not None:
            self._screen.open_case(case)

    async def ask_passphrase(self) -> bool:
        if not self._screen.desk.vault.needs_passphrase:
            self._screen.console.unlock("")
            return True

        def read(words: str) -> str:
            self._screen.console.unlock(words)
            return "unlocked"

        said = await self._screen.console.ask(
            AskLine("Your passphrase", read=read, secret=True, about=_set_passphrase_hint)
        )
        if said is None:
            return False
        if self._screen.case_id:
            self._screen.reload()
        return True

    async def change_theme(self) -> None:
        chosen = await self._screen.console.ask(Pick("Which look?", [(name, name, "") for name in THEMES]))
        if chosen is not None:
            self._screen.console.is_plain = chosen == "plain"
            self._screen.set_class(self._screen.console.is_plain, "-plain")
            self._screen.app.theme = THEMES[chosen].name


def _set_passphrase_hint(width: int) -> list[Line]:
    return [
        [Span("It opens what members wrote. The queue and the emergency panel work without it.", Ink.DIM)]
    ]
