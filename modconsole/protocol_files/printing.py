"""One protocol as a page for the wall: for the day the console, the network or the nerve is gone.

The page holds everything it needs: no script, nothing fetched. Every text of a file goes through `plain()` and is
escaped for the form it goes into.
"""

from __future__ import annotations

import html
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain

from modconsole.core.protocol import (
    Question,
    QuestionType,
    Resource,
    ReviewProtocol,
    Step,
)
from modconsole.core.protocol_words import (
    actions_words,
    ages_words,
    answer_words,
    checked_words,
    consequence_words,
    listed,
    quoted,
    resource_words,
    role_words,
    style_words,
    when_words,
)
from modconsole.core.text import plain
from modconsole.core.urgency import Urgency
from modconsole.ports.library import ProtocolLibrary

__all__ = ["FORMS", "page"]

FORMS = ("html", "markdown")

_EMERGENCY = "emergency"


def page(
    protocol: ReviewProtocol,
    form: str,
    library: ProtocolLibrary,
    *,
    standing: str = "DRAFT",
    printed_on: date | None = None,
) -> str:
    """Set one protocol as a page for the wall.

    Args:
        form: `html` (A4, one file) or `markdown`.
        standing: What is to stand over it in big letters; empty only for one that is approved. Whether it is is for
            the sealed log to say, so without a word from there it is a draft.
        printed_on: The day; without it the page has a line for writing it in.

    Raises:
        ValueError: There is no such form.
    """
    sheet = _Sheet(protocol, library, standing, printed_on)
    match form:
        case "html":
            return _html(sheet)
        case "markdown":
            return _markdown(sheet)
    raise ValueError(f"no such form: {form}")


@dataclass(frozen=True, slots=True)
class _Sheet:
    """What stands on a page, in words and not yet in any form."""

    protocol: ReviewProtocol
    library: ProtocolLibrary
    standing: str
    printed_on: date | None
    is_short: bool = False
    """Leaves out what a wall can do without: the signs to look for, help beyond the emergency, names of messages."""

    def help(self, step: Step) -> str:
        return step.help if step.emergency or not self.is_short else ""

    def look_for(self) -> str:
        signs = () if self.is_short else self.protocol.look_for
        return f"{'; '.join(signs)}." if signs else ""

    def name(self, id: str) -> str:
        other = self.library.get(id)
        return other.title if other else id

    def tags(self) -> str:
        protocol = self.protocol
        said = [protocol.urgency.upper(), style_words(protocol.style)]
        said += [f"for {ages_words(protocol.age_bands)}"] if protocol.age_bands else []
        return " · ".join([*said, *([", ".join(protocol.jurisdictions)] if protocol.jurisdictions else [])])

    def emergency(self) -> list[tuple[Resource, str]]:
        return [(line, self.checked(line)) for line in self.library.emergency(self.protocol.jurisdictions)]

    def services(self) -> list[tuple[Resource, str]]:
        """Give every other service its steps offer, each once."""
        found: dict[str, Resource] = {}
        for step in self.protocol.steps:
            topics = (
                [topic for topic in step.resources.topics if topic != _EMERGENCY] if step.resources else []
            )
            if step.resources and topics:
                for one in self.library.resources(topics, self.protocol.jurisdictions, step.resources.max):
                    found[one.id] = one
        return [(one, self.checked(one)) for one in found.values() if one.kind != _EMERGENCY]

    def checked(self, resource: Resource) -> str:
        return checked_words(resource, self.printed_on)

    def condition(self, step: Step) -> str:
        return f"Only {when_words(step.when, self.protocol)}." if step.when and not step.emergency else ""

    def about(self, step: Step) -> str:
        said = [role_words(step.role)] if step.role else []
        said += [f"within {step.within}"] if step.within else []
        said += [actions_words(step.actions)] if step.actions else []
        messages = [quoted(id) for id in step.templates if not self.is_short]
        said += [f"message {listed(messages, 'or')}"] if messages else []
        return " · ".join(said)

    def follows(self, question: Question) -> Iterator[tuple[str, str]]:
        for consequence in question.on_answer:
            if self.protocol.urgency is Urgency.NOW:
                consequence = replace(consequence, raise_urgency=None)  # it is that already
            if self.is_short:
                consequence = replace(consequence, offer_template="")
            if what := consequence_words(consequence, self.protocol, self.name):
                said = "; ".join(one.rstrip(".") for one in what)
                yield answer_words(question, consequence.values), f"{said}."

    def people(self) -> list[tuple[str, str, str]]:
        """Give whom to tell, how and by when, and what to say aloud."""
        told = [
            (
                role_words(one.role),
                " · ".join(
                    part for part in (f"within {one.within}" if one.within else "", one.method) if part
                ),
                one.script,
            )
            for one in self.protocol.escalations
        ]
        named = {one.role for one in self.protocol.escalations}
        asked = dict.fromkeys(
            follow.escalate
            for step in self.protocol.steps
            for question in step.questions
            for follow in question.on_answer
            if follow.escalate
        )
        signs = [self.protocol.sign_off.role] if self.protocol.sign_off else []
        return [
            *told,
            *((role_words(role), "", "") for role in dict.fromkeys([*asked, *signs]) if role not in named),
        ]

    def signs(self) -> str:
        signed = self.protocol.sign_off
        if signed is None:
            return ""
        condition = f", {when_words(signed.when, self.protocol)}" if signed.when else ""
        both = ", with a second person" if signed.two_person else ""
        return f"Signed afterwards by the {role_words(signed.role)}{both}{condition}. Nothing urgent waits for it."

    def foot(self) -> list[str]:
        protocol = self.protocol
        printed = self.printed_on.isoformat() if self.printed_on else "____________"
        return [
            f"{protocol.id}, version {protocol.version}, {self.standing or 'approved'}",
            f"Printed on {printed}; review by {protocol.governance.review_by}, "
            f"{role_words(protocol.governance.owner_role)}",
            f"SHA-256 {protocol.hash}",
            "Take this page down when the console names another version.",
        ]


_FIRST = (
    "Ring first, write it down after. In the console, ! opens the emergency panel; "
    "nothing here has to be done before."
)


# HTML

_CSS = """
@page { size: A4; margin: 9mm 10mm; }
* { box-sizing: border-box; }
body { font: SIZE/1.22 "Helvetica Neue", Arial, "Liberation Sans", sans-serif; color: #000; background: #fff;
  margin: 0 auto; max-width: 190mm; }
h1 { font-size: 1.9em; line-height: 1.08; margin: 0 0 .1em; }
h2 { font-size: 1.15em; margin: .5em 0 .15em; break-after: avoid; }
p, ul, ol { margin: .12em 0; }
ul, ol { padding: 0; list-style: none; }
.standing { border: 2.5pt solid #000; font-size: 1.7em; font-weight: bold; letter-spacing: .06em; text-align: center;
  padding: .05em .3em; margin: 0 0 .2em; }
.tags { font-weight: bold; }
.emergency { border: 2.5pt solid #000; padding: .25em .6em; margin: .35em 0; }
.emergency h2 { margin: 0; }
.emergency ul { display: flex; flex-wrap: wrap; gap: 0 1.4em; }
.number { font-size: 1.5em; font-weight: bold; }
.columns { columns: 2; column-gap: 6mm; }
.step { break-inside: avoid; border-top: .7pt solid #000; padding: .22em 0 .3em; }
.step > p:first-child { font-weight: bold; font-size: 1.08em; }
.box { display: inline-block; width: .8em; height: .8em; border: 1pt solid #000; margin-right: .3em;
  vertical-align: -.06em; }
.only { font-style: italic; }
.small { font-size: .9em; }
.answers { display: flex; flex-wrap: wrap; gap: 0 .9em; }
.write { border-bottom: .7pt solid #000; height: 1.3em; }
.follow { padding-left: .8em; text-indent: -.8em; }
.part { break-inside: avoid; border-top: 1.6pt solid #000; }
.part h2 { margin-top: .15em; }
.unchecked { font-weight: bold; border: .9pt solid #000; padding: 0 .25em; }
.blank { display: inline-block; border-bottom: .7pt solid #000; width: 100%; height: 1.45em; }
footer { border-top: 1.6pt solid #000; margin-top: .4em; font-size: .78em; overflow-wrap: anywhere; }
footer p { margin: 0; }
"""


def _line(text: str) -> str:
    return " ".join(plain(text).split())


def _h(text: str) -> str:
    return html.escape(_line(text))


def _tag(name: str, inner: str, kind: str = "") -> str:
    return f'<{name} class="{kind}">{inner}</{name}>' if kind else f"<{name}>{inner}</{name}>"


def _html(sheet: _Sheet) -> str:
    protocol = sheet.protocol
    body, size = _fitting(sheet)
    return f"""<!doctype html>
<html lang="{_h(protocol.language)}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="generator" content="modconsole protocol print">
<title>{_h(protocol.title)}</title>
<style>{_CSS.replace("SIZE", f"{size}pt")}</style>
</head>
<body>
{body}
</body>
</html>
"""


def _fitting(sheet: _Sheet) -> tuple[str, float]:
    """Give the page's body and its type size in points: the most text, in the largest type, that one page holds.

    What no page holds in type that can be read on a wall takes two, whole.
    """
    whole, short = _html_body(sheet), _html_body(replace(sheet, is_short=True))
    for body, sizes, pages in ((whole, _LARGE, 1), (short, _ANY, 1), (whole, _LARGE, 2)):
        for size in sizes:
            if _height_of_page(body, size) <= pages * _PAGE:
                return body, size
    return whole, _LARGE[-1]


_LARGE = (12.5, 11.5, 10.5, 10.0)
_ANY = (*_LARGE, 9.5, 9.0, 8.5, 8.0)
_PAGE, _WIDE, _COLUMN = 279 * 2.8346, 190 * 2.8346, 92 * 2.8346
"""The height and the widths there are on A4, in points."""
_LEADING = 1.22
_LETTER = 0.51
"""The width of a letter, in its size: what common sans-serif faces take on average, and a little more."""
_SCALES = {"standing": 1.9, "number": 1.5, "small": 0.9, "h1": 1.9, "h2": 1.3}
_BLOCK = re.compile(r'<(p|h1|h2|li)(?: class="([a-z ]*)")?>(.*?)</\1>', re.DOTALL)
_BOX = '<span class="box"></span>'


def _height_of_page(body: str, size: float) -> float:
    """Estimate, by counting letters and lines, how many points a body takes in type of this size."""
    head, _, rest = body.partition('<div class="columns">')
    columns, _, foot = rest.partition("<footer>")
    around = _height(head, size, _WIDE) + _height(foot, size * 0.78, _WIDE) + 2.5 * size
    tail = 2.5 * size  # columns rarely end level
    return around + _height(columns, size, _COLUMN) / 2 + tail


def _height(part: str, size: float, width: float) -> float:
    height = 0.4 * size * part.count("<section")
    for name, kind, inner in _BLOCK.findall(part):
        scale = _SCALES.get(name, 1.0)
        for word in kind.split():
            scale *= _SCALES.get(word, 1.0)
        letters = len(html.unescape(re.sub(r"<[^>]*>", "", inner))) + 3 * inner.count(_BOX)
        lines = max(1, math.ceil(letters * _LETTER * scale * size / width))
        height += lines * _LEADING * scale * size + 0.24 * size
    return height


def _html_body(sheet: _Sheet) -> str:
    columns = _tag("div", "\n".join(chain(_html_steps(sheet), _html_parts(sheet))), "columns")
    foot = _tag("footer", "".join(_tag("p", _h(line)) for line in sheet.foot()))
    return "\n".join([*_html_head(sheet), columns, foot])


def _html_head(sheet: _Sheet) -> Iterator[str]:
    protocol = sheet.protocol
    if sheet.standing:
        yield _tag("p", _h(sheet.standing), "standing")
    yield _tag("h1", _h(protocol.title))
    yield _tag("p", _h(sheet.tags()), "tags")
    lines = "".join(
        _tag(
            "li",
            f"{_html_line(line)} {_html_checked(checked)}",
        )
        for line, checked in sheet.emergency()
    )
    heading = _tag("h2", "If somebody may be in danger now")
    yield _tag("section", f"{heading}<ul>{lines}</ul>{_tag('p', _h(_FIRST))}", "emergency")
    yield _tag("p", f"<b>When:</b> {_h(protocol.trigger)}")
    if signs := sheet.look_for():
        yield _tag("p", f"<b>Look for:</b> {_h(signs)}", "small")


def _html_line(line: Resource) -> str:
    """Give an emergency line with its number in large type, and how else it is reached after it."""
    large = [channel for channel in line.channels if channel.type == "phone"] or list(line.channels)[:1]
    rest = replace(line, channels=tuple(channel for channel in line.channels if channel not in large))
    number = _tag("span", _h(resource_words(replace(line, channels=tuple(large)))), "number")
    return f"{number} {_h(line.name)}{f'. {_h(resource_words(rest))}.' if rest.channels else ''}"


def _html_checked(checked: str) -> str:
    return _tag("span", _h(checked), "small" if checked.startswith("checked") else "unchecked small")


def _html_steps(sheet: _Sheet) -> Iterator[str]:
    for number, step in enumerate(sheet.protocol.steps, 1):
        inner = [_tag("p", f"{_BOX}{number}. {_h(step.text)}")]
        if condition := sheet.condition(step):
            inner.append(_tag("p", _h(condition), "only"))
        if about := sheet.about(step):
            inner.append(_tag("p", _h(about), "small"))
        if help := sheet.help(step):
            inner.append(_tag("p", _h(help), "small"))
        for question in step.questions:
            inner += _html_question(sheet, question)
        yield _tag("section", "".join(inner), "step")


def _html_question(sheet: _Sheet, question: Question) -> Iterator[str]:
    yield _tag("p", _h(question.text))
    if question.type is QuestionType.CHOICE:
        boxes = (f"<span>{_BOX}{_h(option.text)}</span>" for option in question.options)
        yield _tag("p", " ".join(boxes), "answers")
    else:
        yield '<p class="write"></p>'
    for answers, what in sheet.follows(question):
        yield _tag("p", f"→ <b>{_h(answers[:1].upper() + answers[1:])}</b>: {_h(what)}", "follow small")


def _html_parts(sheet: _Sheet) -> Iterator[str]:
    protocol = sheet.protocol
    if protocol.do_not:
        yield _html_part("Do not", "".join(_tag("p", f"× {_h(one)}") for one in protocol.do_not))
    if people := sheet.people():
        yield _html_part("Whom to tell", "".join(chain.from_iterable(map(_html_person, people))))
    if services := sheet.services():
        rows = (
            _tag("p", f"<b>{_h(one.name)}</b>: {_h(resource_words(one))} {_html_checked(checked)}", "small")
            for one, checked in services
        )
        yield _html_part("Services to offer", "".join(rows))
    ending = [text for text in (protocol.finished_when, sheet.signs()) if text]
    if ending:
        yield _html_part("Finished when", "".join(_tag("p", _h(text)) for text in ending))


def _html_part(heading: str, inner: str) -> str:
    return _tag("section", f"{_tag('h2', heading)}{inner}", "part")


def _html_person(person: tuple[str, str, str]) -> Iterator[str]:
    who, how, script = person
    yield _tag("p", f"<b>{_h(who.capitalize())}</b>{f': {_h(how)}' if how else ''}")
    if script:
        yield _tag("p", f"Say: {_h(quoted(script))}", "small")
    yield '<p class="blank small">Name and number:</p>'


# Markdown

_MARKUP = re.compile(r"([\\`*_{}\[\]<>#|~!&])")


def _m(text: str) -> str:
    return _MARKUP.sub(r"\\\1", _line(text))


def _markdown(sheet: _Sheet) -> str:
    return "\n".join(chain(_markdown_head(sheet), _markdown_steps(sheet), _markdown_parts(sheet))) + "\n"


def _markdown_head(sheet: _Sheet) -> Iterator[str]:
    protocol = sheet.protocol
    yield from (f"**{_m(sheet.standing)}**", "") if sheet.standing else ()
    yield from (f"# {_m(protocol.title)}", "", f"**{_m(sheet.tags())}**", "")
    yield from ("## If somebody may be in danger now", "")
    for line, checked in sheet.emergency():
        yield f"- **{_m(resource_words(line))}** {_m(line.name)} ({_m(checked)})"
    yield from ("", _m(_FIRST), "", f"**When:** {_m(protocol.trigger)}", "")
    if signs := sheet.look_for():
        yield from (f"**Look for:** {_m(signs)}", "")


def _markdown_steps(sheet: _Sheet) -> Iterator[str]:
    yield from ("## Steps", "")
    for number, step in enumerate(sheet.protocol.steps, 1):
        yield f"{number}. [ ] **{_m(step.text)}**"
        for text in (sheet.condition(step), sheet.about(step), sheet.help(step)):
            if text:
                yield f"   - {_m(text)}"
        for question in step.questions:
            boxes = "".join(f" [ ] {_m(option.text)}" for option in question.options)
            yield f"   - {_m(question.text)}{boxes or ' ____________'}"
            for answers, what in sheet.follows(question):
                yield f"     - → **{_m(answers[:1].upper() + answers[1:])}**: {_m(what)}"


def _markdown_parts(sheet: _Sheet) -> Iterator[str]:
    protocol = sheet.protocol
    if protocol.do_not:
        yield from ("", "## Do not", "", *(f"- {_m(one)}" for one in protocol.do_not))
    if people := sheet.people():
        yield from ("", "## Whom to tell", "")
        for who, how, script in people:
            yield f"- **{_m(who.capitalize())}**{f': {_m(how)}' if how else ''}"
            yield from (f"  - Say: {_m(quoted(script))}",) if script else ()
            yield "  - Name and number: ____________"
    if services := sheet.services():
        yield from ("", "## Services to offer", "")
        for one, checked in services:
            yield f"- **{_m(one.name)}**: {_m(resource_words(one))} ({_m(checked)})"
    ending = [text for text in (protocol.finished_when, sheet.signs()) if text]
    if ending:
        yield from ("", "## Finished when", "", *(f"- {_m(text)}" for text in ending))
    yield from ("", "---", "", *(f"{_m(line)}  " for line in sheet.foot()))
