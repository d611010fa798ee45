"""Whether a protocol was written for this place, this age and this kind of forum. Said in amber; never in the way."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from modconsole.core.model import AgeBand
from modconsole.core.protocol import ReviewProtocol
from modconsole.ports.settings import ServiceSettings

__all__ = ["AGE_QUESTION", "PLACE_QUESTION", "misfits", "place_words"]

AGE_QUESTION, PLACE_QUESTION = "age", "place"
"""The common first questions whose answers say what a case is about."""

_PLACES: Mapping[str, str] = {
    "GB": "the UK",
    "GB-ENG": "England",
    "GB-SCT": "Scotland",
    "GB-WLS": "Wales",
    "GB-NIR": "Northern Ireland",
    "IE": "Ireland",
    "US": "the United States",
    "CA": "Canada",
    "AU": "Australia",
    "NZ": "New Zealand",
    "elsewhere": "somewhere else",
}
_AGES: Mapping[str, str] = {
    AgeBand.UNDER_13: "under 13",
    AgeBand.TO_15: "13 to 15",
    AgeBand.TO_17: "16 to 17",
    AgeBand.ADULT: "adult",
    AgeBand.UNKNOWN: "age not known",
}


def misfits(protocol: ReviewProtocol, service: ServiceSettings, case: Mapping[str, str]) -> tuple[str, ...]:
    """Say where a protocol does not fit: the case, where its answers tell, or else the service.

    Args:
        case: What was answered to `place` and `age`, by question; empty where nothing was.
    """
    place, age = case.get(PLACE_QUESTION, ""), case.get(AGE_QUESTION, "")
    knows_place = place not in ("", "unknown")
    wrong_place = knows_place and bool(protocol.jurisdictions) and not _covers(protocol.jurisdictions, place)
    wrong_age = bool(age and protocol.age_bands) and age not in protocol.age_bands
    said = []
    if wrong_place or wrong_age:
        here = (_AGES.get(age, age) if wrong_age else "", place_words(place) if wrong_place else "")
        case_words = ", ".join(word for word in here if word)
        said.append(f"Written for {_written_for(protocol, wrong_age, wrong_place)}; this case: {case_words}")
    theirs, ours = protocol.jurisdictions, service.jurisdictions
    if not knows_place and theirs and ours and not any(_meet(a, b) for a in theirs for b in ours):
        said.append(f"Written for {_listed(theirs)}; your service is for {_listed(ours)}")
    if not age and _apart(protocol.age_bands, service.age_bands):
        said.append(
            f"Written for {_ages(protocol.age_bands)}; your service is for {_ages(service.age_bands)}"
        )
    if _apart(protocol.forum_types, service.forum_types):
        kinds = ", ".join(_words(kind) for kind in protocol.forum_types)
        yours = ", ".join(_words(kind) for kind in service.forum_types)
        said.append(f"Written for forums of the kind {kinds}; yours: {yours}")
    return tuple(said)


def place_words(code: str) -> str:
    """Name a place in words where we know them."""
    return _PLACES.get(code, code)


def _written_for(protocol: ReviewProtocol, wrong_age: bool, wrong_place: bool) -> str:
    ages, places = _ages(protocol.age_bands), _listed(protocol.jurisdictions)
    if wrong_age and wrong_place:
        return f"{ages} in {places}"
    return ages if wrong_age else places


def _ages(bands: Sequence[str]) -> str:
    return ", ".join("adults" if band == AgeBand.ADULT else _AGES.get(band, band) for band in bands)


def _listed(places: Sequence[str]) -> str:
    return ", ".join(place_words(place) for place in places)


def _words(code: str) -> str:
    return code.replace("_", " ")


def _covers(places: Sequence[str], place: str) -> bool:
    """Say whether one of the places holds this one. A part does not cover the whole: the case may be in another."""
    return any(place == known or place.startswith(f"{known}-") for known in places)


def _meet(first: str, second: str) -> bool:
    return first == second or first.startswith(f"{second}-") or second.startswith(f"{first}-")


def _apart(theirs: Collection[str], ours: Collection[str]) -> bool:
    return bool(theirs) and bool(ours) and not set(theirs) & set(ours)
