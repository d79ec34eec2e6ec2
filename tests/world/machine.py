"""A machine without a protocol and the `Source` that reads it: what a server does, in memory.

A subscribed machine queues what changes for the one session that it has, keeps what it sent until
that is acknowledged, and forgets both when the session ends. A polled machine answers with what it
shows. Whatever was shown, reported and acknowledged is written down: that is the truth of a run.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any

import numpy as np

from edge.sources.source import TICKS_PER_MS, Gap, Item, Report, Sink, SourceStatus
from stations.samples import build
from stations.status import BAD_NO_COMMUNICATION, BAD_TIMEOUT, GOOD
from tests.world.clock import VirtualClock
from wire.clock import Clock

QUEUE_MAX = 40  # notifications that wait for a client
CHANGE_S = (0.5, 2.0)
POLL_S = 1.5
AGAIN_S = (0.2, 1.5)
SILENCE_S = 8.0  # after so long without a word a session is given up
SILENCES_MAX = 2


@dataclass(frozen=True, slots=True)
class Row:
    """A value that a machine showed: tag name, 100 ns since 1970, StatusCode, value."""

    tag: str
    ticks: int
    status: int
    value: Any


class Lost(Exception):
    """The session is over; why."""


class Session:
    """What a subscribed machine keeps for its client."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.queue: deque[tuple[Row, ...]] = deque()
        self.sent: dict[int, tuple[Row, ...]] = {}
        self.news = asyncio.Event()
        self.over = ""
        self.overflowed = False
        self.is_silent = False
        self._numbers = 0

    def offer(self, rows: tuple[Row, ...]) -> None:
        """Queue a notification; of too many the oldest is lost, which the next one says."""
        if len(self.queue) >= self.machine.queue_max:
            self.queue.popleft()
            self.overflowed = True
        self.queue.append(rows)
        self.news.set()

    async def take(self) -> tuple[int, tuple[Row, ...], bool]:
        """The next notification: its number, its rows, and whether some before it were lost."""
        while not self.over and (self.is_silent or not self.queue):
            self.news.clear()
            try:
                async with asyncio.timeout(SILENCE_S if self.is_silent else None):
                    await self.news.wait()
            except TimeoutError:
                self.end("link down")
        if self.over:
            raise Lost(self.over)
        self._numbers += 1
        rows = self.sent[self._numbers] = self.queue.popleft()
        overflowed, self.overflowed = self.overflowed, False
        return self._numbers, rows, overflowed

    def acknowledge(self, number: int) -> None:
        """The client has it; a server that can no longer be reached does not hear so."""
        rows = self.sent.pop(number, ())
        if not self.over and not self.is_silent:
            self.machine.acknowledged.update(rows)

    def end(self, why: str) -> None:
        """Close it, with everything that waits in it."""
        self.over = self.over or why
        self.queue.clear()
        self.sent.clear()
        self.news.set()


class Machine:
    """One connection of one machine."""

    def __init__(
        self, station: str, name: str, tags: Mapping[str, Callable[[int], Any]],
        clock: VirtualClock, rng: Random, *, is_polled: bool,
    ) -> None:  # fmt: skip
        self.station, self.name, self.is_polled = station, name, is_polled
        self.clock, self.rng = clock, rng
        self.queue_max = QUEUE_MAX
        self.change_s, self.poll_s = CHANGE_S, POLL_S
        self.shown: dict[str, Row] = {}
        self.changes: list[Row] = []
        self.reported: set[Row] = set()
        self.first: set[Row] = set()  # reported first after the link came up
        self.acknowledged: set[Row] = set()
        self.session: Session | None = None
        self.frozen: set[str] = set()
        self.bad: dict[str, int] = {}  # tags that have a status instead of a value
        self.late_s = 0.0
        self.is_gone = False
        self.asked: Callable[[], None] = lambda: None  # before every answer: a fault may sit here
        self._back = asyncio.Event()
        self._tags, self._counter = tags, 0
        for tag in tags:
            self._show(tag)

    async def run(self) -> None:
        """Change for ever: most often one tag, now and then all of them at one time."""
        while True:
            await asyncio.sleep(self.rng.uniform(*self.change_s))
            tags = list(self._tags)
            wanted = tags if self.rng.random() < 0.1 else [self.rng.choice(tags)]
            still = self.frozen | self.bad.keys()  # a Bad status is told once
            self._tell(tuple(self._show(tag) for tag in wanted if tag not in still))

    def _show(self, tag: str) -> Row:
        self._counter += 1
        ticks, last = self.clock.ticks(), self.shown.get(tag)
        if last is not None and 0 <= last.ticks + TICKS_PER_MS - ticks < 1_000 * TICKS_PER_MS:
            ticks = last.ticks + TICKS_PER_MS  # two in one ms would not be told apart
        status = self.bad.get(tag, GOOD)
        value = None if status else self._tags[tag](self._counter)
        row = self.shown[tag] = Row(tag, ticks, status, value)
        self.changes.append(row)
        return row

    def _tell(self, rows: tuple[Row, ...]) -> None:
        if rows and self.session is not None:
            self.session.offer(rows)

    def turn(self, tag: str, status: int) -> None:
        """A tag loses its value (a Bad status) or has one again (0), and says so."""
        if self.bad.get(tag, GOOD) == status:
            return
        if status:
            self.bad[tag] = status
        else:
            self.bad.pop(tag, None)
        self._tell((self._show(tag),))

    def leave(self) -> None:
        """Nobody can reach it; a session that stood hears nothing more."""
        self.is_gone = True
        self._back.clear()
        if self.session is not None:
            self.session.is_silent = True
            self.session.news.set()

    def drop(self, why: str) -> None:
        """End the session that stands."""
        if self.session is not None:
            self.session.end(why)

    def mend(self) -> None:
        """Everything is well again."""
        self.is_gone, self.late_s, self.queue_max = False, 0.0, QUEUE_MAX
        self.frozen.clear()
        for tag in list(self.bad):
            self.turn(tag, GOOD)
        if self.session is not None and self.session.is_silent:
            self.session.is_silent = False
            self.session.news.set()
        self._back.set()

    def forget(self) -> None:
        """What was shown so far is no longer of interest, but for what is shown now."""
        self.changes = list(self.shown.values())
        for told in (self.reported, self.first, self.acknowledged):
            told.clear()

    async def reach(self) -> None:
        """Wait until it can be reached."""
        while self.is_gone:
            self._back.clear()
            await self._back.wait()

    def open(self) -> Session:
        """A new session; one that stood is over, as when its client has died."""
        self.drop("another session")
        self.session = Session(self)
        self.session.offer(tuple(self.shown.values()))
        return self.session


class MemorySource:
    """A `Source` that reads a machine: repeats and time it leaves to the pipeline, as all do."""

    def __init__(
        self, name: str, items: list[Item], machine: Machine, clock: Clock, rng: Random
    ) -> None:
        self.name, self.status = name, SourceStatus()
        self._items = {item.tag.name: item for item in items}
        self._numbers = tuple(item.number for item in items)
        self._machine, self._clock, self._rng = machine, clock, rng
        self._last_ms: int | None = None
        self._lost = ""
        self._silences = 0

    async def run(self, sink: Sink) -> None:
        """Read for ever."""
        while True:
            await self._machine.reach()
            try:
                await (self._polls if self._machine.is_polled else self._visit)(sink)
            except Lost as lost:
                self._lost = self._lost or str(lost)
            self.status.connected = False
            self.status.reconnects += 1
            sink.link(False, self._lost)
            if self._machine.is_polled:
                await self._tell_bad(sink)
            await asyncio.sleep(self._rng.uniform(*AGAIN_S))

    def _up(self, sink: Sink) -> None:
        if not self.status.connected:
            self.status.connected = True
            sink.link(True, "connected")

    async def _visit(self, sink: Sink) -> None:
        session, is_first = self._machine.open(), True
        self._up(sink)
        while True:
            number, rows, overflowed = await session.take()
            self._machine.asked()
            if session.over:
                raise Lost(session.over)
            reason = self._lost or ("queue overflow" if overflowed else "")
            self._lost = ""
            if reason and self._last_ms is not None:
                to_ms = max(max(row.ticks for row in rows) // TICKS_PER_MS, self._last_ms)
                await sink.gap(Gap(self._numbers, self._last_ms, to_ms, None, reason))
            done = partial(session.acknowledge, number)
            await self._report(sink, rows, done, is_first=is_first or bool(reason))
            is_first = False

    async def _polls(self, sink: Sink) -> None:
        is_first = True
        while True:
            machine = self._machine
            machine.asked()
            await asyncio.sleep(machine.late_s)
            if machine.is_gone or machine.late_s > POLL_S:
                self._silences += 1
                if self._silences >= SILENCES_MAX:
                    raise Lost("link down")
                await self._tell_bad(sink, BAD_TIMEOUT)
            else:
                self._silences = 0
                self._up(sink)
                now = self._clock.now_ms()
                if self._lost:
                    from_ms = self._last_ms
                    await sink.gap(Gap(self._numbers, from_ms, now, None, self._lost))
                    self._lost = ""
                rows = tuple(
                    Row(row.tag, now * TICKS_PER_MS, row.status, row.value)
                    for row in machine.shown.values()
                )
                await self._report(sink, rows, lambda: None, is_first=is_first)
                is_first = False
            await asyncio.sleep(machine.poll_s)

    async def _tell_bad(self, sink: Sink, status: int = BAD_NO_COMMUNICATION) -> None:
        now = self._clock.now_ms() * TICKS_PER_MS
        rows = tuple(Row(tag, now, status, None) for tag in self._items)
        last_ms = self._last_ms
        await self._report(sink, rows, lambda: None, is_first=True)
        self._last_ms = last_ms  # that nothing is known is no news of the machine

    async def _report(
        self, sink: Sink, rows: tuple[Row, ...], done: Callable[[], None], *, is_first: bool
    ) -> None:
        now_ms = self.status.last_heard_ms = self._clock.now_ms()
        self._machine.reported.update(rows)
        if is_first:
            self._machine.first.update(rows)
        self._last_ms = max(row.ticks for row in rows) // TICKS_PER_MS
        samples = build(
            (item.number, row.ticks // TICKS_PER_MS, row.status, item.tag.value_type, row.value)
            for row in rows
            for item in (self._items[row.tag],)
        )
        ticks = np.array([row.ticks for row in rows], np.int64)
        polled = self._machine.is_polled
        await sink.report(Report(samples, ticks, now_ms, polled, is_first, done))
