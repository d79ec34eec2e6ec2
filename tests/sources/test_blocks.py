"""The planner: every unit once, no request over the limits, nothing read across what is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.sources.blocks import Unit, limits, plan, units_of
from edge.sources.modbus_plan import groups_of
from edge.sources.source import Item
from stations.declare import Register, Tag
from tests.sources.recorder import tag

TABLES = st.sampled_from(["coil", "discrete", "input", "holding"])
UNITS = st.lists(st.builds(Unit, st.integers(0, 3000), st.integers(1, 60)), min_size=1, max_size=60)
ADDRESSES = st.frozensets(st.integers(0, 3000), max_size=20)


@given(TABLES, UNITS, ADDRESSES, ADDRESSES)
def test_every_unit_lies_whole_in_exactly_one_block_within_the_limits(
    table: str, units: list[Unit], avoid: frozenset[int], cuts: frozenset[int]
) -> None:
    blocks = plan(table, units, avoid, cuts)
    planned = [unit for block in blocks for unit in block.units]
    assert sorted(planned) == sorted(set(units))
    for block in blocks:
        assert block.count <= limits(table).count_max
        for unit in block.units:
            assert block.start <= unit.start and unit.end <= block.start + block.count


@given(TABLES, UNITS, ADDRESSES, ADDRESSES)
def test_what_nobody_wants_is_read_only_in_small_gaps_that_nobody_refused(
    table: str, units: list[Unit], avoid: frozenset[int], cuts: frozenset[int]
) -> None:
    wanted = {at for unit in units for at in range(unit.start, unit.end)}
    for block in plan(table, units, avoid, cuts):
        extra = [at for at in range(block.start, block.start + block.count) if at not in wanted]
        assert not avoid.intersection(extra)
        assert not any(unit.start in cuts for unit in block.units[1:] if unit.start != block.start)
        run = 0
        for at in range(block.start, block.start + block.count):
            run = 0 if at in wanted else run + 1
            assert run <= limits(table).gap_max


@given(st.lists(st.integers(0, 60000), min_size=1, max_size=50, unique=True))
def test_registers_side_by_side_are_read_once(starts: list[int]) -> None:
    units = [Unit(start, 1) for start in starts]
    blocks = plan("input", units, frozenset(), frozenset())
    read = [at for block in blocks for at in range(block.start, block.start + block.count)]
    assert len(read) == len(set(read))
    assert set(starts) <= set(read)


def test_a_hundred_neighbours_are_one_request() -> None:
    assert len(plan("input", [Unit(i, 1) for i in range(100)], frozenset(), frozenset())) == 1


def test_a_power_of_ten_is_polled_with_its_tag() -> None:
    item = Item(1, tag("power", float, Register("holding", 10, "int16", scale_at=30)))
    assert units_of(item) == ("holding", (Unit(10, 1), Unit(30, 1)))


def test_a_long_array_is_cut_between_its_elements() -> None:
    cells = tag("cells", list[float], Register("input", 100, "float32", stride=8), length=96)
    _, units = units_of(Item(1, cells))
    assert all(unit.count <= 125 and (unit.start - 100) % 8 == 0 for unit in units)
    read = {at for unit in units for at in range(unit.start, unit.end)}
    assert {100 + 8 * i + word for i in range(96) for word in range(2)} <= read
    ((group,), impossible) = groups_of([Item(1, cells)], 1000)
    assert not impossible
    assert [len(step.members) for step in group.steps][-1] == 1
    assert sum(len(step.members) for step in group.steps) == 1


@pytest.mark.parametrize(
    "at", [Register("input", 0, "text", size=126), Register("input", 65535, "float32")]
)
def test_what_no_request_can_read_is_named_and_not_planned(at: Register) -> None:
    item = Item(1, tag("odd", str if at.format == "text" else float, at))
    groups, impossible = groups_of([item], 1000)
    assert groups == [] and list(impossible) == [1]


def test_each_interval_is_a_group_of_its_own() -> None:
    items = [
        Item(1, tag("fast", int, Register("input", 0), every_ms=100)),
        Item(2, tag("usual", int, Register("input", 1))),
    ]
    groups, _ = groups_of(items, 1000)
    assert [group.every_s for group in groups] == [0.1, 1.0]


def test_arrays_that_lie_in_one_another_are_read_together() -> None:
    volts = Tag(list[float], Register("holding", 100, stride=4), length=96, doc="Volts.")
    heat = Tag(list[float], Register("holding", 101, "int16", stride=4), length=96, doc="Heat.")
    units = [unit for tag in (volts, heat) for unit in units_of(Item(1, tag))[1]]
    blocks = plan("holding", units, frozenset(), frozenset())
    assert len(blocks) == 4
    asked = [at for block in blocks for at in range(block.start, block.start + block.count)]
    assert len(asked) == len(set(asked))
