"""The way to the disk: reports go through the pipeline and the rules, and are committed in groups.

One task. A group is what arrived within GROUP_S or makes up GROUP_ROWS samples. The pipeline never
runs while a commit is under way, so that its state is always that of the last commit. Only after
the commit is a report called done, and only then does anything go out. A group that has begun is
finished even when the task is cancelled: the pipeline knows its samples already.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import structlog

from edge.arrivals import Arrival, Confirmed, Exchange, Group, Item, Stated, Tick
from edge.lane import Lane
from edge.outbox import Outbox
from edge.outbox_damage import LOST_SINCE, since_of
from edge.outbox_file import Batch, Lost, is_damage
from edge.packing import in_batches
from edge.pipeline import Kept, Pipeline
from edge.sources.source import Gap, Report
from stations.records import Record
from wire.clock import Clock

GROUP_S = 0.02
GROUP_ROWS = 10_000
QUEUE_MAX = 512
RANGES_MAX = 256
TICK_S = 1.0
RETRY_S = (0.1, 0.5, 2.0, 5.0)

log = structlog.get_logger()


class Run(Protocol):
    """Runs a blocking call on the one thread that owns the outbox."""

    def __call__(self, work: Callable[..., Any], *args: Any) -> Awaitable[Any]: ...


@dataclass(slots=True)
class Tally:
    """What has passed since the start."""

    samples: int = 0
    acknowledged: int = 0
    records: int = 0
    gaps: int = 0
    commits: int = 0
    commit_failures: int = 0
    confirmations_dropped: int = 0


class Intake:
    """Takes what the sources bring and commits it.

    `fresh` then gets the committed batches that are live, whether there are records, and, where
    others lie between them, the highest position that was given. `former` are stations of before:
    what the outbox has of them and gives up is said as well.
    """

    def __init__(
        self,
        outbox: Outbox,
        pipeline: Pipeline,
        lanes: Sequence[Lane],
        clock: Clock,
        run_blocking: Run,
        fresh: Callable[..., None],
    ) -> None:
        self.outbox, self.pipeline, self.clock = outbox, pipeline, clock
        self.lanes = {lane.station: lane for lane in lanes}
        self.former: dict[str, Lane] = {}
        outbox.tell = self._told
        self.tally = Tally()
        self.memos: dict[str, bytes] = {}  # what sources want to know when they begin anew
        self.problem: str | None = None
        self.bytes_max: int | None = None  # of a message, where the broker takes less than usual
        self._run_blocking, self._fresh = run_blocking, fresh
        self._queue: asyncio.Queue[Item] = asyncio.Queue(QUEUE_MAX)
        self._busy = self._is_ending = False
        self._group: asyncio.Task[None] | None = None
        self._late: list[Record] = []
        self._ranges: list[tuple[int, int]] = []

    @property
    def idle(self) -> bool:
        """True when nothing waits and nothing is being committed."""
        return self._queue.empty() and not self._busy

    @property
    def lost_since_ms(self) -> int | None:
        """Since when what was known of a tag may be lost with a part of the outbox."""
        return since_of(self.memos.get(LOST_SINCE, b""))

    def lane_of(self, station: str) -> Lane | None:
        """The lane of a station, be it one of before; None of one that was never heard of."""
        return self.lanes.get(station) or self.former.get(station)

    async def put(self, arrival: Arrival | Stated | Exchange) -> None:
        """Hand something in; waits while the queue is full."""
        await self._queue.put(arrival)

    def confirm(self, ranges: Sequence[tuple[int, int]]) -> bool:
        """Say what the historian has; False when the queue is full: it will be said again."""
        if self._queue.full():
            self.tally.confirmations_dropped += 1
            return False
        self._queue.put_nowait(Confirmed(tuple(ranges)))
        return True

    async def run(self) -> None:
        """Commit group after group until cancelled; `finish` then waits for the one under way."""
        while True:
            first = await self._queue.get()
            self._busy = True
            self._group = asyncio.create_task(self._one(first))
            await asyncio.shield(self._group)

    async def tick(self, every_s: float = TICK_S) -> None:
        """Ask for a look at staleness and bounds, for ever."""
        while True:
            await asyncio.sleep(every_s)
            await self._queue.put(Tick())

    async def finish(self) -> None:
        """Commit what is still waiting, and the state: the last thing before the end.

        Raises what a group has failed for, or sqlite3.Error when the disk goes on saying no: then
        no state is saved, since it would know samples that are nowhere.
        """
        self._is_ending = True
        if self._group is not None:
            await self._group
        while not self._queue.empty():
            await self._one(self._queue.get_nowait())
        if self._late:
            await self._commit(Group())
        if self._ranges:
            await self._trim()
        state = self.pipeline.state.to_bytes()
        await self._run_blocking(self.outbox.confirmed, [], state)

    def lost(self, lost: Sequence[Lost]) -> None:
        """Turn samples that the outbox gave up into gap records of the next group."""
        self._late += self._gaps(lost)
        self._tell(lost)

    def _told(self, lost: Sequence[Lost]) -> Sequence[tuple[str, bytes]]:
        """The records of what the outbox has lost; on its own thread."""
        self._tell(lost)
        return _listed(self._gaps(lost))

    def _gaps(self, lost: Iterable[Lost]) -> Iterator[Record]:
        """Where it is not known whose samples were lost, each station says so."""
        for one in lost:
            known = self.lane_of(one.station)
            # Another thread may exchange them.
            lanes = [known] if known or one.station else list(self.lanes.values())
            for lane in filter(None, lanes):
                gap = Gap(tuple(lane.tags), one.from_ms, one.to_ms, one.count, one.reason)
                yield lane.gap(None, gap, one.from_ms)

    def _tell(self, lost: Sequence[Lost]) -> None:
        for one in lost:
            log.warning("samples given up", station=one.station, count=one.count, why=one.reason)
        self.tally.gaps += len(lost)

    async def _one(self, first: Item) -> None:
        group = Group()
        self._take(group, first)
        if group.rows < GROUP_ROWS and group.exchange is None:
            await asyncio.sleep(GROUP_S)
        while not (self._queue.empty() or group.rows >= GROUP_ROWS or group.exchange):
            self._take(group, self._queue.get_nowait())
        await self._commit(group)
        if group.exchange is not None:
            group.exchange.apply()
        self._busy = False

    def _take(self, group: Group, item: Item) -> None:
        if isinstance(item, Confirmed):
            group.ranges += item.ranges
        elif isinstance(item, Exchange):
            group.exchange = item
        elif isinstance(item, Tick):
            self._look(group)
        elif isinstance(item, Stated):
            group.records.append(item.record)
            group.files += item.files
            group.done.append(item.done)
        elif isinstance(item.what, Gap):
            self._gap(group, item.lane, item.connection, item.what)
        else:
            self._report(group, item.lane, item.connection, item.what)

    def _report(self, group: Group, lane: Lane, connection: str, report: Report) -> None:
        if connection not in lane.started:
            lane.started.add(connection)
            if not report.continues:
                gap = Gap(lane.connections[connection], None, report.received_ms, None, lane.begun)
                self._gap(group, lane, connection, gap)
        if report.first:
            self.pipeline.hush(lane.connections[connection], False)
        kept = self.pipeline.run(report)
        group.done.append(report.done)
        group.memos.update(report.memo)
        if self.memos.get(LOST_SINCE) and self._has_heard_all():
            group.memos[LOST_SINCE] = b""
        if kept.stepped:
            group.records.append(
                lane.step(connection, kept.stepped, kept.step_ms, report.received_ms)
            )
        self._keep(group, lane, kept)

    def _has_heard_all(self) -> bool:
        return all(lane.started >= lane.connections.keys() for lane in self.lanes.values())

    def _keep(self, group: Group, lane: Lane, kept: Kept) -> None:
        if len(kept.samples):
            group.kept.setdefault(lane.station, []).append(kept)
            group.rows += len(kept.samples)
            group.records += lane.judge(kept.samples)

    def _gap(self, group: Group, lane: Lane, connection: str, gap: Gap) -> None:
        """Note a gap; where nothing was ever known of these tags, nothing can be missing.

        Unless the outbox has lost something: then it may be what was known.
        """
        from_ms = gap.from_ms
        if from_ms is None:
            from_ms = self.pipeline.state.last_ms(gap.numbers)
            if from_ms is None:
                from_ms = self.lost_since_ms
            if from_ms is None:
                return
        group.records.append(lane.gap(connection, gap, min(from_ms, gap.to_ms)))
        self.tally.gaps += 1

    def _look(self, group: Group) -> None:
        group.tick = True
        stale = self.pipeline.stale(self.clock.now_ms())
        if len(stale.samples):
            for lane in self.lanes.values():
                rows = lane.rows(stale.samples)
                self._keep(group, lane, Kept(stale.samples[rows], stale.source[rows]))

    async def _commit(self, group: Group) -> None:
        batches, is_live = in_batches(group.kept, self.bytes_max)
        group.records += self._late
        self._late = []
        memories = {name: self.lanes[name].memory() for name in group.kept}
        changed = {name: memory for name, memory in memories.items() if memory is not None}
        placed: list[Batch] = []
        if batches or group.records or group.memos:
            placed = await self._insist(self._write, batches, group, changed | group.memos)
        for name, memory in changed.items():
            self.lanes[name].remembered = memory
        self.memos |= group.memos
        for done in group.done:
            done()
        self.tally.samples += group.rows
        self.tally.records += len(group.records)
        if placed or group.records:
            self._tell_fresh(placed, is_live, bool(group.records))
        self._ranges += group.ranges
        if self._ranges and (group.tick or len(self._ranges) >= RANGES_MAX):
            await self._trim()
        if group.tick:
            lost = await self._insist(self._bound)
            self._tell(lost)
            if lost:
                self._fresh([], True)

    def _tell_fresh(self, placed: list[Batch], is_live: list[bool], has_records: bool) -> None:
        live = [batch for batch, fresh in zip(placed, is_live, strict=True) if fresh]
        if len(live) == len(placed):
            self._fresh(live, has_records)
        else:  # what the machine had kept is no news to other hosts: it goes out as history
            self._fresh(live, has_records, placed[-1].position)

    def _write(self, batches: list[Batch], group: Group, memories: dict[str, bytes]) -> list[Batch]:
        """One group on the disk; on the outbox's own thread."""
        now_ms, records = self.clock.now_ms(), _listed(group.records)
        placed = self.outbox.commit(
            batches, now_ms, records, list(memories.items()), files=group.files
        )
        self.tally.commits += 1
        return placed

    async def _trim(self) -> None:
        """Forget what is confirmed: once a second is enough, each writes the whole state."""
        ranges, self._ranges = self._ranges, []
        highest = max(end for _, end in ranges)
        state = self.pipeline.state.to_bytes() if self.outbox.needs_state(highest) else None
        self.tally.acknowledged += await self._insist(self.outbox.confirmed, ranges, state)

    def _bound(self) -> list[Lost]:
        state = self.pipeline.state.to_bytes
        return self.outbox.bound(self.clock.now_ms(), state, lambda lost: _listed(self._gaps(lost)))

    async def _insist(self, work: Callable[..., Any], *args: Any) -> Any:
        """Try until the disk takes it: nothing is acknowledged meanwhile, the sources wait."""
        for attempt in range(1 << 62):
            try:
                result = await self._run_blocking(work, *args)
            except sqlite3.Error as error:
                self.tally.commit_failures += 1
                if is_damage(error):
                    self.outbox.suspect = str(error)
                if self.problem is None:
                    log.error(
                        "the outbox cannot be written", file=str(self.outbox.path), why=str(error)
                    )
                self.problem = f"the outbox cannot be written: {error}"
                if self._is_ending:
                    raise
                await asyncio.sleep(RETRY_S[min(attempt, len(RETRY_S) - 1)])
            else:
                if self.problem is not None:
                    log.warning("the outbox is written again", file=str(self.outbox.path))
                self.problem = None
                return result
        raise AssertionError("unreachable")


def _listed(records: Iterable[Record]) -> list[tuple[str, bytes]]:
    return [(record.id, record.canonical()) for record in records]
