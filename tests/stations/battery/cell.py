"""A simple cell for tests of the evaluation: what it is asked for is known exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from stations.battery.trace import Trace

Plan = list[tuple[float, float]]  # current in A (charge positive), seconds


def ocv(soc: np.ndarray | float) -> np.ndarray:
    """V of the cell at rest: 3.0 to 4.2 V, steeper when nearly empty."""
    return 3.3 + 0.9 * np.asarray(soc) - 0.3 * np.exp(-np.asarray(soc) / 0.03)


@dataclass(frozen=True)
class Cell:
    """Charge in Ah, resistance at once and after `tau_s` in Ohm, cells in series."""

    ah: float = 30.0
    ohm: float = 0.0015
    slow_ohm: float = 0.001
    tau_s: float = 15.0
    cells: int = 1

    def run(self, plan: Plan, soc: float = 0.0, every_s: float = 1.0, **columns: object) -> Trace:
        """Row k is the end of its interval; the first row is the state before the plan."""
        time, current = [0.0], [0.0]
        for amperes, seconds in plan:
            count = round(seconds / every_s)
            time += [time[-1] + every_s * (at + 1) for at in range(count)]
            current += [amperes] * count
        t, i = np.array(time), np.array(current)
        steps = np.diff(t, prepend=0.0) * i
        soc_at = soc + np.cumsum(steps) / 3600 / self.ah
        slow = np.zeros(len(t))
        keep = np.exp(-every_s / self.tau_s)
        for at in range(1, len(t)):
            slow[at] = keep * slow[at - 1] + (1 - keep) * self.slow_ohm * i[at]
        volts = (ocv(soc_at) + i * self.ohm + slow) * self.cells
        return Trace(t, volts, i, self.cells, **columns)  # type: ignore[arg-type]


FULL = [(0.0, 60.0), (10.0, 10_800.0), (0.0, 600.0), (-10.0, 10_800.0), (0.0, 600.0)]
