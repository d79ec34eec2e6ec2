"""Samples that are older than the embedded store keeps: they go in steps, all others stay."""

from __future__ import annotations

from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest

from plant.stores.aging import ROUND_MS, Aging
from plant.stores.check import TOO_OLD
from plant.stores.factory import open_store
from plant.stores.settle import Settling
from plant.stores.sqlite import SqliteStore
from plant.stores.store import STATION_STATE
from stations.status import GOOD
from tests.plant.points import T0, Row, angles, points
from tests.plant.store_contract import EVER
from wire.site import StoreConfig

DAY_MS = 86_400_000


def written(store: SqliteStore, values: int, start_ms: int) -> None:
    rows: list[Row] = [
        (tag, start_ms + i, GOOD, value)
        for i in range(values)
        for tag, value in (("angle", float(i)), ("state", i))
    ]
    store.write([points(rows, received_ms=start_ms + values)])


@pytest.mark.parametrize("settled", [True, False])
def test_old_samples_go_in_steps_and_all_others_stay(tmp_path: Path, settled: bool) -> None:
    settling = Settling(rows_min=1, step_rows=10) if settled else Settling()
    aging = Aging(2 * DAY_MS, step_rows=7)
    with closing(SqliteStore(tmp_path / "a.db", settling=settling, aging=aging)) as store:
        written(store, 50, T0)
        written(store, 50, T0 + DAY_MS)
        if settled:
            for number in range(40):
                store.write([angles([1.0], T0 + DAY_MS + 1000 + number)])
        now, counts = T0 + 2 * DAY_MS + 5_000, []
        for number in range(40):
            store.write([angles([9.0], now + number)])
            counts.append(store.count() - number - 1)
        kept = 140 if settled else 100
        assert counts[0] > kept, "not all at once"
        assert counts[-1] == kept
        assert all(0 <= before - after <= 14 for before, after in pairwise(counts))
        assert store.range("studio-1", "state", *EVER).time.min() == T0 + DAY_MS


def test_a_round_begins_each_hour(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "a.db", aging=Aging(2 * DAY_MS))) as store:
        written(store, 5, T0)
        store.write([angles([1.0], T0 + 2 * DAY_MS - 60_000)])  # the first round
        store.write([angles([1.0], T0 + 2 * DAY_MS + 60_000)])
        assert store.count() == 12
        store.write([angles([1.0], T0 + 2 * DAY_MS - 60_000 + ROUND_MS)])
        assert store.count() == 3


def test_what_comes_too_late_is_refused(tmp_path: Path) -> None:
    told = StoreConfig(url=f"sqlite:{tmp_path / 'a.db'}", keep_ms=2 * DAY_MS)
    with closing(open_store(told)) as store:
        store.write([angles([1.0], T0)])
        late = points([("angle", T0 - 2 * DAY_MS - 1, GOOD, 1.0)])
        assert [one.reason for one in store.write([late])[0]] == [TOO_OLD]


def test_without_a_limit_all_is_kept(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "a.db")) as store:
        written(store, 5, T0)
        store.write([angles([1.0], T0 + 900 * DAY_MS)])
        assert store.count() == 11


def jumped(store: SqliteStore, days: int, machines: bool, steps: int = 1) -> None:
    """Writes when the clock of the historian is so far ahead, and that of the machines or not."""
    for number in range(steps):
        later = T0 + days * DAY_MS + number * ROUND_MS
        time = later if machines else T0 + number * 1000
        store.write([points([("angle", time, GOOD, 2.0)], received_ms=later)])


@pytest.mark.parametrize("machines", [True, False])
@pytest.mark.parametrize("is_new_process", [True, False])
def test_a_clock_that_jumps_months_ahead_deletes_nothing(
    tmp_path: Path, machines: bool, is_new_process: bool
) -> None:
    path = tmp_path / "a.db"
    store = SqliteStore(path, aging=Aging(2 * DAY_MS))
    written(store, 50, T0 - DAY_MS)
    if is_new_process:
        store.close()
        store = SqliteStore(path, aging=Aging(2 * DAY_MS))
    jumped(store, 100, machines, steps=100)
    assert store.range("studio-1", "angle", *EVER).time.min() == T0 - DAY_MS
    assert store.write([angles([3.0], T0 + 60_000)]) == [[]], "what the machines say is no too old"
    store.close()


def test_what_the_historian_says_itself_is_no_clock(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "a.db", aging=Aging(2 * DAY_MS))) as store:
        written(store, 50, T0)
        own = points(
            [("angle", T0 + 5 * DAY_MS, GOOD, 1.0)],
            measurement=STATION_STATE, received_ms=T0 + 5 * DAY_MS,
        )  # fmt: skip
        store.write([own])
        store.write([own])
        assert store.count() == 100


def test_after_a_week_in_the_new_time_it_is_believed(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "a.db", aging=Aging(2 * DAY_MS))) as store:
        written(store, 5, T0)
        for day in range(100, 109):
            jumped(store, day, machines=True, steps=2)
        assert store.range("studio-1", "angle", *EVER).time.min() >= T0 + 100 * DAY_MS
