"""What every store must do. A test module makes a class of it and gives it a `store` fixture."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plant.stores.check import (
    NOT_A_NUMBER,
    TEXT_LONG,
    TIME_ABSURD,
    TIME_FUTURE,
    TIME_MS_MIN,
    UNKNOWN_TAG,
    WRONG_TYPE,
)
from plant.stores.store import STATION_STATE, Points, Sample, Series, Store, TooManyRows
from stations.declare import Type
from stations.samples import build
from stations.status import BAD_NO_COMMUNICATION, BAD_SENSOR_FAILURE, GOOD, UNCERTAIN
from tests.plant.points import T0, TYPE_OF, Row, angles, points

EVER = (0, 1 << 52)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "guard": st.booleans(),
    "state": st.integers(-(2**63), 2**63 - 1),
    "angle": st.floats(allow_nan=False, allow_infinity=False),
    "visit": st.text(st.characters(exclude_categories=("Cs",)), max_size=40),
    "counts": st.lists(st.integers(-(2**63), 2**63 - 1), max_size=5),
    "cells": st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=5),
}
STATUSES = st.sampled_from([GOOD, GOOD, 0x480, UNCERTAIN, BAD_SENSOR_FAILURE, 0xFFFF_FFFF])
ROWS = st.lists(
    st.sampled_from(sorted(VALUES)).flatmap(
        lambda tag: st.tuples(
            st.just(tag),
            st.integers(T0, T0 + 20),
            STATUSES,
            st.one_of(st.none(), VALUES[tag]),
        )
    ),
    max_size=40,
)
FRESH = settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.differing_executors,  # one contract, several stores
    ],
)


def stored(store: Store, station: str = "studio-1") -> dict[tuple[str, int], tuple[int, Any]]:
    """All samples of a station, by tag and time."""
    found: dict[tuple[str, int], tuple[int, Any]] = {}
    for tag in TYPE_OF:
        rows = store.range(station, tag, *EVER)
        for i in range(len(rows)):
            found[tag, int(rows.time[i])] = (int(rows.status[i]), rows.row(i))
    return found


def expected(rows: list[Row]) -> dict[tuple[str, int], tuple[int, Any]]:
    """What a store must hold after these rows: of one tag and time the last."""
    return {(tag, time): (status, value) for tag, time, status, value in rows}


class StoreContract:
    """A base of test classes with the fixtures `store` and `new_store` (a new one each call)."""

    def test_what_is_written_is_read_back(self, store: Store) -> None:
        rows: list[Row] = [
            ("guard", T0, GOOD, True),
            ("state", T0, GOOD, -(2**63)),
            ("state", T0 + 1, GOOD, 2**63 - 1),
            ("angle", T0, UNCERTAIN, 0.1 + 0.2),
            ("visit", T0, GOOD, "v-2026-000123 é\n\0\U0001f697"),
            ("visit", T0 + 1, GOOD, ""),
            ("counts", T0, GOOD, [1, -2]),
            ("cells", T0, GOOD, [3.7, -0.5]),
            ("cells", T0 + 1, BAD_NO_COMMUNICATION, None),
        ]
        assert store.write([points(rows)]) == [[]]
        assert stored(store) == expected(rows)
        assert store.count() == len(rows)

    def test_an_element_without_value_is_kept_in_its_array(self, store: Store) -> None:
        assert store.write([points([("cells", T0, GOOD, [3.7, math.nan])])]) == [[]]
        assert repr(store.range("studio-1", "cells", *EVER).row(0)) == "[3.7, nan]"

    def test_nothing_is_written_by_nothing(self, store: Store) -> None:
        assert store.write([]) == []
        assert store.write([points([])]) == [[]]
        assert store.count() == 0

    def test_what_was_never_written_is_empty(self, store: Store) -> None:
        assert len(store.range("nobody", "angle", *EVER)) == 0
        assert len(store.mean("nobody", "angle", *EVER, 1000)) == 0
        last = store.last("nobody", "angle")
        assert last.latest is None and last.good is None

    @FRESH
    @given(rows=ROWS)
    def test_columns_survive_whatever_they_hold(
        self, new_store: Callable[[], Store], rows: list[Row]
    ) -> None:
        store = new_store()
        assert store.write([points(rows)]) == [[]]
        assert stored(store) == expected(rows)

    @FRESH
    @given(rows=ROWS, data=st.data())
    def test_writing_again_in_any_order_changes_nothing(
        self, new_store: Callable[[], Store], rows: list[Row], data: st.DataObject
    ) -> None:
        unique = [(*key, *value) for key, value in expected(rows).items()]
        again = data.draw(st.permutations(unique + unique))
        cuts = sorted(data.draw(st.lists(st.integers(0, len(again)), max_size=3)))
        store = new_store()
        for start, end in zip([0, *cuts], [*cuts, len(again)], strict=True):
            assert store.write([points(again[start:end])]) == [[]]
        assert stored(store) == expected(rows)
        assert store.count() == len(unique)

    def test_of_one_time_the_last_written_wins(self, store: Store) -> None:
        store.write([angles([1.0]), angles([2.0])])
        assert store.range("studio-1", "angle", *EVER).floats.tolist() == [2.0]
        store.write([points([("angle", T0, BAD_SENSOR_FAILURE, None)])])
        assert stored(store) == {("angle", T0): (BAD_SENSOR_FAILURE, None)}

    def test_a_range_ends_before_its_end(self, store: Store) -> None:
        store.write([angles([0.0, 1.0, 2.0, 3.0])])
        rows = store.range("studio-1", "angle", T0 + 100, T0 + 300)
        assert rows.time.tolist() == [T0 + 100, T0 + 200]

    def test_a_range_says_when_it_is_too_long(self, store: Store) -> None:
        store.write([angles([0.0, 1.0, 2.0])])
        assert len(store.range("studio-1", "angle", *EVER, rows_max=3)) == 3
        with pytest.raises(TooManyRows):
            store.range("studio-1", "angle", *EVER, rows_max=2)

    def test_old_points_after_new_ones_do_not_move_the_latest(self, store: Store) -> None:
        store.write([angles([7.0], T0 + 5000)])
        store.write([angles([1.0], T0)])
        assert store.last("studio-1", "angle").latest == Sample(T0 + 5000, GOOD, 7.0)

    def test_a_bad_sample_is_the_latest_but_not_the_latest_good(self, store: Store) -> None:
        store.write([angles([7.0]), points([("angle", T0 + 1, BAD_SENSOR_FAILURE, None)])])
        store.write([points([("angle", T0 + 2, UNCERTAIN, 9.0)])])
        last = store.last("studio-1", "angle")
        assert last.latest == Sample(T0 + 2, UNCERTAIN, 9.0)
        assert last.good == Sample(T0, GOOD, 7.0)

    def test_means_are_of_good_numbers_only(self, store: Store) -> None:
        start = T0 - T0 % 1000
        store.write([angles([1.0, 2.0, 6.0], start, 400)])
        store.write([points([("angle", start + 1, BAD_SENSOR_FAILURE, 999.0)])])
        store.write([points([("angle", start + 1500, GOOD, 8.0)])])
        means = store.mean("studio-1", "angle", start, start + 2000, 1000)
        assert means.time.tolist() == [start, start + 1000]
        assert means.mean.tolist() == [3.0, 8.0]
        assert means.count.tolist() == [3, 1]

    def test_means_of_texts_are_none(self, store: Store) -> None:
        store.write([points([("visit", T0, GOOD, "12")])])
        assert len(store.mean("studio-1", "visit", *EVER, 1000)) == 0

    def test_stations_are_kept_apart(self, store: Store) -> None:
        store.write([angles([1.0]), points([("angle", T0, GOOD, 2.0)], station="studio-2")])
        assert store.last("studio-1", "angle").latest == Sample(T0, GOOD, 1.0)
        assert store.last("studio-2", "angle").latest == Sample(T0, GOOD, 2.0)
        assert store.count("studio-2") == store.count("studio-1", "angle") == 1

    def test_the_historians_own_measurements_are_asked_for_by_name(self, store: Store) -> None:
        store.write([points([("guard", T0, GOOD, True)], measurement=STATION_STATE)])
        store.write([points([("guard", T0, GOOD, False)])])
        latest = store.last("studio-1", "guard", STATION_STATE).latest
        assert latest is not None and latest.value is True
        latest = store.last("studio-1", "guard").latest
        assert latest is not None and latest.value is False
        assert store.count() == store.count(measurement=STATION_STATE) == 1

    def test_series_tell_what_is_kept(self, store: Store) -> None:
        store.write([points([("cells", T0, GOOD, [1.0]), ("visit", T0, GOOD, "x")])])
        assert store.series() == [
            Series("flins-vo", "line-1", "studio-1", "studio", "cells", Type.FLOATS),
            Series("flins-vo", "line-1", "studio-1", "studio", "visit", Type.TEXT),
        ]

    @pytest.mark.parametrize(
        ("row", "reason"),
        [
            (("angle", T0, GOOD, math.nan), NOT_A_NUMBER),
            (("angle", T0, GOOD, math.inf), NOT_A_NUMBER),
            (("angle", T0, BAD_SENSOR_FAILURE, -math.inf), NOT_A_NUMBER),
            (("cells", T0, GOOD, [1.0, math.inf]), NOT_A_NUMBER),
            (("visit", T0, GOOD, "x" * 65_537), TEXT_LONG),
            (("visit", T0, GOOD, "é" * 32_769), TEXT_LONG),
            (("angle", TIME_MS_MIN - 1, GOOD, 1.0), TIME_ABSURD),
            (("angle", -5, GOOD, 1.0), TIME_ABSURD),
            (("angle", T0 + 1001 + 86_400_000, GOOD, 1.0), TIME_FUTURE),
            (("angle", 2**63 - 1, GOOD, 1.0), TIME_FUTURE),
        ],
    )
    def test_a_refused_sample_takes_no_other_with_it(
        self, store: Store, row: Row, reason: str
    ) -> None:
        good: list[Row] = [("angle", T0 + 5, GOOD, 5.0), ("visit", T0 + 5, GOOD, "x" * 65_536)]
        refused = store.write([points([good[0], row, good[1]]), angles([9.0], T0 + 9)])
        assert [[one.reason for one in part] for part in refused] == [[reason], []]
        assert (refused[0][0].station, refused[0][0].tag) == ("studio-1", row[0])
        assert refused[0][0].time_ms == row[1]
        assert len(refused[0][0].value) <= 200
        assert stored(store) == expected([*good, ("angle", T0 + 9, GOOD, 9.0)])

    def test_the_first_type_of_a_field_is_its_type(self, store: Store) -> None:
        store.write([angles([1.0])])
        wrong = points([("angle", T0 + 1, GOOD, "far")], types={"angle": Type.TEXT})
        assert [one.reason for one in store.write([wrong])[0]] == [WRONG_TYPE]
        renamed = {n: m for n, m in wrong.names.items() if m.name != "angle"} | {
            3: type(wrong.names[3])(3, "studio-9", "angle", Type.TEXT)
        }
        other = Points("s", "l", "studio-9", "studio", renamed, wrong.samples, T0)
        assert [one.reason for one in store.write([other])[0]] == [WRONG_TYPE]
        assert store.count() == 1

    def test_a_sample_without_value_fits_every_type(self, store: Store) -> None:
        rows: list[Row] = [(tag, T0, BAD_NO_COMMUNICATION, None) for tag in TYPE_OF]
        assert store.write([points(rows)]) == [[]]
        assert stored(store) == expected(rows)

    def test_a_number_that_no_birth_has_named_is_refused(self, store: Store) -> None:
        samples = build([(77, T0, GOOD, Type.FLOAT, 1.0)])
        refused = store.write([Points("s", "l", "studio-1", "studio", {}, samples, T0)])
        assert [(one.tag, one.reason) for one in refused[0]] == [("number 77", UNKNOWN_TAG)]

    def test_a_closed_store_may_be_closed_again(self, store: Store) -> None:
        store.close()
        store.close()
