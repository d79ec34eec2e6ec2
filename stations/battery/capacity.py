"""Capacity, energy and state of health from full cycles, with the budget of their uncertainty.

A cycle is a charge and the discharge after it. Rests and pulses of less than `PULSE_S` do not end
either; what they move counts with its sign. Q at the rated temperature is Q(T) / (1 + alpha (T -
T_rated)).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from stations.battery.trace import (
    Charge,
    Floats,
    Instrument,
    Trace,
    assumed_ah,
    moved,
    resting,
)
from stations.battery.value import Term, combined, rectangular

METHOD = "coulomb counting from step start, rests left out"
PULSE_S = 120.0
EMPTY_V = 3.3  # of the lowest cell: a discharge that ended above it has not emptied the cell
FULL_V = 4.1
TAPER = 0.5  # a charge whose current fell below this part of its largest was held at its voltage
TAPER_V = 3.4  # of a cell, below which no charge is held at the end of it


@dataclass(frozen=True, slots=True)
class Phase:
    """A charge (sign 1) or a discharge (-1): its rows from `first` up to `end`, exclusive.

    `driven` and `until` bound the long runs in it, without the pulses around them.
    """

    sign: int
    first: int
    end: int
    driven: int
    until: int


@dataclass(frozen=True, slots=True)
class Cycle:
    """A charge and the discharge after it; Ah and Wh without sign, None where there is none.

    `soh_pct` refers to the rated charge at the rated temperature; `u95_pct` (k = 2) too, or
    without a rated charge to the discharged one.
    """

    cycle: int
    charge_ah: float | None
    discharge_ah: float
    charge_wh: float | None
    discharge_wh: float
    rate_c: float
    temperature_degc: float | None
    complete: bool
    soh_pct: float | None
    u95_pct: float
    reasons: tuple[str, ...]
    budget: tuple[Term, ...]
    n: int


@dataclass(frozen=True, slots=True)
class Capacity:
    """All cycles of a trace; `reasons` say what there is besides or why there is none."""

    cycles: tuple[Cycle, ...]
    reasons: tuple[str, ...] = ()
    method: str = METHOD

    @property
    def best(self) -> Cycle | None:
        """The last complete cycle, else the last."""
        whole = [one for one in self.cycles if one.complete] or list(self.cycles)
        return whole[-1] if whole else None


def capacity(trace: Trace, instrument: Instrument, rated_ah: float | None = None) -> Capacity:
    """Every cycle of the trace."""
    rest = resting(trace, assumed_ah(trace, rated_ah))
    charge = moved(trace, rest)
    phases = list(found_phases(trace, rest))
    reasons = () if phases else ("no_charge_or_discharge_of_120_s",)
    if phases and phases[-1].sign > 0:
        reasons = ("charge_without_discharge_after_it",)
    pairs = [
        (phases[index - 1] if index else None, phase)
        for index, phase in enumerate(phases)
        if phase.sign < 0
    ]
    work = _Work(trace, instrument, rated_ah, charge, rest)
    cycles = (work.cycle(number, *pair) for number, pair in enumerate(pairs, 1))
    return Capacity(tuple(cycles), reasons)


def found_phases(trace: Trace, rest: np.ndarray) -> Iterator[Phase]:
    """Charges and discharges in order; a pulse belongs to the long run that comes after it."""
    driven = np.flatnonzero(~rest)
    if not len(driven):
        return
    signs = np.sign(trace.current_a[driven]).astype(int)
    cut = np.flatnonzero(signs[1:] != signs[:-1]) + 1
    long: list[tuple[int, int, int]] = []
    for part in np.split(np.arange(len(driven)), cut):
        first, last = int(driven[part[0]]), int(driven[part[-1]])
        if trace.time_s[last] - trace.time_s[max(first - 1, 0)] >= PULSE_S and _lasts(
            trace, driven[part]
        ):
            long.append((int(signs[part[0]]), first, last))
    merged: list[tuple[int, int, int]] = []
    for sign, first, last in long:
        if merged and merged[-1][0] == sign:
            merged[-1] = (sign, merged[-1][1], last)
        else:
            merged.append((sign, first, last))
    begin = 0
    for index, (sign, first, last) in enumerate(merged):
        end = last + 1 if index + 1 < len(merged) else len(rest)
        yield Phase(sign, begin, end, first, last + 1)
        begin = end


def _lasts(trace: Trace, rows: np.ndarray) -> bool:
    """True when at least one uninterrupted stretch of these driven rows is no pulse."""
    for stretch in np.split(rows, np.flatnonzero(np.diff(rows) > 1) + 1):
        since = trace.time_s[max(int(stretch[0]) - 1, 0)]
        if trace.time_s[int(stretch[-1])] - since >= PULSE_S:
            return True
    return False


@dataclass(frozen=True, slots=True, eq=False)
class _Work:
    trace: Trace
    instrument: Instrument
    rated_ah: float | None
    moved: Charge
    rest: np.ndarray

    def cycle(self, number: int, before: Phase | None, phase: Phase) -> Cycle:
        ah, wh = self._sums(phase)
        charged = self._sums(before) if before else None
        begun, ended = self._full(before, phase), self._empty(phase)
        reasons = (*begun, *ended)
        degc = self._temperature(phase)
        budget, ah_rated, noted = self._budget(phase, -ah, degc)
        u_ah = combined(budget)
        whole = not reasons
        of = self.rated_ah if self.rated_ah is not None else max(-ah, 1e-9)
        known = self.rated_ah is not None and whole
        return Cycle(
            cycle=number,
            charge_ah=charged[0] if charged else None,
            discharge_ah=-ah,
            charge_wh=charged[1] if charged else None,
            discharge_wh=-wh,
            rate_c=self._rate(phase) / of,
            temperature_degc=degc,
            complete=whole,
            soh_pct=100 * ah_rated / of if known else None,
            u95_pct=100 * 2 * u_ah / of,
            reasons=(*reasons, *noted),
            budget=budget,
            n=int(np.count_nonzero(~self.rest[phase.first : phase.end])),
        )

    def _sums(self, phase: Phase) -> tuple[float, float]:
        part = slice(phase.first, phase.end)
        return float(self.moved.ah[part].sum()), float(self.moved.wh[part].sum())

    def _rate(self, phase: Phase) -> float:
        """Mean current of the long runs in A: their charge over the time in which it flowed."""
        rows = np.arange(phase.driven, phase.until)
        rows = rows[(~self.rest[rows]) & (np.sign(self.trace.current_a[rows]) == phase.sign)]
        seconds = np.diff(self.trace.time_s, prepend=self.trace.time_s[0])[rows]
        amperes = np.abs(self.trace.current_a[rows])
        total = float(seconds.sum())
        return float((seconds * amperes).sum()) / total if total else float(amperes.mean())

    def _full(self, before: Phase | None, phase: Phase) -> tuple[str, ...]:
        """Why it is not known that the cell was full; empty when it was."""
        level = self.trace.cell_voltage_v
        if before is None:
            row = max(phase.driven - 1, 0)
            rested = bool(self.rest[row]) and level[row] >= FULL_V
            return () if rested else ("no_charge_before",)
        rows = np.arange(before.driven, before.until)
        rows = rows[~self.rest[rows]]
        current = self.trace.current_a[rows]
        tapered = current[-1] <= TAPER * current.max() and level[rows[-1]] >= TAPER_V
        full = tapered or level[rows[-1]] >= FULL_V
        return () if full else ("charge_not_to_full",)

    def _empty(self, phase: Phase) -> tuple[str, ...]:
        row = phase.until - 1
        lowest = float(self.trace.cell_voltage_v[row])
        cells = self.trace.cells_v
        if cells is not None:
            near = cells[max(row - 20, 0) : row + 1]
            near = near[near > 0]
            lowest = min(lowest, float(near.min())) if len(near) else lowest
        if lowest <= EMPTY_V:
            return ()
        if row == len(self.rest) - 1:
            return ("trace_ends_in_the_discharge",)
        return ("discharge_not_to_empty",)

    def _temperature(self, phase: Phase) -> float | None:
        """Mean over the charge that flowed, in degC."""
        if self.trace.temperature_degc is None:
            return None
        part = slice(phase.first, phase.end)
        weight = np.abs(self.moved.ah[part])
        return float(np.average(self.trace.temperature_degc[part], weights=weight))

    def _budget(
        self, phase: Phase, ah: float, degc: float | None
    ) -> tuple[tuple[Term, ...], float, tuple[str, ...]]:
        """Terms in Ah, the charge at the rated temperature, and what is to be borne in mind."""
        given, part = self.instrument, slice(phase.first, phase.end)
        alpha = given.alpha_pct_per_k / 100
        away = 0.0 if degc is None else round(degc - given.rated_temperature_degc, 6)
        sensor = given.unknown_k if degc is None else given.sensor_k
        passed = np.diff(self.trace.time_s, prepend=self.trace.time_s[0])[part]
        hours = float(passed[~self.rest[part]].sum()) / 3600
        factor = 1 + alpha * away
        after = phase.end < len(self.rest) and bool(self.rest[phase.end])  # its own last edge
        own = slice(phase.first + int(self.rest[phase.first]), phase.end + after)
        edges = float(np.sqrt((self.moved.edge_ah[own] ** 2).sum() / 12))
        known = "not measured: " if degc is None else ""
        terms = (
            Term("gain", rectangular(given.gain_pct / 100 * ah), f"+-{given.gain_pct:g} %"),
            Term(
                "offset",
                rectangular(given.offset_a * hours),
                f"+-{given.offset_a:g} A over {hours:.4g} h",
            ),
            Term("edges", edges, "switching edges anywhere between two rows"),
            Term("cut_off", self._cut_off(phase), "the voltage's smallest step at the cut-off"),
            Term(
                "temperature",
                rectangular(alpha * sensor * ah),
                f"{known}+-{sensor:g} K x {given.alpha_pct_per_k:g} %/K",
            ),
            Term(
                "temperature_coefficient",
                rectangular(alpha * away * ah),
                f"{given.alpha_pct_per_k:g} %/K known to +-100 %, {away:+.3g} K from"
                f" {given.rated_temperature_degc:g} degC",
            ),
        )
        noted = ("temperature_unknown",) if degc is None else ()
        if abs(away) > 2:
            noted = ("temperature_not_rated",)
        return terms, ah / factor if factor > 0 else ah, noted

    def _cut_off(self, phase: Phase) -> float:
        """Charge for one step of the voltage's resolution at the end of the discharge."""
        rows = np.arange(max(phase.driven, phase.until - 20), phase.until)
        rows = rows[~self.rest[rows]]
        if len(rows) < 3:
            return 0.0
        fall = float(self.trace.voltage_v[rows[0]] - self.trace.voltage_v[rows[-1]])
        charge = abs(float(self.moved.ah[rows[1:]].sum()))
        lsb = resolution(self.trace.voltage_v)
        return rectangular(lsb / 2 * charge / fall) if fall > lsb else 0.0


def resolution(values: Floats) -> float:
    """The smallest step of a quantised column; 0 when it has none to be seen."""
    levels = np.unique(np.round(values[:20_000], 9))
    if len(levels) < 2:
        return 0.0
    step = float(np.min(np.diff(levels)))
    return step if step >= 1e-5 else 0.0
