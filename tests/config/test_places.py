"""Every key and item is found where it stands."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modconsole.config.places import Key, Place, locate

TRICKY = r"""
# [not.a.section]
top = "a # b"   # [nor this]
a.b.c = 1
"quoted key" = 'it'
[table]  # [x]
multi = QQQ
[inside]
key = "no"
\QQQ stillQQQ
literal = '''
[[also]]'''
list = [
  "one", # ]
  ["two", "]"],
  { three = 3, four = [4] },

]
inline = { x = 1, "y z" = { deep = true } }
when = 1979-05-27 07:32:00
[[many]]
id = 1
[many.sub]
of = "first"
[[many]]
id = 2
[[many.more]]
n = 1
[[many.more]]
n = 2
[many.sub.sub]
of = "second"
[ spaced . "out" ]
last=-1.5e3""".replace("QQQ", '"' * 3)


def keys(values: Any, above: Key = ()) -> set[Key]:
    pairs = values.items() if isinstance(values, dict) else enumerate(values)
    found: set[Key] = set()
    for name, value in pairs:
        found.add((*above, name))
        if isinstance(value, dict | list):
            found |= keys(value, (*above, name))
    return found


def test_every_key_of_a_tricky_text_has_a_place_and_no_other_has() -> None:
    assert set(locate(TRICKY)) == keys(tomllib.loads(TRICKY))


@pytest.mark.parametrize(
    ("key", "start"),
    [
        (("top",), "top ="),
        (("a", "b", "c"), "a.b.c"),
        (("quoted key",), '"quoted key"'),
        (("table", "list"), "list ="),
        (("table", "list", 0), '"one"'),
        (("table", "list", 1, 1), '"]"'),
        (("table", "list", 2, "four"), "four"),
        (("table", "inline", "y z", "deep"), "deep"),
        (("many", 0, "sub", "of"), 'of = "first"'),
        (("many", 1, "id"), "id = 2"),
        (("many", 1, "more", 1, "n"), "n = 2"),
        (("many", 1, "sub", "sub", "of"), 'of = "second"'),
        (("spaced", "out", "last"), "last="),
    ],
)
def test_a_place_is_where_an_editor_would_go(key: Key, start: str) -> None:
    place = locate(TRICKY)[key]

    assert TRICKY.splitlines()[place.line - 1][place.column - 1 :].startswith(start)


def test_lines_and_columns_count_from_one() -> None:
    assert locate("a = 1\r\n  b = 2\n") == {("a",): Place(1, 1), ("b",): Place(2, 3)}


@given(st.text(alphabet="[]{}=.,'\"# \n\\ab1", max_size=60))
def test_it_comes_to_an_end_on_anything(text: str) -> None:
    locate(text)


@given(
    st.recursive(
        st.one_of(st.integers(-9, 9), st.booleans(), st.text(max_size=8)),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(min_size=1, max_size=5), inner, max_size=3)
        ),
        max_leaves=12,
    ).filter(lambda value: isinstance(value, dict))
)
def test_what_tomlkit_writes_is_located_whole(values: dict[str, Any]) -> None:
    import tomlkit

    plain = {name: value for name, value in values.items() if name.isalnum() and name.isascii()}
    text = tomlkit.dumps(plain)
    found = {key for key in locate(text) if key[0] in plain}
    wanted = {
        key for key in keys(tomllib.loads(text)) if all(not isinstance(k, str) or k.isalnum() for k in key)
    }

    assert wanted <= found
