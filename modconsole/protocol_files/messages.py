"""Message templates and crisis resources: what one look at a single value cannot tell, and their plain forms."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from modconsole.core.message import placeholders
from modconsole.protocol_files.problems import Mark, Record, Report, quote

__all__ = ["check_resources", "check_template", "plain_resources", "plain_template"]

_BRACES = re.compile(r"\{[^{}\n]{0,60}\}?|\}")
_PLACEHOLDER = re.compile(r"\{[a-z][a-z0-9_]*\}")


def check_template(record: Record, report: Report) -> None:
    """Check that every brace is a placeholder and every placeholder declared: one that is missed would be sent."""
    body = record.get("body")
    if body is None:
        return
    for found in _BRACES.findall(body):
        if not _PLACEHOLDER.fullmatch(found):
            report.add(
                body.at,
                f"{quote(found)} in the message",
                "a placeholder such as {member_name}, in small letters",
                rule="not-a-placeholder",
            )
    declared = record.get("placeholders")
    if declared is None:
        return
    used = placeholders(body)
    for name in declared:
        if name not in used:
            report.add(
                name.at,
                f"{quote(name)}, which is not in the message",
                "only names that are",
                word=name,
                among=used,
                rule="unused-placeholder",
            )
    for name in used:
        if name not in declared:
            report.add(
                record.place("placeholders"),
                f"{quote('{' + name + '}')} in the message, not declared here",
                "every name the message has",
                word=name,
                among=declared,
                rule="undeclared-placeholder",
            )


def plain_template(record: Record) -> dict[str, Any]:
    """Give a template in the plain form of `core.protocol.Template`."""
    plain = {key: value for key, value in record.items() if key not in ("schema", "resources", "reviewed_by")}
    plain["body"] = plain["body"].strip() + "\n"
    return plain


def check_resources(record: Record, report: Report) -> None:
    seen: dict[str, Mark] = {}
    for entry in record.get("entries", ()):
        id = entry.get("id")
        if id is not None and seen.setdefault(id, id.at) is not id.at:
            report.add(
                id.at,
                f"the resource {quote(id)} again (first on line {seen[id].line})",
                "a different id",
                rule="duplicate-id",
            )
        audience = entry.get("audience", {})
        low, high = audience.get("age_min"), audience.get("age_max")
        if low is not None and high is not None and low > high:
            report.add(
                entry["audience"].at,
                f"ages from {low} to {high}",
                "age_min no greater than age_max",
                rule="impossible-ages",
            )


def plain_resources(record: Record) -> list[dict[str, Any]]:
    """Give a file's entries in the plain form of `core.protocol.Resource`."""
    return [_plain_resource(entry) for entry in record["entries"]]


def _plain_resource(entry: Record) -> dict[str, Any]:
    plain = {
        key: entry[key]
        for key in (
            "id",
            "name",
            "kind",
            "topics",
            "channels",
            "areas",
            "languages",
            "recheck_days",
            "cautions",
        )
        if key in entry
    }
    plain |= {"source_url": entry["source"]["url"], "seen_on": entry["source"]["seen_on"]}
    plain |= entry.get("audience", {})
    if "on" in entry.get("verified", {}):
        plain["verified_on"] = entry["verified"]["on"]
    return plain


def stem_of(record: Record) -> Sequence[str]:
    """Give the file names a resource file may have: its subdivision, or else its country."""
    return [str(record.get("subdivision") or record.get("country", ""))]
