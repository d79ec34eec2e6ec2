"""What a server has kept of the time in which nobody listened: HistoryRead of raw values.

A span reaches from the last value that is known of a tag to the first one that came live. It is
read in windows of time, all tags of a window together, so that what comes out is in the order of
time across tags and bounded in memory. A history is believed as far as it can be seen to be whole:
it must hold the known value at its beginning, and at its end the one that came live.
OPC 10000-4, 5.11.3; OPC 10000-11, 6.5.3.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

import numpy as np
from asyncua import ua
from numpy.typing import NDArray

from edge.sources import variants
from edge.sources.fault import MachineFault, machine
from edge.sources.notification import parse_history
from edge.sources.opcua_nodes import LINK_IS_LOST, Limits
from edge.sources.publish import Publisher
from edge.sources.source import TICKS_PER_MS, SourceStatus

TICKS_PER_S = 1000 * TICKS_PER_MS
WINDOW_S = (1.0, 10.0, 3600.0)  # at least, at first, at most
VALUES_WANTED = 10_000  # in one window: wider when there are fewer, narrower when there are more
NODES_MAX = 50  # in one request: its answer must fit into a message
CONTINUATIONS_MAX = 10_000
BACK_S_MAX = 7 * 86_400.0
CAN_READ_HISTORY = 4  # of AccessLevel (OPC 10000-3, 8.57)
ROUNDED = 10  # ticks: databases keep microseconds
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BAD = 0x8000_0000

Span = tuple[int, int]


@dataclass(slots=True)
class Reading:
    """How far one reading of spans has come: what is left of each, and what cannot be had.

    `closed`: the tags of which the end of the span itself is to be reported, too.
    """

    spans: dict[int, Span]
    begun: set[int] = field(default_factory=set)
    ended: set[int] = field(default_factory=set)
    closed: Set[int] = frozenset()
    last: dict[int, int] = field(default_factory=dict)

    def missing(self) -> dict[int, Span]:
        """By tag the part of its span whose end was not found."""
        return {
            number: (self.last.get(number, begin), end)
            for number, (begin, end) in self.spans.items()
            if number not in self.ended
        }


@dataclass(frozen=True, slots=True)
class History:
    """Reads the history of one server in one session."""

    publisher: Publisher
    nodes: Mapping[int, ua.NodeId]
    limits: Limits
    expected: variants.Expected
    status: SourceStatus

    async def readable(self, numbers: Iterable[int]) -> set[int]:
        """Which tags this account may read the history of."""
        wanted = [number for number in numbers if number in self.nodes]
        found: set[int] = set()
        for start in range(0, len(wanted), self.limits.reads):
            batch = wanted[start : start + self.limits.reads]
            with machine():
                levels = await self.publisher.read_attributes(
                    [self.nodes[number] for number in batch], ua.AttributeIds.UserAccessLevel
                )
            for number, level in zip(batch, levels, strict=True):
                value = level.Value.Value if level.Value is not None else None
                if isinstance(value, int) and value & CAN_READ_HISTORY:
                    found.add(number)
        return found

    async def newest(self, numbers: Iterable[int]) -> dict[int, int]:
        """By tag the source time (ticks) of its present value; without those that say none."""
        wanted, found = sorted(numbers), dict[int, int]()
        for start in range(0, len(wanted), self.limits.reads):
            batch = wanted[start : start + self.limits.reads]
            with machine():
                values = await self.publisher.read_attributes(
                    [self.nodes[number] for number in batch], ua.AttributeIds.Value
                )
            for number, value in zip(batch, values, strict=True):
                if value.SourceTimestamp is not None:
                    found[number] = _ticks(value.SourceTimestamp)
        return found

    async def fill(
        self, spans: Mapping[int, Span], received_ticks: int,
        report: Callable[[variants.Decoded], Awaitable[None]],
        tell: Callable[[dict[int, Span]], Awaitable[None]], closed: Set[int] = frozenset(),
    ) -> None:  # fmt: skip
        """Report what lies between the ends of each span; `tell` which parts are not to be had."""
        reading = Reading({number: span for number, span in spans.items() if span[0] < span[1]})
        reading.closed = closed
        if not reading.spans:
            return
        end = max(end for _, end in reading.spans.values())
        newest = max(begin for begin, _ in reading.spans.values())
        at = max(newest - 10 * TICKS_PER_S, end - int(BACK_S_MAX * TICKS_PER_S))
        read = partial(self._window, reading, received_ticks, report, tell)
        for since, numbers in _by_age(reading.spans, at):
            await read(numbers, since, at)
        least, window_s, most = WINDOW_S
        while at <= end:
            upto = min(at + int(window_s * TICKS_PER_S), end + 1)
            open_ = [number for number in reading.spans if number not in reading.ended]
            count = await read(open_, at, upto)
            window_s *= 0.5 if count > VALUES_WANTED else 2.0 if count < VALUES_WANTED / 4 else 1.0
            window_s, at = min(max(window_s, least), most), upto
        if missing := reading.missing():
            await tell(missing)

    async def _window(
        self, reading: Reading, received_ticks: int,
        report: Callable[[variants.Decoded], Awaitable[None]],
        tell: Callable[[dict[int, Span]], Awaitable[None]],
        numbers: Sequence[int], since: int, upto: int,
    ) -> int:  # fmt: skip
        """Everything from `since` to before `upto` (ticks); how many values there were."""
        bodies: list[tuple[int, bytes]] = []
        for start in range(0, len(numbers), self._together):
            batch = numbers[start : start + self._together]
            bodies += await self._read(batch, since, upto)
        found = variants.decode_history(bodies, self.expected, received_ticks)
        inside = (found.ticks >= since) & (found.ticks < upto)
        keep, holes = _judge(reading, found, inside)
        if holes:
            await tell(holes)
        rows = np.flatnonzero(keep)
        rows = rows[np.argsort(found.ticks[rows], kind="stable")]
        if len(rows):
            self.status.count("values from history", len(rows))
            await report(found.only(rows))
        return len(found.ticks)

    @property
    def _together(self) -> int:
        return max(1, min(NODES_MAX, self.limits.history))

    async def _read(self, numbers: Sequence[int], since: int, upto: int) -> list[tuple[int, bytes]]:
        """Bodies of HistoryData by tag; of a tag that the server refuses there is none."""
        found: list[tuple[int, bytes]] = []
        wanted: list[tuple[int, bytes]] = [(number, b"") for number in numbers]
        for _ in range(CONTINUATIONS_MAX):
            if not wanted:
                return found
            request = _request(
                [(self.nodes[number], point) for number, point in wanted], since, upto
            )
            try:
                with machine():
                    results = parse_history(await self.publisher.read_history(request))
            except MachineFault as fault:
                code = getattr(fault.__cause__, "code", None)
                if code is None or code in LINK_IS_LOST:
                    raise
                self.status.count("histories refused")
                if len(wanted) == 1 or any(point for _, point in wanted):
                    return found
                half = len(numbers) // 2
                return [
                    *await self._read(numbers[:half], since, upto),
                    *await self._read(numbers[half:], since, upto),
                ]
            if len(results) != len(wanted):
                raise MachineFault(f"{len(results)} histories of {len(wanted)} nodes")
            more: list[tuple[int, bytes]] = []
            for (number, _), (status, point, body) in zip(wanted, results, strict=True):
                if status & _BAD:
                    self.status.count("histories refused")
                    continue
                if body:
                    found.append((number, body))
                if point:
                    more.append((number, point))
            wanted = more
        return found


class Brought:
    """What a history has brought of tags of which the same may still come live, in a later queue.

    By tag from when (without) to when (with), ticks: a database may have rounded the end.
    """

    def __init__(self) -> None:
        self._spans: dict[int, Span] = {}

    def note(self, begins: Mapping[int, int], ends: Mapping[int, int]) -> None:
        """So much was reported of each of these tags."""
        for number, begin in begins.items():
            if begin < ends[number]:
                self._spans[number] = begin, ends[number]

    def without(self, decoded: variants.Decoded) -> variants.Decoded:
        """What is new of a notification; with the first new value of a tag that is over for it."""
        if not self._spans:
            return decoded
        keep = np.ones(len(decoded.ticks), bool)
        for row, (number, ticks) in enumerate(decoded.rows()):
            span = self._spans.get(number)
            if span is None:
                continue
            begin, end = span
            is_end = end % TICKS_PER_MS == 0 and ticks // TICKS_PER_MS == end // TICKS_PER_MS
            keep[row] = not (begin < ticks < end + ROUNDED or is_end)
            if keep[row]:
                del self._spans[number]
        return decoded.only(keep)


def _ticks(time: datetime) -> int:
    since = (time if time.tzinfo else time.replace(tzinfo=UTC)) - EPOCH
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 10


def _by_age(spans: Mapping[int, Span], at: int) -> list[tuple[int, list[int]]]:
    """Tags whose span begins before `at`, with those of about the same age, and since when.

    A tag that has long been still has one value there; one request for it and for a quick one would
    bring all of the quick one's.
    """
    ages: dict[int, list[int]] = {}
    for number, (begin, _) in spans.items():
        if begin < at:
            ages.setdefault(len(str((at - begin) // (10 * TICKS_PER_S))), []).append(number)
    return [
        (min(spans[number][0] for number in ages[age]) - TICKS_PER_MS, ages[age])
        for age in sorted(ages, reverse=True)
    ]


def _judge(
    reading: Reading, found: variants.Decoded, inside: NDArray[np.bool_]
) -> tuple[NDArray[np.bool_], dict[int, Span]]:
    """Which rows are new, and before which of them something is missing."""
    keep = np.zeros(len(inside), bool)
    holes: dict[int, Span] = {}
    for number in np.unique(found.samples.tag[inside]).tolist():
        begin, end = reading.spans[number]
        rows = np.flatnonzero(inside & (found.samples.tag == number))
        rows = rows[np.argsort(found.ticks[rows], kind="stable")]
        ticks = found.ticks[rows]
        rounded = ticks % TICKS_PER_MS == 0
        is_first = (ticks // TICKS_PER_MS == begin // TICKS_PER_MS) & (
            (ticks < begin + ROUNDED) | rounded
        )
        is_last = (ticks // TICKS_PER_MS == end // TICKS_PER_MS) & (
            (ticks > end - ROUNDED) | rounded
        )
        between = (ticks > begin) & (ticks < end) & ~is_first & ~is_last
        keep[rows[between | is_last if number in reading.closed else between]] = True
        if is_first.any():
            reading.begun.add(number)
        if (between.any() or is_last.any()) and number not in reading.begun:
            reading.begun.add(number)
            holes[number] = (begin, int(ticks[between | is_last][0]))
        if between.any():
            reading.last[number] = int(ticks[between][-1])
        if is_last.any():
            reading.ended.add(number)
    return keep, holes


def _request(
    wanted: Sequence[tuple[ua.NodeId, bytes]], since: int, upto: int
) -> ua.HistoryReadRequest:
    details = ua.ReadRawModifiedDetails()
    details.IsReadModified = False
    # The library writes microseconds; some servers leave out what lies at the end.
    details.StartTime = EPOCH + timedelta(microseconds=since // 10)
    details.EndTime = EPOCH + timedelta(microseconds=upto // 10 + 1000)
    details.NumValuesPerNode = 0
    details.ReturnBounds = False
    request = ua.HistoryReadRequest()
    request.Parameters.HistoryReadDetails = details
    request.Parameters.TimestampsToReturn = ua.TimestampsToReturn.Both
    request.Parameters.ReleaseContinuationPoints = False
    for node, point in wanted:
        one = ua.HistoryReadValueId()
        one.NodeId = node
        one.ContinuationPoint = point or None
        request.Parameters.NodesToRead.append(one)
    return request
