"""Resistance, open-circuit voltage, charge and energy from the trace of voltage and current.

R_t = (V(t0-) - V(t0 + t)) / (I(t0-) - I(t0 + t)) with measured currents. The step is looked for in
the current itself, because the sequence's state has another clock. Between two samples the earlier
one holds: a value that does not change is not sampled again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from stations.battery import resistance as definition
from stations.battery.limits import REST_MIN_S
from stations.battery.results import Measured, Moved, NotDecidable, Resistance
from stations.battery.station import LSB_SET, NOMINAL_V

Direction = Literal["discharge", "charge"]
SIGNS: dict[Direction, int] = {"discharge": -1, "charge": 1}

REST_A_MAX = 1.0  # below it no current flows
STEP_A_MIN = 5.0  # from here on it is a pulse
BEFORE_MS_MAX = 60_000  # age of the voltage before the step: at rest it may not change at all
WITHIN_MS_MAX = 2_000  # age of the voltage from which a resistance is taken within a pulse
HELD_MS_MAX = 10_000  # age of a voltage that still counts for the energy of a pulse
REST_MS_MAX = 86_400_000  # age of the current before the step: 0 A may hold for a day
VOLT_LSB = NOMINAL_V * LSB_SET


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """Samples of one number in the order of time: ms and values.

    `lost` are times from which on the number is known to be Bad until its next sample.
    """

    time: NDArray[np.int64]
    value: NDArray[np.float64]
    lost: tuple[int, ...] = ()

    @classmethod
    def of(cls, time: Any, value: Any, lost: tuple[int, ...] = ()) -> Series:
        """From two sequences in any order; what is not finite is left out."""
        times, values = np.asarray(time, np.int64), np.asarray(value, np.float64)
        finite = np.isfinite(values)
        times, values = times[finite], values[finite]
        order = np.argsort(times, kind="stable")
        return cls(times[order], values[order], lost)

    def before(self, time_ms: float) -> int:
        """Index of the last sample earlier than this time; -1 when there is none."""
        return int(np.searchsorted(self.time, time_ms, "left")) - 1

    def until(self, time_ms: float) -> int:
        """Index of the last sample not later than this time; -1 when there is none."""
        return int(np.searchsorted(self.time, time_ms, "right")) - 1

    def holds(self, index: int, time_ms: float, age_ms_max: int) -> bool:
        """True when this sample is still the value at that time."""
        if index < 0:
            return False
        taken = int(self.time[index])
        return time_ms - taken <= age_ms_max and not any(
            taken <= lost <= time_ms for lost in self.lost
        )


@dataclass(frozen=True, slots=True)
class Pulse:
    """A pulse: the current before it, its first sample's time t0, and when it was over (ms)."""

    direction: Direction
    before_a: float
    start_ms: int
    end_ms: int


def find(direction: Direction, current: Series) -> Pulse | None:
    """The first pulse of this direction that begins from rest; None when there is none."""
    driven = np.flatnonzero(current.value * SIGNS[direction] >= STEP_A_MIN)
    if not len(driven):
        return None
    first = int(driven[0])
    rests = np.flatnonzero(np.abs(current.value[:first]) <= REST_A_MAX)
    if not len(rests):
        return None
    rest = int(rests[-1])
    if not current.holds(rest, int(current.time[rest + 1]), REST_MS_MAX):
        return None
    ended = np.flatnonzero(current.value[first:] * SIGNS[direction] < STEP_A_MIN)
    last = first + int(ended[0]) if len(ended) else len(current.value) - 1
    return Pulse(
        direction,
        float(current.value[rest]),
        int(current.time[rest + 1]),
        int(current.time[last]),
    )


def resistance(pulse: Pulse, voltage: Series, current: Series, seconds: float) -> Resistance:
    """DCIR of the pulse after `seconds`."""
    at_ms = pulse.start_ms + 1000 * seconds
    if at_ms > pulse.end_ms:
        return _none(pulse.direction, seconds, "pulse_too_short")
    before, after = voltage.before(pulse.start_ms), voltage.until(at_ms)
    if not voltage.holds(before, pulse.start_ms, BEFORE_MS_MAX):
        return _none(pulse.direction, seconds, "no_voltage_before_the_step")
    inside = bool(voltage.time[after] >= pulse.start_ms)
    if not inside or not voltage.holds(after, at_ms, WITHIN_MS_MAX):
        return _none(pulse.direction, seconds, "no_voltage_in_the_pulse")
    flowing = current.value[current.until(at_ms)]
    driven = np.abs(current.value[current.until(pulse.start_ms) : current.until(at_ms) + 1])
    if abs(flowing) < definition.LIMITED * float(driven.max()):
        return _none(pulse.direction, seconds, "voltage_limited")
    volts_before, volts = float(voltage.value[before]), float(voltage.value[after])
    found = definition.ohm(volts_before, volts, pulse.before_a, float(flowing))
    if found is None:
        return _none(pulse.direction, seconds, "resistance_not_positive")
    return Resistance(
        direction=pulse.direction,
        seconds=seconds,
        current_a=float(flowing),
        result=Measured(
            value=found,
            unit="Ohm",
            method=f"DCIR {seconds:g} s",
            # Two quantised voltages; the cycler's gain and offset are not in it.
            u95=definition.quantisation_u95(VOLT_LSB, pulse.before_a - float(flowing)),
            notes=("u95_quantisation_only",),
        ),
    )


def missing(direction: Direction, seconds: float) -> Resistance:
    """The result of a pulse that was not found."""
    return _none(direction, seconds, "no_pulse")


def open_circuit(
    pulse: Pulse | None, voltage: Series, rested_s: float | None
) -> Measured | NotDecidable:
    """The voltage before the first pulse, with a note when the rest was short."""
    if pulse is None:
        return NotDecidable(not_decidable=("no_pulse",))
    before = voltage.before(pulse.start_ms)
    if not voltage.holds(before, pulse.start_ms, BEFORE_MS_MAX):
        return NotDecidable(not_decidable=("no_voltage_before_the_step",))
    short = rested_s is None or rested_s < REST_MIN_S
    return Measured(
        value=float(voltage.value[before]),
        unit="V",
        method=f"last voltage of a rest of {rested_s or 0:.1f} s",
        u95=2 * VOLT_LSB / math.sqrt(12),
        notes=(
            ("u95_quantisation_only", "rest_too_short") if short else ("u95_quantisation_only",)
        ),
    )


def moved(direction: Direction, pulse: Pulse | None, voltage: Series, current: Series) -> Moved:
    """Charge and energy of a pulse by the trapezoidal rule from its first sample to its end."""
    if pulse is None:
        none = NotDecidable(not_decidable=("no_pulse",))
        return Moved(direction=direction, charge=none, energy=none)
    times = _grid(pulse, voltage, current)
    hours = times / 3_600_000
    flowing = current.value[[current.until(time) for time in times]]
    flowing[-1] = flowing[-2] if len(times) > 1 else flowing[-1]
    charge = Measured(
        value=abs(float(np.trapezoid(flowing, hours))), unit="Ah", method="trapezoid", n=len(times)
    )
    held = [voltage.until(time) for time in times]
    if not all(
        voltage.holds(index, time, HELD_MS_MAX) for index, time in zip(held, times, strict=True)
    ):
        none = NotDecidable(not_decidable=("voltage_missing",))
        return Moved(direction=direction, charge=charge, energy=none)
    volts = voltage.value[held]
    energy = abs(float(np.trapezoid(flowing * volts, hours)))
    return Moved(
        direction=direction,
        charge=charge,
        energy=Measured(value=energy, unit="Wh", method="trapezoid", n=len(times)),
    )


def _grid(pulse: Pulse, voltage: Series, current: Series) -> NDArray[np.int64]:
    times = np.union1d(voltage.time, current.time)
    inside = times[(times > pulse.start_ms) & (times < pulse.end_ms)]
    return np.concatenate([[pulse.start_ms], inside, [pulse.end_ms]]).astype(np.int64)


def _none(direction: Direction, seconds: float, reason: str) -> Resistance:
    return Resistance(
        direction=direction, seconds=seconds, result=NotDecidable(not_decidable=(reason,))
    )
