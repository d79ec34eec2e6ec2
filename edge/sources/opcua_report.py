"""From the notifications of a server to the reports and gaps of one source, over all sessions."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from edge.sources import variants
from edge.sources.bad import BadTags, nothing_to_do
from edge.sources.fault import MachineFault, machine
from edge.sources.notification import Notification
from edge.sources.opcua_history import Brought, History, Span
from edge.sources.opcua_newest import Newest, reach
from edge.sources.opcua_nodes import Refused
from edge.sources.opcua_past import Memo, Memory, Stream
from edge.sources.source import (
    TICKS_PER_MS,
    Gap,
    Item,
    Past,
    Report,
    Sink,
    SourceStatus,
)
from edge.state import absurd
from stations.status import BAD_NODE_ID_UNKNOWN, BAD_TYPE_MISMATCH

log = logging.getLogger(__name__)

NOTIFICATION_LOST = "notification lost"


class Reporter:
    """Hands on what was read and says what is missing.

    `last` are the source times (ticks) of the newest value of each tag that was handed on, -1 where
    there is none. `lost`: since when (ms) and why nothing is known; None while nothing is missing.
    """

    def __init__(
        self, name: str, items: Sequence[Item], status: SourceStatus, memory: Memory, past: Past
    ) -> None:
        self.name, self.status, self.memory = name, status, memory
        self.expected = variants.Expected.of(items)
        self.numbers = tuple(item.number for item in items)
        self.bad = BadTags(name, status)
        self.last = np.full(len(items), -1, np.int64)
        for number, ticks in past.ticks.items():
            self.last[self.expected.index(np.array([number], np.uint32))] = ticks
        self._newest = Newest(self.last, memory.newest_ms)
        self._brought = Brought()
        self.lost: tuple[int, str] | None = None
        self._resumed_ms: int | None = None  # to here a subscription taken over on trial brought
        self.is_first = True
        self.flows: Callable[[], None] = nothing_to_do
        self.sink: Sink
        self.lose(past.reason)
        if self.lost is None and past.since_ms is not None:
            self.lost = (past.since_ms, past.reason)

    def lose(self, reason: str) -> None:
        """From here on nothing is known, unless that was so before.

        What a subscription on trial has brought in between is not missing. It counts by its own
        time: history, which is read in the same session, may have come further for some tags only.
        """
        since_ms = self.known_ms() if self.lost is None else self._resumed_ms
        if since_ms is not None:
            self.lost = (since_ms, reason)
        self._resumed_ms = None

    def known_ms(self) -> int | None:
        """The newest source time that was handed on, by the clock as it is now, ms."""
        return self._newest.ms

    def since(self, numbers: Sequence[int]) -> dict[int, int]:
        """By tag the source time (ticks) of the newest value that was handed on."""
        last = self.last[self.expected.index(np.array(numbers, np.uint32))]
        return {number: at for number, at in zip(numbers, last.tolist(), strict=True) if at >= 0}

    async def notification(
        self, one: Notification, received_ms: int, stream: Stream, history: History,
        seen: Set[tuple[int, int]] = frozenset(),
    ) -> None:  # fmt: skip
        """Hand on what a notification carries; its acknowledgement follows when it is safe.

        `seen` are the values (tag, ticks) that another subscription has brought already.
        """
        if one.status is not None and one.status & 0x8000_0000:
            why = f"the server ended the subscription (0x{one.status:08X})"
            raise MachineFault(why, "subscription lost")
        stream.take(one.sequence)
        done = partial(stream.safe, one.sequence)
        decoded = self.decoded(one, received_ms)
        if decoded is None:
            since_ms = self.known_ms()
            await self.sink.gap(Gap(self.numbers, since_ms, received_ms, None, "not understood"))
            decoded = variants.decode((), self.expected, 0)
        if seen:
            decoded = decoded.only(~np.array([row in seen for row in decoded.rows()], bool))
        decoded = self._brought.without(decoded)
        if decoded.unknown:
            self.status.count("values of unknown items", decoded.unknown)
        if not len(decoded.samples):
            # Its number must be known after a restart, or it would be missed there.
            memo = self._memo(stream, one.sequence)
            await self.sink.report(self._report(decoded, received_ms, False, done, memo))
            return
        if decoded.overflowed.any():
            await self._overflow(decoded, received_ms, history)
        self._take(decoded, received_ms)
        if self.lost is not None:
            self._resumed_ms = self.known_ms()
        self._note_types(decoded)
        self.flows()
        is_first, self.is_first = self.is_first, False
        memo = self._memo(stream, one.sequence)
        await self.sink.report(self._report(decoded, received_ms, is_first, done, memo))

    def _memo(self, stream: Stream, sequence: int) -> Memo:
        newest_ms = self._newest.ms if self._newest.is_behind else None
        return self.memory.memo(stream, sequence, newest_ms)

    def _take(self, decoded: variants.Decoded, received_ms: int) -> None:
        """These rows are the newest of their tags."""
        places = self.expected.index(decoded.samples.tag)
        ticks = _believed(decoded.ticks, received_ms)
        self.last[places] = ticks
        self._newest.note(places, ticks, self.last, received_ms)

    def decoded(self, one: Notification, received_ms: int) -> variants.Decoded | None:
        """The columns of a notification; None when it cannot be read.

        One value that nobody can read must not end the session again and again.
        """
        try:
            with machine():
                return variants.decode(one.changes, self.expected, received_ms * TICKS_PER_MS)
        except MachineFault as fault:
            log.warning("%s: a notification cannot be read: %s", self.name, fault)
            self.status.count("notifications not understood")
            return None

    @staticmethod
    def _report(
        decoded: variants.Decoded, received_ms: int, is_first: bool, done: Callable[[], None],
        memo: tuple[tuple[str, bytes], ...],
    ) -> Report:  # fmt: skip
        return Report(
            decoded.samples, decoded.ticks, received_ms, False, is_first, done,
            continues=True, memo=memo,
        )  # fmt: skip

    async def goes_on(self, now_ms: int) -> None:
        """Nothing is missing, whether or not there is anything new: the link is live."""
        if self.is_first:
            self.is_first = False
            nothing = variants.decode((), self.expected, 0)
            await self.sink.report(self._report(nothing, now_ms, True, nothing_to_do, ()))

    async def missing(self, received_ms: int) -> None:
        """Say that notifications did not arrive and cannot be had any more."""
        since_ms = self.known_ms()
        await self.sink.gap(Gap(self.numbers, since_ms, received_ms, None, "notification lost"))

    async def recovered(self, one: Notification, received_ms: int, history: History) -> None:
        """Read what was in notifications that cannot be had any more, and lay before this one.

        Of a tag that this one brings, up to there; of another up to what the server says it is now.
        What is kept of no tag, or not whole, is a gap.
        """
        decoded = self.decoded(one, received_ms)
        first: dict[int, int] = {}
        for number, ticks in () if decoded is None else decoded.rows():
            first.setdefault(number, ticks)
        readable = await history.readable(self.since(self.numbers))
        now = await history.newest(readable - first.keys())
        known, spans = self.since([*readable]), dict[int, Span]()
        for number, ticks in (now | first).items():
            if number in readable and known[number] <= ticks:
                spans[number] = known[number], ticks
        since_ms = self.known_ms()
        if others := [number for number in self.numbers if number not in spans]:
            await self.gap(others, since_ms, received_ms, NOTIFICATION_LOST)
        closed = now.keys() & spans.keys()
        await self._fill(spans, received_ms, NOTIFICATION_LOST, history, closed)
        self._brought.note({number: spans[number][0] for number in closed}, self.since([*closed]))

    async def gap(
        self, numbers: Sequence[int], from_ms: int | None, to_ms: int, reason: str
    ) -> None:
        """Say that samples of these tags may be missing."""
        await self.sink.gap(Gap(tuple(numbers), from_ms, to_ms, None, reason))

    async def bridge(
        self, first: Mapping[int, int], received_ms: int, is_whole: bool, history: History
    ) -> None:
        """Fill the time in which nobody listened, and say of which part of it nothing is left.

        `first` are the source times (ticks) of the first live values; `is_whole`: of all tags.
        """
        if self.lost is None:
            return
        from_ms, reason = self.lost
        ticks = _believed(np.array([*first.values()], np.int64), received_ms)
        first = dict(zip(first, ticks.tolist(), strict=True))
        ends = [ticks // TICKS_PER_MS for ticks in first.values()]
        to_ms = max(ends, default=received_ms)
        was_behind = self._newest.is_behind
        from_ms, to_ms = reach(from_ms, to_ms, received_ms)
        if to_ms == from_ms or was_behind or not is_whole:
            to_ms = max(to_ms, received_ms)  # behind its old clock samples bear our times
        spans = self._spans(first)
        readable = await history.readable(spans) if spans else set()
        if others := [number for number in self.numbers if number not in readable]:
            await self.gap(others, from_ms, to_ms, reason)
        await self._fill(
            {number: spans[number] for number in readable}, received_ms, reason, history
        )
        self.lost = None

    async def _overflow(
        self, decoded: variants.Decoded, received_ms: int, history: History
    ) -> None:
        """The first value after an overflow says that those before it are lost."""
        numbers = np.unique(decoded.samples.tag[decoded.overflowed]).tolist()
        self.status.count("queues overflowed", len(numbers))
        first: dict[int, int] = {}
        ticks = _believed(decoded.ticks, received_ms)
        for row in np.flatnonzero(decoded.overflowed).tolist():
            first.setdefault(int(decoded.samples.tag[row]), int(ticks[row]))
        spans = self._spans(first)
        readable = await history.readable(spans) if spans else set()
        others = [number for number in numbers if number not in readable]
        if others:
            known = self.since(others)
            is_known = len(known) == len(others)
            from_ms = min(known.values()) // TICKS_PER_MS if is_known else None
            to_ms = max(first[number] for number in others) // TICKS_PER_MS
            from_ms, to_ms = reach(from_ms, to_ms, received_ms)
            await self.sink.gap(Gap(tuple(others), from_ms, to_ms, None, "queue overflow"))
        spans = {number: spans[number] for number in readable}
        await self._fill(spans, received_ms, "queue overflow", history)

    def _spans(self, first: Mapping[int, int]) -> dict[int, Span]:
        """From the last value that is known to the first new one; not where a clock went back."""
        known = self.since(list(first))
        return {
            number: (known[number], ticks)
            for number, ticks in first.items()
            if number in known and known[number] <= ticks
        }

    async def _fill(
        self, spans: dict[int, Span], received_ms: int, reason: str, history: History,
        closed: Set[int] = frozenset(),
    ) -> None:  # fmt: skip
        async def report(decoded: variants.Decoded) -> None:
            self._take(decoded, received_ms)
            made = self._report(decoded, received_ms, False, nothing_to_do, ())
            await self.sink.report(replace(made, historical=True))

        async def tell(holes: dict[int, Span]) -> None:
            from_ms = min(begin for begin, _ in holes.values()) // TICKS_PER_MS
            to_ms = max(end for _, end in holes.values()) // TICKS_PER_MS
            await self.gap(sorted(holes), from_ms, to_ms, reason)

        await history.fill(spans, received_ms * TICKS_PER_MS, report, tell, closed)

    async def refuse(self, refused: Mapping[int, Refused], now_ms: int) -> None:
        """Say of tags that they cannot be read now, and why."""
        items = [self.expected.items[number] for number in refused]
        for item in items:
            self.bad.add(item, refused[item.number].why, is_absent=True)
        statuses = {number: reason.status for number, reason in refused.items()}
        await self.sink.report(replace(self.bad.report(items, statuses, now_ms), continues=True))

    def _note_types(self, decoded: variants.Decoded) -> None:
        samples = decoded.samples
        vanished = samples.status == BAD_NODE_ID_UNKNOWN
        odd = decoded.mismatched | vanished
        if not (odd.any() or self.bad):
            return
        for number in np.unique(samples.tag[odd]).tolist():
            item = self.expected.items[number]
            if vanished[samples.tag == number].any():
                self.bad.add(item, "the server no longer has this node", is_absent=True)
            else:
                wanted = item.tag.value_type.name
                self.bad.add(item, f"the machine's type does not fit {wanted}", is_absent=False)
        for number in self.bad.numbers:
            mine = samples.status[samples.tag == number]
            item = self.expected.items[number]
            if len(mine) and mine[-1] != BAD_TYPE_MISMATCH and not self.bad.is_absent(item):
                self.bad.clear(item)


def _believed(ticks: NDArray[np.int64], received_ms: int) -> NDArray[np.int64]:
    """Source times; where one cannot be (a year of 9999 stands for none), that of the receipt."""
    return np.where(absurd(ticks, received_ms), np.int64(received_ms * TICKS_PER_MS), ticks)
