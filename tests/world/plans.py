"""From a number to a plan: which faults a run has, at which operations, and how long they last."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import tests.world.faults
import tests.world.plant_faults  # noqa: F401 - adds its kinds
from tests.world.kinds import KINDS, Kind, Lasts, Now
from tests.world.small import SmallWorld

ACTIVE_S = 5.0
MOMENT_S = 0.05
SOME_S = 6.0
LASTS: tuple[Lasts, ...] = ("a moment", "some time", "until the end")
FAULTS_MAX = 4
# How many operations of a point a run has at least: so far the first fault may come.
OPERATIONS = {
    "report": 18, "commit": 14, "committed": 14, "statement": 120, "write": 12, "letters": 1,
    "append": 2, "appended": 2, "message": 40, "step of the agent": 400,
    "step of the historian": 100,
}  # fmt: skip


@dataclass(frozen=True)
class Fault:
    """One fault of a plan: it hits the `number`-th operation of a point."""

    kind: Kind
    point: str
    number: int
    lasts: Lasts

    def __str__(self) -> str:
        return f"{self.kind.name}, at {self.point} {self.number}, {self.lasts}"


@dataclass
class Plan:
    """A script for `SmallWorld.run`: arms its faults and lets the machines work for a while."""

    seed: int
    faults: list[Fault]
    bytes_max: int = 1 << 30
    active_s: float = ACTIVE_S
    hit: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, seed: int, kinds: Mapping[str, Kind] = KINDS, active_s: float = ACTIVE_S) -> Plan:
        """The plan that belongs to a seed."""
        rng = Random(f"{seed}/plan")
        faults = [_fault(rng, list(kinds.values())) for _ in range(rng.randint(1, FAULTS_MAX))]
        return cls(seed, faults, 2_000 if rng.random() < 0.05 else 1 << 30, active_s)

    @property
    def steps(self) -> bool:
        """Whether a clock is set."""
        return any(one.kind.steps for one in self.faults)

    @property
    def gives_up(self) -> bool:
        """Whether the outbox may have to give up what it has."""
        return self.bytes_max < 1 << 30 or any(one.kind.gives_up for one in self.faults)

    def __str__(self) -> str:
        bound = "" if self.bytes_max >= 1 << 30 else f"; an outbox of {self.bytes_max} bytes"
        return f"{'; '.join(map(str, self.faults)) or 'nothing is broken'}{bound}"

    async def __call__(self, world: SmallWorld) -> None:
        """Break things for as long as the machines work."""
        await asyncio.sleep(world.warm_s)
        for index, fault in enumerate(self.faults):
            rng = Random(f"{self.seed}/{index}")
            world.operations.arm(fault.point, fault.number, self._breaker(world, fault, rng))
        await asyncio.sleep(self.active_s)

    def _breaker(self, world: SmallWorld, fault: Fault, rng: Random) -> Any:
        def broken(subject: Any) -> None:
            self.hit.append(fault.kind.name)
            world.witness.trouble(str(fault))
            mend = fault.kind.begin(Now(world, subject, rng))
            if mend is not None and fault.lasts != "until the end":
                lasts_s = MOMENT_S if fault.lasts == "a moment" else rng.uniform(0, SOME_S)
                world.later(lasts_s, mend)

        return broken


def read(text: str) -> Fault:
    """A fault from its words, such as "disk full, at commit 3, some time"."""
    name, at, lasts = text.split(", ")
    point, _, number = at.removeprefix("at ").rpartition(" ")
    if name not in KINDS or lasts not in LASTS:
        raise ValueError(f"{text!r} is no fault; known are {', '.join(KINDS)}, for {LASTS}")
    return Fault(KINDS[name], point, int(number), lasts)


def _fault(rng: Random, kinds: list[Kind]) -> Fault:
    kind = rng.choice(kinds)
    point = rng.choice(kind.points)
    return Fault(kind, point, rng.randint(1, OPERATIONS[point]), rng.choice(LASTS))


def sweep(numbers: Callable[[str], Iterable[int]]) -> Iterator[Plan]:
    """Each kind of fault alone, in each variant, at those operations that `numbers` gives."""
    for kind in KINDS.values():
        for point in kind.points:
            for lasts in LASTS:
                for number in numbers(point):
                    yield Plan(number, [Fault(kind, point, number, lasts)])
