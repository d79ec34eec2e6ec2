"""The real agent's publisher and the real historian on real sessions, and who plays the others."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np

from edge.outbox import Outbox
from edge.outbox_file import SOURCE, Batch
from edge.publish import Publisher
from plant.dead_letters import DeadLetters
from plant.historian import Historian
from plant.points import Model
from plant.stores.sqlite import SqliteStore
from plant.writer import Writer
from stations.declare import Type
from stations.samples import EMPTY, Samples, build, concat
from tests.edge.reports import TAGS
from tests.mqtt.conftest import QUICK, BrokerAt
from tests.servers import until
from wire import topics
from wire.clock import SystemClock
from wire.mqtt import Message, Session
from wire.site import Site
from wire.sparkplug import codec, commands, metrics, state
from wire.sparkplug.asker import Pace
from wire.sparkplug.births import Station
from wire.sparkplug.codec import Payload, metric
from wire.sparkplug.datatypes import Datatype, Scalar
from wire.sparkplug.edge import HostSettings
from wire.sparkplug.edge_node import EdgeNode
from wire.sparkplug.effects import Publish
from wire.sparkplug.metrics import MetricName, NodeMetric
from wire.topics import Verb

GROUP, AGENT, HOST = "plant", "pc-1", "historian"
CLOCK = SystemClock()
PATIENCE_S = 30.0
STATE = topics.state(HOST)
HEALTH = (NodeMetric("backlog_rows", Type.INT), NodeMetric("cpu", Type.FLOAT, "%"))


class RealEdge:
    """An agent without machines: outbox, publisher and session are those of the product.

    What it commits comes from the test; the event loop runs on a thread of its own.
    """

    def __init__(
        self,
        broker: BrokerAt,
        folder: Path,
        *,
        name: str = AGENT,
        stations: Sequence[str] = ("press", "saw"),
        primary: str | None = HOST,
        client_id: str | None = None,
        others: Sequence[BrokerAt] = (),
    ) -> None:
        self.name, self._primary = name, primary
        self._session = partial(
            Session, broker, client_id or f"edge-{name}", limits=QUICK, random=Random(1),
            others=others,
        )  # fmt: skip
        self._disk = ThreadPoolExecutor(1)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.outbox = Outbox(folder / f"{name}.db")
        self.last: dict[str, Samples] = {}
        self.numbers: dict[str, dict[str, int]] = {}
        self.node = EdgeNode(
            GROUP,
            name,
            self.outbox.id,
            [self.station(one) for one in stations],
            last=lambda station: self.last.get(station, EMPTY),
            names={
                number: MetricName(number, station, name, type)
                for number, (station, name, type) in self.outbox.all_tags().items()
            },
            health=HEALTH,
            primary=primary,
            walks=bool(others),
        )
        self.publisher: Publisher = self.call(self._publisher)
        self._task: asyncio.Task[None] = self.call(self._begin)

    def _publisher(self) -> Publisher:
        made = Publisher(
            self.node, self.outbox, CLOCK, run_blocking=self._run_blocking,
            blocking=lambda work, *args: self._disk.submit(work, *args).result(PATIENCE_S),
            confirm=lambda ranges: self.outbox.confirmed(ranges) >= 0, lost=lambda lost: None,
        )  # fmt: skip
        made.connect(self._session)
        return made

    def _begin(self) -> asyncio.Task[None]:
        return self._loop.create_task(self.publisher.run())

    async def _run_blocking(self, work: Callable[..., Any], *args: Any) -> Any:
        return await self._loop.run_in_executor(self._disk, partial(work, *args))

    def call(self, work: Callable[..., Any], *args: Any) -> Any:
        """Run something on the event loop, and wait for it."""

        async def on_loop() -> Any:
            return work(*args)

        return asyncio.run_coroutine_threadsafe(on_loop(), self._loop).result(PATIENCE_S)

    def station(self, name: str) -> Station:
        """A station with the tags of a press."""
        wanted = [(tag.name, tag.value_type) for tag in TAGS.values()]
        self.numbers[name] = numbers = self.outbox.numbers(name, wanted)
        return Station(name, "line-1", "device", {numbers[t.name]: t for t in TAGS.values()})

    @property
    def session(self) -> Session:
        assert self.publisher.session is not None
        return self.publisher.session

    def commit(self, station: str, *forces: float, status: int = 0, record: str = "") -> None:
        """Samples of one station reach the disk, and go out."""
        number, now_ms = self.numbers[station]["force"], CLOCK.now_ms()
        rows = [
            (number, now_ms - len(forces) + i, status, Type.FLOAT, force)
            for i, force in enumerate(forces)
        ]
        samples = build(rows)
        batch = Batch(station, samples, np.zeros(len(rows), SOURCE))
        records = [(record, b"{}")] if record else []
        placed = self._disk.submit(self.outbox.commit, [batch], now_ms, records).result(PATIENCE_S)
        self.last[station] = concat([samples[-1:]])
        self.call(self.publisher.fresh, placed, bool(records))

    def add(self, station: str) -> None:
        """A device that appears late."""
        effects = self.call(self.node.add, self.station(station), CLOCK.now_ms())
        for one in effects:
            assert isinstance(one, Publish)
            self.call(self.session.publish, Message(one.topic, one.payload))

    def health(self, **values: Scalar | None) -> None:
        """The agent's health has changed."""
        self.call(self.publisher.health, values)

    def heard(self, count: int) -> None:
        """Wait until so many messages have come to it and were dealt with."""
        until(lambda: self.session.status().received >= count, "the edge has heard", PATIENCE_S)
        self.call(lambda: None)

    def stop(self) -> None:
        """Leave the broker on purpose, and end the threads."""

        async def end() -> None:
            await self.publisher.stop()
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(end(), self._loop).result(PATIENCE_S)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(PATIENCE_S)
        self._loop.close()
        self._disk.submit(self.outbox.close).result(PATIENCE_S)
        self._disk.shutdown()


class Director:
    """Everybody else: hears all of it, says what the test wants said, directly to the broker."""

    def __init__(self, broker: BrokerAt) -> None:
        self.heard: list[Message] = []
        self.session = Session(
            broker,
            "director",
            on_message=self.heard.append,
            subscriptions=(("spBv1.0/#", 1), ("refit/#", 1)),
            limits=QUICK,
            random=Random(1),
        )
        self.session.start()
        until(lambda: self.session.connected, "the director is connected", PATIENCE_S)

    def say(self, topic: str, payload: bytes, qos: int = 0, retain: bool = False) -> None:
        """Publish something."""
        assert self.session.publish(Message(topic, payload, qos, retain))

    def state(self, online: bool, at_ms: int, host: str = HOST) -> None:
        """STATE, retained."""
        said = state.write(state.HostState(online, at_ms))
        self.say(topics.state(host), said, 1, True)

    def rebirth(self, agent: str = AGENT) -> None:
        """A rebirth request as sloppily as the TCK sends it: QoS 1, no timestamp."""
        asked = metric(metrics.REBIRTH, Datatype.BOOLEAN, True, None)
        payload = codec.encode(Payload(None, None, [asked]))
        self.say(topics.node(GROUP, Verb.NCMD, agent), payload, qos=1)

    def perform(self, effects: Sequence[object]) -> None:
        """Publish what an edge node wants published."""
        for one in effects:
            if isinstance(one, Publish):
                self.say(one.topic, one.payload, one.qos, one.retain)

    def verbs(self) -> Counter[str]:
        """How often each verb, with its device, was heard."""
        addresses = (topics.parse(one.topic) for one in self.heard[:])
        return Counter("/".join(filter(None, (a.verb, a.device))) for a in addresses if a)

    def rebirths(self, agent: str) -> int:
        """How often the births of an agent were asked for."""
        topic = topics.node(GROUP, Verb.NCMD, agent)
        return sum(
            commands.read(one.payload).rebirth for one in self.heard[:] if one.topic == topic
        )

    def until(self, verb: str, count: int = 1) -> None:
        """Wait until a verb was heard so often."""
        until(lambda: self.verbs()[verb] >= count, f"{verb} is heard {count} times", PATIENCE_S)

    def close(self) -> None:
        """Forget the retained STATEs and leave."""
        for topic in {one.topic for one in self.heard if topics.parse_state(one.topic)}:
            self.say(topic, b"", 1, True)
        self.session.disconnect()


class RealHost:
    """The historian with its store, without ledger and files."""

    def __init__(self, *brokers: BrokerAt, folder: Path, reorder_ms: int = 500) -> None:
        self.store = SqliteStore(folder / "samples.db")
        self.letters = DeadLetters(folder / "letters.db")
        self.historian = Historian(
            Model(Site(name=GROUP)),
            Writer(self.store, self.letters, CLOCK, Random(1)),
            site=GROUP,
            name=HOST,
            clock=CLOCK,
            random=Random(1),
            settings=HostSettings(group=GROUP, reorder_ms=reorder_ms, pace=Pace(jitter_ms=0)),
            servers=len(brokers),
        )
        rest = {"limits": QUICK, "random": Random(1)}
        self.historian.connect(
            *(partial(Session, one, "refit-historian", **rest) for one in brokers)  # type: ignore[arg-type]
        )

    def stop(self) -> None:
        """Leave on purpose."""
        self.historian.stop()
        self.store.close()
        self.letters.close()


def unknown_data(agent: str, device: str, alias: int, seq: int = 1) -> Publish:
    """DDATA of an agent with an alias that nobody knows."""
    one = codec.Metric(alias=alias, timestamp=CLOCK.now_ms(), place="double_value", raw=1.0)
    payload = codec.encode(Payload(CLOCK.now_ms(), seq, [one]))
    return Publish(topics.device(GROUP, Verb.DDATA, agent, device), payload)


def bd_seq_metric(value: int) -> codec.Metric:
    """The bdSeq of a birth or death."""
    return metric(metrics.BDSEQ, Datatype.INT64, value, CLOCK.now_ms())
