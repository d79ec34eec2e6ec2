"""When a trace is refused as it stands: what it says of the cell cannot be."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stations.battery.trace import EDGE_S, Trace, assumed_ah, resting

CELL_V_MAX = 5.0
CELL_V_MIN = 0.5
LEAD_V_MAX = 0.5  # first-sample resistance x Ah / cells; good cells show 0.04 to 0.12 V
SIGN_V_MIN = 0.010  # of a cell: a step of the voltage against the current that no noise makes
DRIFT_V_MIN = 0.05  # of a cell: a course of the voltage against the charge
GAP_S_MAX = 60.0
LARGE = 1 / 20  # of Q per h: steps of a smaller current say little


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a trace is refused: a code, the row (from 0; None: the whole), and a sentence."""

    code: str
    row: int | None
    told: str


def doubt(trace: Trace, rated_ah: float | None = None) -> Doubt | None:
    """The first reason to refuse the trace; None when there is none."""
    return _level(trace) or _sign(trace) or _leads(trace, rated_ah)


def _level(trace: Trace) -> Doubt | None:
    level = trace.cell_voltage_v
    odd = np.flatnonzero((level > CELL_V_MAX) | (level < CELL_V_MIN))
    if not len(odd):
        return None
    row = int(odd[0])
    told = (
        f"{level[row]:g} V for each of {trace.cells} cells in series cannot be:"
        f" a cell has {CELL_V_MIN:g} to {CELL_V_MAX:g} V; is it volts, and is --cells right?"
    )
    return Doubt("voltage_implausible", row, told)


def _edges(trace: Trace, gap_s: float) -> NDArray[np.int64]:
    """Rows at which the current has changed by much since the row before."""
    change = np.abs(np.diff(trace.current_a))
    large = change >= 0.2 * float(np.abs(trace.current_a).max(initial=0.0))
    return np.flatnonzero(large & (change > 0) & (np.diff(trace.time_s) <= gap_s)) + 1


def _sign(trace: Trace) -> Doubt | None:
    """Charging raises the voltage: at every step, and where there is none over the course."""
    level, rows = trace.cell_voltage_v, _edges(trace, GAP_S_MAX)
    if len(rows):
        along = (level[rows] - level[rows - 1]) * np.sign(
            trace.current_a[rows] - trace.current_a[rows - 1]
        )
        worst = int(np.argmin(along))
        mostly = float(np.median(along)) <= -0.001
        if along[worst] <= -SIGN_V_MIN or mostly:
            row = int(rows[worst])
            return _contradiction(row, "the voltage steps against the current")
        if float(np.median(along)) > 0:
            return None
    steps = np.diff(trace.time_s) * (trace.current_a[1:] + trace.current_a[:-1]) / 7200
    charge = np.concatenate([[0.0], np.cumsum(steps)])
    if np.ptp(charge) > 0 and np.ptp(level) >= DRIFT_V_MIN:
        slope = float(np.cov(charge, level)[0, 1]) / float(np.var(charge))
        if slope * np.ptp(charge) <= -DRIFT_V_MIN:
            return _contradiction(None, "the voltage falls while charge flows in")
    return None


def _contradiction(row: int | None, what: str) -> Doubt:
    told = f"{what}: the sign of the current contradicts the voltage; charge must be positive"
    return Doubt("current_sign", row, told)


def _leads(trace: Trace, rated_ah: float | None) -> Doubt | None:
    """Series resistance of leads or contacts at the first sample of any step out of a rest."""
    ah = assumed_ah(trace, rated_ah)
    rest = resting(trace, ah)
    step = np.flatnonzero(rest[:-1] & ~rest[1:]) + 1
    gap = trace.time_s[step] - trace.time_s[step - 1]
    near = step[gap <= EDGE_S] if (gap <= EDGE_S).any() else step[gap <= GAP_S_MAX]
    change = trace.current_a[near] - trace.current_a[near - 1]
    large = np.abs(change) >= ah * LARGE
    if not large.any() and len(near):
        large = np.abs(change) == np.abs(change).max()
    near, change = near[large], change[large]
    if not len(near):
        return None
    ohm = (trace.voltage_v[near] - trace.voltage_v[near - 1]) / change
    worst = int(np.argmax(ohm))
    shown = float(ohm[worst]) * ah / trace.cells
    if shown <= LEAD_V_MAX:
        return None
    told = (
        f"lead_resistance: {1000 * ohm[worst]:.4g} mOhm at the first sample of a step, times"
        f" {ah:.4g} Ah / {trace.cells} = {shown:.2g} V; at most {LEAD_V_MAX:g} V can be a cell's"
        " own: connect the sense leads at the cell, or correct the voltage for the leads"
    )
    return Doubt("lead_resistance", int(near[worst]), told)
