"""Whatever a host hears, in whatever order: the judge finds nothing. In virtual time."""

from __future__ import annotations

from random import Random

import pytest

from refit.conformance.judge import judge
from tests.sparkplug.doubles import wire
from tests.sparkplug.doubles.payloads import state
from tests.sparkplug.plant import HOST, angles, commands, edge_node
from wire import topics
from wire.sparkplug.asker import Pace
from wire.sparkplug.edge import HostSettings
from wire.sparkplug.effects import Disconnect, HostEffect, Publish, Received
from wire.sparkplug.host import Host

STEPS = 300
STATE = topics.state(HOST)
ON_PURPOSE = {"tck-id-payloads-metric-datatype-not-req"}


class Driven(wire.Client):
    """A host whose every word is recorded, and the edges and the broker around it."""

    def __init__(self, seed: int) -> None:
        self.rng = Random(seed)
        super().__init__(version=self.rng.choice((4, 5)))
        settings = HostSettings(reorder_ms=500, pace=Pace(jitter_ms=100, cooldown_ms=1_000))
        self.host = Host(HOST, rng=self.rng, settings=settings)
        self.nodes = [edge_node(agent=name, outbox=f"o-{name}") for name in ("pc-1", "pc-2")]
        self.held: list[Publish] = []
        self.position = self.newest_ms = 0

    def run(self) -> None:
        """Some hundred things that can happen."""
        self.connect()
        acts = ((self.live, 30), (self.born, 3), (self.release, 5), (self.offline, 4),
                (self.online, 1), (self.cut, 1), (self.nonsense, 2))  # fmt: skip
        doing = [act for act, _ in acts]
        weights = [weight for _, weight in acts]
        for _ in range(STEPS):
            self.wait(self.rng.choice((1, 20, 100, 400)))
            self.do(self.host.tick(self.now_ms))
            self.rng.choices(doing, weights)[0]()
        self.do(self.host.stop(self.now_ms))

    def connect(self) -> None:
        self.connection += 1
        will = self.host.will(self.now_ms)
        said = (will.topic, will.payload, will.qos, will.retain)
        self.say(wire.connect("host", version=self.version, will=said))
        self.say(wire.connack(self.version), by_broker=True)
        self.say(wire.subscribe(self.host.subscriptions, self.version))
        self.say(wire.suback(2, self.version), by_broker=True)
        self.do(self.host.connected(self.now_ms))

    def do(self, effects: list[HostEffect]) -> None:
        """What the historian does with what the host says; the broker sends STATE back."""
        for one in effects:
            if isinstance(one, Publish):
                self.publish(one.topic, one.payload, one.qos, one.retain)
                for node in self.nodes:
                    self.give(commands(node, [one], self.now_ms))
                if one.topic == STATE:
                    self.heard(one)
            elif isinstance(one, Received) and one.position is not None:
                self.host.committed(one.edge, one.outbox, one.position)
            elif isinstance(one, Disconnect):
                self.say(wire.disconnect(self.version, 4))
                self.end()
                if one.again:
                    self.host.disconnected(self.now_ms)
                    self.connect()

    def heard(self, one: Publish) -> None:
        self.hear(one.topic, one.payload, one.qos)
        self.do(self.host.message(one.topic, one.payload, self.now_ms))

    def give(self, effects: list[object]) -> None:
        """What an edge publishes comes, comes twice, comes late, or gets lost."""
        for one in effects:
            if isinstance(one, Publish):
                fate = self.rng.random()
                if fate < 0.1:
                    self.held.append(one)
                elif fate < 0.95:
                    for _ in range(1 + (fate > 0.9)):
                        self.heard(one)

    def live(self) -> None:
        node = self.rng.choice(self.nodes)
        self.position += 1
        samples = angles(float(self.position), start_ms=self.now_ms)
        self.give([*node.live("table-1", samples, self.position, self.now_ms)])

    def born(self) -> None:
        node = self.rng.choice(self.nodes)
        node.disconnected()
        self.give([*node.connected(self.now_ms, self.rng.randrange(256))])

    def release(self) -> None:
        held, self.held = self.held, []
        self.rng.shuffle(held)
        for one in held:
            self.heard(one)

    def offline(self) -> None:
        """Somebody says that we are offline, with a time of any age."""
        at_ms = self.now_ms + self.rng.choice((-60_000, -1, 0, 500))
        self.heard(Publish(STATE, state(False, at_ms), 1))

    def online(self) -> None:
        self.heard(Publish(STATE, state(True, self.now_ms + self.rng.choice((-5, 5))), 1))

    def cut(self) -> None:
        self.end()
        self.do(self.host.disconnected(self.now_ms))
        self.connect()

    def nonsense(self) -> None:
        topic = self.rng.choice((STATE, topics.node("plant", topics.Verb.NBIRTH, "pc-1"), "x"))
        self.heard(Publish(topic, b"\xff{"))


@pytest.mark.parametrize("number", range(10))
def test_the_judge_finds_nothing_whatever_is_heard(number: int, seed: int) -> None:
    driven = Driven(seed + number)
    driven.run()
    book = judge(driven.recorder.log)
    assert set(book.broken) <= ON_PURPOSE, f"seed {seed + number}: {book.said()}"
