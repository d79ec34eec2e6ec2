"""A bench in virtual time with one simulated pack, that can be lost, killed and told lies about."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from edge.battery.driver import BenchLost, Reading
from stations.battery.cell import pack_spec
from stations.battery.draw import drawn
from stations.battery.interlocks import Sample
from stations.battery.machine import OFF, Setpoints
from stations.battery.protocol import CyclerLimits

SPEC = pack_spec("ze40")
CLOSES_S = 3.0


class Killed(BaseException):
    """The process ends here, without any more steps of its own."""


@dataclass
class Time:
    """Virtual seconds."""

    at_s: float = 100.0

    def now_s(self) -> float:
        return self.at_s

    async def sleep(self, seconds: float) -> None:
        self.at_s += seconds


@dataclass
class PackBench:
    """The pack; calls numbered `lost_at` fail, `killed_at` is the last one before the end."""

    time: Time
    seed: int = 3
    lost_at: set[int] = field(default_factory=set)
    killed_at: int | None = None
    hvil_opens_s: float | None = None
    calls: list[str] = field(default_factory=list)
    limits: CyclerLimits | None = None
    told: Setpoints = OFF
    is_on: bool = False

    def __post_init__(self) -> None:
        self.packs = drawn(SPEC, [np.random.default_rng(self.seed)], [[]]).packs
        self.began_s = self.last_s = self.time.now_s()

    def _call(self, name: str) -> None:
        if self.killed_at is not None and len(self.calls) >= self.killed_at:
            raise Killed
        self.calls.append(name)
        if len(self.calls) in self.lost_at:
            raise BenchLost(f"call {len(self.calls)}, {name}")

    async def secure(self) -> None:
        self._call("secure")
        self._let_time_pass()
        self.told, self.is_on = OFF, False

    async def take(self, limits: CyclerLimits) -> None:
        self._call("take")
        self.limits, self.is_on = limits, True

    async def tell(self, setpoints: Setpoints) -> None:
        self._call("tell")
        self._let_time_pass()
        assert not setpoints.is_on or self.is_on
        self.told = setpoints

    async def read(self, time_s: float) -> Reading:
        self._call("read")
        self._let_time_pass()
        current = float(self.packs.current[0, 0])
        since_s = self.time.now_s() - self.began_s
        closed = since_s >= CLOSES_S
        volts = self.packs.cell_voltages[0]
        hvil = self.hvil_opens_s is None or since_s < self.hvil_opens_s
        sample = Sample(
            time_s, float(volts.sum()) if closed else 0.0, current, float(volts.min()),
            float(volts.max()), 24.0, 25.0, 5000.0, 50.0, hvil, True, closed, closed, 0.0, 0.0,
        )  # fmt: skip
        return Reading(sample, volts.tolist(), 24.5)

    def _let_time_pass(self) -> None:
        """What was told flows until now."""
        seconds = self.time.now_s() - self.last_s
        self.last_s = self.time.now_s()
        if seconds <= 0:
            return
        length = np.array([[seconds]])
        asked = np.array([[self.told.current_a if self.is_on else 0.0]])
        if asked.any():
            asked = self.packs.held(asked, np.array([[self.told.voltage_v]]), length)
        self.packs.step(asked, length)
