"""What a kind of fault is: where it may come, and what breaks.

A fault gives back what mends it. It is mended after a moment (transient), after some seconds, or
not before the world settles (persistent). What it raises, it raises in the operation that it hits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

from tests.world.machine import Machine
from tests.world.small import SmallWorld

Mend = Callable[[], None]
Lasts = Literal["a moment", "some time", "until the end"]
STEP_MS_MAX = 90_000
AWAY_S = 5.0


@dataclass(frozen=True)
class Now:
    """What a fault has to do with: the world, the subject of the operation, chance."""

    world: SmallWorld
    subject: Any
    rng: Random

    @property
    def machine(self) -> Machine:
        """The machine that is asked."""
        assert isinstance(self.subject, Machine)
        return self.subject

    def away_s(self) -> float:
        """How long a program that was killed is away; short times are as likely as long ones."""
        return AWAY_S * self.rng.random() ** 2


Begin = Callable[[Now], Mend | None]


@dataclass(frozen=True)
class Kind:
    """A fault by its name; it may hit any of its operations."""

    name: str
    points: tuple[str, ...]
    begin: Begin
    steps: bool = False  # sets a clock
    gives_up: bool = False  # what was committed may be lost, if a gap record says so


KINDS: dict[str, Kind] = {}


def fault(*points: str, **more: bool) -> Callable[[Begin], Begin]:
    """Make a kind of fault of a function."""

    def noted(begin: Begin) -> Begin:
        name = begin.__name__.replace("_", " ")
        KINDS[name] = Kind(name, points, begin, **more)
        return begin

    return noted
