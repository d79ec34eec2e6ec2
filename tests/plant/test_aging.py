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
        late = points([("angle", T0 - 2 * DAY_MS, GOOD, 1.0)])
        assert [one.reason for one in store.write([late])[0]] == [TOO_OLD]


def test_without_a_limit_all_is_kept(tmp_path: Path) -> None:
    with closing(SqliteStore(tmp_path / "a.db")) as store:
        written(store, 5, T0)
        store.write([angles([1.0], T0 + 900 * DAY_MS)])
        assert store.count() == 11
