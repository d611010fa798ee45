from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from modconsole.core.message import fill, placeholders, unfilled


def test_placeholders_are_named_once_in_order():
    assert placeholders("Hi {member_name}, {next_look}, {member_name}") == ("member_name", "next_look")


def test_other_braces_are_no_placeholders():
    assert placeholders("{Name} {} {a b} {{x}} {1a} { a }") == ("x",)


def test_known_values_are_put_in_and_unknown_or_empty_ones_stay_visible():
    text = fill(
        "Hi {member_name}, from {moderator_name} at {next_look}", {"member_name": "Robin", "next_look": ""}
    )

    assert text == "Hi Robin, from {moderator_name} at {next_look}"
    assert unfilled(text) == ("moderator_name", "next_look")


def test_a_value_is_never_read_as_a_template_again():
    text = fill("{a} {b}", {"a": "{b}", "b": "secret"})

    assert text == "{b} secret"
    assert unfilled(text) == ("b",), "a name that looks like a placeholder stops the sending rather than leak"


@given(st.text())
def test_a_text_without_placeholders_is_left_alone(text):
    if not placeholders(text):
        assert fill(text, {"a": "x"}) == text


@given(st.text(alphabet="{}ab_ "))
def test_once_everything_is_filled_nothing_stops_the_sending(body):
    assert unfilled(fill(body, dict.fromkeys(placeholders(body), "!"))) == ()
