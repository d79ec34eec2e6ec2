"""The contract and the refusals at a real InfluxDB 2.9.1, where `make influx2` has built it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from plant.stores.check import WRONG_TYPE
from plant.stores.factory import open_means
from plant.stores.influx import InfluxStore
from plant.stores.influx.touched import MINUTE_MS, SETTLE_MS
from plant.stores.store import Store, StoreUnavailable, StoreUnusable
from stations.declare import Type
from stations.status import BAD_SENSOR_FAILURE, GOOD
from tests.plant.influx import config, opened
from tests.plant.plant import ManualClock
from tests.plant.points import T0, Row, angles, points
from tests.plant.store_contract import EVER, StoreContract
from tests.servers import InfluxDB2
from wire.clock import SystemClock

pytestmark = pytest.mark.system
BEGIN = T0 - T0 % MINUTE_MS
DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxDB2]:
    with InfluxDB2(tmp_path_factory.mktemp("influxdb2")) as server:
        yield server


class TestInfluxDB2(StoreContract):
    @pytest.fixture
    def new_store(self, server: InfluxDB2) -> Iterator[Callable[[], Store]]:
        with ExitStack() as stack:
            yield lambda: stack.enter_context(opened(server))

    @pytest.fixture
    def store(self, new_store: Callable[[], Store]) -> Store:
        return new_store()


def test_the_data_model_and_the_buckets(server: InfluxDB2) -> None:
    with opened(server) as store:
        store.write([points([("angle", T0, GOOD, 1.0), ("visit", T0, GOOD, "v")])])
        store.write([points([("angle", T0 + 1, BAD_SENSOR_FAILURE, None)])])
        database = store.database
    assert server.rows('SELECT angle, visit, angle_q FROM "studio"', database) == [
        [T0, 1, "v", 0],
        [T0 + 1, None, None, BAD_SENSOR_FAILURE + 2**32],
    ]
    with opened(server, database) as again:  # the buckets and their mappings are there
        assert again.count() == 3


def test_types_outlive_a_restart_of_the_historian(server: InfluxDB2) -> None:
    told = config(server)
    with closing(InfluxStore(told)) as store:
        store.write([points([("cells", T0, GOOD, [1.5])])])
    wrong = points([("cells", T0 + 1, GOOD, "far")], types={"cells": Type.TEXT})
    with closing(InfluxStore(told)) as again:
        assert [one.reason for one in again.write([wrong])[0]] == [WRONG_TYPE]


def test_a_field_that_another_program_has_bent_is_refused_alone(server: InfluxDB2) -> None:
    with opened(server) as store:
        server.put(f"studio,station=other angle=7i {T0}", store.database)
        pairs = (("angle", 0.5), ("state", 7), ("guard", True))
        rows: list[Row] = [(tag, T0 + i, GOOD, value) for i in range(300) for tag, value in pairs]
        refused = store.write([points(rows)])
        assert {one.tag for one in refused[0]} == {"angle"} and len(refused[0]) == 300
        assert store.count() == 600


def test_points_beyond_the_retention_are_not_said_to_be_kept(server: InfluxDB2) -> None:
    now = SystemClock().now_ms()
    told = config(server, keep_ms=2 * DAY_MS)
    with closing(InfluxStore(told)):
        pass
    with closing(InfluxStore(told.model_copy(update={"keep_ms": 90 * DAY_MS}))) as store:
        refused = store.write([angles([1.0, 2.0], now - 9 * DAY_MS), angles([3.0], now)])
        assert [len(part) for part in refused] == [2, 0]
        assert store.count() == 1


def test_a_wrong_token_ends_with_a_word(server: InfluxDB2, tmp_path: Path) -> None:
    (tmp_path / "token").write_text("wrong")
    with pytest.raises(StoreUnusable, match="401"):
        InfluxStore(config(server, token_file=tmp_path / "token"))
    with pytest.raises(StoreUnusable, match="organisation"):
        InfluxStore(config(server, org="nobody"))


def test_nothing_is_lost_when_it_is_killed_after_its_last_204(tmp_path: Path) -> None:
    with InfluxDB2(tmp_path) as server, opened(server) as store:
        for run in range(2):
            for number in range(20):
                store.write([angles([1.0] * 50, T0 + 100_000 * run + 5_000 * number)])
            server.stop(kill=True)
            with pytest.raises(StoreUnavailable):
                store.write([angles([1.0])])
            server.start()
            assert store.count() == 1000 * (run + 1)


def test_means_of_a_minute(server: InfluxDB2, tmp_path: Path) -> None:
    told = config(server, dead_letters=tmp_path / "dead.db", keep_means_ms=10_000 * DAY_MS)
    clock = ManualClock()
    clock.passed_ms = 10 * MINUTE_MS
    with closing(InfluxStore(told)) as store:
        means = open_means(told, store, clock)
        assert means is not None
        with closing(means):
            store.write([angles([1.0, 2.0, 6.0], BEGIN)])
            clock.passed_ms += SETTLE_MS
            assert means.round() == 1
        assert store.range("studio-1", "angle", *EVER).floats.tolist() == [1.0, 2.0, 6.0]
    fields = 'angle, angle_min, angle_max, angle_count FROM "studio"'
    assert server.rows(f"SELECT {fields}", f"{told.database}_1m") == [[BEGIN, 3, 1, 6, 3]]
