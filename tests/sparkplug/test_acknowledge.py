"""Ranges of positions and the text that confirms them (section 5 of the protocol's rules)."""

from __future__ import annotations

import contextlib
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.sparkplug import acknowledge, commands
from wire.sparkplug.acknowledge import POSITION_MAX, RangeSet

ranges_drawn = st.lists(
    st.tuples(st.integers(1, 200), st.integers(0, 20)).map(lambda pair: (pair[0], sum(pair))),
    max_size=40,
)


@given(ranges_drawn)
def test_ranges_hold_what_was_added_merged_and_apart(added: list[tuple[int, int]]) -> None:
    held = RangeSet()
    expected: set[int] = set()
    for first, last in added:
        held.add(first, last)
        expected |= set(range(first, last + 1))
    got = held.ranges
    assert {p for first, last in got for p in range(first, last + 1)} == expected
    assert all(left[1] + 1 < right[0] for left, right in itertools.pairwise(got))
    assert all(p in held for p in expected)
    assert not any(p in held for p in range(230) if p not in expected)


@given(ranges_drawn)
def test_a_confirmation_is_read_as_it_was_written(added: list[tuple[int, int]]) -> None:
    held = RangeSet()
    for first, last in added:
        held.add(first, last)
    text = acknowledge.write("outbox-a", held.ranges)
    assert acknowledge.read(text) == ("outbox-a", held.ranges)


@given(st.lists(st.integers(1, 10_000), min_size=1, max_size=300))
def test_the_set_is_bounded_and_never_forgets_the_newest(positions: list[int]) -> None:
    held = RangeSet(ranges_max=8)
    for position in positions:
        held.add(position)
        assert len(held) <= 8 and position in held
    said = {p for first, last in held.ranges for p in range(first, last + 1)}
    assert said <= set(positions)


def test_the_form_of_the_text() -> None:
    assert acknowledge.write("a", [(1, 120), (125, 125), (130, 140)]) == "a 1-120,125,130-140"
    assert acknowledge.read("a ") == ("a", ())


def test_a_full_set_fits_the_longest_text() -> None:
    held = RangeSet()
    for i in range(acknowledge.RANGES_MAX):
        held.add(POSITION_MAX - 4 * i - 1, POSITION_MAX - 4 * i)
    assert len(held) == acknowledge.RANGES_MAX
    text = acknowledge.write("x" * 128, held.ranges)
    assert acknowledge.read(text)[1] == held.ranges


@pytest.mark.parametrize(
    "text",
    ["", " 1", "a 0", "a 2-1", "a 1,,2", "a -1", "a 1-", "a 1 2", "a x", "a " + "9" * 30,
     f"a {POSITION_MAX + 1}", "ä 1", "a ١", "a 1\n", "x" * 129 + " 1", "a " + "1," * 10_000],
)  # fmt: skip
def test_what_is_no_confirmation(text: str) -> None:
    with pytest.raises(ValueError, match=r"outbox|range|acknowledgement"):
        acknowledge.read(text)


@given(st.text(max_size=60))
def test_any_text_is_a_confirmation_or_none(text: str) -> None:
    with contextlib.suppress(ValueError):
        acknowledge.read(text)


@pytest.mark.parametrize(("first", "last"), [(0, 1), (-1, -1), (3, 2), (1, POSITION_MAX + 1)])
def test_what_is_no_range(first: int, last: int) -> None:
    with pytest.raises(ValueError, match="no range"):
        RangeSet().add(first, last)


def test_a_command_names_its_metric_and_has_no_sequence_number() -> None:
    from wire.sparkplug import codec

    for data in (commands.rebirth(5), commands.acknowledgement(5, "a", [(1, 2)])):
        payload = codec.decode(data)
        assert payload.seq is None and payload.timestamp == 5
        assert all(one.name and one.datatype and one.alias is None for one in payload.metrics)
    assert commands.read(commands.rebirth(5)).rebirth
    assert commands.read(commands.acknowledgement(5, "a", [(1, 2)])).confirmed == (
        ("a", ((1, 2),)),
    )
