"""Open matters: unsettled decisions, each with what is known and one key to finish or withdraw it; and what is wrong.

Nothing here happens by itself. What a crash or an outage left is shown, and waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType

from modconsole.core.actions import ACTIONS
from modconsole.core.decision import DecisionState, OrderState
from modconsole.core.text import plain
from modconsole.desk import Carrier
from modconsole.screens.bars import Banner
from modconsole.screens.commands import Place
from modconsole.screens.dialogs import AskWords, Dialog, Pick, box
from modconsole.screens.ink import Ink, Line, Span, bullet, paragraph
from modconsole.screens.keyed import KeyBar, textual_bindings
from modconsole.screens.paper import Bar, Choices, Page
from modconsole.screens.words import action_words, moment, order_words

__all__ = ["Matters"]


class Matters(Dialog[str]):
    """The panel. Gives the id of a case to open, if one was chosen."""

    PLACE = Place.MATTERS
    BINDINGS: ClassVar[list[BindingType]] = [*textual_bindings(Place.MATTERS)]

    def __init__(self) -> None:
        super().__init__()
        self._decisions: Sequence[DecisionState] = ()
        self._banners: Sequence[Banner] = ()

    def compose(self) -> ComposeResult:
        with box("Open matters", classes="box full"):
            yield Bar(page=self._set_head, id="head")
            yield Choices()
            yield KeyBar(
                lambda: (Place.MATTERS,), lambda: self, self.console.desk.settings.look.keys, id="keys"
            )

    def on_mount(self) -> None:
        self.again()
        self.choices.focus()

    @property
    def choices(self) -> Choices:
        return self.query_one(Choices)

    def again(self) -> None:
        """Look again at what is open."""
        self._decisions = self.console.unsettled()
        self._banners = [banner for banner in self.console.banners if banner.cause != "unsettled"]
        decisions: list[Page] = [partial(self._decision, decision) for decision in self._decisions]
        banners: list[Page] = [partial(_banner, banner) for banner in self._banners]
        self.choices.show_items([*decisions, *banners])
        self.query_one("#head", Bar).again()
        self.query_one("#keys", KeyBar).again()

    def _set_head(self, width: int) -> list[Line]:
        if not self._decisions and not self._banners:
            return [[Span("Everything is settled, and nothing is wrong.", Ink.GOOD)]]
        if not self._decisions:
            return [[Span("Every decision is settled.", Ink.GOOD)], []]
        return [
            *paragraph(
                "These decisions are sealed but not settled. Nothing is sent until you say so.", width
            ),
            [],
        ]

    def _decision(self, decision: DecisionState, width: int) -> list[Line]:
        console = self.console
        case = console.desk.decisions.case_of(decision.id) or "a case that is not here any more"
        at = moment(decision.at, console.zone, console.desk.now())
        lines = bullet(
            "…",
            f"{action_words(decision)} · {case} on {plain(decision.forum, lines=False, limit=30)}",
            width,
            Ink.STRONG,
            mark_ink=Ink.WARN,
        )
        lines += paragraph(
            f"decided {at} by {plain(decision.actor, lines=False, limit=30)} · {decision.id}",
            width,
            Ink.DIM,
            indent="  ",
        )
        for order in decision.orders:
            hand = " (by hand)" if self._is_by_hand(decision, order) and not order.is_certain else ""
            lines += bullet("   ", f"{ACTIONS[order.action].label}: {order_words(order)}{hand}", width)
        return [*lines, []]

    def _is_by_hand(self, decision: DecisionState, order: OrderState) -> bool:
        return self.console.desk.decisions.carrier(decision.forum, order.action) is Carrier.BY_HAND

    def _at_cursor(self) -> DecisionState | None:
        place = self.choices.cursor
        return self._decisions[place] if place < len(self._decisions) else None

    # Commands

    def why_not(self) -> str:
        return "" if self._at_cursor() else "There is no decision at the cursor."

    def finish(self) -> None:
        decision = self._at_cursor()
        if decision is not None:
            self.console.background(self._finish(decision))

    async def _finish(self, decision: DecisionState) -> None:
        self.console.say("Reading back what was asked, then finishing …")
        await self.console.settle_now(decision.id)
        self._again_if_here()

    def withdraw(self) -> None:
        decision = self._at_cursor()
        if decision is not None:
            self.console.talk(self._withdraw(decision))

    async def _withdraw(self, decision: DecisionState) -> None:
        reason = await self.console.ask(AskWords(f"Withdraw {action_words(decision)}: why?"))
        if reason is None:
            return
        await self.console.desk.decisions.withdraw(decision.id, reason)
        self.console.say("Withdrawn and sealed. What is in force stays in force.")
        self._again_if_here()

    def by_hand(self) -> None:
        decision = self._at_cursor()
        if decision is not None:
            self.console.talk(self._by_hand(decision))

    async def _by_hand(self, decision: DecisionState) -> None:
        open_orders = [order for order in decision.orders if not order.is_certain]
        order = open_orders[0].id
        if len(open_orders) > 1:
            items = [(o.id, ACTIONS[o.action].label, order_words(o)) for o in open_orders]
            chosen = await self.console.ask(Pick("Which of them was done?", items))
            if chosen is None:
                return
            order = chosen
        note = await self.console.ask(
            AskWords(
                "Done by hand. Enter records it",
                placeholder="A note, if it helps. May stay empty.",
                may_be_empty=True,
            )
        )
        if note is None:
            return
        self.console.desk.decisions.done_by_hand(decision.id, order, note)
        self.console.say("Sealed: done by hand.")
        self._again_if_here()

    def _again_if_here(self) -> None:
        self.console.count_up()  # what the desk told the console of it may still be on its way
        if self.is_mounted:
            self.again()

    def open_case(self) -> None:
        decision = self._at_cursor()
        if decision is None:
            return
        case = self.console.desk.decisions.case_of(decision.id)
        if case:
            self.dismiss(case)
        else:
            self.console.say("That case is not in this queue any more.")

    def leave(self) -> None:
        self.dismiss(None)


def _banner(banner: Banner, width: int) -> list[Line]:
    lines = bullet("▲" if banner.grave else "△", banner.what[:1000], width, Ink.STRONG, mark_ink=Ink.WARN)
    for part in (banner.kept, banner.next_step):
        if part:
            lines += paragraph(part, width, Ink.DIM, indent="  ", limit=600)
    return [*lines, []]
