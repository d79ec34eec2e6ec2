"""What a bench reads of simulated packs: gain, offset, noise and steps of each instrument.

Limits are those that the evaluation assumes: errors that stay are drawn within them (rectangular),
noise is normal. Every pack has a generator of its own, so that it reads the same beside any others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from stations.battery import isolation
from stations.battery.station import LSB_ACTUAL, LSB_SET, NOMINAL_A, NOMINAL_V

Array = NDArray[np.float64]
GAIN = 0.001  # of the current, limit
OFFSET_A = 0.05
CURRENT_NOISE_A = 0.010
VOLT_GAIN, VOLT_NOISE_V = 0.0005, 0.006
CELL_OFFSET_V, CELL_NOISE_V, CELL_LSB_V = 0.002, 0.0003, 0.001
DEGC_OFFSET, DEGC_NOISE, DEGC_LSB = 0.3, 0.05, 0.1
ISOLATION_GAIN = 0.003  # of each voltage, limit
KNOWN_OHM_PER_V = 100.0
BLOCK = 256  # samples whose noise is drawn at once


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """What the instruments show, (packs,) and (packs, cells); cells and degC already in steps."""

    voltage_v: Array
    current_a: Array
    cells_v: Array
    degc: Array


class Sensors:
    """The instruments at some packs, each with its errors."""

    def __init__(self, rngs: Sequence[Generator], cells: int) -> None:
        self._rngs, self._cells = rngs, cells
        self._gain = np.array([1 + rng.uniform(-GAIN, GAIN) for rng in rngs])
        self._offset = np.array([rng.uniform(-OFFSET_A, OFFSET_A) for rng in rngs])
        self._volt_gain = np.array([1 + rng.uniform(-VOLT_GAIN, VOLT_GAIN) for rng in rngs])
        self._cell_off = self._each(CELL_OFFSET_V)
        self._degc_off = self._each(DEGC_OFFSET)
        self._at = BLOCK
        self._noise = np.zeros((BLOCK, len(rngs), cells + 3), np.float32)

    def _each(self, limit: float) -> Array:
        return np.array([rng.uniform(-limit, limit, self._cells) for rng in self._rngs])

    def _drawn(self) -> NDArray[np.float32]:
        if self._at == BLOCK:
            shape = (BLOCK, self._cells + 3)
            for row, rng in enumerate(self._rngs):
                self._noise[:, row] = rng.standard_normal(shape, dtype=np.float32)
            self._at = 0
        self._at += 1
        return self._noise[self._at - 1]

    def shown(self, cells_v: Array, pack_v: Array, current_a: Array, degc: Array) -> Shown:
        """One reading; cells and degC are (packs, cells), the others (packs,)."""
        noise = self._drawn()
        volts = pack_v * self._volt_gain + VOLT_NOISE_V * noise[:, 0]
        amperes = current_a * self._gain + self._offset + CURRENT_NOISE_A * noise[:, 1]
        cells = cells_v + self._cell_off
        cells += CELL_NOISE_V * noise[:, 3:]
        warm = degc + self._degc_off
        warm += DEGC_NOISE * noise[:, 2:3]
        return Shown(
            _in_steps(volts, NOMINAL_V * LSB_SET),
            _in_steps(amperes, NOMINAL_A * LSB_ACTUAL),
            _in_steps(cells, CELL_LSB_V),
            _in_steps(warm, DEGC_LSB),
        )

    def isolation(
        self, row: int, bus_v: float, negative_ohm: float, positive_ohm: float, nominal_v: float
    ) -> isolation.Voltages:
        """What the voltmeter shows of one pack with the known resistor (UN R100)."""
        resistor = KNOWN_OHM_PER_V * nominal_v
        true = isolation.voltages(bus_v, negative_ohm, positive_ohm, resistor)
        rng = self._rngs[row]
        wrong = [1 + rng.uniform(-ISOLATION_GAIN, ISOLATION_GAIN) for _ in range(4)]
        return isolation.Voltages(
            true.bus * wrong[0], true.negative * wrong[1], true.positive * wrong[2],
            true.loaded * wrong[3], resistor,
        )  # fmt: skip


def _in_steps(values: Array, step: float) -> Array:
    return np.rint(values / step) * step
