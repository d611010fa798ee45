"""The banners above the panes and the status line below them, as pages of lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import TYPE_CHECKING

from modconsole.core.errors import ModconsoleError
from modconsole.core.text import plain
from modconsole.screens.ink import Ink, Line, Span, side_by_side
from modconsole.screens.words import count, error_words, moment

if TYPE_CHECKING:
    from modconsole.desk import ForumStatus

__all__ = ["Banner", "banner_page", "error_banner", "status_page"]


@dataclass(frozen=True, slots=True)
class Banner:
    """Something that stays wrong until its cause goes away. It cannot be dismissed, only mended."""

    cause: str
    """What it is about, such as `forum:demo`; one banner for each cause."""
    what: str
    next_step: str = ""
    kept: str = ""
    grave: bool = False


def error_banner(cause: str, error: ModconsoleError, *, about: str = "", grave: bool = False) -> Banner:
    """Make a banner of an error: what happened, what is safe, what to do."""
    what = f"{about}: {error.what}" if about else error.what
    return Banner(cause, what, error.next_step, error.kept, grave)


def banner_page(banners: Sequence[Banner], width: int, *, room: int) -> list[Line]:
    """Set each banner as one line, the gravest first; what does not fit is counted."""
    ranked = sorted(banners, key=lambda banner: not banner.grave)
    lines: list[Line] = []
    for banner in ranked[:room]:
        mark = "▲ " if banner.grave else "△ "
        said = plain(
            " ".join(part for part in (banner.what, banner.next_step) if part), lines=False, limit=400
        )
        left = [Span(mark, Ink.NOW if banner.grave else Ink.WARN), Span(said, Ink.PLAIN)]
        lines.append(side_by_side(left, [Span("o", Ink.KEY), Span(" more", Ink.DIM)], width))
    if len(ranked) > room:
        lines.append([Span(f"  … and {count(len(ranked) - room, 'more matter')}: o shows all", Ink.DIM)])
    return lines


def error_lines(error: ModconsoleError) -> list[str]:
    return [plain(part, limit=600) for part in error_words(error)]


def status_page(
    *,
    now: datetime,
    zone: tzinfo,
    me: str,
    role: str,
    demo: bool,
    forums: Sequence[ForumStatus],
    pending: str,
    unsettled: int,
    sealed: int | None,
    width: int,
) -> list[Line]:
    """Set the status line: what time it is, how the forums are, who I am, what is not settled, how long the log is."""
    left: Line = []
    if demo:
        left += [Span(" DEMO ", Ink.WARN), Span("invented posts  ", Ink.DIM)]
    if pending:
        left += [Span(pending, Ink.STRONG), Span("  ")]
    elif unsettled:
        left += [Span(f"{count(unsettled, 'decision')} unsettled", Ink.WARN), Span(" (o)  ", Ink.DIM)]
    for status in forums[:4]:
        ok = status.trouble is None
        said = "" if ok and status.info else " …" if ok else " in trouble"
        left += [
            Span(plain(status.id, lines=False, limit=20) + said, Ink.DIM if ok else Ink.WARN),
            Span("  "),
        ]
    right = f"{plain(me, lines=False, limit=24)} · {role.replace('_', ' ')}"
    if sealed is not None:
        right += f" · {sealed:,} sealed"
    return [side_by_side(left, [Span(f"{right} · {moment(now, zone, now)}", Ink.DIM)], width)]
