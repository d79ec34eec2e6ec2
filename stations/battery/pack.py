"""A pack as an equivalent circuit: 96 cells in series, each OCV(s) + I R0 + v1, with one RC pair.

Between two changes of the current the circuit is solved exactly, whatever the step is:
v1' = v1 e^(-dt/tau) + R1 (1 - e^(-dt/tau)) I and s' = s + I dt / (3600 Q). I > 0 charges.
"""

from __future__ import annotations

import math
import random

import numpy as np
from numpy.typing import NDArray

from stations.battery.station import CELLS

RATED_AH, RATED_WH, NOMINAL_V = 131.2, 45_300.0, 345.6
TAU_S = 12.0
# Open-circuit voltage of a nickel-rich cell over its state of charge: plausible, of no real make.
SOC_POINTS = np.array([0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0])
OCV_POINTS = np.array([3.00, 3.38, 3.46, 3.55, 3.60, 3.64, 3.70, 3.78, 3.88, 3.97, 4.06, 4.18])
R0_OHM, R1_OHM = 0.70e-3, 0.35e-3  # of a new cell (two in parallel) at 25 degC
HEAT_CAPACITY_J_K = 2_200.0

Cells = NDArray[np.float64]


class Pack:
    """The cells of one pack; `health` (1 new, 0 worn out) bends capacity, resistance and spread."""

    def __init__(self, rng: random.Random, health: float, ambient_degc: float) -> None:
        wear = 1.0 - min(max(health, 0.0), 1.0)
        self.soh = 1.0 - 0.45 * wear
        self.capacity_ah = RATED_AH * self.soh * (1 + _spread(rng, 0.004 + 0.03 * wear))
        growth = 1 + 1.4 * wear
        self.r0 = R0_OHM * growth * (1 + _spread(rng, 0.02 + 0.05 * wear))
        self.r1 = R1_OHM * growth * (1 + _spread(rng, 0.02 + 0.05 * wear))
        self.soc = rng.uniform(0.40, 0.60) + _spread(rng, 0.002 + 0.02 * wear)
        self.v1 = np.zeros(CELLS)
        self.temperature = ambient_degc + rng.uniform(-1.0, 1.0) + _spread(rng, 0.15)
        self.current = 0.0

    def flow(self, current: float, seconds: float) -> None:
        """Let a constant current (A, positive charges) flow for a while."""
        self.current = current
        decay = math.exp(-seconds / TAU_S)
        self.v1 = self.v1 * decay + self.r1 * (1 - decay) * current
        self.soc = np.clip(self.soc + current * seconds / 3600 / self.capacity_ah, 0.0, 1.0)
        heat_j = (current**2 * self.r0 + self.v1**2 / self.r1) * seconds
        self.temperature = self.temperature + heat_j / HEAT_CAPACITY_J_K

    @property
    def cell_voltages(self) -> Cells:
        """Voltage of each cell in V."""
        ocv = np.interp(self.soc, SOC_POINTS, OCV_POINTS)
        voltages: Cells = ocv + self.current * self.r0 + self.v1
        return voltages

    @property
    def voltage(self) -> float:
        """Voltage between the poles in V."""
        return float(self.cell_voltages.sum())

    def resistance(self, seconds: float) -> float:
        """What a pulse of this length finds in Ohm, without the change of the OCV itself."""
        return float((self.r0 + self.r1 * (1 - math.exp(-seconds / TAU_S))).sum())


def _spread(rng: random.Random, sigma: float) -> Cells:
    """One deviation for each cell, cut at three sigma."""
    deviations = [min(max(rng.gauss(0.0, sigma), -3 * sigma), 3 * sigma) for _ in range(CELLS)]
    return np.array(deviations)
