"""The real historian on the wire, in both versions of MQTT, before the judge; deaths and gaps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from plant.process import host_settings
from plant.stores.store import EDGE_HEALTH, STATION_STATE
from refit.conformance import assertions
from refit.conformance.judge import Book
from tests.mqtt.conftest import BrokerAt
from tests.servers import Mosquitto, until
from tests.sparkplug.plant import AGENT, angles, edge_node, foreign, sent
from tests.sparkplug.play_host import play, states
from tests.sparkplug.proofs import proves
from tests.sparkplug.real import (
    CLOCK,
    PATIENCE_S,
    Director,
    RealEdge,
    RealHost,
    bd_seq_metric,
    unknown_data,
)
from tests.wire_tap import WireTap
from wire.site import Site
from wire.sparkplug.edge_node import EdgeNode
from wire.topics import Verb

pytestmark = pytest.mark.system
HERE = f"tests/sparkplug/{Path(__file__).name}::test_the_host_keeps"
ONE_VERSION = {
    "tck-id-message-flow-phid-sparkplug-clean-session-311": "3.1.1",
    "tck-id-message-flow-phid-sparkplug-clean-session-50": "5",
}
HOST_DATATYPE = "tck-id-payloads-metric-datatype-not-req"
OPS = "tck-id-operational-behavior"
ACTION = f"{OPS}-edge-node-termination-host-action"


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mosquitto]:
    """A broker of these tests alone."""
    with Mosquitto(tmp_path_factory.mktemp("broker")) as server:
        yield server


@pytest.fixture(scope="module")
def books(broker: Mosquitto, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Book]:
    """What the judge says of the host, by the version of MQTT."""
    found = {}
    for version in ("3.1.1", "5"):
        with WireTap(broker.port) as tap:
            found[version] = play(tap, tmp_path_factory.mktemp("host"), version)
    return found


def test_the_judge_finds_in_the_host_what_it_does_on_purpose_and_nothing_else(
    books: dict[str, Book],
) -> None:
    assert [set(book.broken) for book in books.values()] == [{HOST_DATATYPE}] * 2


@pytest.mark.parametrize("id", [one.id for one in assertions() if HERE in one.tests])
def test_the_host_keeps(books: dict[str, Book], id: str) -> None:
    wanted = ONE_VERSION.get(id)
    for version, book in books.items():
        if wanted in (None, version):
            assert book.status(id) == "held", book.said()


@proves("requirement-26")
def test_after_anothers_newer_state_the_host_comes_back_with_a_time_above_it(
    books: dict[str, Book],
) -> None:
    assert [book.status("requirement-26") for book in books.values()] == ["held", "held"]


@proves("requirement-26")
def test_agents_that_anothers_state_has_sent_away_come_back(
    host: RealHost, director: Director, broker: Mosquitto, tmp_path: Path
) -> None:
    edge = RealEdge(BrokerAt(broker.port), tmp_path)
    try:
        director.until("DBIRTH/saw")
        edge.commit("press", 1.0)
        until(lambda: edge.outbox.fill().batches == 0, "it is confirmed", PATIENCE_S)
        director.state(False, CLOCK.now_ms() + 2_000)
        director.until("NDEATH")
        edge.commit("press", 2.0)
        director.until("DBIRTH/saw", 2)
        until(lambda: len(forces(host)) == 2, "what was taken meanwhile is there", PATIENCE_S)
        assert forces(host) == [1.0, 2.0]
    finally:
        edge.stop()


def forces(host: RealHost) -> list[float]:
    """What the store has of the press."""
    rows = host.store.range("press", "force", 0, 1 << 52)
    return [rows.row(i) for i in range(len(rows))]


@pytest.fixture
def director(broker: Mosquitto) -> Iterator[Director]:
    """Who plays the edge nodes."""
    made = Director(BrokerAt(broker.port))
    yield made
    made.close()


@pytest.fixture
def host(broker: Mosquitto, director: Director, tmp_path: Path) -> Iterator[RealHost]:
    """A historian that is online."""
    made = RealHost(BrokerAt(broker.port), folder=tmp_path)
    until(lambda: any(online for online, _ in states(director)), "it is online", PATIENCE_S)
    yield made
    made.stop()


def born(director: Director, host: RealHost) -> EdgeNode:
    """An edge node with two devices that the historian knows."""
    node = edge_node()
    director.perform(node.connected(CLOCK.now_ms(), 0))
    until(lambda: len(alive(host)) == 3, "the node and its devices are known", PATIENCE_S)
    return node


def alive(host: RealHost) -> set[str]:
    """Agents and stations that the historian shows as online."""
    view = host.historian.latest.view()
    shown = {**view.agents, **view.stations}
    return {name for name, one in shown.items() if one.online}


@proves(
    f"{ACTION}-ndeath-node-offline",
    f"{ACTION}-ndeath-node-tags-stale",
    f"{ACTION}-ndeath-devices-offline",
    f"{ACTION}-ndeath-devices-tags-stale",
)
def test_a_death_of_a_node_takes_it_and_its_devices_at_the_time_of_the_host(
    host: RealHost, director: Director
) -> None:
    born(director, host)
    before_ms = CLOCK.now_ms()
    an_hour_ago = before_ms - 3_600_000
    director.perform([foreign(Verb.NDEATH, None, bd_seq_metric(0), at=an_hour_ago)])
    until(lambda: not alive(host), "all of it is offline", PATIENCE_S)
    view = host.historian.latest.view()
    for name, one in {**view.agents, **view.stations}.items():
        assert before_ms <= one.since_ms <= CLOCK.now_ms(), name
    for station, measurement in ((AGENT, EDGE_HEALTH), ("table-1", STATION_STATE),
                                 ("table-2", STATION_STATE)):  # fmt: skip
        until(
            lambda at=(station, measurement): goes_offline(host, *at, before_ms),
            f"the store says that {station} is offline, at the time of the host", PATIENCE_S,
        )  # fmt: skip


def goes_offline(host: RealHost, station: str, measurement: str, from_ms: int) -> bool:
    """Whether the store has it offline at or after a time, and as the last word."""
    rows = host.store.range(station, "online", 0, 1 << 52, measurement)
    return len(rows) > 0 and rows.row(-1) is False and int(rows.time[-1]) >= from_ms


@proves(f"{ACTION}-ddeath-devices-offline", f"{ACTION}-ddeath-devices-tags-stale")
def test_a_death_of_a_device_takes_it_at_the_time_that_its_node_says(
    host: RealHost, director: Director
) -> None:
    node = born(director, host)
    until(lambda: CLOCK.now_ms() > node_birth_ms(host) + 50, "time goes on", PATIENCE_S)
    died_ms = CLOCK.now_ms()
    until(lambda: CLOCK.now_ms() > died_ms + 100, "it is on its way", PATIENCE_S)
    director.perform(node.device("table-1", False, died_ms))
    until(lambda: alive(host) == {AGENT, "table-2"}, "one device is offline", PATIENCE_S)
    assert host.historian.latest.view().stations["table-1"].since_ms == died_ms
    until(lambda: offline_at(host, "table-1") == died_ms, "the store says so too", PATIENCE_S)


def node_birth_ms(host: RealHost) -> int:
    """Since when the agent is online."""
    return host.historian.latest.view().agents[AGENT].since_ms


def offline_at(host: RealHost, station: str) -> int | None:
    """When the store has a station offline for the first time."""
    rows = host.store.range(station, "online", 0, 1 << 52, STATION_STATE)
    return next((int(rows.time[i]) for i in range(len(rows)) if rows.row(i) is False), None)


@proves(f"{OPS}-host-reordering-start", f"{OPS}-host-reordering-rebirth", "requirement-38")
def test_a_gap_that_stays_open_brings_a_rebirth_request(host: RealHost, director: Director) -> None:
    node = born(director, host)
    now_ms = CLOCK.now_ms()
    live = [sent(node.live("table-1", angles(1.0, start_ms=now_ms + i), i, now_ms)) for i in (1, 2)]
    director.perform(live[1])
    assert director.rebirths(AGENT) == 0, "a gap alone is no loss"
    until(lambda: director.rebirths(AGENT) == 1, "a rebirth request", PATIENCE_S)
    assert CLOCK.now_ms() >= now_ms + 500, "not before the time-out"


@proves(f"{OPS}-host-reordering-success", "requirement-38")
def test_a_gap_that_closes_in_time_brings_none(host: RealHost, director: Director) -> None:
    node = born(director, host)
    now_ms = CLOCK.now_ms()
    live = [sent(node.live("table-1", angles(1.0, start_ms=now_ms + i), i, now_ms)) for i in (1, 2)]
    director.perform([*live[1], *live[0]])
    until(lambda: CLOCK.now_ms() > now_ms + 1_200, "the time-out is over twice", PATIENCE_S)
    until(lambda: len(host.store.range("table-1", "angle", 0, 1 << 52)) == 2, "both", PATIENCE_S)
    assert director.rebirths(AGENT) == 0


@proves("requirement-35")
def test_a_hundred_unknown_aliases_bring_few_requests(host: RealHost, director: Director) -> None:
    born(director, host)
    director.perform([unknown_data(AGENT, "table-1", 900 + i, seq=3 + i) for i in range(100)])
    until(lambda: host.historian.host.counts["unknown metric"] == 100, "all of them", PATIENCE_S)
    until(lambda: director.rebirths(AGENT) >= 1, "a rebirth request", PATIENCE_S)
    assert director.rebirths(AGENT) <= 2
    assert host.historian.host.counts["rebirth: unknown metric"] == 100


@proves(f"{OPS}-host-reordering-param")
def test_the_site_file_says_how_long_a_gap_may_stay_open(tmp_path: Path) -> None:
    site = Site.model_validate({"name": "plant", "historian": {"reorder": "750 ms"}})
    assert host_settings(site).reorder_ms == 750
    assert host_settings(Site(name="plant")).reorder_ms == 2_000
