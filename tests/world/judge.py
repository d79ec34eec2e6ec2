"""What must hold after a run of the small world, against what its machines have shown."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import orjson

from edge.sources.source import TICKS_PER_MS
from plant.stores.store import OWN_MEASUREMENTS
from stations.samples import Samples, concat
from stations.status import BAD, UNCERTAIN, UNCERTAIN_LAST_USABLE_VALUE
from stations.upsets import rfc3339
from tests.world import invariants
from tests.world.invariants import END_MS, ROWS_MAX
from tests.world.machine import POLL_S, Machine, Row
from tests.world.small import SmallWorld
from tests.world.small_site import AGENT

GIVEN_UP = ("outbox full", "outbox damaged")
DISK_BYTES_MAX = 1 << 20
UNSEEN_MS = int(2.5 * POLL_S * 1000)  # what stands so long is polled at least once


@dataclass(frozen=True)
class Kept:
    """One sample as it was committed."""

    time_ms: int
    status: int
    value: Any

    @property
    def is_stale(self) -> bool:
        """Made by the agent because nothing came."""
        return self.status == UNCERTAIN_LAST_USABLE_VALUE


@dataclass(frozen=True)
class Span:
    """A gap record."""

    connection: str | None
    tags: frozenset[str]
    began: str
    ended: str
    reason: str

    def covers(self, connection: str, tag: str, time_ms: int) -> bool:
        """Whether it says that a sample of this time may be missing."""
        mine = self.connection in (None, connection) and (not self.tags or tag in self.tags)
        return mine and self.began <= rfc3339(time_ms) <= self.ended

    def contains(self, connection: str, tag: str, time_ms: int) -> bool:
        """Whether a time lies really inside it."""
        mine = self.connection == connection and (not self.tags or tag in self.tags)
        return mine and self.began < rfc3339(time_ms) < self.ended


class Judge:
    """Looks at a world after its run. `steps`: clocks were set, so that times do not compare."""

    def __init__(self, world: SmallWorld, *, steps: bool = False, gives_up: bool = False) -> None:
        self.world, self.steps, self.gives_up = world, steps, gives_up
        self.spans: dict[str, list[Span]] = {}
        self.entries = world.historian.ledger.find(limit=ROWS_MAX)
        for entry in self.entries:
            if entry.kind != "gap":
                continue
            data = orjson.loads(entry.body)["data"]
            data["tags"] = frozenset(data["tags"])
            del data["count"]
            self.spans.setdefault(entry.station, []).append(Span(**data))
        self.kept = {
            name: [_row(whole, row) for row in range(len(whole))]
            for name, parts in world.witness.committed.items()
            for whole in (concat(parts),)
        }

    def problems(self) -> list[str]:
        """Everything that is wrong."""
        found = [*self.world.witness.wrong[:3], *self._stored(), *self._bounds()]
        found += invariants.records(self.world, self.entries)  # type: ignore[arg-type]
        found += invariants.gaps(self.world, self.entries)  # type: ignore[arg-type]
        for machine in self.world.machines:
            found += [f"{machine.station}/{one}" for one in self._truth(machine)]
        return found

    def _stored(self) -> Iterator[str]:
        """What was committed is in the store or in a dead letter, as it was, once."""
        store, letters = self.world.store, self.world.historian.letters
        refused = {(one.refusal.station, one.refusal.tag, one.refusal.time_ms)
                   for one in letters.read()}  # fmt: skip
        found = {
            (s.station, s.tag) for s in store.series() if s.measurement not in OWN_MEASUREMENTS
        }
        for station, tag in sorted(found | self.kept.keys()):
            rows = self.kept.get((station, tag), [])
            if any(one.time_ms >= other.time_ms for one, other in pairwise(rows)):
                yield f"{station}/{tag}: time does not rise: something was committed twice"
            samples = store.range(station, tag, -END_MS, END_MS, rows_max=ROWS_MAX)
            stored = {one.time_ms: one for one in map(_row, [samples] * len(samples),
                                                      range(len(samples)))}  # fmt: skip
            for one in rows:
                has = stored.pop(one.time_ms, None)
                if has is not None and has != one:
                    yield f"{station}/{tag}: stored {has}, committed {one}"
                is_refused = (station, tag, one.time_ms) in refused
                if has is None and not (is_refused or self._is_given_up(station, tag, one.time_ms)):
                    yield f"{station}/{tag}: lost after the commit: {one}"
            if stored:
                yield f"{station}/{tag}: stored and never committed: {list(stored.values())[:3]}"

    def _is_given_up(self, station: str, tag: str, time_ms: int) -> bool:
        return self.gives_up and any(
            one.reason in GIVEN_UP and one.covers(one.connection or "", tag, time_ms)
            for one in self.spans.get(station, [])
        )

    def _bounds(self) -> Iterator[str]:
        """Nothing is left that only grows."""
        yield from self.world.remains
        size = sum(file.stat().st_size for file in self.world.folder.glob(f"{AGENT}.db*"))
        if size > DISK_BYTES_MAX:
            yield f"an outbox without anything in it has {size} bytes"

    def _truth(self, machine: Machine) -> Iterator[str]:
        for tag in machine.shown:
            kept = self.kept.get((machine.station, tag), [])
            yield from (f"{tag}: {one}" for one in self._invented(machine, tag, kept))
            yield from (f"{tag}: {one}" for one in self._lost(machine, tag, kept))
            yield from (f"{tag}: {one}" for one in self._unseen(machine, tag, kept))
            # What was damaged is not known, not even that it had gone out: such a gap is longer.
            if not (self.steps or self.gives_up):
                yield from (f"{tag}: {one}" for one in self._inside(machine, tag, kept))

    def _invented(self, machine: Machine, tag: str, kept: list[Kept]) -> Iterator[str]:
        """Everything is as it was reported; nothing is told twice."""
        offered: dict[Any, set[int]] = {}
        for row in machine.reported:
            if row.tag == tag:
                offered.setdefault(row.value, set()).add(row.status)
        last: Kept | None = None
        once: set[Any] = set()
        for one in kept:
            allowed = offered.get(one.value, set())
            if one.is_stale and allowed:
                continue
            if one.status not in allowed | {status | UNCERTAIN for status in allowed}:
                yield f"never offered: {one}"
            twice = one.value in once if one.value is not None else False
            if last is not None and (last.status, last.value) == (one.status, one.value):
                yield f"told twice: {last}, {one}"
            elif twice and not machine.is_polled:
                yield f"told again: {one}"
            once.add(one.value)
            last = one

    def _lost(self, machine: Machine, tag: str, kept: list[Kept]) -> Iterator[str]:
        """What was acknowledged was committed."""
        has = self._has(machine, tag, kept)
        for row in machine.acknowledged:
            if row.tag == tag and self._key_of(row) not in has:
                yield f"acknowledged and not committed: {row}"

    def _unseen(self, machine: Machine, tag: str, kept: list[Kept]) -> Iterator[str]:
        """What the machine showed and nobody ever saw lies in a gap."""
        has = self._has(machine, tag, kept)
        spans = self.spans.get(machine.station, [])
        rows = [row for row in machine.changes if row.tag == tag]
        first = next((at for at, row in enumerate(rows) if self._key_of(row) in has), len(rows))
        ends = [row.ticks // TICKS_PER_MS for row in rows[1:]] + [END_MS]
        bad = [one.time_ms for one in kept if one.status & BAD]
        for row, end_ms in zip(rows[first:], ends[first:], strict=True):
            began_ms = row.ticks // TICKS_PER_MS
            short = self.steps or end_ms - began_ms < UNSEEN_MS
            if self._key_of(row) in has or (machine.is_polled and short):
                continue
            if self.steps:
                covered = any(one.connection == machine.name for one in spans)
            else:
                covered = any(one.covers(machine.name, tag, began_ms) for one in spans)
            # A poll that failed says so by a Bad sample.
            place = bisect_right(bad, end_ms)
            failed = machine.is_polled and place > 0 and bad[place - 1] >= began_ms - UNSEEN_MS
            if not covered and not failed:
                yield f"neither seen nor in a gap: {row} until {end_ms}"

    def _inside(self, machine: Machine, tag: str, kept: list[Kept]) -> Iterator[str]:
        """Only the first report after a gap may lie inside it."""
        spans = [one for one in self.spans.get(machine.station, [])]
        first = {self._key_of(row) for row in machine.first if row.tag == tag}
        for one in kept:
            if one.is_stale or self._key(one.time_ms, one.value) in first:
                continue
            for span in spans:
                if span.contains(machine.name, tag, one.time_ms):
                    yield f"{one} lies inside {span}"

    def _has(self, machine: Machine, tag: str, kept: list[Kept]) -> set[tuple[int | None, Any]]:
        """The keys of what was committed; a Bad one behind a stale one bears the time after it."""
        has = {self._key(one.time_ms, one.value) for one in kept}
        bad = [row for row in machine.reported if row.tag == tag and row.value is None]
        for before, one in pairwise(kept):
            if one.value is None and before.is_stale and one.time_ms == before.time_ms + 1:
                of = [row for row in bad if row.status == one.status
                      and row.ticks // TICKS_PER_MS <= one.time_ms]  # fmt: skip
                has |= {self._key_of(max(of, key=lambda row: row.ticks))} if of else set()
        return has

    def _key(self, time_ms: int, value: Any) -> tuple[int | None, Any]:
        """What a sample is known by: its value, which comes once, or the time of a Bad one."""
        return (None, value) if value is not None or self.steps else (time_ms, None)

    def _key_of(self, row: Row) -> tuple[int | None, Any]:
        return self._key(row.ticks // TICKS_PER_MS, row.value)


def _row(samples: Samples, row: int) -> Kept:
    return Kept(int(samples.time[row]), int(samples.status[row]), samples.row(row))
