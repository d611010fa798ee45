"""What an approver signs has one form, and comes back from the log as it was."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from modconsole.core.approval import (
    ApprovalText,
    Verdict,
    file_name,
    parse_approval,
    ref_of,
    sealed_detail,
    verdict_sealed,
)
from modconsole.core.decision import ProtocolRef

AT = datetime(2026, 11, 23, 9, 12, tzinfo=UTC)
HASH = "0f" * 32
SAID = ApprovalText(
    "suicide-thoughts", "1.0.0", HASH, Verdict.APPROVED, "safeguarding_lead", AT, date(2027, 5, 1)
)
TEXT = f"""\
modconsole-approval/1
suicide-thoughts
1.0.0
sha256:{HASH}
approved
safeguarding_lead
2026-11-23T09:12:00Z
2027-05-01
"""


def test_it_is_eight_plain_lines_and_is_read_back() -> None:
    assert str(SAID) == TEXT
    assert parse_approval(TEXT) == SAID


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("approval/1", "approval/2"),
        ("suicide-thoughts", "Suicide thoughts"),
        ("1.0.0", ""),
        ("sha256:", "md5:"),
        (HASH, HASH[:-1]),
        (HASH, HASH.upper()),
        ("\napproved", "\nagreed"),
        ("safeguarding_lead", "anybody"),
        ("09:12:00Z", "09:12:00+00:00"),
        ("2027-05-01", "20270501"),
        ("2027-05-01\n", "2027-05-01"),
        ("2027-05-01\n", "2027-05-01\nand more\n"),
        ("approved\n", "approved \n"),
    ],
)
def test_any_other_form_is_refused(old: str, new: str) -> None:
    assert old in TEXT
    with pytest.raises(ValueError):  # noqa: PT011 - whichever line it is, the answer is the same
        parse_approval(TEXT.replace(old, new, 1))


def test_its_readable_part_in_the_log_gives_it_back() -> None:
    sealed_at = AT.replace(day=25)

    assert verdict_sealed(ref_of(SAID), sealed_detail(SAID), sealed_at) == SAID
    assert len(sealed_detail(SAID)) < 200
    assert sealed_detail(SAID).isascii()
    assert " " not in sealed_detail(SAID)


def test_an_entry_of_another_version_is_passed_over_and_one_without_detail_counts_from_its_sealing() -> None:
    assert verdict_sealed(ProtocolRef("a", "1", HASH, "blessed"), "", AT) is None
    assert verdict_sealed(ProtocolRef("a", "1", HASH, "approved"), "lead@then/now", AT) is None

    plain = verdict_sealed(ProtocolRef("a", "1", HASH, "approved"), "", AT)

    assert plain is not None
    assert (plain.at, plain.role) == (AT, "")


def test_its_file_says_what_it_is_and_is_no_yaml() -> None:
    names = {
        file_name(ApprovalText("a", "1", HASH, verdict, "clinical_lead", AT, date(2027, 1, 1)))
        for verdict in Verdict
    }

    assert names == {"a-0f0f0f0f0f0f.approval", "a-0f0f0f0f0f0f.withdrawal", "a-0f0f0f0f0f0f.extension"}
