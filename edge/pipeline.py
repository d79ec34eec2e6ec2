"""From what a source reported to what leaves the agent: repeats dropped, time made to rise.

Deterministic and without I/O: the same reports in the same order give the same samples. In order:
    1. a float that is no number, an array with an infinity, or a text too long, loses its value and
       gets a Bad status
    2. a repeat (same time, status and value) is dropped; of a poll the time does not count
    3. a change that the declared deadband covers is dropped
    4. a time that cannot be, or lies more than 1 s behind this tag's newest, is replaced by the
       receive time, Uncertain, until the source has caught up
    5. time rises strictly per tag: at least 1 ms more than the sample before
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.outbox_file import SOURCE
from edge.sources.source import TICKS_PER_MS, Report
from edge.state import State, absurd
from stations import status as codes
from stations.declare import Tag, Type
from stations.samples import EMPTY, Samples, concat

STEP_BACK_TICKS = 1000 * TICKS_PER_MS
TEXT_BYTES_MAX = 4096

Mask = NDArray[np.bool_]


@dataclass(slots=True)
class Counts:
    """What the pipeline did not pass on as it came, and why."""

    repeats: int = 0
    unchanged: int = 0
    deadband: int = 0
    not_finite: int = 0
    text_too_long: int = 0
    time_replaced: int = 0
    stale: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Kept:
    """What goes on to the outbox: samples with risen ms, and what the source said (dtype SOURCE).

    `stepped` are the tag numbers whose clock was found behind (or impossible) in this report for
    the first time, `step_ms` by how much at most. `historical`: read from what the machine kept.
    """

    samples: Samples
    source: NDArray[Any]
    stepped: tuple[int, ...] = ()
    step_ms: int = 0
    historical: bool = False


@dataclass(slots=True)
class Pipeline:
    """The state of every tag of one agent, and the rules that lead from a report to samples."""

    state: State = field(default_factory=State)
    counts: Counts = field(default_factory=Counts)
    _deadband: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    _stale_ms: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))
    _behind: Mask = field(default_factory=lambda: np.zeros(0, bool))
    _hushed: Mask = field(default_factory=lambda: np.zeros(0, bool))

    def declare(self, tags: Mapping[int, Tag[Any]]) -> None:
        """Say which tag each number means; may be called again with more."""
        size = max(tags, default=-1) + 1
        self.state.grow(size)
        more = len(self.state.known) - len(self._deadband)
        self._deadband = np.concatenate([self._deadband, np.zeros(more)])
        self._stale_ms = np.concatenate([self._stale_ms, np.zeros(more, np.int64)])
        self._behind = np.concatenate([self._behind, np.zeros(more, bool)])
        self._hushed = np.concatenate([self._hushed, np.zeros(more, bool)])
        for number, tag in tags.items():
            self._deadband[number] = tag.deadband
            self._stale_ms[number] = tag.stale_ms

    def retire(self, numbers: Iterable[int]) -> None:
        """Say that nobody reads these tags any more: they do not become stale."""
        self._stale_ms[list(numbers)] = 0

    def hush(self, numbers: Iterable[int], is_hushed: bool) -> None:
        """Say nothing of the staleness of these tags while their link is down, or say it again.

        Nothing is known of them then, and what the machine has kept comes later with its own times.
        """
        self._hushed[list(numbers)] = is_hushed

    def run(self, report: Report) -> Kept:
        """What is left of a report; the state then knows it."""
        samples = self._sane(report.samples)
        kept: list[Samples] = []
        source: list[NDArray[Any]] = []
        stepped: set[int] = set()
        step_ms = 0
        for rows in _rounds(samples.tag):
            part, at = samples[rows], report.ticks[rows]
            keep = self._changed(part, at, report.polled)
            part, at = part[keep], at[keep]
            if not len(part):
                continue
            new, ms = self._stepped(part.tag, at, report.received_ms)
            stepped.update(new)
            step_ms = max(step_ms, ms)
            source.append(_source(at, part.status))
            kept.append(self._pass(part, at, report.received_ms, report.historical))
        if not kept:
            return Kept(EMPTY, np.zeros(0, SOURCE))
        return Kept(
            concat(kept), np.concatenate(source), tuple(sorted(stepped)), step_ms,
            report.historical,
        )  # fmt: skip

    def stale(self, now_ms: int) -> Kept:
        """One Uncertain sample for each tag that has not changed for longer than it declares."""
        state = self.state
        size = len(self._stale_ms)
        age = now_ms - state.time[:size]
        old = (
            state.known[:size] & ~state.stale[:size] & (self._stale_ms > 0) & (age > self._stale_ms)
        )
        old &= (state.status[:size] & codes.BAD == 0) & ~self._hushed[:size]
        numbers = np.flatnonzero(old)
        if not len(numbers):
            return Kept(EMPTY, np.zeros(0, SOURCE))
        last = state.samples(numbers.tolist())
        told = np.full(len(last), codes.UNCERTAIN_LAST_USABLE_VALUE, np.uint32)
        # The moment at which it became stale: no time of ours among those of the machine.
        time = last.time + self._stale_ms[numbers]
        samples = Samples(last.tag, time, told, last.type, last.value, last.side)
        ticks = state.ticks[numbers]
        state.put(samples, ticks, state.high[numbers], state.reported[numbers])
        state.stale[numbers] = True
        self.counts.stale += len(numbers)
        return Kept(samples, _source(ticks, state.reported[numbers]))

    def _sane(self, samples: Samples) -> Samples:
        """Take away the values that nothing behind could hold, and say so in the status."""
        is_float = samples.type == Type.FLOAT
        wild = is_float & ~np.isfinite(np.where(is_float, samples.floats, 0.0))
        for row in np.flatnonzero(samples.type == Type.FLOATS).tolist():
            # An element that is no number has no value; an infinite one is no measurement.
            wild[row] = np.isinf(samples.row(row)).any()
        long = np.zeros(len(samples), bool)
        for row in np.flatnonzero(samples.type == Type.TEXT).tolist():
            long[row] = len(samples.side[int(samples.value[row])]) > TEXT_BYTES_MAX
        if not (wild.any() or long.any()):
            return samples
        self.counts.not_finite += int(wild.sum())
        self.counts.text_too_long += int(long.sum())
        gone = wild | long
        is_bad = samples.status & codes.BAD != 0
        named = np.where(wild, codes.BAD_OUT_OF_RANGE, codes.BAD_ENCODING_LIMITS_EXCEEDED)
        status = np.where(gone & ~is_bad, named, samples.status).astype(np.uint32)
        return Samples(
            samples.tag, samples.time, status,
            np.where(gone, Type.NONE, samples.type).astype(np.uint8),
            np.where(gone, 0, samples.value).astype(np.uint64), samples.side,
        )  # fmt: skip

    def _changed(self, part: Samples, ticks: NDArray[np.int64], polled: bool) -> Mask:
        """Which rows say something new (each tag once in `part`)."""
        state, tag = self.state, part.tag
        known = state.known[tag]
        alike = known & (state.reported[tag] == part.status) & (state.type[tag] == part.type)
        same = alike & self._same_value(part)
        if polled:
            self.counts.unchanged += int(same.sum())
        else:
            same &= state.ticks[tag] == ticks
            self.counts.repeats += int(same.sum())
        small = alike & ~same & self._within_deadband(part)
        self.counts.deadband += int(small.sum())
        changed: Mask = ~(same | small)
        return changed

    def _same_value(self, part: Samples) -> Mask:
        same: Mask = self.state.value[part.tag] == part.value
        for row in np.flatnonzero(part.in_side).tolist():
            known = self.state.side.get(int(part.tag[row]))
            same[row] = known == part.side[int(part.value[row])]
        return same

    def _within_deadband(self, part: Samples) -> Mask:
        band = self._deadband[part.tag]
        covered = np.zeros(len(part), bool)
        if not band.any():
            return covered
        was, state = self.state.value[part.tag], self.state.type[part.tag]
        for kind, code in ((Type.FLOAT, np.float64), (Type.INT, np.int64)):
            rows = (band > 0) & (part.type == kind) & (state == kind)
            new = part.value[rows].view(code).astype(np.float64)
            old = was[rows].view(code).astype(np.float64)
            covered[rows] = np.abs(new - old) <= band[rows]
        covered &= part.status & codes.SEVERITY == codes.GOOD
        return covered

    def _stepped(
        self, tag: NDArray[np.uint32], ticks: NDArray[np.int64], received_ms: int
    ) -> tuple[list[int], int]:
        """Mark the tags whose clock is behind; return the new ones and by how many ms at most."""
        high = self.state.high[tag]
        behind = self.state.known[tag] & (ticks < high - STEP_BACK_TICKS)
        wrong = behind | absurd(ticks, received_ms)
        new = wrong & ~self._behind[tag]
        self._behind[tag] = np.where(wrong, True, self._behind[tag] & (ticks < high))
        by = np.where(behind, high - ticks, np.abs(received_ms * TICKS_PER_MS - ticks))[new]
        return tag[new].tolist(), int(by.max()) // TICKS_PER_MS if len(by) else 0

    def _pass(
        self, part: Samples, ticks: NDArray[np.int64], received_ms: int, historical: bool
    ) -> Samples:
        """Give each row (each tag once) its final time and status, and remember it."""
        state, tag = self.state, part.tag
        known = state.known[tag]
        replaced = self._behind[tag]
        self.counts.time_replaced += int(replaced.sum())
        time = np.where(replaced, received_ms, ticks // TICKS_PER_MS)
        before = state.time[tag]
        if historical:
            # A tag that was called stale before the link was known to be down was not.
            before = np.where(state.stale[tag], before - self._stale_ms[tag], before)
        time = np.where(known, np.maximum(time, before + 1), time)
        is_good = part.status & codes.SEVERITY == codes.GOOD
        status = np.where(replaced & is_good, part.status | codes.UNCERTAIN, part.status)
        passed = Samples(tag, time, status.astype(np.uint32), part.type, part.value, part.side)
        high = np.where(
            absurd(ticks, received_ms), state.high[tag], np.maximum(ticks, state.high[tag])
        )
        state.put(passed, ticks, high, part.status)
        return passed


def _source(ticks: NDArray[np.int64], status: NDArray[np.uint32]) -> NDArray[Any]:
    source = np.empty(len(ticks), SOURCE)
    source["ticks"], source["status"] = ticks, status
    return source


def _rounds(tags: NDArray[np.uint32]) -> Iterator[NDArray[np.intp]]:
    """Row numbers in rounds, so that within a round every tag stands at most once, in order."""
    if not len(tags):
        return
    order = np.argsort(tags, kind="stable")
    ordered = tags[order]
    is_first = np.concatenate([[True], ordered[1:] != ordered[:-1]])
    if is_first.all():
        yield np.arange(len(tags))
        return
    positions = np.arange(len(tags))
    rank = positions - np.maximum.accumulate(np.where(is_first, positions, 0))
    by_rank = np.argsort(rank, kind="stable")
    bounds = np.searchsorted(rank[by_rank], np.arange(int(rank.max()) + 2))
    for start, end in zip(bounds[:-1].tolist(), bounds[1:].tolist(), strict=True):
        yield np.sort(order[by_rank[start:end]])


def expected(reports: Iterable[Report], tags: Mapping[int, Tag[Any]]) -> list[Samples]:
    """What a fresh pipeline passes on of these reports: for comparing a log with a store."""
    pipeline = Pipeline()
    pipeline.declare(tags)
    return [pipeline.run(report).samples for report in reports]
