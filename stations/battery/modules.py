"""Cells and modules of a pack: the charge that each holds, which modules are weak, bad joints.

A cell's charge comes from two rests: Q = moved Ah / (SOC2 - SOC1), SOC by the open-circuit curve. A
module's is the mean of its cells; weak is one that is 5 % and more below the median module. A
joint shows as a cell whose R10 is far above the median (the joint lies within its sense leads).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from stations.battery.dcir import Pulse
from stations.battery.trace import Floats, Trace, assumed_ah, moved, resting
from stations.battery.value import Value, absent

WEAK_PCT = 5.0
REST_S_MIN = 600.0
LAST_S = 20.0  # of a rest, over which its voltages are averaged
WINDOW_MIN = 0.25
OFFSET_V = 0.002  # limit of a cell's own sensor
SECONDS = 10.0
NEAR_S = 0.5
JOINT_MADS, JOINT_PART = 5.0, 0.40
ONE_SIDED_95 = 1.645
CURVE_SOC = 0.005  # standard uncertainty of a state of charge read from the curve of an aged cell
MOVED_PART = 0.002  # of the charge moved: gain and offset of the current


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Open-circuit voltage of a cell over its state of charge (0 to 1), both rising."""

    soc: Floats
    volts: Floats

    def at(self, volts: Floats) -> Floats:
        """State of charge at these voltages; NaN beyond the ends."""
        soc: Floats = np.interp(volts, self.volts, self.soc, left=np.nan, right=np.nan)
        return soc

    def slope(self, volts: Floats) -> Floats:
        """V for a whole charge at these voltages."""
        d_v = 0.002
        width = self.at(volts + d_v) - self.at(volts - d_v)
        slope: Floats = 2 * d_v / np.where(width > 0, width, np.nan)
        return slope


@dataclass(frozen=True, slots=True, eq=False)
class Rest:
    """The end of a rest: its last row, how long it was, voltages of the cells (NaN: none)."""

    row: int
    seconds: float
    cells_v: Floats


@dataclass(frozen=True, slots=True, eq=False)
class CellCharges:
    """Ah of each cell and u95 (NaN: none), SOC at the later rest, the window and its rests."""

    ah: Floats
    u95_ah: Floats
    soc: Floats
    window: float
    first: Rest
    last: Rest
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Modules:
    """Of each module, from module 1: Ah, how far below the median in %, its u95; weak ones."""

    ah: Floats
    below_pct: Floats
    u95_pct: Floats
    weak: tuple[int, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Joints:
    """R10 of each cell in mOhm (NaN: none), suspected joints by module, what would be found."""

    r10_mohm: Floats
    excess_mohm: Value
    modules: tuple[int, ...]
    found_from_mohm: float | None


def found_rests(trace: Trace, ah: float) -> list[Rest]:
    """Rests of at least `REST_S_MIN` in which cells were sampled, in the order of time."""
    if trace.cells_v is None or not len(trace.time_s):
        return []
    rest = resting(trace, ah)
    edges = np.flatnonzero(np.diff(rest.astype(np.int8))) + 1
    found = []
    for part in np.split(np.arange(len(rest)), edges):
        seconds = float(trace.time_s[part[-1]] - trace.time_s[part[0]])
        if not rest[part[0]] or seconds < REST_S_MIN:
            continue
        late = part[trace.time_s[part] >= trace.time_s[part[-1]] - LAST_S]
        cells = trace.cells_v[late]
        counts = np.isfinite(cells).sum(axis=0)
        sums = np.nansum(cells, axis=0)
        mean = np.divide(sums, counts, out=np.full(len(counts), np.nan), where=counts > 0)
        found.append(Rest(int(part[-1]), seconds, mean))
    return found


def cell_charges(trace: Trace, curve: Curve, rated_ah: float | None) -> CellCharges | None:
    """Between the pair of rests with the widest window; None without two rests."""
    ah = assumed_ah(trace, rated_ah)
    rests = found_rests(trace, ah)
    if len(rests) < 2:
        return None
    run = np.cumsum(moved(trace, resting(trace, ah)).ah)
    soc = [curve.at(one.cells_v) for one in rests]
    widths = {
        (first, last): abs(float(np.nanmean(soc[last] - soc[first])))
        for last in range(len(rests))
        for first in range(last)
        if np.isfinite(soc[last] - soc[first]).any()
    }
    if not widths:
        return None
    # Of windows as wide as each other the earliest: drift and self-discharge had less time.
    widest = max(widths.values())
    first, last = min(pair for pair, width in widths.items() if width >= 0.98 * widest)
    change = soc[last] - soc[first]
    charge = float(run[rests[last].row] - run[rests[first].row])
    q_ah = charge / np.where(np.abs(change) >= WINDOW_MIN, change, np.nan)
    ends = [OFFSET_V / np.sqrt(3) / curve.slope(rests[one].cells_v) for one in (first, last)]
    u95 = 2 * q_ah * np.hypot(*ends) / np.abs(change)
    reasons = () if np.isfinite(q_ah).any() else ("window_too_small",)
    return CellCharges(
        q_ah, u95, soc[last], widths[first, last], rests[first], rests[last], reasons
    )


def modules(charges: CellCharges, count: int) -> Modules:
    """So many modules of equal size, cell 1 first."""
    cells, unsure = charges.ah.reshape(count, -1), charges.u95_ah.reshape(count, -1)
    known = np.isfinite(cells)
    n = known.sum(axis=1)
    some = n > 0
    total = np.nansum(cells, axis=1)
    ah = np.divide(total, n, out=np.full(count, np.nan), where=some)
    u95 = np.sqrt(np.nansum(unsure**2, axis=1))
    u95 = np.divide(u95, n, out=np.full(count, np.nan), where=some)
    median = float(np.median(ah[some])) if some.any() else np.nan
    below = 100 * (1 - ah / median)
    weak = tuple(int(at) + 1 for at in np.flatnonzero(below >= WEAK_PCT))
    return Modules(ah, below, 100 * u95 / median, weak)


def pack_charge(charges: CellCharges) -> Value:
    """What a string of these cells gives from its first full to its first empty cell, in Ah.

    min (SOC Q) + min ((1 - SOC) Q), after cells were drawn to their mean by the part of their
    spread that is the sensors': a minimum of noisy values would be too low.
    """
    known = np.isfinite(charges.ah) & np.isfinite(charges.soc)
    method = "two rests, each cell, smallest of the string"
    if np.count_nonzero(known) < 2:
        return absent("Ah", method, *(charges.reasons or ("cells_unread",)))
    q, soc, u = charges.ah[known], charges.soc[known], charges.u95_ah[known] / 2
    noise, spread = float(np.mean(u**2)), float(np.var(q))
    part = max(0.0, 1 - noise / spread) if spread > 0 else 0.0
    drawn = q.mean() + (q - q.mean()) * part
    gives = float((drawn * soc).min() + (drawn * (1 - soc)).min())
    curve = math.sqrt(2) * CURVE_SOC / charges.window * gives
    moved_ah = MOVED_PART * gives
    total = math.hypot(math.sqrt(noise), curve, moved_ah)
    return Value(gives, "Ah", 2 * total, int(known.sum()), method, True)


def joints(trace: Trace, pulses: Sequence[Pulse], per_module: int) -> Joints:
    """R10 of each cell over the discharge pulses, and the cells that lie far above the others."""
    method = f"R{SECONDS:g} of each cell above the median"
    driven = [one for one in pulses if one.valid and one.direction == "discharge"]
    rows = [found for one in driven if (found := _r10(trace, one)) is not None]
    if not rows:
        cells = 0 if trace.cells_v is None else trace.cells_v.shape[1]
        none = absent("mOhm", method, "no_pulse")
        return Joints(np.full(cells, np.nan), none, (), None)
    r10 = np.mean(rows, axis=0)
    known = np.isfinite(r10)
    if np.count_nonzero(known) < 3:
        return Joints(r10, absent("mOhm", method, "cells_unread"), (), None)
    excess = r10 - float(np.median(r10[known]))
    mad = 1.4826 * float(np.median(np.abs(excess[known])))
    limit = max(JOINT_MADS * mad, JOINT_PART * float(np.median(r10[known])))
    beyond = np.flatnonzero(known & (excess > limit))
    worst = Value(
        float(excess[known].max()), "mOhm", 2 * mad, len(rows), method, True, (),
        {"seconds": SECONDS, "cell": float(int(np.nanargmax(excess)) + 1)},
    )  # fmt: skip
    named = tuple(sorted({int(at) // per_module + 1 for at in beyond}))
    return Joints(r10, worst, named, limit + ONE_SIDED_95 * mad)


def _r10(trace: Trace, pulse: Pulse) -> Floats | None:
    """mOhm of each cell, where the cells were sampled at the edge and 10 s later."""
    if trace.cells_v is None:
        return None
    sampled = np.asarray(np.isfinite(trace.cells_v).any(axis=1))
    before = np.flatnonzero(sampled[: pulse.rest_row + 1])
    inside = np.flatnonzero(sampled[pulse.rest_row + 1 : pulse.end_row + 1]) + pulse.rest_row + 1
    if not len(before) or not len(inside):
        return None
    start, since = int(before[-1]), trace.time_s[inside] - pulse.start_s
    at = int(inside[np.argmin(np.abs(since - SECONDS))])
    if abs(trace.time_s[at] - pulse.start_s - SECONDS) > NEAR_S:
        return None
    amperes = trace.current_a[at] - trace.current_a[pulse.rest_row]
    found: Floats = 1000 * (trace.cells_v[at] - trace.cells_v[start]) / amperes
    return found
