"""Capacity from a part of the range: the charge between two rests over the change of the SOC.

Q = |dAh| / |SOC(OCV2) - SOC(OCV1)|, the states of charge read from a curve of the open-circuit
voltage of one cell.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from stations.battery.trace import Flags, Floats, Instrument, Trace, assumed_ah, moved, resting
from stations.battery.value import Term, combined, rectangular

METHOD = "two rests and a curve of the open-circuit voltage"
REST_S_MIN = 300.0  # a shorter rest tells no open-circuit voltage, unless the cell stood before
STOOD_S_MIN = 10.0  # of the rest with which a trace begins
AVERAGED_S = 60.0
RATIO_MAX = 0.7  # of what a relaxation does in a quarter of the rest to the quarter before
OUTSIDE_V = 0.010  # a voltage further off the curve's ends has no state of charge
SETTLED_V = 0.001  # within `SETTLED_S`: less is settled
SETTLED_S = 600.0
NEAR_V = 0.004  # over which the slope of the curve is taken


@dataclass(frozen=True, slots=True)
class Voltmeter:
    """What is assumed of the voltage of a cell, and of the curve: limits.

    `slip_pct` is by how much ageing may have shifted the curve, in % of the state of charge.
    """

    offset_v: float = 0.002
    lsb_v: float = 0.001
    slip_pct: float = 3.0


class Curve:
    """Open-circuit voltage of a cell by state of charge; rising."""

    def __init__(self, soc_pct: Floats, voltage_v: Floats) -> None:
        order = np.argsort(soc_pct, kind="stable")
        self.soc_pct, self.voltage_v = soc_pct[order], voltage_v[order]
        if len(order) < 2 or (np.diff(self.soc_pct) <= 0).any():
            raise ValueError("a curve needs at least two states of charge, each once")
        if (np.diff(self.voltage_v) < 0).any() or self.voltage_v[0] == self.voltage_v[-1]:
            raise ValueError("the voltage of a curve must rise with the state of charge")
        # Where the voltage stands still every state of charge of the plateau has it: the middle.
        levels, first = np.unique(self.voltage_v, return_index=True)
        last = np.append(first[1:], len(self.voltage_v)) - 1
        self._levels = levels
        self._begin, self._end = self.soc_pct[first], self.soc_pct[last]
        self._soc = (self._begin + self._end) / 2

    def soc(self, volts: Floats | float) -> Floats:
        """State of charge in %; held at the curve's ends."""
        return np.asarray(np.interp(volts, self._levels, self._soc))

    def slope(self, volts: Floats | float) -> Floats:
        """% per V around a voltage: what an error of the voltage costs."""
        above = np.minimum(np.asarray(volts) + NEAR_V, self._levels[-1])
        below = np.maximum(np.asarray(volts) - NEAR_V, self._levels[0])
        high = np.interp(above, self._levels, self._end)
        low = np.interp(below, self._levels, self._begin)
        return np.asarray((high - low) / np.maximum(above - below, 1e-6))

    def holds(self, volts: float) -> bool:
        """True when the curve reaches to this voltage."""
        return bool(self._levels[0] - OUTSIDE_V <= volts <= self._levels[-1] + OUTSIDE_V)


@dataclass(frozen=True, slots=True)
class Rest:
    """A rest: its rows, how long it was, V of a cell at its end, what that may still move by."""

    first: int
    last: int
    seconds: float
    ocv_v: float
    remaining_v: float
    settled: bool


@dataclass(frozen=True, slots=True)
class Window:
    """A two-point capacity; None where there is no value. `budget` is in Ah (k = 1)."""

    capacity_ah: float | None
    u95_ah: float | None
    moved_ah: float | None
    soc_start_pct: float | None
    soc_end_pct: float | None
    window_pct: float | None
    valid: bool
    reasons: tuple[str, ...]
    budget: tuple[Term, ...] = ()
    rests: tuple[Rest, ...] = ()
    method: str = METHOD
    n: int = 0
    conditions: dict[str, float | str | None] = field(default_factory=dict)


def rests(trace: Trace, rest: Flags) -> list[Rest]:
    """The rests that tell an open-circuit voltage."""
    bounds = np.flatnonzero(np.diff(np.concatenate([[False], rest, [False]]).astype(int)))
    found = [
        _rest(trace, int(first), int(end) - 1)
        for first, end in zip(bounds[::2], bounds[1::2], strict=True)
    ]
    return [one for one in found if one.seconds >= (REST_S_MIN if one.first else STOOD_S_MIN)]


def _rest(trace: Trace, first: int, last: int) -> Rest:
    time, level = trace.time_s[first : last + 1], trace.cell_voltage_v[first : last + 1]
    seconds = float(time[-1] - trace.time_s[max(first - 1, 0)])
    begin = float(time[-1]) - seconds
    width = min(AVERAGED_S, seconds / 8)

    def at(part: float) -> float:
        middle = begin + part * seconds
        near = (time >= middle - width) & (time <= middle + width * 1e-9)
        return float(level[near].mean()) if near.any() else float(np.interp(middle, time, level))

    half, later, end = at(0.5), at(0.75), at(1.0)
    before, now = later - half, end - later
    ratio = now / before if abs(before) > 0.0005 and before * now > 0 else 0.0
    ratio = min(ratio, RATIO_MAX)
    rate = abs(now) / max(seconds / 4, 1.0) * SETTLED_S
    remaining = now * ratio / (1 - ratio)
    return Rest(first, last, seconds, end, remaining, seconds >= 3600 or rate < SETTLED_V)


def _nothing(*reasons: str, window_pct: float | None = None) -> Window:
    return Window(None, None, None, None, None, window_pct, False, reasons)


def window_capacity(
    trace: Trace,
    curve: Curve,
    instrument: Instrument,
    *,
    meter: Voltmeter | None = None,
    u95_max_pct: float = 5.0,
    rated_ah: float | None = None,
) -> Window:
    """The capacity from the widest pair of rests."""
    given = meter or Voltmeter()
    rest = resting(trace, assumed_ah(trace, rated_ah))
    found = rests(trace, rest)
    noted = () if trace.temperature_degc is not None else ("temperature_unknown",)
    if len(found) < 2:
        return _nothing("no_two_rests", *noted)
    soc = curve.soc(np.array([one.ocv_v + one.remaining_v for one in found]))
    low, high = sorted((int(np.argmin(soc)), int(np.argmax(soc))))
    if low == high:
        return _nothing("window_too_small", *noted, window_pct=0.0)
    pair, ends = (found[low], found[high]), (float(soc[low]), float(soc[high]))
    part = slice(pair[0].last + 1, pair[1].first + 1)
    charge = moved(trace, rest)
    ah, width = float(charge.ah[part].sum()), abs(ends[1] - ends[0])
    reasons = list(noted)
    if not all(curve.holds(one.ocv_v) for one in pair):
        reasons.append("ocv_outside_curve")
    if not all(one.settled for one in pair):
        reasons.append("rest_not_settled")
    if ah * (ends[1] - ends[0]) <= 0:
        reasons.append("charge_contradicts_ocv")
        return Window(
            None, None, abs(ah), *ends, width, False, tuple(reasons), rests=pair, n=part.stop
        )
    capacity = abs(ah) / width * 100
    edges = float(np.sqrt((charge.edge_ah[part] ** 2).sum() / 12))
    driven = np.diff(trace.time_s, prepend=trace.time_s[0])[part][~rest[part]]
    hours = float(driven.sum()) / 3600
    budget = (
        *_charge_terms(instrument, ah, capacity, edges, hours),
        *_soc_terms(curve, pair, given, width, capacity),
        _temperature(trace, instrument, capacity),
    )
    u95 = 2 * combined(budget)
    if u95 > u95_max_pct / 100 * capacity:
        reasons.append("window_too_small")
    never = {"ocv_outside_curve", "window_too_small"} & set(reasons)
    return Window(
        capacity_ah=capacity,
        u95_ah=u95,
        moved_ah=abs(ah),
        soc_start_pct=ends[0],
        soc_end_pct=ends[1],
        window_pct=width,
        valid=not never,
        reasons=tuple(reasons),
        budget=budget,
        rests=pair,
        n=part.stop - part.start,
        conditions={
            "temperature_degc": _mean_temperature(trace),
            "rest_s": min(one.seconds for one in pair),
        },
    )


def _mean_temperature(trace: Trace) -> float | None:
    return None if trace.temperature_degc is None else float(trace.temperature_degc.mean())


def _charge_terms(
    instrument: Instrument, ah: float, capacity: float, edges: float, hours: float
) -> tuple[Term, ...]:
    share = capacity / abs(ah)
    offset = rectangular(instrument.offset_a * hours)
    return (
        Term(
            "gain",
            rectangular(instrument.gain_pct / 100 * capacity),
            f"+-{instrument.gain_pct:g} %",
        ),
        Term("offset", offset * share, f"+-{instrument.offset_a:g} A over {hours:.4g} h"),
        Term("edges", edges * share, "switching edges anywhere between two rows"),
    )


def _soc_terms(
    curve: Curve, pair: tuple[Rest, Rest], given: Voltmeter, width: float, capacity: float
) -> tuple[Term, ...]:
    slopes = [float(curve.slope(one.ocv_v)) for one in pair]
    share = capacity / width
    volts = math.hypot(rectangular(given.offset_v), rectangular(given.lsb_v / 2))
    rest = [
        rectangular(max(abs(one.remaining_v), given.lsb_v / 2)) * slope
        for one, slope in zip(pair, slopes, strict=True)
    ]
    # Below 45 % the ends of a shifted curve differ no less than at 45 %.
    slip = rectangular(given.slip_pct * max(width, 45.0) / 100)
    return (
        Term(
            "ocv", share * volts * math.hypot(*slopes),
            f"+-{1000 * given.offset_v:g} mV, smallest step {1000 * given.lsb_v:g} mV, at each end",
        ),
        Term("rest", share * math.hypot(*rest), "what the relaxations had still to go"),
        Term("curve", share * slip, f"shifted by ageing by up to {given.slip_pct:g} % of SOC"),
    )  # fmt: skip


def _temperature(trace: Trace, instrument: Instrument, capacity: float) -> Term:
    known = trace.temperature_degc is not None
    kelvin = instrument.sensor_k if known else instrument.unknown_k
    u = rectangular(instrument.alpha_pct_per_k / 100 * kelvin * capacity)
    how = "" if known else "not measured: "
    return Term("temperature", u, f"{how}+-{kelvin:g} K x {instrument.alpha_pct_per_k:g} %/K")
