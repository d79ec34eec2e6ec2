"""How a machine behaves in a simulation: the words that every kind's `model.py` shares.

A kind's `model.py` has one subclass of `Model` that fills `Values` as time goes on. Models are
deterministic: random numbers come from the generator that is passed in; sensor noise is added by
the simulator.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from stations.declare import Station, Tag, Type

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Vehicle:
    """One vehicle on the simulated line; with a `health` (0 to 1) below about 0.3 it fails."""

    visit: str
    electric: bool = True
    mass_kg: float = 1500.0
    first_registered: str = "2019-06-01"
    health: float = 0.9


class Values:
    """The values that a simulated station shows now: `values[Studio.angle] = 12.0`."""

    def __init__(self, station: type[Station]) -> None:
        self.station = station
        self._values: dict[str, Any] = {tag.name: first_value(tag) for tag in station.tags}

    def __setitem__(self, tag: Tag[T], value: T) -> None:
        self._values[tag.name] = value

    def __getitem__(self, tag: Tag[T]) -> T:
        return self._values[tag.name]  # type: ignore[no-any-return]

    def items(self) -> Iterator[tuple[str, Any]]:
        """Names and values, states as their numbers."""
        for tag in self.station.tags:
            value = self._values[tag.name]
            yield tag.name, value.value if tag.states is not None else value


def first_value(tag: Tag[Any]) -> Any:
    """What a tag shows before anything has happened: zero, empty, its low, the first state."""
    if tag.states is not None:
        return next(iter(tag.states))
    low = tag.low if tag.low is not None and tag.low > 0 else 0
    match tag.value_type:
        case Type.BOOL:
            return False
        case Type.INT:
            return int(low)
        case Type.FLOAT:
            return float(low)
        case Type.INTS:
            return [int(low)] * tag.length
        case Type.FLOATS:
            return [float(low)] * tag.length
        case _:
            return ""


@dataclass(frozen=True, slots=True)
class Pulse:
    """A trigger that a machine gives to its cameras: at which angle, and of which vehicle."""

    vehicle: str
    angle_deg: float


class Model:
    """Base of the models: a station that takes one vehicle, works on it and is done.

    The line calls `arrive` when `is_free`, then `step` again and again; when `is_done` it takes the
    vehicle away with `leave` and may bring the next. A `guided` machine waits for commands where a
    real one would; the others do all by themselves.
    """

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self.vehicle: Vehicle | None = None
        self.guided = False

    @property
    def is_free(self) -> bool:
        """True when a vehicle may enter."""
        return self.vehicle is None

    @property
    def is_done(self) -> bool:
        """True when the work on the vehicle has ended and it may leave."""
        raise NotImplementedError

    def arrive(self, vehicle: Vehicle) -> None:
        """A vehicle enters."""
        self.vehicle = vehicle

    def leave(self) -> None:
        """The vehicle has left."""
        self.vehicle = None

    def commanded(self, command: str, value: bool) -> None:
        """A command was written; most machines do not care."""

    def fired(self) -> list[Pulse]:
        """The triggers that its cameras have been given since this was asked last."""
        return []

    def step(self, seconds: float, values: Values) -> None:
        """Let `seconds` of the machine's time pass and write what it shows then into `values`."""
        raise NotImplementedError
