"""Every pulse of a trace and its resistance, found in the current alone.

A pulse is a rest, then a step of at most 120 s. Its time counts from the last row of the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from stations.battery import resistance
from stations.battery.capacity import FULL_V, Phase, capacity, found_phases, resolution
from stations.battery.trace import EDGE_S, Flags, Instrument, Trace, assumed_ah, moved, resting

METHOD = "DCIR from the last row of the rest"
PULSE_S_MAX = 120.0
SMALLEST = 1 / 200  # of Q per h: less is no pulse but noise beside a rest
NEAR = 0.05  # a resistance at t needs a row within this part of t
TAPERED = 1 / 10  # of Q per h: a charge held at its voltage down to here has filled the cell


@dataclass(frozen=True, slots=True)
class Pulse:
    """A pulse: when its step began, the largest current in A (charge positive), R in mOhm.

    `r_mohm` and `u95_mohm` (k = 2, quantisation and gain) are by time as written (`"0.5"`);
    a time without a row of its own is absent. `soc_pct` is None where the trace does not tell it.
    """

    start_s: float
    direction: Literal["charge", "discharge"]
    current_a: float
    soc_pct: float | None
    r_mohm: dict[str, float]
    u95_mohm: dict[str, float]
    valid: bool
    reasons: tuple[str, ...]
    temperature_degc: float | None
    rest_row: int
    end_row: int


def find_pulses(
    trace: Trace, instrument: Instrument | None = None, rated_ah: float | None = None
) -> tuple[Pulse, ...]:
    """All pulses in the order of time."""
    given = instrument or Instrument()
    ah = assumed_ah(trace, rated_ah)
    rest = resting(trace, ah)
    soc = _soc(trace, rest, rated_ah)
    lsb = resolution(trace.voltage_v)
    return tuple(
        _pulse(trace, given, lsb, soc, first, last)
        for first, last in _steps(trace, rest)
        if np.abs(trace.current_a[first : last + 1]).max() >= ah * SMALLEST
    )


def _steps(trace: Trace, rest: Flags) -> Iterator[tuple[int, int]]:
    """First and last row of every step out of a rest that lasts no longer than a pulse."""
    sign = np.sign(trace.current_a) * ~rest
    for first in np.flatnonzero(rest[:-1] & ~rest[1:]) + 1:
        changed = sign[first:] != sign[first]
        if trace.step is not None:
            changed = changed | (trace.step[first:] != trace.step[first])
        ends = np.flatnonzero(changed)
        last = int(first + ends[0] - 1) if len(ends) else len(rest) - 1
        if trace.time_s[last] - trace.time_s[first - 1] <= PULSE_S_MAX * (1 + 1e-9):
            yield int(first), last


def _pulse(
    trace: Trace,
    given: Instrument,
    lsb: float,
    soc: np.ndarray | None,
    first: int,
    last: int,
) -> Pulse:
    start = first - 1
    current = trace.current_a[first : last + 1]
    size = np.abs(current)
    peak = np.maximum.accumulate(size)
    fallen = size < resistance.LIMITED * peak
    if len(fallen) > 2 and fallen[-1] and not fallen[:-1].any():
        fallen[-1] = False  # the edge at the end
        size = size[:-1]
    reasons: list[str] = []
    if trace.time_s[first] - trace.time_s[start] > EDGE_S:
        reasons.append("edge_not_sampled")
    if fallen.any():
        reasons.append("voltage_limited")
    until = int(np.argmax(fallen)) if fallen.any() else len(size)
    found: dict[str, float] = {}
    unsure: dict[str, float] = {}
    if "edge_not_sampled" not in reasons:
        found, unsure = _resistances(trace, given, lsb, start, first + until)
    if not found:
        reasons.append("no_time_sampled")
    amperes = float(size.max()) * float(np.sign(current[0]))
    degc = trace.temperature_degc
    return Pulse(
        start_s=float(trace.time_s[start]),
        direction="charge" if current[0] > 0 else "discharge",
        current_a=amperes,
        soc_pct=None if soc is None or not np.isfinite(soc[start]) else float(soc[start]),
        r_mohm=found,
        u95_mohm=unsure,
        valid=not reasons,
        reasons=tuple(reasons),
        temperature_degc=None if degc is None else float(degc[start]),
        rest_row=start,
        end_row=last,
    )


def _resistances(
    trace: Trace, given: Instrument, lsb: float, start: int, end: int
) -> tuple[dict[str, float], dict[str, float]]:
    since = trace.time_s[start + 1 : end] - trace.time_s[start]
    found: dict[str, float] = {}
    unsure: dict[str, float] = {}
    if not len(since):
        return found, unsure
    for seconds in resistance.SECONDS:
        near = int(np.argmin(np.abs(since - seconds)))
        if abs(since[near] - seconds) > NEAR * seconds + 1e-6:
            continue
        row = start + 1 + near
        ohm = resistance.ohm(
            float(trace.voltage_v[start]),
            float(trace.voltage_v[row]),
            float(trace.current_a[start]),
            float(trace.current_a[row]),
        )
        if ohm is None:
            continue
        steps = resistance.quantisation_u95(
            lsb, float(trace.current_a[start] - trace.current_a[row])
        )
        gain = 2 * given.gain_pct / 100 * ohm / np.sqrt(3)
        found[resistance.name(seconds)] = 1000 * ohm
        unsure[resistance.name(seconds)] = 1000 * float(np.hypot(steps, gain))
    return found, unsure


def _soc(trace: Trace, rest: Flags, rated_ah: float | None) -> np.ndarray | None:
    """State of charge in % at every row; NaN where not known, None where nothing is.

    100 % is the end of a charge held at its voltage; Q is that of the trace's own complete cycle,
    else the rated one.
    """
    best = capacity(trace, Instrument(), rated_ah).best
    of = best.discharge_ah if best is not None and best.complete else rated_ah
    full = [
        phase.until - 1 for phase in found_phases(trace, rest) if _fills(trace, rest, phase, of)
    ]
    if not full or of is None:
        return None
    run = np.cumsum(moved(trace, rest).ah)
    anchor = np.full(len(rest), np.nan)
    for begin, end in zip([0, *full[1:]], [*full[1:], len(rest)], strict=True):
        anchor[begin:end] = run[full[0] if begin == 0 else begin]
    soc = 100 + 100 * (run - anchor) / of
    return np.where((soc > -5) & (soc < 105), soc, np.nan)


def _fills(trace: Trace, rest: Flags, phase: Phase, ah: float | None) -> bool:
    if phase.sign < 0 or ah is None:
        return False
    row = phase.until - 1
    rows = np.arange(phase.driven, phase.until)
    largest = trace.current_a[rows[~rest[rows]]].max()
    tapered = trace.current_a[row] <= min(ah * TAPERED, 0.5 * largest)
    return bool(tapered) and trace.cell_voltage_v[row] >= FULL_V - 0.7
