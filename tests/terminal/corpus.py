"""Hostile text: what a post, a title, a name, a reason or a server's error may hold on a bad day.

Each string stands between two harmless words, so that a test can see that the words arrived and the rest did not.
The words are gentle on purpose; people read fixtures too.
"""

from __future__ import annotations

__all__ = ["HOSTILE", "MARKUP", "ten_megabytes"]

_ESC = "\x1b"
_ST = "\x1b\\"

MARKUP: dict[str, str] = {
    "markup closing nothing": "kind [/b] words",
    "markup closing a slash": "kind [/nope] words [/]",
    "markup never closed": "kind [b words",
    "markup colour": "kind [red]words[/red]",
    "markup click": "kind [@click=app.quit]words[/]",
    "markup click quoted": 'kind [@click="app.bell"]words[/]',
    "markup mouse": "kind [@mouse.down=app.quit]words[/]",
    "markup link": "kind [link=https://evil.example]words[/link]",
    "markup brackets": "see [1] and [b] and \\[c] words",
    "rich emoji code": "kind :warning: words",
    "placeholder": "kind {name} {0} {post.text!r} %s %(name)s $name ${name} words",
    "markdown link": "kind [words](javascript:alert(1)) ![words](https://evil.example/a.png)",
    "html": "kind <script>alert(1)</script> &amp; words",
    "looks like ansi": "kind \\x1b[31m \\033[0m ^[[2J ␛[2J words",
    "looks like a mark": "kind ⟦U+202E⟧ words",
    "formula": '=HYPERLINK("https://evil.example") words',
}
"""Printable text that some widget or tool could take for an instruction. It must appear as written."""

HOSTILE: dict[str, str] = {
    "ESC alone": f"kind {_ESC} words",
    "ESC reset": f"kind {_ESC}c words",
    "ESC save cursor": f"kind {_ESC}7 words {_ESC}8",
    "CSI clear": f"kind {_ESC}[2J words",
    "CSI home": f"kind {_ESC}[H words",
    "CSI cursor up": f"kind {_ESC}[5A words",
    "CSI colour": f"kind {_ESC}[31;5mwords{_ESC}[0m",
    "CSI report position": f"kind {_ESC}[6n words",
    "CSI leave screen": f"kind {_ESC}[?1049l words",
    "CSI unfinished": f"kind words {_ESC}[7;7",
    "CSI insert lines": f"kind {_ESC}[9L words",
    "CSI window": f"kind {_ESC}[8;1;1t words",
    "OSC 0 title": f"kind {_ESC}]0;pwned\x07 words",
    "OSC 2 title": f"kind {_ESC}]2;pwned{_ST} words",
    "OSC 8 link": f"kind {_ESC}]8;;https://evil.example{_ST}words{_ESC}]8;;{_ST}",
    "OSC 52 clipboard": f"kind {_ESC}]52;c;cHduZWQ={_ST} words",
    "OSC 52 with BEL": f"kind {_ESC}]52;c;cHduZWQ=\x07 words",
    "OSC unfinished": f"kind words {_ESC}]0;pwned",
    "DCS": f"kind {_ESC}Ppwned{_ST} words",
    "APC": f"kind {_ESC}_pwned{_ST} words",
    "PM": f"kind {_ESC}^pwned{_ST} words",
    "SOS": f"kind {_ESC}Xpwned{_ST} words",
    "C1 CSI": "kind \x9b2J words",
    "C1 OSC": "kind \x9d0;pwned\x9c words",
    "C1 DCS APC PM SOS": "kind \x90a\x9c\x9fb\x9c\x9ec\x9c\x98d\x9c words",
    "C1 all": "kind " + "".join(map(chr, range(0x80, 0xA0))) + " words",
    "C0 all": "kind " + "".join(chr(code) for code in range(0x20) if code != 0x0A) + " words",
    "NUL": "kind \x00 words",
    "BEL": "kind \x07\x07 words",
    "backspace": "kind words\x08\x08\x08\x08\x08lies!",
    "tab": "kind\twords",
    "VT FF": "kind \x0b\x0c words",
    "CR": "the true line of kind words\rfalse",
    "CR LF": "kind\r\nwords",
    "SO SI": "kind \x0e\x0f words",
    "DEL": "kind \x7f words",
    "NEL": "kind \x85 words",
    "line and paragraph separator": "kind \u2028\u2029 words",
    "newlines": "kind\n\n\n\n\nwords",
    "bidi override": "kind \u202esdrow\u202c words",
    "bidi embedding": "kind \u202a\u202b\u202d words",
    "bidi isolates": "kind \u2066\u2067\u2068words\u2069",
    "bidi marks": "kind \u200e\u200f\u061c words",
    "zero width": "ki\u200bnd w\u200co\u200dr\u2060d\ufeffs",
    "zero width flood": "kind " + "\u200b" * 10_000 + " words",
    "zero width mixed flood": "kind " + "\u200b\u200c\u200d\u2060\ufeff" * 2_000 + " words",
    "invisible operators": "kind \u2061\u2062\u2063\u2064\u206a\u206f words",
    "soft hyphens": "ki\xadnd wo\xadrds",
    "combining flood": "ki" + "\u0301\u0336\u0489" * 400 + "nd words",
    "combining flood in Thai": "kind \u0e01" + "\u0e49" * 300 + " words",
    "combining first": "\u0301\u0302 kind words",
    "combining behind joiners": "ki" + "\u0301\u0301\u0301\u0301\u200b" * 200 + "nd words",
    "lone surrogates": "kind \ud83d \udc00\udc00 \udfff words",
    "tag characters": "kind " + "".join(chr(0xE0000 + ord(letter)) for letter in "obey") + " words",
    "tags behind a flag": "kind \U0001f3f4"
    + "".join(chr(0xE0000 + ord(letter)) for letter in "obey")
    + " words",
    "variation selectors": "kind w\ufe0fo\ufe00r\U000e0100d\U000e01efs",
    "emoji joined for ever": "kind " + "\U0001f600\u200d" * 300 + "\U0001f600 words",
    "annotation": "kind \ufff9words\ufffalies\ufffb",
    "object replacement": "kind \ufffc words",
    "private use": "kind \ue000\uf8ff\U000f0000\U00100000 words",
    "noncharacters": "kind \ufdd0\ufffe\uffff\U0001ffff words",
    "blank letters": "kind \u115f\u1160\u3164\uffa0\u2800 words",
    "wide": "kind \u5927\uff21\U0001f600 words",
    "no words at all": "",
    **MARKUP,
}
"""Named hostile strings; each is one post's worth, none can be shown as it is received except `MARKUP` and two."""


def ten_megabytes(kind: str = "clean") -> str:
    """Make 10 MB of text: `clean`, `hostile` (every second character ESC), `invisible` or `lines`."""
    unit = {"clean": "kind words ", "hostile": "a\x1b", "invisible": "\u200b", "lines": "\n"}[kind]
    return unit * (10_000_000 // len(unit))
