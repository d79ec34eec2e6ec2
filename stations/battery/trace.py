"""A trace of a cell or pack as arrays, what it was measured with, and when no current flowed.

Current is positive while charging. Row k is the end of its sample, so the current that a step's
first row shows has flowed since the row before (the tester's step counter starts at 0 there).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

# Columns of a trace's file, after the Battery Data Format; cells follow as cell_1, cell_2, ...
TIME, VOLTAGE, CURRENT = "Test Time / s", "Voltage / V", "Current / A"
STEP, TEMPERATURE = "Step", "Temperature / degC"
EDGE_S = 1.0  # a step is sampled at its edge when its first row comes within this time
REST_PART_PER_H = 1 / 1000  # |I| <= Q x this is rest


def columns_of(cells: int) -> tuple[str, ...]:
    """The head of a file that has every column."""
    named = (f"cell_{number}" for number in range(1, cells + 1))
    return (TIME, VOLTAGE, CURRENT, STEP, TEMPERATURE, *named)


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """Columns of equal length: s (rising), V and A of the whole string, degC, V of each cell.

    `cells_v` is (rows, cells), NaN where a cell was not sampled; `step` numbers the tester's steps.
    """

    time_s: Floats
    voltage_v: Floats
    current_a: Floats
    cells: int = 1
    step: NDArray[np.int64] | None = None
    temperature_degc: Floats | None = None
    cells_v: Floats | None = None

    @property
    def cell_voltage_v(self) -> Floats:
        """Mean voltage of a cell."""
        return self.voltage_v / self.cells


@dataclass(frozen=True, slots=True)
class Instrument:
    """What is assumed of the instrument: limits of rectangular distributions.

    `alpha_pct_per_k` is the temperature coefficient of the capacity.
    """

    gain_pct: float = 0.1
    offset_a: float = 0.05
    alpha_pct_per_k: float = 0.5
    rated_temperature_degc: float = 25.0
    sensor_k: float = 1.0  # of a temperature that was measured
    unknown_k: float = 10.0  # of one that was not


def assumed_ah(trace: Trace, rated_ah: float | None) -> float:
    """The rated charge; else the larger of what was moved and an hour of the largest current."""
    if rated_ah is not None:
        return rated_ah
    if len(trace.time_s) < 2:
        return 0.0
    steps = np.diff(trace.time_s) * (trace.current_a[1:] + trace.current_a[:-1]) / 7200
    moved = np.concatenate([[0.0], np.cumsum(steps)])
    return max(float(np.ptp(moved)), float(np.abs(trace.current_a).max()))


def resting(trace: Trace, ah: float) -> Flags:
    """Rows at which no current flows: |I| <= Q / 1000 h."""
    return np.abs(trace.current_a) <= ah * REST_PART_PER_H


@dataclass(frozen=True, slots=True, eq=False)
class Charge:
    """Ah and Wh that each row's interval (the time since the row before) moved, with sign.

    `edge_ah` is what is uncertain in it because a switching edge lies between two rows.
    """

    ah: Floats
    wh: Floats
    edge_ah: Floats


def starts(trace: Trace, rest: Flags) -> Flags:
    """Rows that are the first of a step: after a rest, with another sign or another step number."""
    driven = ~rest
    sign = np.sign(trace.current_a) * driven
    first = np.zeros(len(rest), bool)
    first[1:] = driven[1:] & (sign[1:] != sign[:-1])
    if trace.step is not None:
        first[1:] |= driven[1:] & (trace.step[1:] != trace.step[:-1])
    return first


def moved(trace: Trace, rest: Flags) -> Charge:
    """Charge and energy of every interval: trapezoids from each step's start, rests left out.

    A step's first row stands for the time since the row before; where that is longer than
    `EDGE_S`, for no more than the step's own sampling. An edge is uncertain by that sampling.
    """
    current, voltage, count = trace.current_a, trace.voltage_v, len(trace.time_s)
    ah, wh, edge = np.zeros(count), np.zeros(count), np.zeros(count)
    if count < 2:
        return Charge(ah, wh, edge)
    gap = np.diff(trace.time_s)
    power = current * voltage
    ah[1:] = gap * (current[1:] + current[:-1]) / 7200
    wh[1:] = gap * (power[1:] + power[:-1]) / 7200
    first = np.flatnonzero(starts(trace, rest))
    following = np.concatenate([gap[1:], [np.inf]])[first - 1]
    since = gap[first - 1]
    lasted = np.where(since <= EDGE_S, since, np.minimum(since, np.maximum(following, EDGE_S)))
    ah[first], wh[first] = lasted * current[first] / 3600, lasted * power[first] / 3600
    edge[first] = lasted * np.abs(current[first]) / 3600
    ah[rest], wh[rest] = 0.0, 0.0
    last = np.flatnonzero(rest[1:] & ~rest[:-1]) + 1
    before = np.concatenate([[np.inf], gap])[last - 1]
    edge[last] = np.minimum(gap[last - 1], before) * np.abs(current[last - 1]) / 3600
    return Charge(ah, wh, edge)
