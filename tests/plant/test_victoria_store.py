"""VictoriaMetrics: the contract as far as a store of numbers can keep it, and what it forgets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from itertools import count
from pathlib import Path
from random import Random

import pytest

from plant.dead_letters import DeadLetters
from plant.settling import writer_for
from plant.stores.check import NOT_KEPT, TOO_OLD
from plant.stores.influx import InfluxStore
from plant.stores.store import STATION_STATE, Points, Refusal, Store
from plant.writer import Item
from stations.status import BAD_SENSOR_FAILURE, GOOD, UNCERTAIN
from tests.plant.plant import ManualClock
from tests.plant.points import T0, Row, angles, points
from tests.plant.store_contract import EVER, StoreContract, expected, stored
from tests.servers import VictoriaMetrics, until
from wire.clock import SystemClock
from wire.site import StoreConfig
from wire.sparkplug.effects import EdgeId

pytestmark = pytest.mark.system
DATABASES = count(1)


def config(server: VictoriaMetrics) -> StoreConfig:
    return StoreConfig(
        url=f"influxdb://127.0.0.1:{server.port}/refit_{next(DATABASES)}", version="victoria",
        keep_ms=10_000 * 86_400_000, dead_letters=Path("dead.db"),
    )  # fmt: skip


class Flushed(InfluxStore):
    """Shows at once what was written; without that a new series is seen after ten seconds."""

    server: VictoriaMetrics

    def write(self, points: Sequence[Points]) -> list[list[Refusal]]:
        refused = super().write(points)
        self.server.flush()
        return refused


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[VictoriaMetrics]:
    with VictoriaMetrics(tmp_path_factory.mktemp("victoria")) as server:
        yield server


class TestVictoria(StoreContract):
    """Left out: texts and arrays, more than 12 digits, small numbers beside huge ones (a block of
    a series has one power of ten), and a value that is rewritten."""

    test_an_element_without_value_is_kept_in_its_array = None  # type: ignore[assignment]
    test_columns_survive_whatever_they_hold = None  # type: ignore[assignment]
    test_writing_again_in_any_order_changes_nothing = None  # type: ignore[assignment]
    test_of_one_time_the_last_written_wins = None  # type: ignore[assignment]
    test_a_refused_sample_takes_no_other_with_it = None  # type: ignore[assignment]
    test_a_sample_without_value_fits_every_type = None  # type: ignore[assignment]
    test_series_tell_what_is_kept = None  # type: ignore[assignment]

    @pytest.fixture
    def new_store(self, server: VictoriaMetrics) -> Iterator[Callable[[], Store]]:
        with ExitStack() as stack:

            def new() -> Store:
                store = Flushed(config(server), since_ms=0)
                store.server = server
                return stack.enter_context(closing(store))

            yield new

    @pytest.fixture
    def store(self, new_store: Callable[[], Store]) -> Store:
        return new_store()

    def test_what_is_written_is_read_back(self, store: Store) -> None:
        rows: list[Row] = [
            ("guard", T0, GOOD, True), ("guard", T0 + 1, UNCERTAIN, False),
            ("state", T0, GOOD, -(2**53)), ("state", T0 + 1, 0xFFFF_FFFF, 2**53),
            ("angle", T0, UNCERTAIN, 0.125), ("angle", T0 + 1, GOOD, -123456.789),
            ("angle", T0 + 2, BAD_SENSOR_FAILURE, None), ("angle", T0 + 3, 0x480, 0.000001),
        ]  # fmt: skip
        assert store.write([points(rows)]) == [[]]
        assert stored(store) == expected(rows)
        assert store.count() == len(rows)
        store.write([points(rows)])
        assert store.count() == len(rows)

    def test_what_it_would_turn_into_zeros_is_refused(self, store: Store) -> None:
        rows: list[Row] = [
            ("visit", T0, GOOD, "v-1"), ("counts", T0, GOOD, [1]), ("cells", T0, GOOD, [1.5]),
            ("angle", T0, GOOD, 1.0),
        ]  # fmt: skip
        assert [one.reason for one in store.write([points(rows)])[0]] == [NOT_KEPT] * 3
        assert store.write([points(rows[:1], measurement=STATION_STATE)]) == [[]]
        assert store.count() == 1


def test_samples_older_than_it_keeps_are_refused(tmp_path: Path) -> None:
    flags = ("-retentionPeriod=30d", "-memory.allowedBytes=64MB")
    with VictoriaMetrics(tmp_path, flags) as server, closing(InfluxStore(config(server))) as store:
        now = SystemClock().now_ms()
        refused = store.write([angles([1.0], now - 31 * 86_400_000), angles([1.0], now)])
        assert [[one.reason for one in part] for part in refused] == [[TOO_OLD], []]


def test_what_it_forgets_when_it_is_killed_is_written_again(tmp_path: Path) -> None:
    server, clock = VictoriaMetrics(tmp_path / "data"), ManualClock()
    with (
        server,
        closing(InfluxStore(config(server), since_ms=0)) as store,
        closing(DeadLetters(tmp_path / "dead.db")) as letters,
    ):
        writer = writer_for(store, letters, clock, Random(1))
        for position in range(1, 6):
            sample = angles([float(position)], T0 + position)
            writer.offer(Item(EdgeId("flins-vo", "pc-1"), sample, "outbox-1", position))

        def written(times: int) -> bool:
            clock.passed_ms += 20
            assert writer.write() == []
            return writer.tally.writes == times

        until(lambda: written(1), "everything is written", 30)
        server.stop(kill=True)
        server.start()
        server.flush()
        assert store.count() == 0, "it has forgotten what it had answered with 204"
        assert writer.samples == 5
        clock.passed_ms += 16_000
        until(lambda: written(2), "everything is written again", 30)
        clock.passed_ms += 14_000
        assert writer.write() == []
        clock.passed_ms += 1_100
        assert [item.position for item in writer.write()] == [1, 2, 3, 4, 5]
        assert writer.samples == 0 and writer.wait_s() is None
        server.flush()
        assert store.range("studio-1", "angle", *EVER).floats.tolist() == [1, 2, 3, 4, 5]
