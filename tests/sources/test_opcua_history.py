"""What is believed of a server's history: every hole in it is told, nothing comes twice."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from asyncua import ua
from asyncua.ua.ua_binary import struct_to_binary
from hypothesis import given
from hypothesis import strategies as st

from edge.sources import variants
from edge.sources.opcua_history import EPOCH, TICKS_PER_S, History, Span
from edge.sources.opcua_nodes import Limits
from edge.sources.source import Item, SourceStatus
from stations.declare import Node
from tests.sources.recorder import tag

START = 17_900_000_000_000_000  # ticks
ITEMS = [Item(number, tag(f"t{number}", float, Node(f"T{number}"))) for number in range(4)]
BAD_USER_ACCESS_DENIED = int(ua.StatusCodes.BadUserAccessDenied)


@dataclass
class Kept:
    """A server's history by tag: what it has, how much it says at once, and what it was asked."""

    values: dict[int, list[int]]
    chunk: int = 1_000_000
    rounded_to: int = 1
    refuses: set[int] = field(default_factory=set)
    asked: list[int] = field(default_factory=list)
    points: dict[bytes, tuple[int, list[int]]] = field(default_factory=dict)

    async def read_history(self, request: ua.HistoryReadRequest) -> bytes:
        details: Any = request.Parameters.HistoryReadDetails
        self.asked.append(len(request.Parameters.NodesToRead))
        response = ua.HistoryReadResponse()
        for one in request.Parameters.NodesToRead:
            number = int(one.NodeId.Identifier)
            if one.ContinuationPoint:
                _, left = self.points.pop(one.ContinuationPoint)
            else:
                begin, end = _ticks(details.StartTime), _ticks(details.EndTime)
                rounded = [at - at % self.rounded_to for at in self.values.get(number, [])]
                left = [at for at in rounded if begin <= at < end]
            response.Results.append(self._result(number, left))
        return bytes(struct_to_binary(response))

    def _result(self, number: int, left: list[int]) -> ua.HistoryReadResult:
        result = ua.HistoryReadResult()
        if number in self.refuses:
            result.StatusCode = ua.StatusCode(ua.StatusCodes.BadUserAccessDenied)
            return result
        now, later = left[: self.chunk], left[self.chunk :]
        if later:
            result.ContinuationPoint = f"{number}/{len(self.asked)}".encode()
            self.points[result.ContinuationPoint] = (number, later)
        result.HistoryData = ua.ExtensionObject(
            TypeId=ua.NodeId(ua.ObjectIds.HistoryData_Encoding_DefaultBinary),
            Body=_body(now),
        )
        return result


def _body(times: Sequence[int]) -> bytes:
    """A HistoryData of doubles, each with a source time."""
    parts = [struct.pack("<i", len(times))]
    for at in times:
        value = float(at % 1000)
        parts.append(struct.pack("<BBdq", 1 | 4, 11, value, at + variants.EPOCH_TICKS))
    return b"".join(parts)


def _ticks(time: datetime) -> int:
    since = time - EPOCH
    return ((since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds) * 10


@dataclass
class Filled:
    """What a reading reported and told, in order."""

    times: dict[int, list[int]] = field(default_factory=dict)
    order: list[int] = field(default_factory=list)
    holes: dict[int, list[Span]] = field(default_factory=dict)


def fill(kept: Kept, spans: dict[int, Span], limits: Limits | None = None) -> Filled:
    """Read these spans of a history."""
    found = Filled()
    nodes = {item.number: ua.NodeId(item.number, 2) for item in ITEMS}
    history = History(
        kept,  # type: ignore[arg-type]
        nodes, limits or Limits(), variants.Expected.of(ITEMS), SourceStatus(),
    )  # fmt: skip

    async def report(decoded: variants.Decoded) -> None:
        for number, at in zip(decoded.samples.tag.tolist(), decoded.ticks.tolist(), strict=True):
            found.times.setdefault(number, []).append(at)
            found.order.append(at)

    async def tell(holes: dict[int, Span]) -> None:
        for number, span in holes.items():
            found.holes.setdefault(number, []).append(span)

    asyncio.run(history.fill(spans, START, report, tell))
    return found


def every(seconds: float, count: int, first: int = START) -> list[int]:
    """Source times one after the other."""
    return [first + round(step * seconds * TICKS_PER_S) for step in range(count)]


def test_what_lies_between_is_reported_in_the_order_of_time_over_all_tags() -> None:
    kept = Kept({0: every(0.1, 700), 1: every(0.25, 300)})
    spans = {number: (times[0], times[-1]) for number, times in kept.values.items()}
    found = fill(kept, spans)
    assert found.times == {number: times[1:-1] for number, times in kept.values.items()}
    assert found.order == sorted(found.order)
    assert found.holes == {}


def test_few_nodes_at_once_and_continuation_points() -> None:
    kept = Kept({number: every(0.1, 300) for number in range(4)}, chunk=7)
    spans = {number: (times[0], times[-1]) for number, times in kept.values.items()}
    found = fill(kept, spans, Limits(history=3))
    assert max(kept.asked) == 3
    assert kept.points == {}, "every continuation point was used"
    assert found.times == {number: times[1:-1] for number, times in kept.values.items()}


def test_a_history_that_begins_late_or_ends_early_leaves_the_rest_as_a_hole() -> None:
    times = every(1.0, 60)
    kept = Kept({0: times[20:], 1: times[:30], 2: [], 3: times}, refuses={3})
    found = fill(kept, dict.fromkeys(range(4), (times[0], times[-1])))
    assert found.times == {0: times[20:-1], 1: times[1:30]}
    whole = (times[0], times[-1])
    assert found.holes == {
        0: [(times[0], times[20])], 1: [(times[29], times[-1])], 2: [whole], 3: [whole],
    }  # fmt: skip


def test_a_tag_that_was_still_for_hours_is_asked_for_without_what_a_quick_one_said_then() -> None:
    quick = every(0.1, 72_000)  # two hours
    still = [quick[0], quick[-50], quick[-1]]
    kept = Kept({0: quick, 1: still})
    found = fill(kept, {0: (quick[-100], quick[-1]), 1: (still[0], still[-1])})
    assert found.times == {0: quick[-99:-1], 1: [quick[-50]]}
    assert found.holes == {}


def test_a_clock_that_went_back_is_no_span() -> None:
    kept = Kept({0: every(1.0, 10)})
    assert fill(kept, {0: (START + 50 * TICKS_PER_S, START)}) == Filled()
    assert kept.asked == []


@given(
    st.lists(st.integers(1, 5 * TICKS_PER_S), min_size=2, max_size=40),
    st.data(),
    st.sampled_from([1, 10, 10_000]),
)
def test_what_is_kept_and_what_is_told_to_be_missing_is_all_there_is(
    steps: list[int], data: st.DataObject, rounded_to: int
) -> None:
    """Whatever is missing at the ends; a database that rounds brings nothing twice."""
    times = [START]
    for step in steps:
        times.append(times[-1] + step + 20_000)  # two values of one ms cannot be told apart
    first = data.draw(st.integers(0, len(times)))
    last = data.draw(st.integers(first, len(times)))
    kept = Kept({0: times[first:last]}, chunk=data.draw(st.integers(1, 9)), rounded_to=rounded_to)
    found = fill(kept, {0: (times[0], times[-1])})
    got = found.times.get(0, [])
    assert got == sorted(set(got))
    for at in times[1:-1]:
        is_there = at - at % rounded_to in got
        is_told = any(begin <= at <= end for begin, end in found.holes.get(0, []))
        assert is_there or is_told, (at - START, first, last)
    assert set(got) <= {at - at % rounded_to for at in times[1:-1]}
