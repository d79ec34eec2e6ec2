"""What a foreign Modbus server has answered, beside what the store has of it.

Every request is in the server's log with the turn whose values it was answered from, so that what
was read is known exactly: a sample belongs to the answer before it, and to the next one it does
not. What the agent keeps of it is each value that differs from the one before.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import orjson

from plant.stores.store import Store
from refit.accounts import EVER
from stations.declare import Register, Tag, Type
from stations.status import (
    BAD_DEVICE_FAILURE,
    BAD_NO_COMMUNICATION,
    BAD_NO_DATA,
    BAD_NODE_ID_UNKNOWN,
    BAD_OUT_OF_RANGE,
    BAD_TIMEOUT,
    GOOD,
)
from wire.registers import span
from wire.site import StationConfig

STATUS = {2: BAD_NODE_ID_UNKNOWN, 4: BAD_DEVICE_FAILURE}
INT_MAX = 1 << 63
SLACK_MS = 5_000  # of a machine that does other work beside
STILL_MS = 700  # without a turn: the server itself got no time
Fact = tuple[int, Any]
Row = tuple[int, Fact]


@dataclass(frozen=True, slots=True)
class Answer:
    """One request: what was asked for, and when and from which turn it was answered."""

    ms: int
    asked_ms: int
    table: str
    start: int
    count: int
    code: int
    turn: int


@dataclass(slots=True)
class Truth:
    """The log of a server: its answers in order, the values of each turn, the turns' times."""

    answers: list[Answer] = field(default_factory=list)
    turns: dict[int, dict[str, Any]] = field(default_factory=dict)
    times: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, file: Path) -> Truth:
        """The log in a file; a torn line at a kill is left out."""
        truth = cls()
        for line in file.read_bytes().splitlines():
            try:
                event = orjson.loads(line)
            except orjson.JSONDecodeError:
                continue
            if "values" in event:
                truth.turns[event["turn"]] = event["values"]
                truth.times.append(event["ms"])
            else:
                keys = ("ms", "asked", "table", "start", "count", "code", "turn")
                truth.answers.append(Answer(*(event[key] for key in keys)))
        return truth

    def stood_still(self, from_ms: int, to_ms: int) -> bool:
        """Whether the server made no turn for a while in this time."""
        near = [ms for ms in self.times if from_ms - STILL_MS <= ms <= to_ms + STILL_MS]
        return any(after - before > STILL_MS for before, after in pairwise(near))

    def fact(self, tag: Tag[Any], turn: int) -> Fact:
        """Status and value that the store should have of a tag that was read in this turn."""
        assert isinstance(tag.at, Register)
        at = tag.at
        if at.table == "input":
            return GOOD, (31 * at.address + 7 * turn) % 65536
        value = self.turns[turn].get(f"{at.table} {at.address}", 0)  # what is not listed is 0
        if at.bit is not None:
            return GOOD, bool(value >> at.bit & 1)
        match tag.value_type:
            case Type.INT:
                number = int(value)
                return (GOOD, number) if -INT_MAX <= number < INT_MAX else (BAD_OUT_OF_RANGE, None)
            case Type.FLOAT:
                number = float(value)
                if math.isnan(number):
                    return BAD_NO_DATA, None
                return (GOOD, number) if math.isfinite(number) else (BAD_OUT_OF_RANGE, None)
            case Type.TEXT:
                return GOOD, value.rstrip()
            case _:
                return GOOD, value


@dataclass(slots=True)
class Found:
    """How much was compared, and every difference in words."""

    read: int = 0
    stored: int = 0
    bad: dict[int, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)


def compare(
    station: StationConfig, truth: Truth, store: Store, since_ms: int, kills: list[int]
) -> Found:
    """Every value of every tag of a station; `kills` are the times at which the server died."""
    found = Found()
    timeout_ms = station.modbus[""].timeout_ms
    tables = {span(tag)[0] for tag in station.declaration.tags}
    own = [one for one in truth.answers if one.table in tables and one.ms >= since_ms]
    # What was answered behind the timeout was not waited for, and a silent device has no values.
    late = [one for one in own if one.ms - one.asked_ms >= timeout_ms]
    for tag in station.declaration.tags:
        table, start, count = span(tag)
        holding = [
            one
            for one in own
            if one.table == table and one.start <= start and one.start + one.count >= start + count
        ]
        samples = store.range(station.name, tag.name, -EVER, EVER)
        rows = [
            (int(samples.time[row]), (int(samples.status[row]), samples.row(row)))
            for row in range(len(samples))
        ]
        found.wrong += Line(tag, truth, holding, late, kills, timeout_ms).differences(rows)
        found.read += sum(one.code == 0 for one in holding)
        found.stored += len(rows)
        for _, (status, _) in rows:
            found.bad[status] = found.bad.get(status, 0) + 1
    return found


class Line:
    """The answers that hold one tag, in order, and what may have come between."""

    def __init__(
        self, tag: Tag[Any], truth: Truth, answers: list[Answer], late: list[Answer],
        kills: list[int], timeout_ms: int,
    ) -> None:  # fmt: skip
        self._tag, self._truth = tag, truth
        self._late, self._kills, self._timeout_ms = late, kills, timeout_ms
        self._refused = [one for one in answers if one.code]
        self._read = [one for one in answers if not one.code and one not in late]
        self._times = [one.ms for one in self._read]

    def differences(self, rows: list[Row]) -> Iterator[str]:
        """What is stored and was not read, and what was read and is not stored."""
        by_answer: dict[int, list[Row]] = {}
        for ms, fact in rows:
            by_answer.setdefault(bisect_right(self._times, ms) - 1, []).append((ms, fact))
        timeouts = [ms for ms, (status, _) in rows if status == BAD_TIMEOUT]
        known: Fact | None = None
        for index in range(-1, len(self._read)):
            here = by_answer.get(index, [])
            if index >= 0:
                fact = self._truth.fact(self._tag, self._read[index].turn)
                if here and here[0][1] == fact:
                    known, here = fact, here[1:]
                elif fact != known and not self._is_lost(index, timeouts):
                    yield f"{self._tag.name} at {self._times[index]}: {fact} was read, not stored"
            for ms, fact in here:
                known = fact
                if fact[1] is not None or not self._is_told(ms, fact[0]):
                    yield f"{self._tag.name} at {ms}: {fact} is stored, not read"

    def _is_lost(self, index: int, timeouts: list[int]) -> bool:
        """The last answer before a kill may not have left the server, or came behind a timeout."""
        at = self._times[index]
        until = self._times[index + 1] if index + 1 < len(self._times) else math.inf
        killed = any(at <= kill < until for kill in self._kills)
        return killed or any(at - 2 * self._timeout_ms <= ms <= at for ms in timeouts)

    def _is_told(self, ms: int, status: int) -> bool:
        """Whether the server, or its death, is a reason for this status at this time."""
        match status:
            case _ if status in STATUS.values():
                refused = [one for one in self._refused if STATUS[one.code] == status]
                return any(one.ms <= ms < one.ms + SLACK_MS for one in refused)
            case _ if status == BAD_NO_COMMUNICATION:
                return any(kill <= ms < kill + SLACK_MS for kill in self._kills)
            case _ if status == BAD_TIMEOUT:
                slow = (one.asked_ms <= ms <= one.ms + self._timeout_ms for one in self._late)
                return any(slow) or self._truth.stood_still(ms - 2 * self._timeout_ms, ms)
        return False
