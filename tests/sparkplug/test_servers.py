"""Several MQTT servers: the historian is at each, an agent at one, and goes where the host is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import pytest

from refit.conformance import assertions
from refit.conformance.judge import Book, judge
from refit.conformance.packets import Recorder
from tests.mqtt.conftest import BrokerAt
from tests.servers import Mosquitto, until
from tests.sparkplug.doubles import wire
from tests.sparkplug.doubles.payloads import payload, state
from tests.sparkplug.plant import angles, edge_node
from tests.sparkplug.play_edge import GRACE_MS
from tests.sparkplug.play_host import states
from tests.sparkplug.real import CLOCK, HOST, PATIENCE_S, Director, RealEdge, RealHost
from tests.wire_tap import WireTap
from wire import topics
from wire.sparkplug.effects import Disconnect, EdgeId, HostEffect, Offline, Publish, Received
from wire.sparkplug.host import Host
from wire.sparkplug.state import HOST_WAIT_MS

HERE = f"tests/sparkplug/{Path(__file__).name}::test_at_several_servers"
ON_PURPOSE = {"tck-id-payloads-metric-datatype-not-req"}


class Yard:
    """Two brokers behind taps that share a recorder, the historian at both, an agent at one."""

    def __init__(self, servers: Sequence[Mosquitto], folder: Path, version: str) -> None:
        recorder = Recorder()
        self.servers = servers
        self.taps = [WireTap(one.port, recorder, number) for number, one in enumerate(servers)]
        self.directors = [Director(BrokerAt(one.port)) for one in servers]
        places = [BrokerAt(tap.port, version=version) for tap in self.taps]  # type: ignore[arg-type]
        self.host = RealHost(*places, folder=folder)
        for number in (0, 1):
            self.until_online(number, 1)
        self.edge = RealEdge(places[0], folder, others=places[1:])

    def until_online(self, number: int, count: int) -> None:
        """Wait until the host has said at a server so often that it is there."""
        online = lambda: sum(up for up, _ in states(self.directors[number]))  # noqa: E731
        until(lambda: online() >= count, f"online at {number} for the {count}th time", PATIENCE_S)

    def until_born(self, number: int) -> None:
        """Wait until the agent is born at a server."""
        at = f":{self.taps[number].port}"
        until(
            lambda: self.edge.node.can_send and self.edge.session.address.endswith(at),
            f"the agent is at server {number}", PATIENCE_S,
        )  # fmt: skip

    def confirmed(self, force: float) -> None:
        """A sample goes to the historian and is confirmed, wherever they meet."""
        self.edge.commit("press", force)
        until(lambda: self.edge.outbox.fill().batches == 0, "it is confirmed", PATIENCE_S)

    def close(self) -> None:
        self.edge.stop()
        self.host.stop()
        for director in self.directors:
            director.session.disconnect()
        for tap in self.taps:
            tap.close()


def play(yard: Yard) -> None:
    """The host is away here, then there; its STATE is put right; a server is gone."""
    yard.until_born(0)
    yard.confirmed(1.0)
    yard.directors[0].state(False, CLOCK.now_ms() + 500)  # a newer one: the host gets over it
    yard.until_born(1)
    yard.until_online(0, 2)
    yard.confirmed(2.0)
    _, said_ms = states(yard.directors[1])[-1]
    yard.directors[1].state(False, said_ms - 1)  # an old one: it is put right as it was
    until(lambda: states(yard.directors[1])[-1] == (True, said_ms), "put right", PATIENCE_S)
    yard.servers[1].stop(kill=True)
    yard.until_born(0)
    told = [f"no connection to the broker 127.0.0.1:{yard.taps[1].port}"]
    problems = yard.host.historian.links.problems
    until(lambda: problems() == told, "the historian says which one is gone", PATIENCE_S)
    yard.confirmed(3.0)


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Book]]:
    """What the judge says, by the version of MQTT."""
    found = {}
    folder = tmp_path_factory.mktemp("servers")
    with Mosquitto(folder) as one, Mosquitto(folder) as other:
        for version in ("3.1.1", "5"):
            place = folder / version
            place.mkdir()
            yard = Yard((one, other), place, version)
            try:
                play(yard)
                rows = yard.host.store.range("press", "force", 0, 1 << 52)
                assert [rows.row(i) for i in range(len(rows))] == [1.0, 2.0, 3.0]
            finally:
                yard.close()
                other.stop()
                other.start()
            log = yard.taps[0].recorder.log
            found[version] = judge(log, primary=HOST, grace_ms=GRACE_MS)
    yield found


@pytest.mark.system
def test_the_judge_finds_nothing_at_several_servers(books: dict[str, Book]) -> None:
    assert [set(book.broken) - ON_PURPOSE for book in books.values()] == [set()] * 2


@pytest.mark.system
@pytest.mark.parametrize("id", [one.id for one in assertions() if HERE in one.tests])
def test_at_several_servers(books: dict[str, Book], id: str) -> None:
    # On a busy machine the host may be back before the agent has left: nothing to judge then.
    said = {book.status(id) for book in books.values()}
    assert "held" in said
    assert said <= {"held", "not exercised"}


STATE = topics.state(HOST)
OPS = "tck-id-operational-behavior"
EVERYWHERE = f"{OPS}-primary-application-state-with-multiple-servers-state-subs"
WALK = f"{OPS}-primary-application-state-with-multiple-servers-walk"
TIMES = f"{OPS}-host-application-multi-server-timestamp"
DEATH = ("spBv1.0/plant/NDEATH/pc-1", payload(wire.START_MS, None).SerializeToString(), 1, False)


class Double(wire.Client):
    """A host at two servers, or an edge node that goes from one to the other."""

    def at(self, server: int, client: str, will: tuple[str, bytes, int, bool]) -> int:
        """Another connection, to a server; its number."""
        self.connection = self.recorder.begin(server)
        self.say(wire.connect(client, version=4, will=will))
        self.say(wire.connack(4), by_broker=True)
        return self.connection

    def host(self) -> None:
        """Online at both; put right at the first one, with the time that holds there."""
        times, connections = [], []
        for server in (0, 1):
            times.append(self.now_ms)
            connections.append(
                self.at(server, "host", (STATE, state(False, times[server]), 1, True))
            )
            if not (self.has("silent at one") and server):
                self.publish(STATE, state(True, times[server]), 1, True)
        self.connection = connections[0]
        self.publish(STATE, state(True, times[self.has("one time for all")]), 1, True)

    def edge(self) -> None:
        """Its host is offline at the first server: on to the next one."""
        for server in (0, 0 if self.has("comes back") else 1):
            self.at(server, "edge", DEATH)
            wanted = "spBv1.0/plant/NCMD/pc-1" if self.has("hears no STATE") else STATE
            self.say(wire.subscribe([(wanted, 1)], 4))
            if not server:
                self.hear(STATE, state(False, self.now_ms))
                self.wait(30_000 if self.has("stays") else 0)
            self.end()


@pytest.mark.parametrize(
    ("fault", "broken"),
    [
        ("", set()),
        ("silent at one", {EVERYWHERE}),
        ("one time for all", {TIMES}),
        ("comes back", {WALK}),
        ("stays", {WALK}),
        ("hears no STATE", {EVERYWHERE}),
    ],
)
def test_the_judge_sees_who_does_wrong_at_several_servers(fault: str, broken: set[str]) -> None:
    double = Double((fault,))
    double.host()
    double.edge()
    book = judge(double.recorder.log, primary=HOST)
    assert {one for one in (EVERYWHERE, WALK, TIMES) if book.status(one) == "violated"} == broken
    if not fault:
        assert [book.status(one) for one in (EVERYWHERE, WALK, TIMES)] == ["held"] * 3


def test_a_node_waits_a_little_for_the_first_word_and_goes_on() -> None:
    node = edge_node(primary=HOST, walks=True)
    assert node.connected(10_000, 0) == []
    assert node.tick(10_000 + HOST_WAIT_MS - 1) == []
    (effect,) = node.tick(10_000 + HOST_WAIT_MS)
    assert isinstance(effect, Disconnect)
    assert effect.again
    node.disconnected()
    assert node.connected(20_000, 1) == []
    (effect,) = node.message(STATE, state(False, 20_000), 20_001)
    assert isinstance(effect, Disconnect)


def test_a_node_with_one_server_waits_there() -> None:
    node = edge_node(primary=HOST)
    node.connected(10_000, 0)
    assert node.message(STATE, state(False, 20_000), 20_001) == []
    assert node.tick(10_000_000) == []


def test_what_the_server_before_says_late_does_not_count() -> None:
    """The Will of the old session, and what was on its way there, come after the new births."""
    host = Host(HOST, rng=Random(1), servers=2)
    node = edge_node()

    def heard(effects: Sequence[object], server: int, now_ms: int) -> list[HostEffect]:
        return [
            learnt
            for one in effects
            if isinstance(one, Publish)
            for learnt in host.message(one.topic, one.payload, now_ms, server)
        ]

    for server in (0, 1):
        host.will(1_000, server)
        host.connected(1_001, server)
    will = node.will(0, 1_000)
    heard(node.connected(2_000, 0), 0, 2_000)
    late = node.live("table-1", angles(1.0, start_ms=2_500), 1, 2_500)
    node.disconnected()
    heard(node.connected(3_000, 1), 1, 3_000)
    assert heard([will, *late], 0, 3_500) == []
    assert host.counts["at a server that the node has left"] == 2
    learnt = heard(node.live("table-1", angles(2.0, start_ms=4_000), 2, 4_000), 1, 4_000)
    assert [type(one) for one in learnt] == [Received]
    host.committed(EdgeId(node.group, node.agent), node.outbox, 2)
    assert {one.server for one in host.tick(5_000) if isinstance(one, Publish)} == {1}
    assert host.disconnected(6_000, 0) == [], "it is not there"
    assert all(isinstance(one, Offline) for one in host.disconnected(6_000, 1))
