"""From a run's trace and what was read beside it to the pack's record, without a file.

What is counted, compared and rested is found by `capacity`, `dcir` and `modules`; here their
results become one list with its conditions, the gates a list with verdicts, and both a grade.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Literal

import numpy as np

from stations.battery import gates as gating
from stations.battery import isolation as method
from stations.battery import limits
from stations.battery.cell import Cell, PackSpec, new_r10_ohm
from stations.battery.dcir import Pulse, find_pulses
from stations.battery.grade import Checked, Graded, Known, graded
from stations.battery.machine import State
from stations.battery.measures import Measures
from stations.battery.modules import Curve
from stations.battery.protocol import Protocol
from stations.battery.record import (
    Bms,
    Grade,
    PackRecord,
    ProtocolRun,
    RuleResult,
    Status,
)
from stations.battery.results import Cells, Gate, Isolation, NotDecidable, Temperatures
from stations.battery.trace import Floats, Instrument, Trace

# Standard figures of the bench's sensors, k = 2: cells 2 mV offset and 1 mV steps, 0.3 K.
CELL_U95_V, SPREAD_U95_V, DEGC_U95, DEGC_SPREAD_U95 = 0.0025, 0.004, 0.4, 0.6
VOLTMETER = 0.003  # limit of each reading of the isolation test
BMS_POINTS = 5.0  # a BMS whose health is further off disagrees
# Why a run stopped (`machine`, `interlocks`), as the record's gates.
STOPS = {
    "isolation": "isolation_dc", "hvil": "interlock", "emergency_stop": "interlock",
    "contactors": "contactors", "contactor_not_proven_open": "contactors",
    "cell_window": "cell_window_in_test", "cell_spread": "cell_spread_at_rest",
    "temperature": "temperature", "temperature_rise": "temperature_rise",
    "temperature_spread": "temperature_spread_in_test",
    "start_temperature": "start_temperature", "start_temperature_spread": "temperature_spread",
    "bms_watchdog": "communication", "cycler_watchdog": "communication",
    "sample_gap": "communication", "time_went_back": "communication",
}  # fmt: skip
OTHER_STOP = "cycler"
IN_TEST = (
    "contactors", "interlock", "communication", "cycler", "cell_window_in_test", "temperature",
    "temperature_rise", "temperature_spread_in_test",
)  # fmt: skip
NEEDED = (
    "isolation_dc", "cell_voltage_low", "cell_voltage_high", "cell_spread_at_rest",
    "start_temperature", "temperature_spread", *IN_TEST,
)  # fmt: skip
# Status and category of the law that a grade leads to; a repair has to be done first.
AFTER: dict[str, tuple[Status, Literal["ev", "stationary"]]] = {
    "A": ("Reused", "ev"), "B": ("Repurposed", "stationary"), "D": ("Waste", "ev"),
}  # fmt: skip
SOURCE = "this project's proposal"


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """What a run leaves: its trace with the step of each row, and what was read once.

    `start_cells_v` and `start_degc` are the readings when current was first allowed or refused.
    """

    trace: Trace
    step_names: Sequence[str]
    state: State
    isolation: method.Voltages
    start_cells_v: Floats
    start_degc: Floats
    bms_soh_pct: float | None
    bms_soc_pct: float | None


@dataclass(frozen=True, slots=True)
class Names:
    """Who is who: what the record says besides what was measured."""

    record_id: str
    battery_id: str
    serial: str
    station: str
    made_at: str
    simulated: bool = False
    simulated_from: str | None = None
    trace_file: str | None = None
    trace_sha256: str | None = None
    software: Mapping[str, str] | None = None


def qualified(
    evidence: Evidence,
    spec: PackSpec,
    cell: Cell,
    protocol: Protocol,
    names: Names,
    instrument: Instrument | None = None,
) -> PackRecord:
    """The whole record, graded."""
    given = instrument or Instrument()
    curve = Curve(np.linspace(0.0, 1.0, len(cell.ocv_v)), cell.ocv_v)
    pulses = find_pulses(evidence.trace, given, spec.rated_ah)
    found = Measures.of(
        evidence.trace,
        evidence.step_names,
        spec,
        curve,
        pulses,
        given,
        _new_r10(pulses, spec, cell),
    )
    gates = judged_gates(evidence, spec)
    record = PackRecord(
        record_id=names.record_id,
        battery_id=names.battery_id,
        pack_model=spec.name,
        serial=names.serial,
        station=names.station,
        status_before="Original",
        software=dict(names.software or {}),
        simulated=names.simulated,
        simulated_from=names.simulated_from,
        made_at=names.made_at,
        rated_ah=spec.rated_ah,
        rated_wh=spec.rated_wh,
        nominal_v=spec.nominal_v,
        series=spec.series,
        protocol=_run(evidence, protocol),
        trace_file=names.trace_file,
        trace_sha256=names.trace_sha256,
        conditions=_conditions(evidence),
        gates=gates,
        results=found.results,
        budget=found.budget,
        bms=_bms(evidence, found),
        modules=found.modules,
        cells=found.cells,
        weak_modules=found.weak,
        joint_modules=found.joints,
        absent={
            "original_placing_on_market_date": "not told to the station",
            "signature": "signed by whoever keeps the record",
            "calibration_ids": "no instrument named one",
        },
    )
    grade = grade_of(record)
    status, category = AFTER.get(grade.grade, (None, "ev"))
    return record.model_copy(update={"grade": grade, "status_after": status, "category": category})


def grade_of(record: PackRecord) -> Grade:
    """The grade of a record, from its gates and results alone."""
    gates = [
        Checked(one.gate, one.verdict, one.value, one.u95, one.low, one.high)
        for one in record.gates
    ]
    results: dict[str, Known] = {}
    for one in record.results:
        known = Known(one.value, one.u95, one.valid and one.quantity not in results, one.reasons)
        results[one.quantity] = known
    found = graded(gates, results, record.protocol.id.partition("/")[0], NEEDED)
    return _grade(found)


def _grade(found: Graded) -> Grade:
    return Grade(
        grade=found.grade,
        name=found.name,
        reasons=found.reasons,
        next_test=found.next_test,
        rules=tuple(RuleResult(**asdict(one)) for one in found.rules),
        gates_failed=found.gates_failed,
        gates_undecided=found.gates_undecided,
    )


def judged_gates(evidence: Evidence, spec: PackSpec) -> tuple[Gate, ...]:
    """The gates at the start with their values, and those that only tell that they closed."""
    isolation, u95 = _isolation(evidence, spec)
    unsure = {
        limits.CELL_LOW.gate: CELL_U95_V, limits.CELL_HIGH.gate: CELL_U95_V,
        limits.CELL_SPREAD.gate: SPREAD_U95_V, limits.TEMPERATURE.gate: DEGC_U95,
        limits.TEMPERATURE_SPREAD.gate: DEGC_SPREAD_U95,
    } | ({} if u95 is None else {limits.ISOLATION.gate: u95})  # fmt: skip
    start = gating.judged(isolation, _cells(evidence), _temperatures(evidence), unsure)
    state = evidence.state
    stops = {STOPS.get(one, OTHER_STOP): one for one in state.reasons}
    known = {one.gate for one in start}
    started = state.phase in ("complete", "running") or len(set(evidence.step_names)) > 1
    rest = [
        _told(gate, stops.get(gate), started or bool(stops.get(gate)))
        for gate in IN_TEST
        if gate not in known
    ]
    # What the machine refused is not undone by a value read later.
    refused = [
        one.model_copy(update={"verdict": "fail", "reasons": (*one.reasons, "run_refused")})
        if one.gate in stops and one.verdict == "pass"
        else one
        for one in start
    ]
    return (*refused, *rest)


def _told(gate: str, stopped_by: str | None, is_known: bool) -> Gate:
    reasons = (stopped_by,) if stopped_by else () if is_known else ("no_current_was_allowed",)
    return Gate(
        gate=gate, unit="1", low=None, high=None, source=SOURCE, value=None, reasons=reasons,
        verdict="fail" if stopped_by else "pass" if is_known else "not_decidable",
    )  # fmt: skip


def _isolation(evidence: Evidence, spec: PackSpec) -> tuple[Isolation | NotDecidable, float | None]:
    measured = evidence.isolation
    doubts = method.doubts(measured)
    if doubts:
        return NotDecidable(not_decidable=doubts), None
    ohm = method.resistance_ohm(measured)
    found = Isolation(
        ohm=ohm, ohm_per_v=ohm / spec.nominal_v, nominal_v=spec.nominal_v, reported_ohm=None
    )
    return found, method.u95_ohm(measured, VOLTMETER) / spec.nominal_v


def _cells(evidence: Evidence) -> Cells | NotDecidable:
    volts = evidence.start_cells_v
    if not np.isfinite(volts).any():
        return NotDecidable(not_decidable=("cells_unread",))
    low, high = int(np.nanargmin(volts)), int(np.nanargmax(volts))
    return Cells(
        resting="start", count=int(np.isfinite(volts).sum()), min=float(volts[low]),
        max=float(volts[high]), mean=float(np.nanmean(volts)),
        spread=float(volts[high] - volts[low]), lowest_cell=low + 1, highest_cell=high + 1,
    )  # fmt: skip


def _temperatures(evidence: Evidence) -> Temperatures | NotDecidable:
    degc = evidence.start_degc
    if not np.isfinite(degc).any():
        return NotDecidable(not_decidable=("temperatures_unread",))
    return Temperatures(
        count=int(np.isfinite(degc).sum()), min=float(np.nanmin(degc)),
        max=float(np.nanmax(degc)), spread=float(np.nanmax(degc) - np.nanmin(degc)),
    )  # fmt: skip


def _run(evidence: Evidence, protocol: Protocol) -> ProtocolRun:
    time_s = evidence.trace.time_s
    return ProtocolRun(
        id=protocol.id,
        sha256=protocol.sha256,
        complete=evidence.state.phase == "complete",
        seconds=float(time_s[-1] - time_s[0]) if len(time_s) else 0.0,
        stopped_by=evidence.state.reasons,
    )


def _conditions(evidence: Evidence) -> dict[str, float | str | None]:
    degc = evidence.trace.temperature_degc
    some = degc if degc is not None and len(degc) else None
    return {
        "temperature_mean_degc": None if some is None else round(float(some.mean()), 2),
        "temperature_max_degc": None if some is None else round(float(some.max()), 2),
        "start_degc": round(float(np.nanmean(evidence.start_degc)), 2),
        "cells_sampled_every_s": 1.0,
        "voltage_sampled_every_s": "1, in pulses 0.1",
    }


def _bms(evidence: Evidence, found: Measures) -> Bms:
    told = evidence.bms_soh_pct
    soh = found.result("soh_pct")
    if told is None or soh is None or soh.value is None or not soh.valid:
        reasons = ("bms_soh_unread",) if told is None else ("soh_not_measured",)
        return Bms(soh_pct=told, soc_pct=evidence.bms_soc_pct, soh_difference=None, reasons=reasons)
    difference = told - soh.value
    beyond = abs(difference) > BMS_POINTS + (soh.u95 or math.inf)
    return Bms(
        soh_pct=told, soc_pct=evidence.bms_soc_pct, soh_difference=difference,
        reasons=("bms_disagrees",) if beyond else (),
    )  # fmt: skip


def _new_r10(pulses: Sequence[Pulse], spec: PackSpec, cell: Cell) -> dict[float, float]:
    """What a new pack would show, by the start of each pulse."""
    return {
        one.start_s: new_r10_ohm(spec, cell, 0.5 if one.soc_pct is None else one.soc_pct / 100)
        for one in pulses
    }
