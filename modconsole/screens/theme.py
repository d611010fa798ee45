"""How it looks: four themes, one stylesheet. Calm colours, no animation, nothing said by colour alone."""

from __future__ import annotations

from textual.theme import Theme

__all__ = ["CSS", "THEMES"]


def _theme(name: str, *, dark: bool, colours: dict[str, str]) -> Theme:
    return Theme(
        name=f"modconsole-{name}",
        primary=colours["title"],
        secondary=colours["title"],
        accent=colours["title"],
        warning=colours["warn"],
        error=colours["now"],
        success=colours["good"],
        foreground=colours["plain"],
        background=colours["ground"],
        surface=colours["ground"],
        panel=colours["rule"],
        dark=dark,
        variables={
            **{f"ink-{ink}": colour for ink, colour in colours.items()},
            "border": colours["title"],
            "border-blurred": colours["rule"],
            "scrollbar": colours["rule"],
            "scrollbar-hover": colours["dim"],
            "scrollbar-active": colours["dim"],
            "scrollbar-background": colours["ground"],
            "scrollbar-background-hover": colours["ground"],
            "scrollbar-background-active": colours["ground"],
            "scrollbar-corner-color": colours["ground"],
            "input-cursor-background": colours["plain"],
            "input-cursor-foreground": colours["ground"],
            "input-selection-background": colours["cursor"],
        },
    )


THEMES = {
    "dark": _theme(
        "dark",
        dark=True,
        colours={
            "ground": "#15191e",
            "plain": "#d3d8de",
            "dim": "#8d97a3",
            "strong": "#f2f4f6",
            "title": "#9fc3e6",
            "key": "#b8d2a6",
            "quote": "#ebe4d2",
            "now": "#ffb2a3",
            "soon": "#f0ca88",
            "today": "#a9c9ea",
            "good": "#a9d0a4",
            "warn": "#f0ca88",
            "cursor": "#2b3d50",
            "rule": "#39434e",
        },
    ),
    "light": _theme(
        "light",
        dark=False,
        colours={
            "ground": "#faf9f6",
            "plain": "#23292f",
            "dim": "#5d6772",
            "strong": "#000000",
            "title": "#1b4c78",
            "key": "#355a1c",
            "quote": "#3a342a",
            "now": "#9c2117",
            "soon": "#7a4f00",
            "today": "#1d4f7c",
            "good": "#2b6527",
            "warn": "#7a4f00",
            "cursor": "#d3e3f2",
            "rule": "#c3c8cd",
        },
    ),
    "contrast": _theme(
        "contrast",
        dark=True,
        colours={
            "ground": "#000000",
            "plain": "#ffffff",
            "dim": "#cfcfcf",
            "strong": "#ffffff",
            "title": "#a6d8ff",
            "key": "#c9ffab",
            "quote": "#ffffff",
            "now": "#ffb9ad",
            "soon": "#ffe28f",
            "today": "#b0dcff",
            "good": "#b9f5ad",
            "warn": "#ffe28f",
            "cursor": "#003a7d",
            "rule": "#8c8c8c",
        },
    ),
}
THEMES["plain"] = _theme(
    "plain",
    dark=True,
    colours={
        **dict.fromkeys(
            ("plain", "dim", "strong", "title", "key", "quote", "now", "soon", "today", "good", "warn"),
            "#ffffff",
        ),
        "ground": "#000000",
        "cursor": "#000000",
        "rule": "#ffffff",
    },
)

_INKS = """
.ink--plain { color: $ink-plain; }
.ink--dim { color: $ink-dim; }
.ink--strong { color: $ink-strong; text-style: bold; }
.ink--title { color: $ink-title; text-style: bold; }
.ink--key { color: $ink-key; text-style: bold; }
.ink--quote { color: $ink-quote; }
.ink--now { color: $ink-now; text-style: bold; }
.ink--soon { color: $ink-soon; }
.ink--today { color: $ink-today; }
.ink--good { color: $ink-good; }
.ink--warn { color: $ink-warn; text-style: bold; }
.ink--cursor { background: $ink-cursor; }
"""

CSS = (
    _INKS
    + """
Screen { background: $ink-ground; color: $ink-plain; }
Screen.-plain .ink--cursor, Screen.-plain .ink--key { text-style: reverse; }
Paper, QueuePane {
    overflow-x: hidden; overflow-y: scroll; scrollbar-size: 1 1;
    background: $ink-ground; padding: 0 0 0 1;
}
Bar { height: auto; background: $ink-ground; padding: 0 1; }
#panes { height: 1fr; }
#left { width: 1fr; }
#queue { height: 1fr; }
#why { height: 3; padding: 0 1; }
.pane { border-top: solid $ink-rule; border-title-color: $ink-dim; border-title-style: none; }
/* The same kind of line, or a change of focus would lay the screen out again. */
.pane:focus { border-top: solid $ink-title; border-title-color: $ink-title; border-title-style: bold; }
#case { width: 1fr; height: 1fr; }
#protocol-side { width: 1fr; height: 1fr; }
#protocol { height: 1fr; }
DeskScreen.-wide #left, DeskScreen.-very-wide #left { width: 38; }
DeskScreen.-wide #case, DeskScreen.-very-wide #case { width: 1fr; border-left: solid $ink-rule; }
DeskScreen.-wide #protocol-side, DeskScreen.-very-wide #protocol-side {
    width: 39; border-left: solid $ink-rule; }
DeskScreen.-wide #why, DeskScreen.-very-wide #why { height: 6; }
DeskScreen.-very-wide #left { width: 50; }
DeskScreen.-very-wide #protocol-side { width: 54; }
#small { display: none; width: 100%; height: 100%; padding: 0 1; }
DeskScreen.-tiny #small, DeskScreen.-flat #small { display: block; }
DeskScreen.-tiny #panes, DeskScreen.-flat #panes { display: none; }
DeskScreen.-tiny Bar, DeskScreen.-flat Bar { display: none; }
Field, Prose {
    border: none; border-left: outer $ink-title; padding: 0 1; background: $ink-ground; color: $ink-strong;
}
Field { height: 1; }
Field:focus, Prose:focus { border: none; border-left: outer $ink-title; }
Prose { height: 4; }
Dialog { align: center middle; background: $ink-ground 60%; }
/* What covers everything need not have the desk drawn under it. */
EmergencyPanel, Compose, Matters { background: $ink-ground; }
.box {
    width: 94%; max-width: 96; min-width: 40; height: auto; max-height: 92%;
    border: round $ink-title; border-title-color: $ink-title; border-title-style: bold; background: $ink-ground;
}
.box > Paper { height: auto; max-height: 60vh; }
.box Bar { padding: 0 1; }
.box Field, .box Prose { margin: 1 1; }
Dialog.prompt { align: center bottom; background: transparent; }
Dialog.prompt .box { width: 100%; max-width: 120; }
.full { width: 100%; max-width: 120; height: 100%; max-height: 100%; }
.full > Paper { height: 1fr; max-height: 100%; }
ToastRack { margin-bottom: 2; }
Toast { width: 60; padding: 0 1; background: $ink-ground; border: round $ink-rule; color: $ink-plain; }
Toast .toast--title { color: $ink-title; text-style: bold; }
"""
)
