"""How a machine behaves that only a table of tags declares: plausible values, nothing more.

Numbers wander within their limits, counters rise, bits flip rarely, texts stay. The values depend
on the generator and the time that has passed, never on how that time was cut into steps.
"""

from __future__ import annotations

import math
import random
from typing import Any

import numpy as np

from stations.declare import Register, Station, Tag, Type
from stations.model import Model, Values, Vehicle, first_value

WAVES = 3  # a number is the sum of so many sines
PERIOD_S = (20.0, 600.0)
FLIP_S = 900.0  # mean time between two flips of a bit
RANGE = 100.0  # width of the range of a number with a limit on one side at most
COUNTED = frozenset({"wh", "kwh", "mwh", "gwh", "varh", "kvarh", "vah", "kvah", "ah", "h"})
COUNTER_WORDS = frozenset({"energy", "count", "counter", "total"})
# What a unit of these names is at this moment; "total_power" in kW is no counter.
MOMENTARY = frozenset(
    {"w", "kw", "mw", "va", "kva", "var", "kvar", "a", "ma", "v", "kv", "hz", "%"}
)
# How fast counters rise, in units a second: about 10 kW, an hour an hour, a piece every 10 s.
RATES = {"wh": 2.8, "varh": 1.0, "vah": 3.0, "h": 1 / 3600}
OLD = 1e7  # a counter is not simulated as older than this
KILO_RATE, PIECES_RATE = 2.8e-3, 0.1


class DeviceModel(Model):
    """Takes no vehicles: it only shows values."""

    def __init__(self, rng: random.Random, declaration: type[Station]) -> None:
        super().__init__(rng)
        self.seconds = 0.0
        numbers = [tag for tag in declaration.tags if _wanders(tag)]
        self._wandering = [(tag, _count(tag), tag.value_type) for tag in numbers]
        self._centre, self._reach, self._periods, self._phases = _waves(rng, numbers)
        self._counters = {
            tag: (_first_count(rng, tag), _rate(rng, tag))
            for tag in declaration.tags
            if is_counter(tag)
        }
        bits = [tag for tag in declaration.tags if tag.value_type is Type.BOOL]
        self._bits = {tag: rng.random() < 0.5 for tag in bits}
        self._flips = {tag: rng.expovariate(1 / FLIP_S) for tag in bits}
        # Each bit has its own generator: its flips are the same whatever the others do.
        self._bit_rngs = {tag: random.Random(rng.getrandbits(64)) for tag in bits}
        self._fixed = {
            tag: _fixed_value(tag)
            for tag in declaration.tags
            if tag not in self._counters and tag not in self._bits and not _wanders(tag)
        }

    @property
    def is_free(self) -> bool:
        """Never: no vehicle enters a device."""
        return False

    @property
    def is_done(self) -> bool:
        return False

    def arrive(self, vehicle: Vehicle) -> None:
        raise RuntimeError(f"{vehicle.visit} cannot enter a device")

    def step(self, seconds: float, values: Values) -> None:
        self.seconds += seconds
        self._show_numbers(values)
        for counter, (first, rate) in self._counters.items():
            values[counter] = _counted(counter, first + rate * self.seconds)
        for bit in self._bits:
            values[bit] = self._bit(bit)
        for tag, value in self._fixed.items():
            values[tag] = value

    def _show_numbers(self, values: Values) -> None:
        turns = self.seconds / self._periods + self._phases
        shown = self._centre + self._reach * np.sin(2 * np.pi * turns).sum(axis=1) / WAVES
        at = 0
        for tag, count, kind in self._wandering:
            part = shown[at : at + count].tolist()
            at += count
            match kind:
                case Type.FLOAT:
                    values[tag] = part[0]
                case Type.INT:
                    values[tag] = round(part[0])
                case Type.FLOATS:
                    values[tag] = part
                case _:
                    values[tag] = [round(element) for element in part]

    def _bit(self, tag: Tag[Any]) -> bool:
        while self._flips[tag] <= self.seconds:
            self._flips[tag] += self._bit_rngs[tag].expovariate(1 / FLIP_S)
            self._bits[tag] = not self._bits[tag]
        return self._bits[tag]


def is_counter(tag: Tag[Any]) -> bool:
    """True when a tag's unit or a word of its name says that it only rises."""
    if tag.value_type not in (Type.INT, Type.FLOAT) or tag.states is not None:
        return False
    unit = tag.unit.lower()
    if unit in COUNTED:
        return True
    return unit not in MOMENTARY and not COUNTER_WORDS.isdisjoint(tag.name.split("_"))


def _wanders(tag: Tag[Any]) -> bool:
    """A whole number without unit and limits is a code, and a code stays."""
    if is_counter(tag) or tag.states is not None:
        return False
    if tag.value_type in (Type.FLOAT, Type.FLOATS):
        return True
    limited = tag.low is not None or tag.high is not None
    return tag.value_type in (Type.INT, Type.INTS) and (limited or tag.unit != "")


def _count(tag: Tag[Any]) -> int:
    return max(tag.length, 1)


def limits(tag: Tag[Any]) -> tuple[float, float]:
    """The range in which a tag wanders: its limits, made up where they are not declared."""
    if tag.low is not None and tag.high is not None:
        return tag.low, tag.high
    if tag.low is not None:
        return tag.low, tag.low + max(RANGE, abs(tag.low))
    if tag.high is not None:
        return (0.0 if tag.high > 0 else tag.high - RANGE), tag.high
    return 0.0, RANGE


def _waves(rng: random.Random, tags: list[Tag[Any]]) -> tuple[Any, Any, Any, Any]:
    """Centre, reach, periods (s) and phases of every number, one row for each element."""
    rows: list[tuple[float, float, list[float], list[float]]] = []
    for tag in tags:
        low, high = limits(tag)
        middle = low + (high - low) * rng.uniform(0.4, 0.6)
        reach = (high - low) * rng.uniform(0.05, 0.25)
        for _ in range(_count(tag)):
            periods = [math.exp(rng.uniform(*map(math.log, PERIOD_S))) for _ in range(WAVES)]
            rows.append((middle, reach, periods, [rng.random() for _ in range(WAVES)]))
    return (
        np.array([row[0] for row in rows]),
        np.array([row[1] for row in rows]),
        np.array([row[2] for row in rows]).reshape(-1, WAVES),
        np.array([row[3] for row in rows]).reshape(-1, WAVES),
    )


def _first_count(rng: random.Random, tag: Tag[Any]) -> float:
    low = tag.low or 0.0
    room = OLD if tag.high is None else min(tag.high - low, OLD)
    return low + room * rng.uniform(0.01, 0.2)


def _rate(rng: random.Random, tag: Tag[Any]) -> float:
    unit = tag.unit.lower()
    rate = RATES.get(unit, KILO_RATE if unit in COUNTED else PIECES_RATE)
    return rate if unit == "h" else rate * rng.uniform(0.5, 1.5)


def _counted(tag: Tag[Any], count: float) -> Any:
    """The count as it is shown; behind its highest value a counter starts over."""
    if tag.high is not None and count > tag.high:
        low = tag.low or 0.0
        count = low + (count - low) % (tag.high - low)
    return math.floor(count) if tag.value_type is Type.INT else count


def _fixed_value(tag: Tag[Any]) -> Any:
    if tag.value_type is not Type.TEXT:
        return first_value(tag)
    text = f"SIM-{tag.name}".upper().replace("_", "-")
    return text[: 2 * tag.at.size] if isinstance(tag.at, Register) else text
