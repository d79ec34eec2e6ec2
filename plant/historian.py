"""The historian: MQTT -> Sparkplug host -> store -> acknowledgement, and records to the ledger.

Two threads. The MQTT session's thread only fills bounded queues and answers for our own STATE, so
that a slow store delays neither. The worker takes messages in turn from the agents, lets the host
understand them, writes all that came in one transaction, and only then has the host acknowledge.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from random import Random
from typing import Protocol

import structlog

from plant.inbox import Inbox
from plant.kpi.follower import Follower
from plant.kpi.marks import Mark
from plant.latest import Latest
from plant.links import Link, Links
from plant.points import Model
from plant.stores.check import is_ahead
from plant.stores.store import Points
from plant.writer import Item, Writer
from wire import topics
from wire.clock import Clock
from wire.mqtt import Message, Will
from wire.sparkplug.datatypes import Scalar
from wire.sparkplug.edge import HostSettings
from wire.sparkplug.effects import (
    Disconnect,
    EdgeId,
    Health,
    HostEffect,
    Offline,
    Online,
    Publish,
    Received,
)
from wire.sparkplug.host import Host

MESSAGES_A_TURN = 256
TICK_S = 0.05
HEARTBEAT_S = 30.0
STOP_S = 10.0
OWN_MAX = 10_000  # points of the historian's own that wait for the writer

log = structlog.get_logger("historian")


class Records(Protocol):
    """What the historian hands the agents' records to: the ledger's recorder."""

    def offer(self, agent: str, payload: bytes) -> bool:
        """Take a record message; False when there is no room (the agent sends it again)."""
        ...

    def stop(self) -> None:
        """Finish and answer what has come."""
        ...


class Historian:
    """One historian of one site. `connect` begins, `stop` ends; `turn` is one round of its work."""

    def __init__(
        self,
        model: Model,
        writer: Writer,
        *,
        site: str,
        name: str,
        clock: Clock,
        random: Random,
        settings: HostSettings | None = None,
        servers: int = 1,
    ) -> None:
        settings = settings or HostSettings(group=site)
        self.host = Host(name, rng=random, settings=settings, servers=servers)
        self.inbox = Inbox()
        self.writer = writer
        self.links = Links()
        self.counts: Counter[str] = Counter()
        self.latest = Latest()
        self.heard_ms: dict[str, int] = {}
        self.health: dict[str, Mapping[str, Scalar | None]] = {}
        self.follower = Follower(model)
        self._own: deque[Item] = deque()
        self._written: Callable[[Iterable[Mark]], None] | None = None
        self._model, self._site, self._clock = model, site, clock
        self._records: Records | None = None
        self._lock = threading.Lock()  # the host and what follows from it; never held for I/O
        self._stopping = threading.Event()
        self._worker: threading.Thread | None = None
        self._tick_due = 0.0
        self._heartbeat_due = clock.monotonic() + HEARTBEAT_S

    def connect(self, *makes: Callable[..., Link]) -> None:
        """Make a session at each server by `makes` (broker and client id filled in), and begin."""
        for make in makes:
            self.attach(make)
        self._worker = threading.Thread(target=self._run, name="historian", daemon=True)
        self._worker.start()
        self.links.start()

    def attach(self, make: Callable[..., Link]) -> Link:
        """Make one session and start nothing, for somebody who calls `turn` himself."""
        server = len(self.links)
        link = make(
            will=partial(self.will, server),
            on_connect=partial(self.connected, server),
            on_disconnect=partial(self.disconnected, server=server),
            on_message=self.message if not server else partial(self._elsewhere, server),
            subscriptions=(*self.host.subscriptions, (topics.all_records(self._site), 1)),
        )
        self.links.add(link)
        return link

    def keep_records(self, records: Records) -> None:
        """Hand the agents' records to a recorder, which answers by `confirm_records`."""
        self._records = records

    def tell_written(self, written: Callable[[Iterable[Mark]], None]) -> None:
        """Say by `written` which hours have to be worked out, once what changes them is stored."""
        self._written = written

    def say(self, points: Points, marks: tuple[Mark, ...] = ()) -> bool:
        """Take points of our own, from any thread; False when there is no room."""
        if len(self._own) >= OWN_MAX:
            self.counts["own points not taken"] += 1
            return False
        self._own.append(Item(None, points, marks=marks))
        return True

    def confirm_records(self, agent: str, answer: bytes) -> bool:
        """Tell an agent which of its records the ledger has; False when it cannot be told now."""
        message = Message(topics.recorded(self._site, agent), answer, qos=1)
        with self._lock:  # a session that has just begun says STATE before anything else
            there = [server for server in range(len(self.links)) if self.host.announced(server)]
            return any([self.links.say(server, message) for server in there])

    @property
    def alive(self) -> bool:
        """False when the worker has ended although nobody asked it to."""
        return self._worker is not None and self._worker.is_alive()

    def _elsewhere(self, server: int, message: Message) -> None:
        self.message(replace(message, server=server))

    def message(self, message: Message) -> None:
        """A message has come; on the MQTT thread, so nothing here waits for a disk."""
        agent = topics.record_agent(self._site, message.topic)
        if agent is not None:
            if self._records is None or not self._records.offer(agent, message.payload):
                self.counts["records not taken"] += 1
        elif topics.parse_state(message.topic) is not None:
            with self._lock:
                now_ms = self._clock.now_ms()
                self._do(self._understood(message, now_ms))
        else:
            self.inbox.put(message)

    def turn(self) -> None:
        """One round: what has come, what is to be written, what is due by the clock."""
        with self._lock:
            now_ms = self._clock.now_ms()
            for message in self.inbox.take(MESSAGES_A_TURN):
                self._hear(message, now_ms)
            self._beat(now_ms)
            self._hand_on()
        done = self.writer.write()
        with self._lock:
            self._commit(done)
            self._tick()

    def stop(self) -> None:
        """Write what is here, acknowledge it, say STATE offline, leave the broker."""
        self._stopping.set()
        self.inbox.wake()
        if self._worker is not None:
            self._worker.join(STOP_S)
        self._drain()
        if self._records is not None:
            self._records.stop()
            self._drain()  # what follows from the last records
        with self._lock:
            effects = self.host.stop(self._clock.now_ms())
        self.links.disconnect(effects)

    def _run(self) -> None:
        while not self._stopping.is_set():
            due = self.writer.wait_s()
            self.inbox.wait(TICK_S if due is None else min(due, TICK_S))
            try:
                self.turn()
            except Exception:
                # One message must not end the work for all agents; what it left is sent again.
                self.counts["failed turns"] += 1
                log.exception("a turn of the historian failed")

    def _drain(self) -> None:
        if self.alive:
            return  # a write still waits for the store; what it does not acknowledge comes again
        with self._lock:
            now_ms = self._clock.now_ms()
            for message in self.inbox.take(len(self.inbox)):
                self._hear(message, now_ms)
            self._hand_on()
        while done := self.writer.write(now=True):
            with self._lock:
                self._commit(done)
        with self._lock:
            self._tick_due = 0.0
            self._tick()

    def _understood(self, message: Message, now_ms: int) -> list[HostEffect]:
        return self.host.message(message.topic, message.payload, now_ms, message.server)

    def _hear(self, message: Message, now_ms: int) -> None:
        try:
            self._do(self._understood(message, now_ms))
        except Exception:
            self.counts["failed messages"] += 1
            log.exception("a message cannot be handled", topic=message.topic)

    def _commit(self, items: Iterable[Item]) -> None:
        for item in items:
            if item.edge is not None and item.position:
                self.host.committed(item.edge, item.outbox, item.position)
            if item.marks and self._written is not None:
                self._written(item.marks)

    def _tick(self) -> None:
        now = self._clock.monotonic()
        if now >= self._tick_due:
            self._tick_due = now + TICK_S
            self._do(self.host.tick(self._clock.now_ms()))

    def _beat(self, now_ms: int) -> None:
        """Say again what the stations do: a chart shows nothing before its first point."""
        now = self._clock.monotonic()
        if now >= self._heartbeat_due:
            self._heartbeat_due = now + HEARTBEAT_S
            for points in self.follower.beat(now_ms):
                self.writer.offer(Item(None, points))

    def _hand_on(self) -> None:
        """What others had us say, as far as the writer has room for it."""
        while self._own and self.writer.offer(self._own[0]):
            self._own.popleft()

    def _do(self, effects: Iterable[HostEffect]) -> None:
        for effect in self._model.foreign.named(effects, self.counts):
            match effect:
                case Publish():
                    if not self.links.publish(effect):
                        self.counts["publishes not taken"] += 1
                case Disconnect():
                    log.warning("the connection is made anew", why=effect.why)
                    self.links.reconnect(effect.server)
                case Received():
                    self._received(effect)
                case Online():
                    values = effect.values[~is_ahead(effect.values, self._clock.now_ms())]
                    born = replace(effect, values=values)
                    self.latest.born(born)
                    now_ms = self._clock.now_ms()
                    self._link(effect.edge, effect.station, True, "", now_ms, born)
                case Offline():
                    self._link(effect.edge, effect.station, False, effect.why, effect.time_ms)
                case Health():
                    self._healthy(effect)

    def _received(self, received: Received) -> None:
        now_ms = self._clock.now_ms()
        self.heard_ms[received.agent] = now_ms
        states, marks = self._followed(received, now_ms)
        points = self._model.samples(received, now_ms)
        item = Item(received.edge, points, received.outbox, received.position or 0, marks)
        self.writer.offer(item)
        for own in states:
            self.writer.offer(Item(received.edge, own))

    def _followed(self, received: Received, now_ms: int) -> tuple[list[Points], tuple[Mark, ...]]:
        """What follows from samples; whatever goes wrong there, they go to the store."""
        try:
            ahead = is_ahead(received.samples, now_ms)
            if ahead.any():
                received = replace(received, samples=received.samples[~ahead])
            self.latest.heard(received)
            return self.follower.received(received, now_ms)
        except Exception:
            self.counts["samples not followed"] += 1
            log.exception("samples are stored and not followed", station=received.station)
            return [], ()

    def _healthy(self, health: Health) -> None:
        now_ms = self._clock.now_ms()
        self.heard_ms[health.edge.agent] = now_ms
        self.health[health.edge.agent] = health.values
        self.writer.offer(Item(health.edge, self._model.health(health, now_ms)))

    def _link(
        self, edge: EdgeId, station: str, online: bool, why: str, time_ms: int,
        birth: Online | None = None,
    ) -> None:  # fmt: skip
        """A node or a device has come or gone; a death is as old as its message says."""
        now_ms = self._clock.now_ms()
        time_ms = min(time_ms, now_ms)
        self.latest.said(edge, station, online, why, time_ms)
        if station:
            points = self.follower.linked(station, online, why, time_ms, birth)
        else:
            points = self._model.agent(edge.agent, online, why, now_ms)
        if points is not None:
            self.writer.offer(Item(edge, points))

    def will(self, server: int = 0) -> Will:
        """The Last Will of the CONNECT that follows."""
        with self._lock:
            will = self.host.will(self._clock.now_ms(), server)
        return Will(will.topic, will.payload, will.qos, will.retain)

    def connected(self, server: int = 0) -> None:
        """The subscriptions stand: say that we are online, before anything else."""
        with self._lock:
            self._do(self.host.connected(self._clock.now_ms(), server))

    def disconnected(self, why: str, server: int = 0) -> None:
        """What has not been understood yet belongs to a session that is gone; it comes again."""
        if self._stopping.is_set():
            return
        self.counts["forgotten at disconnect"] += self.inbox.clear(server)
        with self._lock:
            self._do(self.host.disconnected(self._clock.now_ms(), server))
