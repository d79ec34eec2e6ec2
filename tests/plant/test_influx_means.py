"""Means of a minute at a real InfluxDB: also of what comes days late, also after a restart."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from plant.stores.factory import open_means
from plant.stores.influx import InfluxStore
from plant.stores.influx.means import AGAIN_MS, Means
from plant.stores.influx.touched import MINUTE_MS, SETTLE_MS
from plant.stores.store import StoreUnavailable, TooManyRows
from stations.status import BAD_SENSOR_FAILURE, GOOD
from tests.plant.influx import config
from tests.plant.plant import ManualClock
from tests.plant.points import T0, angles, points
from tests.servers import InfluxDB, until
from wire.site import StoreConfig

pytestmark = pytest.mark.system
BEGIN = T0 - T0 % MINUTE_MS
FIELDS = "angle, angle_min, angle_max, angle_count"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxDB]:
    with InfluxDB(tmp_path_factory.mktemp("influxdb")) as server:
        yield server


@pytest.fixture
def told(server: InfluxDB, tmp_path: Path) -> StoreConfig:
    return config(
        server, dead_letters=tmp_path / "samples.dead.db", keep_means_ms=10_000 * 86_400_000
    )


@pytest.fixture
def clock() -> ManualClock:
    clock = ManualClock()
    clock.passed_ms = 10 * MINUTE_MS
    return clock


@pytest.fixture
def store(told: StoreConfig) -> Iterator[InfluxStore]:
    with closing(InfluxStore(told)) as store:
        yield store


@pytest.fixture
def means(told: StoreConfig, store: InfluxStore, clock: ManualClock) -> Iterator[Means]:
    with closing(opened(told, store, clock)) as means:
        yield means


def opened(told: StoreConfig, store: InfluxStore, clock: ManualClock) -> Means:
    found = open_means(told, store, clock)
    assert found is not None
    return found


def rows(server: InfluxDB, told: StoreConfig) -> list[list[object]]:
    return server.rows(f'SELECT {FIELDS} FROM "studio"', f"{told.database}_1m")


def test_means_are_of_good_numbers_and_are_made_anew(
    server: InfluxDB, told: StoreConfig, store: InfluxStore, means: Means, clock: ManualClock
) -> None:
    store.write([angles([1.0, 2.0, 6.0], BEGIN, 1000), angles([4.0], BEGIN + 3 * MINUTE_MS)])
    store.write([points([("angle", BEGIN + 7, BAD_SENSOR_FAILURE, 999.0)])])
    store.write([points([("state", BEGIN, GOOD, 3), ("visit", BEGIN, GOOD, "v")])])
    assert means.round() == 0
    clock.passed_ms += SETTLE_MS
    assert means.round() == 2 and means.waiting == 0
    assert rows(server, told) == [[BEGIN, 3, 1, 6, 3], [BEGIN + 3 * MINUTE_MS, 4, 4, 4, 1]]
    assert server.rows('SELECT state, state_count FROM "studio"', f"{told.database}_1m") == [
        [BEGIN, 3, 1]
    ]
    store.write([angles([11.0], BEGIN + 5000)])  # late
    clock.passed_ms += 3 * 86_400_000
    assert means.round() == 1
    assert rows(server, told)[0] == [BEGIN, 5, 1, 11, 4]


def test_a_restarted_historian_computes_what_was_left(
    server: InfluxDB, told: StoreConfig, clock: ManualClock
) -> None:
    with closing(InfluxStore(told)) as store, closing(opened(told, store, clock)):
        store.write([angles([1.0, 3.0], BEGIN)])
    clock.passed_ms += SETTLE_MS
    with closing(InfluxStore(told)) as store, closing(opened(told, store, clock)) as means:
        assert means.round() == 1
    assert rows(server, told) == [[BEGIN, 2, 1, 3, 2]]


def test_what_cannot_be_computed_comes_again(tmp_path: Path, clock: ManualClock) -> None:
    server = InfluxDB(tmp_path / "data").start()
    told = config(server, dead_letters=tmp_path / "samples.dead.db", keep_means_ms=864_000_000_000)
    with closing(InfluxStore(told)) as store, closing(opened(told, store, clock)) as means:
        store.write([angles([1.0, 3.0], BEGIN)])
        server.stop()
        clock.passed_ms += SETTLE_MS
        with pytest.raises(StoreUnavailable):
            means.round()
        assert means.waiting == 1
        server.start()
        clock.passed_ms += AGAIN_MS + SETTLE_MS
        assert means.round() == 1
    server.stop()


@pytest.mark.parametrize(("rows_max", "waiting"), [(15, 0), (5, 3)])
def test_what_is_too_much_at_once_is_computed_in_parts_and_holds_up_no_other(
    server: InfluxDB, told: StoreConfig, store: InfluxStore, means: Means, clock: ManualClock,
    monkeypatch: pytest.MonkeyPatch, rows_max: int, waiting: int,
) -> None:  # fmt: skip
    monkeypatch.setattr("plant.stores.influx.reading.ROWS_MAX", rows_max)
    for minute in range(3):  # each of them is read, as one of its samples is not Good
        begin = BEGIN + minute * MINUTE_MS
        store.write(
            [angles([1.0] * 9, begin), points([("angle", begin + 9, BAD_SENSOR_FAILURE, 9)])]
        )
    store.write([angles([4.0], BEGIN, station="studio-9")])
    clock.passed_ms += SETTLE_MS
    with suppress(TooManyRows):
        means.round()
    clock.passed_ms += SETTLE_MS
    means.round()
    assert means.waiting == waiting
    other = [[BEGIN, 4, 4, 4, 1]]
    assert other[0] in rows(server, told)
    assert len(rows(server, told)) == 4 - waiting


def test_the_worker_runs_by_itself(
    server: InfluxDB, told: StoreConfig, store: InfluxStore, means: Means, clock: ManualClock
) -> None:
    store.write([angles([1.0, 2.0], BEGIN)])
    clock.passed_ms += SETTLE_MS
    means.start()
    until(lambda: means.counts["computed"], "a minute is computed", 60)
    assert rows(server, told) == [[BEGIN, 1.5, 1, 2, 2]]
