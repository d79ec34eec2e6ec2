"""The latest samples in memory: as a slow model says, whatever comes in whatever batches."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plant.latest import SIDE_BYTES_MAX, WAITING_ROWS, Latest
from plant.latest_columns import RECENT
from stations.declare import Type
from stations.samples import EMPTY, Samples, build
from stations.status import BAD_WAITING_FOR_INITIAL_DATA
from tests.sparkplug.plant import EDGE, T0
from wire.sparkplug.effects import Online, Received
from wire.sparkplug.lookup import Device
from wire.sparkplug.metrics import MetricName

VALUES: dict[Type, Any] = {
    Type.NONE: None, Type.BOOL: True, Type.INT: -7, Type.FLOAT: 1.5, Type.TEXT: "v-1",
    Type.FLOATS: [1.0, 2.5],
}  # fmt: skip
Row = tuple[int, int, int, Type, Any]
ROWS = st.lists(
    st.tuples(
        st.integers(0, 40), st.integers(0, 9), st.sampled_from([0, 0x8034_0000]),
        st.sampled_from(list(VALUES)),
    ).map(lambda row: (*row, VALUES[row[3]])),
    max_size=60,
)  # fmt: skip


def received(samples: Samples, device: Device | None = None) -> Received:
    return Received(EDGE, "table-1", samples, 1, "outbox", False, device or Device("table-1"))


def numbers_of(rows: list[Row]) -> list[float]:
    kinds = (Type.BOOL, Type.INT, Type.FLOAT)
    if not any(row[3] in kinds for row in rows):
        return []
    return [float(row[4]) if row[3] in kinds else math.nan for row in rows]


@given(st.lists(ROWS, max_size=5), st.sets(st.integers(0, 4)))
def test_the_latest_is_what_a_slow_model_says(batches: list[list[Row]], looks: set[int]) -> None:
    latest, held, kept = Latest(), dict[int, Row](), dict[int, list[Row]]()
    waiting: list[Row] = []
    for at, batch in enumerate(batches):
        latest.heard(received(build(batch)))
        waiting += batch
        if at in looks or at == len(batches) - 1:
            found = latest.view().current
            before = dict(held)
            for row in sorted(waiting, key=lambda row: row[1]):
                if row[0] not in before or row[1] >= before[row[0]][1]:
                    held[row[0]] = row
                    kept.setdefault(row[0], []).append(row)
            waiting = []
            assert {n: (one.time_ms, one.status, one.value) for n, one in found.items()} == {
                n: (row[1], row[2], row[4]) for n, row in held.items()
            }
            assert {n: one.count for n, one in found.items()} == {
                n: len(rows) for n, rows in kept.items()
            }
            for number, one in found.items():
                np.testing.assert_array_equal(one.recent, numbers_of(kept[number][-RECENT:]))


def test_only_what_has_changed_since_is_told() -> None:
    latest = Latest()
    latest.heard(received(build([(1, T0, 0, Type.INT, 1), (2, T0, 0, Type.INT, 2)])))
    first = latest.view()
    assert latest.view(first.revision).current == {}
    latest.heard(received(build([(2, T0 + 1, 0, Type.INT, 3)])))
    second = latest.view(first.revision)
    assert {number: one.value for number, one in second.current.items()} == {2: 3}
    assert not second.names_changed


def test_a_birth_tells_values_that_are_newer_and_none_that_are_known() -> None:
    latest = Latest()
    latest.heard(received(build([(1, T0, 0, Type.INT, 1), (2, T0, 0, Type.INT, 2)])))
    before = latest.view().revision
    values = [(1, T0, 0, Type.INT, 9), (2, T0 + 1, 0, Type.INT, 8), (3, T0, 0, Type.TEXT, "x")]
    device = Device("table-1", names={3: MetricName(3, "table-1", "word", Type.TEXT)})
    latest.born(Online(EDGE, "table-1", T0, device, build(values)))
    view = latest.view(before)
    assert view.names_changed
    assert {number: one.value for number, one in view.current.items()} == {2: 8, 3: "x"}
    assert view.devices == {"table-1": device}


def test_what_a_birth_has_not_read_yet_hides_no_sample_that_comes_later() -> None:
    latest = Latest()
    unread = build([(1, T0 + 9, BAD_WAITING_FOR_INITIAL_DATA, Type.TEXT, None)])
    latest.born(Online(EDGE, "table-1", T0 + 9, Device("table-1"), unread))
    assert latest.view().current == {}
    latest.heard(received(build([(1, T0, 0, Type.TEXT, "v-1")])))
    assert latest.view().current[1].value == "v-1"


def test_what_waits_and_what_is_kept_is_bounded() -> None:
    latest = Latest(tags_max=1_500)
    rows = np.arange(3_000, dtype=np.uint32)
    nothing = np.zeros(3_000, np.uint64)
    samples = Samples(
        rows, nothing.astype(np.int64) + T0, nothing.astype(np.uint32),
        nothing.astype(np.uint8) + np.uint8(Type.INT), nothing,
    )  # fmt: skip
    for _ in range(2 * WAITING_ROWS // 3_000):
        latest.heard(received(samples))
    assert latest.beyond >= WAITING_ROWS // 2  # folded although nobody asked
    assert len(latest.view().current) == 1_500


def test_a_text_that_is_too_long_costs_its_value_alone() -> None:
    latest = Latest()
    latest.heard(received(build([(1, T0, 0, Type.TEXT, "x" * (SIDE_BYTES_MAX + 1))])))
    one = latest.view().current[1]
    assert (one.value, one.status, one.time_ms) == (None, 0, T0)


@pytest.mark.parametrize(("kind", "entry"), [(Type.TEXT, b"\xff\xfe"), (Type.FLOATS, b"torn")])
def test_a_torn_value_costs_itself_alone(kind: Type, entry: bytes) -> None:
    latest = Latest()
    rows = build([(1, T0, 0, Type.TEXT, "whole"), (2, T0, 0, Type.TEXT, "")])
    rows.type[1] = kind
    latest.heard(received(replace(rows, side=(b"whole", entry))))
    assert [one.value for one in latest.view().current.values()] == ["whole", None]


@pytest.mark.parametrize("value", [1e300, math.inf, math.nan])
def test_a_number_beyond_the_small_floats_is_no_error(value: float) -> None:
    latest = Latest()
    latest.heard(received(build([(1, T0, 0, Type.FLOAT, value)])))
    recent = latest.view().current[1].recent
    assert orjson.dumps(recent, option=orjson.OPT_SERIALIZE_NUMPY) in (b"[null]", b"[]")


def test_since_when_a_station_is_there_survives_a_second_birth() -> None:
    latest = Latest()
    latest.said(EDGE, "table-1", False, "NDEATH", 10)
    latest.said(EDGE, "table-1", True, "", 20)
    latest.said(EDGE, "table-1", True, "", 30)
    latest.said(EDGE, "", True, "", 40)
    view = latest.view()
    assert view.stations["table-1"].since_ms == 20
    assert view.agents["pc-1"].since_ms == 40


def test_nothing_is_known_of_nothing() -> None:
    latest = Latest()
    latest.heard(received(EMPTY))
    assert latest.view().current == {}
