"""A plant in memory: a historian without threads, edge nodes, a broker that only routes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

from plant.dead_letters import DeadLetters
from plant.historian import Historian
from plant.points import Model
from plant.stores.sqlite import SqliteStore
from plant.stores.store import Points, Refusal, StoreUnavailable
from plant.writer import Writer
from stations.samples import Samples
from tests.sparkplug.plant import HOST, SITE, T0, edge_node
from wire.mqtt import Message
from wire.site import Site
from wire.sparkplug.asker import Pace
from wire.sparkplug.edge import HostSettings
from wire.sparkplug.edge_node import EdgeNode
from wire.sparkplug.effects import Acknowledged, EdgeEffect, Publish


class ManualClock:
    """A clock that goes on when it is told to."""

    def __init__(self) -> None:
        self.passed_ms = 0

    def now_ms(self) -> int:
        return T0 + self.passed_ms

    def monotonic(self) -> float:
        return self.passed_ms / 1000


class FaultyStore(SqliteStore):
    """Fails as it is told: `gone` for now, or with a bug for the points of one station."""

    gone = False
    broken_for: str | None = None
    writes = 0

    def write(self, points: Sequence[Points]) -> list[list[Refusal]]:
        self.writes += 1
        if self.gone:
            raise StoreUnavailable("the store is gone")
        if any(one.station == self.broken_for for one in points):
            raise RuntimeError("a bug in the store")
        return super().write(points)


class FaultyLetters(DeadLetters):
    """Dead letters that cannot be kept while `gone`."""

    gone = False

    def add(self, refused: Any, now_ms: int) -> None:
        if self.gone:
            raise StoreUnavailable("the dead letters are gone")
        super().add(refused, now_ms)


class Link:
    """The historian's session: what it publishes stays in `sent`."""

    def __init__(self, callbacks: dict[str, Any]) -> None:
        self.callbacks, self.address = callbacks, "broker:1883"
        self.connected = False
        self.sent: list[Message] = []
        self.final: tuple[Message, ...] = ()
        self.reconnects = 0

    def start(self) -> None:
        self.up()

    def up(self) -> None:
        self.callbacks["will"]()
        self.connected = True
        self.callbacks["on_connect"]()

    def down(self) -> None:
        self.connected = False
        self.callbacks["on_disconnect"]("cut")

    def publish(self, message: Message) -> bool:
        if self.connected:
            self.sent.append(message)
        return self.connected

    def reconnect(self, final: Sequence[Message] = ()) -> None:
        self.reconnects += 1

    def disconnect(self, final: Sequence[Message] = ()) -> bool:
        self.final = tuple(final)
        self.down()
        return True


class Records:
    """A recorder that takes everything until it is `full`."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, bytes]] = []
        self.full = False

    def offer(self, agent: str, payload: bytes) -> bool:
        if not self.full:
            self.taken.append((agent, payload))
        return not self.full

    def stop(self) -> None:
        """Nothing waits here."""


class Plant:
    """The whole of it; `historian.turn` is called by `go`."""

    def __init__(self, folder: Path, site: Site | None = None) -> None:
        self.clock = ManualClock()
        self.store = FaultyStore(folder / "samples.db")
        self.letters = FaultyLetters(folder / "samples.dead.db")
        self.writer = Writer(self.store, self.letters, self.clock, Random(1))
        self.records = Records()
        self.historian = Historian(
            Model(site or Site(name=SITE)),
            self.writer,
            site=SITE,
            name=HOST,
            clock=self.clock,
            random=Random(1),
            settings=HostSettings(group=SITE, pace=Pace(jitter_ms=0)),
        )
        self.historian.keep_records(self.records)
        self.link = Link(self._callbacks())
        self.historian.links.add(self.link)
        self.link.start()
        self.acknowledged: dict[str, set[int]] = {}

    def _callbacks(self) -> dict[str, Callable[..., Any]]:
        historian = self.historian
        return {
            "will": historian.will,
            "on_connect": historian.connected,
            "on_disconnect": historian.disconnected,
        }

    def agent(self, name: str = "pc-1", **changes: Any) -> EdgeNode:
        """An edge node whose births the historian has."""
        node = edge_node(agent=name, outbox=f"outbox-{name}", **changes)
        node.will(0, self.clock.now_ms())
        self.hear(node.connected(self.clock.now_ms(), 0))
        return node

    def hear(self, effects: Sequence[EdgeEffect]) -> None:
        """The historian's session receives what an edge node publishes."""
        for one in effects:
            if isinstance(one, Publish):
                self.historian.message(Message(one.topic, one.payload, one.qos))

    def send(self, node: EdgeNode, station: str, samples: Samples, position: int) -> None:
        """One live batch of an agent."""
        self.hear(node.live(station, samples, position, self.clock.now_ms()))

    def go(self, ms: int = 1_000, step_ms: int = 50, nodes: Sequence[EdgeNode] = ()) -> None:
        """Time passes; nodes hear what the historian tells them, and answer."""
        for _ in range(ms // step_ms):
            self.clock.passed_ms += step_ms
            self.historian.turn()
            sent, self.link.sent = self.link.sent, []
            for message in sent:
                for node in nodes:
                    self._tell(node, message)
            for node in nodes:
                self.hear(node.tick(self.clock.now_ms()))

    def _tell(self, node: EdgeNode, message: Message) -> None:
        if f"/{node.agent}" not in message.topic:
            return
        effects = node.message(message.topic, message.payload, self.clock.now_ms())
        for one in effects:
            if isinstance(one, Acknowledged):
                known = self.acknowledged.setdefault(node.agent, set())
                for first, last in one.ranges:
                    known.update(range(first, last + 1))
        self.hear(effects)

    def stored(self, station: str, tag: str = "angle", measurement: str | None = None) -> list[Any]:
        """The values of a tag in the store, in the order of time."""
        rows = self.store.range(station, tag, 0, 1 << 52, measurement)
        return [rows.row(i) for i in range(len(rows))]

    def close(self) -> None:
        """Give the files back."""
        self.store.close()
        self.letters.close()
