"""Following a vehicle through a station: what every kind's rules do with its state and its visit.

A kind says once, in a `Scheme`, which tags tell the state and the visit, which state means that the
work is done and which numbers are gathered on the way; its `Memory` extends `Cycle`. `follow` then
gives the state-change records and, once per vehicle, `Ended`, from which the kind makes its own
record. Nothing in here raises because of what a machine says.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypedDict, TypeVar

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from stations.declare import State, Tag
from stations.judge import Now
from stations.records import Draft
from stations.status import is_bad, is_good

M = TypeVar("M", bound="Cycle")
S = TypeVar("S", bound=State)
T = TypeVar("T")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
TIME_MS_MAX = 253_402_300_799_999  # 9999-12-31T23:59:59.999Z


class StateChange(BaseModel):
    """Data of the record `<kind>.state`: names of states (None: not known before) and why.

    `reason` is a code: `first_seen`, `reported` (the machine said so), `unknown_number`, or one of
    the kind's own.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    from_state: str | None = Field(alias="from")
    to: str
    reason: str
    lasted_s: float | None = None


class Statistic(BaseModel):
    """What the Good samples of a number said during a part of a cycle; each counts the same."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    count: int
    min: float
    mean: float
    max: float
    last: float


class CycleData(BaseModel):
    """What the cycle record of every kind begins with. `complete` is true when `flaws` is empty.

    `flaws` are codes: `joined` (the arrival was not seen), `left_early` (the vehicle left before
    the work was done), `state_unknown`, `time_uncertain`, `again` (worked on a second time in one
    visit), `not_seen.<state>` (a state that belongs to every whole cycle). `phases` are the seconds
    spent in each state.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    visit: str
    started: str
    ended: str
    cycle_s: float
    complete: bool
    flaws: tuple[str, ...]
    phases: dict[str, float]


class Common(TypedDict):
    """The fields of `CycleData`, to be handed on to a kind's own model."""

    visit: str
    started: str
    ended: str
    cycle_s: float
    complete: bool
    flaws: tuple[str, ...]
    phases: dict[str, float]


@dataclass(frozen=True, slots=True)
class During:
    """A number whose Good samples are gathered while the station is in one of these states."""

    tag: Tag[Any]
    states: tuple[State, ...]


@dataclass(frozen=True)
class Scheme(Generic[S]):
    """How one kind is followed. `kind` names the records; `needed` belongs to every whole cycle.

    `idle` is the state without a vehicle: time in it is no part of a cycle. Entering `done` ends
    the cycle. `planned_s` is the planned run time of one vehicle (PRI of ISO 22400-2). `gathers`
    are the numbers to gather, by the name under which they are kept. `is_good` says of the data of
    a complete cycle whether its result can be used, where a kind can tell.
    """

    kind: str
    state: Tag[S]
    visit: Tag[str]
    idle: S
    done: S
    needed: tuple[S, ...]
    planned_s: float
    gathers: Mapping[str, During] = field(default_factory=dict)
    is_good: Callable[[Mapping[str, Any]], bool] = lambda data: True

    def good(self, data: Mapping[str, Any]) -> bool:
        """Whether this cycle, by its record's data, counts as a good piece (GQ)."""
        return bool(data["complete"]) and self.is_good(data)


@dataclass(frozen=True)
class Cycle:
    """The part of a kind's `Memory` that `follow` keeps; plain values, so that it can be stored.

    `visit` is None until it has been read once, and empty when there is no vehicle. `spent` is
    state -> (ms, times entered); `gathered` is name -> (count, sum, min, max, last).
    """

    state: str = ""
    state_since_ms: int = 0
    looked_ms: int = 0
    visit: str | None = None
    started_ms: int = 0
    is_open: bool = False
    flaws: tuple[str, ...] = ()
    spent: dict[str, tuple[int, int]] = field(default_factory=dict)
    gathered: dict[str, tuple[int, float, float, float, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """JSON knows no tuples: make them again when the memory comes back from disk."""
        object.__setattr__(self, "flaws", tuple(self.flaws))
        for name in ("spent", "gathered"):
            pairs = getattr(self, name).items()
            object.__setattr__(self, name, {key: tuple(value) for key, value in pairs})


@dataclass(frozen=True, slots=True)
class Ended:
    """One vehicle's work at the station is over: what is known of it."""

    visit: str
    started_ms: int
    ended_ms: int
    flaws: tuple[str, ...]
    spent: Mapping[str, tuple[int, int]]
    gathered: Mapping[str, tuple[int, float, float, float, float]]

    def entered(self, state: State) -> int:
        """How many times this state was entered."""
        return self.spent.get(state.name, (0, 0))[1]

    def statistic(self, name: str) -> Statistic | None:
        """What a gathered number did; None when no Good sample came while it counted."""
        if name not in self.gathered:
            return None
        count, total, low, high, last = self.gathered[name]
        mean = min(max(total / count, low), high)
        return Statistic(count=count, min=low, mean=mean, max=high, last=last)

    def last(self, name: str) -> float | None:
        """The last Good value of a gathered number, None when there was none while it counted."""
        return self.gathered[name][4] if name in self.gathered else None

    def common(self) -> Common:
        """The fields with which every kind's cycle record begins."""
        return Common(
            visit=self.visit,
            started=utc_text(self.started_ms),
            ended=utc_text(self.ended_ms),
            cycle_s=max(self.ended_ms - self.started_ms, 0) / 1000,
            complete=not self.flaws,
            flaws=self.flaws,
            phases={state: ms / 1000 for state, (ms, _) in self.spent.items()},
        )


def follow(
    scheme: Scheme[S], memory: M, now: Now, reason: str = "reported"
) -> tuple[M, list[Draft], Ended | None]:
    """One look: the new memory, the state-change record if there is one, and a cycle's end.

    What came since the last look belongs to the state that has lasted until now. `reason` is the
    code for a change of state that the machine has reported.
    """
    memory = _gather(scheme, memory, now)
    memory, left = _visit(scheme, memory, now)
    before = memory.state
    memory, drafts = _state(scheme, memory, now, reason)
    if memory.state == before:
        return memory, drafts, left
    done = memory.state == scheme.done.name
    if done and memory.is_open:
        ended = _ended(scheme, memory, now.time_ms, ())
        return replace(memory, is_open=False), drafts, ended or left
    if not memory.is_open and memory.visit and memory.state in _names(scheme.needed):
        memory = _opened(memory, now.time_ms, ("again",))
    return _entered(scheme, memory), drafts, left


def known(now: Now, tag: Tag[T]) -> T | None:
    """The value of a reading that is not Bad, otherwise None: an Uncertain time is no doubt."""
    reading = now.readings.get(tag.name)
    if reading is None or reading.value is None or is_bad(reading.status):
        return None
    value: T = reading.value
    return value


def utc_text(time_ms: int) -> str:
    """RFC 3339 in UTC with milliseconds; a time outside the years 1970 to 9999 is clamped."""
    moment = EPOCH + timedelta(milliseconds=min(max(time_ms, 0), TIME_MS_MAX))
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


def _names(states: tuple[S, ...]) -> tuple[str, ...]:
    return tuple(state.name for state in states)


def _gather(scheme: Scheme[S], memory: M, now: Now) -> M:
    gathered, spent = dict(memory.gathered), dict(memory.spent)
    if memory.is_open:
        for name, during in scheme.gathers.items():
            if memory.state in _names(during.states):
                _, values = now.series(during.tag)
                _add(gathered, name, values[np.isfinite(values)])
        if memory.state not in ("", scheme.idle.name):
            ms, times = spent.get(memory.state, (0, 0))
            ms += max(now.time_ms - max(memory.looked_ms, memory.started_ms), 0)
            spent[memory.state] = (ms, max(times, 1))
    looked_ms = max(now.time_ms, memory.looked_ms) if memory.is_open else now.time_ms
    return replace(memory, gathered=gathered, spent=spent, looked_ms=looked_ms)


def _add(
    gathered: dict[str, tuple[int, float, float, float, float]],
    name: str,
    values: np.ndarray[Any, np.dtype[np.float64]],
) -> None:
    if not len(values):
        return
    low, high, total = float(values.min()), float(values.max()), float(values.sum())
    count = len(values)
    if name in gathered:
        old = gathered[name]
        count, total = count + old[0], total + old[1]
        low, high = min(low, old[2]), max(high, old[3])
    gathered[name] = (count, total, low, high, float(values[-1]))


def _visit(scheme: Scheme[S], memory: M, now: Now) -> tuple[M, Ended | None]:
    visit = known(now, scheme.visit)
    if visit is None or visit == memory.visit:
        return memory, None
    ended = _ended(scheme, memory, now.time_ms, ("left_early",)) if memory.is_open else None
    flaws = ("joined",) if memory.visit is None else ()
    memory = replace(_opened(memory, now.time_ms, flaws), visit=visit, is_open=visit != "")
    return memory, ended


def _opened(memory: M, time_ms: int, flaws: tuple[str, ...]) -> M:
    return replace(
        memory,
        is_open=True,
        started_ms=time_ms,
        looked_ms=time_ms,
        flaws=flaws,
        spent={},
        gathered={},
    )


def _state(scheme: Scheme[S], memory: M, now: Now, reason: str) -> tuple[M, list[Draft]]:
    number = known(now, scheme.state)
    if number is None:
        return _flawed(memory, "state_unknown" if memory.state else ""), []
    if not is_good(now.status(scheme.state)):
        memory = _flawed(memory, "time_uncertain")
    name, reason = _name(scheme, number, reason)
    if name == memory.state:
        return memory, []
    lasted_s = max(now.time_ms - memory.state_since_ms, 0) / 1000 if memory.state else None
    because = reason if memory.state or reason == "unknown_number" else "first_seen"
    change = StateChange.model_validate(
        {"from": memory.state or None, "to": name, "reason": because, "lasted_s": lasted_s}
    )
    draft = Draft(
        kind=f"{scheme.kind}.state",
        time_ms=now.time_ms,
        visit=memory.visit or None,
        data=change.model_dump(mode="json", by_alias=True),
    )
    return replace(memory, state=name, state_since_ms=now.time_ms), [draft]


def _name(scheme: Scheme[S], number: Any, reason: str) -> tuple[str, str]:
    try:
        return scheme.state.kind(number).name, reason
    except ValueError:
        return f"unknown_{number}", "unknown_number"


def _entered(scheme: Scheme[S], memory: M) -> M:
    if not memory.is_open or memory.state == scheme.idle.name:
        return memory
    ms, times = memory.spent.get(memory.state, (0, 0))
    return replace(memory, spent={**memory.spent, memory.state: (ms, times + 1)})


def _flawed(memory: M, flaw: str) -> M:
    if not flaw or not memory.is_open or flaw in memory.flaws:
        return memory
    return replace(memory, flaws=(*memory.flaws, flaw))


def _ended(scheme: Scheme[S], memory: Cycle, time_ms: int, flaws: tuple[str, ...]) -> Ended | None:
    """None for a vehicle of which neither the arrival nor any work was seen: nothing is known."""
    unseen = [name for name in _names(scheme.needed) if name not in memory.spent]
    if "joined" in memory.flaws and len(unseen) == len(scheme.needed):
        return None
    missing = tuple(f"not_seen.{name.lower()}" for name in unseen)
    return Ended(
        memory.visit or "",
        memory.started_ms,
        time_ms,
        (*memory.flaws, *flaws, *missing),
        memory.spent,
        memory.gathered,
    )
