"""The lines of keys are those of the text, for every way in which TOML can write a key."""

from __future__ import annotations

import tomllib
from typing import Any

import tomli_w
from hypothesis import given
from hypothesis import strategies as st

from wire.site import positions

TEXT = """\
# a comment
top = 1
list = [
  "a",  # first
  { x = 1, "y z" = [2,
    3] },
]

[a.b]
c.d = 5
"é" = 'x'

[[s]]
k = 1

  [s.at]
  l = "x"

  [[s.inner]]
  m = 1

[[s]]
[s."q r"]
n = 2
[[s.inner]]
[[s.inner]]
o = '''
long
'''
p = 1
"""


def test_every_way_to_write_a_key_has_its_line() -> None:
    assert positions.lines(TEXT) == {
        ("top",): 2, ("list",): 3, ("list", 0): 4, ("list", 1): 5, ("list", 1, "x"): 5,
        ("list", 1, "y z"): 5, ("list", 1, "y z", 0): 5, ("list", 1, "y z", 1): 6,
        ("a",): 9, ("a", "b"): 9, ("a", "b", "c"): 10, ("a", "b", "c", "d"): 10,
        ("a", "b", "é"): 11,
        ("s",): 13, ("s", 0): 13, ("s", 0, "k"): 14, ("s", 0, "at"): 16, ("s", 0, "at", "l"): 17,
        ("s", 0, "inner"): 19, ("s", 0, "inner", 0): 19, ("s", 0, "inner", 0, "m"): 20,
        ("s", 1): 22, ("s", 1, "q r"): 23, ("s", 1, "q r", "n"): 24,
        ("s", 1, "inner"): 25, ("s", 1, "inner", 0): 25, ("s", 1, "inner", 1): 26,
        ("s", 1, "inner", 1, "o"): 27, ("s", 1, "inner", 1, "p"): 30,
    }  # fmt: skip


def paths(value: Any, path: positions.Key = ()) -> set[positions.Key]:
    """The paths of all keys and elements of a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value)
    found: set[positions.Key] = set()
    for key, inner in items:
        found.add((*path, key))
        if isinstance(inner, dict | list):
            found |= paths(inner, (*path, key))
    return found


KEYS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=8)
TREES = st.recursive(
    st.one_of(st.integers(-5, 5), st.booleans(), KEYS),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(KEYS, inner, max_size=3)),
    max_leaves=12,
)


@given(st.dictionaries(KEYS, TREES, max_size=5))
def test_the_paths_are_those_of_the_values(values: dict[str, Any]) -> None:
    text = tomli_w.dumps(values)
    assert set(positions.lines(text)) == paths(tomllib.loads(text))
