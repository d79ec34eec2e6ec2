"""The store's own list of series: births that change, entries that outlive retention."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any

import psutil
import pytest

from plant.stores.influx import InfluxStore
from plant.stores.influx import reading as reading_module
from plant.stores.influx.client import Client, Table
from plant.stores.influx.influxql import EARLIEST_MS
from plant.stores.influx.reading import Reading
from plant.stores.store import Series, StoreUnavailable
from stations.declare import Type
from stations.status import GOOD
from tests.plant.influx import config, opened
from tests.plant.plant import ManualClock
from tests.plant.points import T0, angles, points
from tests.plant.store_contract import EVER
from tests.servers import InfluxDB, until
from wire.sparkplug.metrics import MetricName

pytestmark = pytest.mark.system
DAY_MS = 86_400_000


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxDB]:
    with InfluxDB(tmp_path_factory.mktemp("influxdb")) as server:
        yield server


def test_a_new_birth_gives_a_number_another_name(server: InfluxDB) -> None:
    with opened(server) as store:
        first = angles([1.0])
        store.write([first])
        renamed = {3: MetricName(3, "studio-1", "turn", Type.FLOAT)}
        store.write([replace(angles([2.0], T0 + 1), names=renamed)])
        store.write([replace(angles([3.0], T0 + 2), names=first.names)])
        assert store.range("studio-1", "angle", *EVER).floats.tolist() == [1.0, 3.0]
        assert store.range("studio-1", "turn", *EVER).floats.tolist() == [2.0]


def test_an_entry_is_made_anew_so_that_it_outlives_its_samples(server: InfluxDB) -> None:
    clock = ManualClock()
    told = config(server)
    with closing(InfluxStore(told, clock)) as store:
        for day in range(5):
            for number in range(3):
                store.write([angles([1.0], T0 + day * DAY_MS + number)])
            clock.passed_ms += DAY_MS
    entries = server.rows('SELECT count(type) FROM "refit_series"', told.database)
    assert [row[1] for row in entries] == [5]


def test_series_of_another_historian_are_seen(server: InfluxDB) -> None:
    told = config(server)
    with closing(InfluxStore(told)) as writer, closing(InfluxStore(told)) as reader:
        assert reader.series() == []
        writer.write([points([("visit", T0, GOOD, "v-1")])])
        assert reader.last("studio-1", "visit").latest is not None
        assert reader.series() == [
            Series("flins-vo", "line-1", "studio-1", "studio", "visit", Type.TEXT)
        ]


def test_a_series_that_is_not_there_is_not_looked_for_at_each_question(
    server: InfluxDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The hours ask for gaps and stops of every station, and most never had one."""
    with closing(InfluxStore(config(server), clock := ManualClock())) as store:
        store.write([angles([1.0])])
        reads, read = [], Reading.catalog
        monkeypatch.setattr(Reading, "catalog", lambda *how: reads.append(how) or read(*how))
        for number in range(20):
            assert len(store.range(f"studio-{number + 2}", "reason", *EVER, "station_stop")) == 0
        assert len(reads) == 1
        clock.passed_ms += 1_000
        assert store.count("studio-9") == 0 and len(reads) == 2


def test_of_the_list_only_what_is_new_is_read_after_the_first_time(
    server: InfluxDB, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After three months InfluxDB reads all of it in many seconds: 10,000 series in 6."""
    told, clock = config(server), ManualClock()
    asked, read = list[int](), Reading.catalog

    def catalog(reading: Reading, since_ms: int) -> list[Table]:
        asked.append(since_ms)
        return read(reading, since_ms)

    monkeypatch.setattr(Reading, "catalog", catalog)
    with closing(InfluxStore(told, clock)) as writer, closing(InfluxStore(told, clock)) as reader:
        assert asked == [EARLIEST_MS] * 2
        for day in range(9):
            writer.write([angles([1.0], T0 + day * DAY_MS, station=f"studio-{day}")])
            clock.passed_ms += DAY_MS
            assert len(reader.series()) == day + 1
    assert min(asked[2:]) >= T0 - 2 * DAY_MS and max(asked) == T0 + 6 * DAY_MS
    with closing(InfluxStore(told, clock)) as again:
        assert len(again.series()) == 9


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long each answer with the list was waited for."""
    waited, ask = list[float](), Client.ask

    def asked(client: Client, statements: list[str], **how: Any) -> list[list[Table]]:
        waited.append(how["answer_s"])
        return ask(client, statements, **how)

    monkeypatch.setattr(Client, "ask", asked)
    monkeypatch.setattr(reading_module, "CATALOG_S", 0.2)
    return waited


def test_a_list_that_takes_long_is_waited_for_at_the_second_try(
    server: InfluxDB, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server stands still for the list, but not for whoever asks whether it is there."""
    request = Client.request

    def requested(client: Client, method: str, path: str, *more: Any, **how: Any) -> Any:
        if path == "/ping":
            os.kill(server.pid, signal.SIGCONT)
        return request(client, method, path, *more, **how)

    monkeypatch.setattr(Client, "request", requested)
    monkeypatch.setattr(reading_module, "PING_S", 60.0)
    with closing(Client(config(server))) as client:
        reading = Reading(client)
        process = psutil.Process(server.pid)
        os.kill(server.pid, signal.SIGSTOP)
        try:
            # Its threads stop one by one: one that has not yet could still answer.
            until(lambda: process.status() == psutil.STATUS_STOPPED, "the server stands still")
            with pytest.raises(StoreUnavailable, match="timed out"):
                reading.catalog()
            with pytest.raises(StoreUnavailable, match="database not found"):
                reading.catalog()
            with pytest.raises(StoreUnavailable):
                reading.catalog()
        finally:
            os.kill(server.pid, signal.SIGCONT)
    assert waits == [0.2, reading_module.SLOW_CATALOG_S, 0.2]


def test_a_link_that_is_dead_on_the_other_side_is_never_waited_for_long(
    server: InfluxDB, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is written meanwhile: it was two minutes once."""
    monkeypatch.setattr(reading_module, "PING_S", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as dead:
        told = config(server, url=f"influxdb://127.0.0.1:{dead.getsockname()[1]}/refit")
        with closing(Client(told)) as client:
            reading = Reading(client)
            for _ in range(3):
                with pytest.raises(StoreUnavailable):
                    reading.catalog()
    assert waits == [0.2] * 3


def test_names_that_need_escaping_are_found_again(server: InfluxDB) -> None:
    """In measurement, station, and tag: what InfluxQL and line protocol write otherwise."""
    names = ["a b", "a,b", "a=b", "it's", 'so "called"', "é ü", "time", "station", "x_q", "{[*]}"]
    with opened(server) as store:
        for number, name in enumerate(names):
            told = {3: MetricName(3, name, name, Type.FLOAT)}
            made = replace(angles([float(number)]), names=told, station=name, measurement=name)
            assert store.write([made]) == [[]]
        for number, name in enumerate(names):
            assert store.range(name, name, *EVER).floats.tolist() == [number]
            assert store.count(name) == 1
        assert len(store.series()) == len(names)
