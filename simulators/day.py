"""A day of a site's machines in virtual time: the models themselves, stepped without any server.

What an agent would have kept comes out, as columns, in the order in which it would have arrived.
Coarser than the real thing in three ways: the models step by STEP_MS, so no tag changes more often;
a register is read at most as often as its connection polls; noise is added to a value when it
changes, not every second. Stops, a state of bad quality, an agent that is away and one whose
samples come late are drawn from the seed, so that every panel has something to show.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

import numpy as np

from simulators.device import DeviceModel
from simulators.line import SimulatedLine, arrivals
from simulators.station import NOISE_OF_DEADBAND
from stations.declare import Phase, Register, State, Tag, Type
from stations.model import Model, Values
from stations.samples import Samples, encode
from stations.status import BAD_SENSOR_FAILURE, GOOD
from wire.site import Site, StationConfig

STEP_MS = 500
BEAT_MS = 30_000
HOUR_S = 3600.0
BETWEEN_STOPS_S = 1.5 * HOUR_S  # of work; drawn from an exponential distribution
STOP_S = (150.0, 0.8)  # median, and sigma of its logarithm
FAULT_SHARE = 0.25

What = Literal["bad", "away", "late"]


@dataclass(frozen=True, slots=True)
class Trouble:
    """From when to when (share of the day) what happened to an agent or, `bad`, to a state."""

    what: What
    name: str
    start_ms: int
    end_ms: int

    def covers(self, time_ms: int) -> bool:
        """Whether it is in force at this time."""
        return self.start_ms <= time_ms < self.end_ms


@dataclass(frozen=True, slots=True)
class Part:
    """Samples of one station that arrive together; tags are numbered as declared, from 1."""

    station: str
    samples: Samples
    historical: bool = False


@dataclass(slots=True)
class Beat:
    """What arrives until `time_ms`: samples, agents that go or come and when, gaps from and to."""

    time_ms: int
    parts: list[Part] = field(default_factory=list)
    gone: list[tuple[str, int]] = field(default_factory=list)
    back: list[tuple[str, int]] = field(default_factory=list)
    gaps: list[tuple[str, int, int]] = field(default_factory=list)


def day(site: Site, start_ms: int, *, hours: float = 24.0, seed: int = 0) -> Iterator[Beat]:
    """Beat after beat of the time from `start_ms` on."""
    end_ms = start_ms + round(hours * HOUR_S * 1000)
    troubles = _troubles(site, start_ms, end_ms)
    machines = [_machine(one, seed, troubles) for one in site.stations]
    lines = _lines(site, machines, start_ms, seed)
    beat = Beat(start_ms + BEAT_MS)
    for time_ms in range(start_ms, end_ms, STEP_MS):
        for machine in machines:
            machine.step(time_ms)
        for line in lines:
            line.step()
        if time_ms + STEP_MS >= beat.time_ms:
            _end(beat, machines, troubles)
            yield beat
            beat = Beat(beat.time_ms + BEAT_MS)


def _end(beat: Beat, machines: Sequence[Machine], troubles: Sequence[Trouble]) -> None:
    """Take what the machines have shown until the end of a beat, as far as it arrives now."""
    links = [one for one in troubles if one.what != "bad"]
    since_ms = beat.time_ms - BEAT_MS
    beat.gone += [
        (one.name, one.start_ms) for one in links if since_ms <= one.start_ms < beat.time_ms
    ]
    beat.back += [(one.name, one.end_ms) for one in links if since_ms <= one.end_ms < beat.time_ms]
    for machine in machines:
        for one in links:
            if one.name == machine.config.agent:
                _deliver(beat, machine, one, since_ms)
        if not any(one.what == "late" and one.covers(beat.time_ms - 1) for one in machine.troubles):
            _add(beat, machine, late=False)


def _deliver(beat: Beat, machine: Machine, link: Trouble, since_ms: int) -> None:
    """When the agent is back: what waited in its outbox, or that nobody looked."""
    if not since_ms <= link.end_ms < beat.time_ms:
        return
    if link.what == "late":
        _add(beat, machine, late=True)
    else:
        beat.gaps.append((machine.config.name, link.start_ms, link.end_ms))


def _add(beat: Beat, machine: Machine, *, late: bool) -> None:
    samples = machine.take()
    if len(samples):
        beat.parts.append(Part(machine.config.name, samples, late))


def _troubles(site: Site, start_ms: int, end_ms: int) -> list[Trouble]:
    """The same for every day: some hours lie between them."""

    def trouble(what: What, name: str, since: float, until: float) -> Trouble:
        """From and to as shares of the time, at full beats."""
        length_ms = end_ms - start_ms
        begin_ms = start_ms + round(length_ms * since) // BEAT_MS * BEAT_MS
        beats = max(round(length_ms * (until - since)) // BEAT_MS, 1)
        return Trouble(what, name, begin_ms, begin_ms + beats * BEAT_MS)

    followed = [one for one in site.stations if one.scheme is not None]
    if not followed:
        return []
    first, last = followed[0], followed[-1]
    found = [
        trouble("bad", last.name, 0.30, 0.306),
        trouble("away", last.agent, 0.55, 0.565),
    ]
    if first.agent != last.agent:
        found.append(trouble("late", first.agent, 0.75, 0.762))
    return found


class Machine:
    """One machine: its model, the stops that are drawn for it, and what it has shown."""

    def __init__(
        self, config: StationConfig, model: Model, rng: random.Random, troubles: Sequence[Trouble]
    ) -> None:
        self.config, self.model, self.rng = config, model, rng
        self.values = Values(config.declaration)
        self._tags = [
            _Shown(number, tag, config) for number, tag in enumerate(config.declaration.tags, 1)
        ]
        self._rows: list[tuple[int, int, int, int, Any]] = []
        self._stop_left_s = 0.0
        self._work_left_s = rng.expovariate(1 / BETWEEN_STOPS_S)
        self._resumed: tuple[State, State | None] | None = None
        self.troubles = [one for one in troubles if one.name in (config.name, config.agent)]
        scheme = config.scheme
        self._state: Tag[Any] | None = None if scheme is None else scheme.state
        # A device only shows: it need not be stepped more often than it is read.
        self._intervals = sorted({one.every_ms for one in self._tags})
        self._step_ms = STEP_MS if scheme is not None else self._intervals[0]
        self._read: dict[tuple[bool, ...], list[_Shown]] = {}
        causes = [tag for tag in config.declaration.tags if tag.name == "stop_cause"]
        self._cause: Tag[Any] | None = causes[0] if causes else None

    def step(self, time_ms: int) -> None:
        """Let the machine work on for one step, unless it is stopped, and see what it shows."""
        if time_ms % self._step_ms:
            return
        seconds = self._step_ms / 1000
        if self._stop_left_s > 0:
            self._stop_left_s -= seconds
            if self._stop_left_s <= 0:
                self._resume()
        else:
            self.model.step(seconds, self.values)
            self._wear(seconds)
        is_away = is_bad = False
        for one in self.troubles:
            if one.covers(time_ms):
                is_away |= one.what == "away"
                is_bad |= one.what == "bad"
        if not is_away:
            self._show(time_ms, is_bad)

    def take(self) -> Samples:
        """What was shown since it was taken last, as columns in the order of time."""
        rows, self._rows = self._rows, []
        side: list[bytes] = []
        bits = np.empty(len(rows), np.uint64)
        for index, row in enumerate(rows):
            number, entry = encode(Type(row[3]), row[4])
            if entry is not None:
                number = len(side)
                side.append(entry)
            bits[index] = number
        tag, time, status, kind = (
            zip(*(row[:4] for row in rows), strict=True) if rows else ((),) * 4
        )
        return Samples(
            np.array(tag, np.uint32), np.array(time, np.int64), np.array(status, np.uint32),
            np.array(kind, np.uint8), bits, tuple(side),
        )  # fmt: skip

    def _wear(self, seconds: float) -> None:
        """Work brings the next stop nearer; it comes in the middle of work."""
        if self._state is None or self.values[self._state].phase is not Phase.WORKING:
            return
        self._work_left_s -= seconds
        if self._work_left_s <= 0:
            self._work_left_s = self.rng.expovariate(1 / BETWEEN_STOPS_S)
            self._stop()

    def _stop(self) -> None:
        assert self._state is not None and self._state.states is not None
        stops = [state for state in self._state.states if state.phase is Phase.STOPPED]
        is_fault = len(stops) > 1 and self.rng.random() < FAULT_SHARE
        cause = None if self._cause is None else self.values[self._cause]
        self._resumed = (self.values[self._state], cause)
        self.values[self._state] = stops[-1] if is_fault else stops[0]
        if self._cause is not None and self._cause.states is not None:
            causes = list(self._cause.states)[1:]
            half = (len(causes) + 1) // 2  # people and safety first, then what can fail
            some = causes[half:] if is_fault else causes[:half]
            self.values[self._cause] = self.rng.choice(some)
        median_s, sigma = STOP_S
        self._stop_left_s = median_s * self.rng.lognormvariate(0.0, sigma)

    def _resume(self) -> None:
        assert self._state is not None and self._resumed is not None
        self.values[self._state], cause = self._resumed
        if self._cause is not None and cause is not None:
            self.values[self._cause] = cause

    def _show(self, time_ms: int, is_bad: bool) -> None:
        current = self.values
        for shown in self._due(time_ms):
            tag = shown.tag
            if is_bad and tag is self._state:
                if not shown.is_bad:
                    row = (shown.number, time_ms, BAD_SENSOR_FAILURE, int(Type.NONE), None)
                    self._rows.append(row)
                shown.is_bad = True
                continue
            value, before = current[tag], shown.value
            if shown.deadband and before is not None:
                is_same = -shown.deadband <= value - before <= shown.deadband
            else:
                is_same = value == before
            if is_same and not shown.is_bad:
                continue
            shown.is_bad = False
            shown.value = value
            self._rows.append((shown.number, time_ms, GOOD, shown.type, shown.noisy(self.rng)))

    def _due(self, time_ms: int) -> list[_Shown]:
        """The tags that are read at this time."""
        which = tuple(time_ms % every_ms == 0 for every_ms in self._intervals)
        if which not in self._read:
            due = {
                every_ms for every_ms, is_due in zip(self._intervals, which, strict=True) if is_due
            }
            self._read[which] = [one for one in self._tags if one.every_ms in due]
        return self._read[which]


class _Shown:
    """A tag and what was shown of it last."""

    __slots__ = ("deadband", "every_ms", "is_bad", "number", "tag", "type", "value")

    def __init__(self, number: int, tag: Tag[Any], config: StationConfig) -> None:
        self.number, self.tag, self.type = number, tag, int(tag.value_type)
        self.deadband = tag.deadband
        self.every_ms = tag.every_ms or 0
        if not self.every_ms and isinstance(tag.at, Register) and tag.at.on in config.modbus:
            self.every_ms = config.modbus[tag.at.on].every_ms
        self.every_ms = max(self.every_ms // STEP_MS, 1) * STEP_MS
        self.value: Any = None
        self.is_bad = False

    def noisy(self, rng: random.Random) -> Any:
        value = self.value
        if self.tag.states is not None:
            return value.value
        if not self.deadband or self.type != Type.FLOAT:
            return value
        value += rng.gauss(0, self.deadband * NOISE_OF_DEADBAND)
        low, high = self.tag.low, self.tag.high
        value = value if low is None else max(value, low)
        return value if high is None else min(value, high)


def _machine(config: StationConfig, seed: int, troubles: Sequence[Trouble]) -> Machine:
    rng = random.Random(f"{seed}/{config.name}")
    parts = config.kind_parts
    model: Model = DeviceModel(rng, config.declaration) if parts is None else parts.model(rng)
    return Machine(config, model, random.Random(f"{seed}/{config.name}/day"), troubles)


def _lines(
    site: Site, machines: Sequence[Machine], start_ms: int, seed: int
) -> list[SimulatedLine]:
    """As the simulated plant forms them: stations of a kind, in the order of the site file."""
    year, lines = datetime.fromtimestamp(start_ms / 1000, UTC).year, []
    followed = [one for one in machines if one.config.kind_parts is not None]
    for number, name in enumerate(dict.fromkeys(one.config.line for one in followed)):
        members = [one for one in followed if one.config.line == name]
        rng = random.Random(f"{seed}/{name}/vehicles")
        electric = any(one.config.kind == "battery" for one in members)
        vehicles = arrivals(rng, year, 1 + 10_000 * number, all_electric=electric)
        lines.append(SimulatedLine([one.model for one in members], vehicles))
    return lines
