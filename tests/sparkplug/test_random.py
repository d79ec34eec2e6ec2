"""Whatever happens to an edge node, in whatever order: the judge finds nothing. In virtual time."""

from __future__ import annotations

from random import Random

import pytest

from refit.conformance.judge import judge
from stations.samples import EMPTY
from tests.sparkplug.doubles import wire
from tests.sparkplug.doubles.payloads import state
from tests.sparkplug.plant import ANGLE, HOST, SITE, TABLE_1, TABLE_2, angles, asked, edge_node
from wire import topics
from wire.sparkplug import births, commands
from wire.sparkplug.effects import Disconnect, EdgeEffect, Publish
from wire.sparkplug.state import Phase

STEPS = 300
STATE = topics.state(HOST)
REQUEST_MS = 2_500  # a node that is asked again and again does not stop its data for that
LATE = [births.Station(f"late-{n}", "line-1", "table", {}) for n in range(3)]


class Driven(wire.Client):
    """A node whose every word is recorded, and the broker, host and machines around it."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        super().__init__(version=self.rng.choice((4, 5)))
        primary = self.rng.choice((None, HOST))
        self.node = edge_node(primary=primary, last=lambda station: EMPTY)
        self.position = self.value = self.bd_seq = 0
        self.bd_seq = self.rng.randrange(250, 256)
        self.down: set[str] = set()
        self.late = list(LATE)
        self.stations = [TABLE_1.name, TABLE_2.name]
        self.born_ms = 0
        self.host_ms = wire.START_MS - 5_000
        self.is_full = False

    def run(self) -> None:
        """Some hundred things that can happen."""
        self.connect()
        acts = (
            (self.live, 40), (self.history, 8), (self.device, 8), (self.health, 6),
            (self.request, 4), (self.host_says, 12), (self.cut, 1), (self.appear, 1),
            (self.fill_up, 2), (self.nonsense, 3), (self.stop, 1),
        )  # fmt: skip
        doing = [act for act, _ in acts]
        weights = [weight for _, weight in acts]
        for _ in range(STEPS):
            self.wait(self.rng.choice((1, 10, 100, 700)))
            self.do(self.node.tick(self.now_ms))
            self.rng.choices(doing, weights)[0]()
        self.stop()

    def connect(self) -> None:
        self.connection += 1
        self.bd_seq = (self.bd_seq + 1) % 256
        will = self.node.will(self.bd_seq, self.now_ms)
        said = (will.topic, will.payload, will.qos, will.retain)
        self.say(wire.connect("edge", version=self.version, will=said))
        self.say(wire.connack(self.version), by_broker=True)
        self.say(wire.subscribe(self.node.subscriptions, self.version))
        self.say(wire.suback(len(self.node.subscriptions), self.version), by_broker=True)
        self.is_full = False
        self.do(self.node.connected(self.now_ms, self.bd_seq))

    def do(self, effects: list[EdgeEffect]) -> None:
        """What the publisher does with what the node says."""
        for one in effects:
            if isinstance(one, Disconnect):
                self.say(wire.disconnect(self.version, 4))
                self.end()
                self.node.disconnected()
                self.connect()
            elif isinstance(one, Publish):
                leaving = any(isinstance(other, Disconnect) for other in effects)
                if self.is_full and not leaving:
                    self.is_full = False
                    self.do(self.node.not_taken(one, self.now_ms))
                    return
                if "/NBIRTH/" in one.topic:
                    self.born_ms = self.now_ms
                self.publish(one.topic, one.payload, one.qos, one.retain)

    def live(self) -> None:
        self._data(self.node.live)

    def history(self) -> None:
        self._data(self.node.historical)

    def _data(self, make: object) -> None:
        if not self.node.can_send:
            return
        self.position, self.value = self.position + 1, self.value + 1
        station = self.rng.choice((TABLE_1, TABLE_2))
        tag = ANGLE if station is TABLE_1 else ANGLE + 10
        samples = angles(float(self.value), start_ms=self.now_ms - self.rng.randrange(50), tag=tag)
        self.do(make(station.name, samples, self.position, self.now_ms))  # type: ignore[operator]

    def device(self) -> None:
        name = self.rng.choice((TABLE_1, TABLE_2)).name
        self.do(self.node.device(name, name in self.down, self.now_ms))
        self.down ^= {name}

    def health(self) -> None:
        self.do(self.node.health({"backlog_rows": self.rng.randrange(5)}, self.now_ms))

    def request(self) -> None:
        if self.now_ms - self.born_ms < REQUEST_MS:
            return
        self.hear(topics.node(SITE, topics.Verb.NCMD, "pc-1"), commands.rebirth(self.now_ms))
        self.do(asked(self.node, self.now_ms))

    def host_says(self) -> None:
        """Mostly that it is there; now and then that it is not, with a time of any age."""
        if self.node.primary is None:
            return
        online = self.rng.random() < 0.7
        at_ms = self.rng.choice((self.now_ms, self.host_ms, self.host_ms - 1))
        self.host_ms = max(self.host_ms, at_ms)
        self.hear(STATE, state(online, at_ms), 1)
        self.do(self.node.message(STATE, state(online, at_ms), self.now_ms))

    def cut(self) -> None:
        self.end()
        self.node.disconnected()
        self.connect()

    def appear(self) -> None:
        if self.late:
            self.do(self.node.add(self.late.pop(), self.now_ms))

    def fill_up(self) -> None:
        """The session takes no message next time."""
        self.is_full = self.node.phase is Phase.BORN

    def nonsense(self) -> None:
        topic = self.rng.choice((STATE, topics.node(SITE, topics.Verb.NCMD, "pc-1"), "x/y"))
        self.hear(topic, b"\xff{")
        self.do(self.node.message(topic, b"\xff{", self.now_ms))

    def stop(self) -> None:
        self.recorder.note("stop", self.now_ms)
        self.do(self.node.stop(self.now_ms))


@pytest.mark.parametrize("number", range(10))
def test_the_judge_finds_nothing_whatever_happens(number: int, seed: int) -> None:
    driven = Driven(seed + number)
    driven.run()
    primary = driven.node.primary
    assert judge(driven.recorder.log, primary=primary).said() == "", f"seed {seed + number}"
