"""From a choice to a sealed decision: actions, their texts and times, the reason, one plain confirmation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from modconsole.core.actions import ACTIONS, Action
from modconsole.core.decision import DecisionState
from modconsole.core.model import TargetKind
from modconsole.core.offering import suits_age, unsuited
from modconsole.core.protocol import Resource, ResourceWish, Template
from modconsole.core.run import RunView
from modconsole.core.text import plain
from modconsole.desk import ActionOffer, Carrier, CaseView, Choice, Desk
from modconsole.desk.fit import AGE_QUESTION, PLACE_QUESTION
from modconsole.ports.forum import Support
from modconsole.screens.commands import Place
from modconsole.screens.compose import Compose, Stationery
from modconsole.screens.dialogs import AskLine, AskWords, Confirm, Dialog, box
from modconsole.screens.ink import Ink, Line, Span, bullet, paragraph, side_by_side, wrap
from modconsole.screens.keyed import KeyBar, textual_bindings
from modconsole.screens.paper import Choices, Page
from modconsole.screens.words import action_words, moment, parse_when, span

if TYPE_CHECKING:
    from modconsole.screens.desk_screen import DeskScreen

__all__ = ["ChooseActions", "Deciding", "reversible", "templates_of", "why_not_template"]

REVERSE = "reverse:"
_CARRIED = {
    Carrier.FORUM: "by the forum",
    Carrier.BY_HAND: "by hand, by you",
    Carrier.DESK: "in the record only",
}
_NO_REASON_NEEDED = frozenset({Action.EMERGENCY_CALL, Action.ESCALATE_LEAD, Action.ESCALATE_CLINICAL})
EDITED_AT_MOST = 20_000
_WORDS_TO = {
    Action.MESSAGE_MEMBER: "To {}.",
    Action.KEEP_REPLY: "To {}, for everyone in the thread to read.",
    Action.EDIT: "In the words of {}.",
}
"""Whom words reach that cannot be taken back, said before they are sent."""


def reversible(view: CaseView) -> list[DecisionState]:
    """Give the decisions of which something in force can be taken back, newest first."""
    taken_back = {
        decision.reverses for decision in view.decisions if decision.reverses and not decision.reversed
    }
    return [
        decision
        for decision in reversed(view.decisions)
        if decision.id not in taken_back
        and any(ACTIONS[order.action].undone_by is not None for order in decision.in_force)
    ]


class ChooseActions(Dialog[list[str]]):
    """Choose what is to be done. What the protocol names comes first; each says who carries it out."""

    PLACE = Place.CHOOSE
    BINDINGS: ClassVar[list[BindingType]] = [*textual_bindings(Place.CHOOSE)]

    def __init__(self, view: CaseView, ticked: Iterable[Action]) -> None:
        super().__init__()
        self._offers = [offer for offer in view.offers if offer.action is not Action.RESTORE]
        self._reversals = reversible(view)
        self._case = view.case
        self._values = [offer.action.value for offer in self._offers] + [
            REVERSE + decision.id for decision in self._reversals
        ]
        self.ticked: list[str] = [action.value for action in ticked if action.value in self._values]

    def compose(self) -> ComposeResult:
        with box(f"What is to be done?  {self._case.id}"):
            yield Choices()
            yield KeyBar(lambda: (Place.CHOOSE,), lambda: self, self.console.desk.settings.look.keys)

    def on_mount(self) -> None:
        start = self._values.index(self.ticked[0]) if self.ticked else 0
        self._show(start)
        self.choices.focus()

    @property
    def choices(self) -> Choices:
        return self.query_one(Choices)

    def _show(self, cursor: int) -> None:
        items = [partial(self._offer, offer) for offer in self._offers]
        more = [partial(self._reversal, decision) for decision in self._reversals]
        self.choices.show_items([*items, *more], cursor=cursor)

    def _box_of(self, value: str) -> str:
        if value not in self.ticked:
            return "[ ]"
        return f"[{self.ticked.index(value) + 1}]" if len(self.ticked) > 1 else "[x]"

    def _offer(self, offer: ActionOffer, width: int) -> list[Line]:
        left = [
            Span(f"{self._box_of(offer.action.value)} ", Ink.KEY),
            Span(offer.spec.label, Ink.STRONG if offer.in_protocol else Ink.PLAIN),
            Span("  in this protocol" if offer.in_protocol else "", Ink.DIM),
        ]
        lines = [side_by_side(left, [Span(_carried(offer), Ink.DIM)], width)]
        if offer.ability.note:
            lines += paragraph(offer.ability.note, width, Ink.DIM, indent="    ", limit=300)
        return lines

    def _reversal(self, decision: DecisionState, width: int) -> list[Line]:
        at = moment(decision.at, self.console.zone, self.console.desk.now())
        mark = self._box_of(REVERSE + decision.id)
        return bullet(mark, f"Take back: {action_words(decision)} of {at}", width, mark_ink=Ink.KEY)

    # Commands

    def tick(self) -> None:
        value = self._values[self.choices.cursor]
        if value in self.ticked:
            self.ticked.remove(value)
        elif value.startswith(REVERSE) or any(known.startswith(REVERSE) for known in self.ticked):
            self.ticked = [value]
        else:
            self.ticked.append(value)
        self._show(self.choices.cursor)

    def go_on(self) -> None:
        self.dismiss(self.ticked or [self._values[self.choices.cursor]])

    def cancel(self) -> None:
        self.dismiss(None)


def _carried(offer: ActionOffer) -> str:
    words = _CARRIED[Carrier(offer.carrier)]
    return f"{words}, with other calls" if offer.ability.support is Support.EMULATED else words


def templates_of(run: RunView | None, step: str) -> list[str]:
    """Name the templates of a run, those of the step at the cursor first, then what the answers offer."""
    if run is None:
        return []
    here = [t for shown in run.steps if shown.step.id == step for t in shown.step.templates]
    offered = [
        follow.consequence.offer_template for follow in run.follows if follow.consequence.offer_template
    ]
    rest = [t for shown in run.steps for t in shown.step.templates]
    return list(dict.fromkeys([*here, *offered, *rest]))


@dataclass(slots=True)
class _Given:
    text: str = ""
    until: datetime | None = None


class Deciding:
    """One decision in the making. Each stage can be gone back from; nothing is sealed before the last."""

    def __init__(
        self, desk_screen: DeskScreen, view: CaseView, ticked: Sequence[Action], *, template: str = ""
    ) -> None:
        self._screen = desk_screen
        self._desk = desk_screen.desk
        self._view = view
        self._actions = list(ticked)
        self._reverses = ""
        self._template = template
        self._given: dict[Action, _Given] = {}
        self._reason = self._draft("reason")

    async def run(self, *, from_texts: bool = False) -> DecisionState | None:
        """Go through the stages; gives the sealed decision, or None when it was left."""
        stage = 1 if from_texts else 0
        while stage >= 0:
            stages = self._stages()
            if stage == len(stages):
                return self._seal()
            stage += 1 if await stages[stage]() else -1
        return None

    def _stages(self) -> list[Callable[[], Awaitable[bool]]]:
        stages: list[Callable[[], Awaitable[bool]]] = [self._choose]
        for action in self._actions:
            if ACTIONS[action].needs_text:
                stages.append(partial(self._write, action))
            if ACTIONS[action].needs_until:
                stages.append(partial(self._until, action))
        stages.append(self._ask_reason)
        if self._reverses or any(ACTIONS[action].reaches_members for action in self._actions):
            stages.append(self._confirm)
        return stages

    async def _choose(self) -> bool:
        chosen = await self._screen.console.ask(ChooseActions(self._view, self._actions))
        if not chosen:
            return False
        self._reverses = next(
            (value.removeprefix(REVERSE) for value in chosen if value.startswith(REVERSE)), ""
        )
        self._actions = [] if self._reverses else [Action(value) for value in chosen]
        return True

    async def _write(self, action: Action) -> bool:
        spec = ACTIONS[action]
        stationery = self._stationery(action)
        template = self._template if any(t.id == self._template for t in stationery.templates) else ""
        text = self._given.get(action, _Given()).text or self._draft(_draft_name(action, template))
        if not text and template:
            text = stationery.fill(template)
        if not text and action is Action.EDIT:
            text = self._post_text()
        heading = f"{spec.label}: {self._member_name()}"
        written = await self._screen.console.ask(
            Compose(
                heading,
                stationery,
                template=template,
                text=text,
                what_it_does=f"If you confirm later, {spec.consequence}.",
            )
        )
        if written is None:
            return False
        self._given.setdefault(action, _Given()).text = written
        return True

    async def _until(self, action: Action) -> bool:
        spec, now, zone = ACTIONS[action], self._desk.now(), self._screen.console.zone
        said = await self._screen.console.ask(
            AskLine(
                f"{spec.label}: until when?",
                read=lambda text: parse_when(text, now, zone),
                shown=lambda value: (
                    moment(datetime.fromisoformat(value), zone) if value[:1].isdigit() else value
                ),
                placeholder="24h, 2w, tomorrow 9:00",
            )
        )
        if said is None:
            return False
        if not said[:1].isdigit():
            self._screen.console.say("A date and time is needed here.")
            return await self._until(action)
        self._given.setdefault(action, _Given()).until = datetime.fromisoformat(said)
        return True

    async def _ask_reason(self) -> bool:
        words = await self._screen.console.ask(
            AskWords(
                "Why? A few words for the record",
                about=self._reason_page,
                text=self._reason,
                keep=lambda text: self._keep("reason", text),
                may_be_empty=bool(self._actions) and set(self._actions) <= _NO_REASON_NEEDED,
            )
        )
        if words is None:
            return False
        self._reason = words
        return True

    def _reason_page(self, width: int) -> list[Line]:
        lines = [[Span(self._labels(), Ink.STRONG)]]
        if Action.ESCALATE_LEAD in self._actions or Action.ESCALATE_CLINICAL in self._actions:
            for contact in self._desk.settings.service.contacts:
                hours = f" ({plain(contact.hours, lines=False, limit=60)})" if contact.hours else ""
                words = f"{contact.role.replace('_', ' ')}: {contact.name}, {contact.reach}{hours}"
                lines += bullet("·", words, width)
        return lines

    def _labels(self) -> str:
        if self._reverses:
            return "Take back an earlier decision"
        return " + ".join(ACTIONS[action].label for action in self._actions)

    async def _confirm(self) -> bool:
        page: Page = self._reverse_page if self._reverses else self._confirm_page
        sure: bool | None = await self._screen.console.ask(
            Confirm("If you confirm", page, yes="yes, do this")
        )
        return bool(sure)

    def _confirm_page(self, width: int) -> list[Line]:
        lines: list[Line] = []
        offers = {offer.action: offer for offer in self._view.offers}
        for number, action in enumerate(self._actions, start=1):
            offer, given = offers[action], self._given.get(action, _Given())
            until = f", until {moment(given.until, self._screen.console.zone)}" if given.until else ""
            mark = f"{number}." if len(self._actions) > 1 else "·"
            lines += bullet(mark, f"{offer.spec.label}{until}: {offer.spec.consequence}.", width, Ink.STRONG)
            if action in _WORDS_TO:
                lines += paragraph(_WORDS_TO[action].format(self._whom()), width, Ink.STRONG, indent="   ")
            lines += paragraph(
                f"{_carried(offer).capitalize()}. {offer.ability.note}".strip(),
                width,
                Ink.DIM,
                indent="   ",
                limit=400,
            )
            for piece in wrap(plain(given.text), width - 5) if given.text else ():
                lines.append([Span("   ▏ ", Ink.DIM), Span(piece, Ink.QUOTE)])
        if len(self._actions) > 1:
            lines += paragraph(
                "In this order; when one does not succeed, the next is not begun.", width, Ink.DIM
            )
        return [*lines, [], *paragraph(self._window_words(), width, Ink.DIM)]

    def _reverse_page(self, width: int) -> list[Line]:
        decision = self._desk.decisions.state(self._reverses)
        back = [o for o in decision.in_force if ACTIONS[o.action].undone_by is not None]
        stays = [o for o in decision.in_force if ACTIONS[o.action].undone_by is None]
        lines = bullet(
            "·", "Taken back: " + ", ".join(ACTIONS[o.action].label for o in back), width, Ink.STRONG
        )
        if stays:
            lines += bullet(
                "·", "Stays in force: " + ", ".join(ACTIONS[o.action].label for o in stays), width
            )
        lines += bullet("·", ACTIONS[Action.RESTORE].consequence + ".", width)
        return [*lines, [], *paragraph(self._window_words(), width, Ink.DIM)]

    def _window_words(self) -> str:
        window = self._desk.decisions.window(self._view.case)
        if not window:
            return "This case is needed now, so it is carried out at once."
        return f"It is sealed at once and carried out after {span(window.total_seconds())}; until then z takes it back."

    def _seal(self) -> DecisionState:
        case = self._view.case.id
        if self._reverses:
            state = self._desk.decisions.reverse(self._reverses, self._reason)
        else:
            choices = [
                Choice(
                    action, self._given.get(action, _Given()).text, self._given.get(action, _Given()).until
                )
                for action in self._actions
            ]
            state = self._desk.decisions.decide(case, choices, self._reason)
        used = [
            name for name in self._desk.cases.view(case).drafts if name.startswith(("message:", "reason"))
        ]
        for name in used:
            self._desk.cases.save_draft(case, name, "")
        return state

    # What messages are made of

    def _stationery(self, action: Action) -> Stationery:
        run, step = self._screen.shown_run(), self._screen.cursor_step()
        found = [self._desk.library.template(id) for id in templates_of(run, step)]
        templates = [] if action is Action.EDIT else [t for t in found if t is not None]

        def fill(template: str) -> str:
            return self._draft(_draft_name(action, template)) or self._desk.cases.message_from(
                self._view.case.id, template
            )

        return Stationery(
            templates=_fitting(templates, action),
            resources=partial(self._resources, run, step),
            fill=fill,
            keep=lambda template, text: self._keep(_draft_name(action, template), text),
            refused=lambda template: why_not_template(self._desk, self._view, template),
            words=self._desk.cases.resource_words,
            today=self._desk.now().date(),
        )

    def _resources(self, run: RunView | None, step: str) -> Sequence[Resource]:
        wishes: list[ResourceWish] = []
        for shown in run.steps if run else ():
            wish = shown.step.resources
            if wish is not None:
                wishes.insert(0 if shown.step.id == step else len(wishes), wish)
        topics = list(dict.fromkeys(topic for wish in wishes for topic in wish.topics)) or ["crisis"]
        limit = wishes[0].max if wishes else 6
        place, age = _said(self._view, PLACE_QUESTION), _said(self._view, AGE_QUESTION)
        places = self._desk.settings.service.jurisdictions
        if place and place not in ("unknown", "elsewhere"):
            places = (place, *(other for other in places if other != place))
        found = self._desk.library.resources(topics, places, 100)
        return [resource for resource in found if suits_age(resource, age)][: max(limit, 6)]

    def _member_name(self) -> str:
        post = self._view.file.latest if self._view.file else None
        name = plain(post.author_name or post.author, lines=False, limit=40) if post else ""
        return name or "the member"

    def _whom(self) -> str:
        """Name whom words reach: always who wrote what was flagged, whomever else the case is about."""
        target = self._view.case.target
        if target.kind is TargetKind.MEMBER:
            return f"{plain(target.id, lines=False, limit=40)}, whose account was flagged"
        return f"{self._member_name()}, who wrote the {target.kind}"

    def _post_text(self) -> str:
        post = self._view.file.latest if self._view.file else None
        return post.text if post and len(post.text) <= EDITED_AT_MOST else ""

    def _draft(self, name: str) -> str:
        draft = self._desk.cases.view(self._view.case.id).drafts.get(name)
        return draft.text if draft else ""

    def _keep(self, name: str, text: str) -> None:
        self._desk.cases.save_draft(self._view.case.id, name, text)


def _draft_name(action: Action, template: str) -> str:
    return f"message:{template or action.value}"


def why_not_template(desk: Desk, view: CaseView, id: str) -> str:
    """Say why a message template is not for this case; empty when it is."""
    template = desk.library.template(id)
    if template is None:
        return ""
    about = {*view.case.suggested, *(run.protocol.id for run in view.runs)}
    return unsuited(template, about, age=_said(view, AGE_QUESTION))


def _said(view: CaseView, question: str) -> str:
    """Give the latest answer to one of the common first questions; empty when there is none."""
    answers = [run.answers[question] for run in view.runs if question in run.answers]
    return max(answers, key=lambda answer: answer.at).values[0] if answers else ""


def _fitting(templates: Sequence[Template], action: Action) -> list[Template]:
    """Put the templates of the right channel first: a reply is public, a message private."""
    wanted = "public" if action is Action.KEEP_REPLY else "private"
    return sorted(templates, key=lambda template: template.channel != wanted)
