"""All quantities of a run's trace, by the names of the record (`record.py`)."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from stations.battery.capacity import Capacity, Cycle, capacity
from stations.battery.cell import PackSpec
from stations.battery.dcir import Pulse
from stations.battery.modules import (
    CellCharges,
    Curve,
    Joints,
    Modules,
    cell_charges,
    joints,
    modules,
    pack_charge,
)
from stations.battery.powers import resistances
from stations.battery.record import BudgetLine, CellResult, ModuleResult, Result
from stations.battery.trace import Floats, Instrument, Trace
from stations.battery.value import Term, Value, absent, combined, rectangular

ALPHA_LIMIT_PER_K = 0.002  # of the temperature coefficient, around the instrument's
FULL_V, FULL_V_PER_CHARGE = 0.002, 1.5  # cell sensor's limit at full, and the curve's slope there
WINDOW_U95_MAX_PCT = 5.0
REST_A_MAX = 0.10  # twice the offset of a sound sensor: more says that it drifts
COULOMBIC_PCT = 2.0  # a pack that is warmer when it is filled takes up to 1 % more
REST_STEPS = ("rest", "settle", "relax", "lead-in")


@dataclass(frozen=True, slots=True, eq=False)
class Measures:
    """What was found, in the form of the record."""

    results: tuple[Result, ...]
    budget: tuple[BudgetLine, ...]
    modules: tuple[ModuleResult, ...]
    cells: tuple[CellResult, ...]
    weak: tuple[int, ...]
    joints: tuple[int, ...]

    def result(self, quantity: str) -> Result | None:
        """The result of this quantity."""
        return next((one for one in self.results if one.quantity == quantity), None)

    @classmethod
    def of(
        cls,
        trace: Trace,
        step_names: Sequence[str],
        spec: PackSpec,
        curve: Curve,
        pulses: Sequence[Pulse],
        instrument: Instrument,
        new_r10: Mapping[float, float],
    ) -> Measures:
        """Every quantity that the trace gives; the others are absent with a reason.

        `new_r10` is a new pack's R10 in Ohm by the start of each pulse.
        """
        counted = capacity(trace, instrument, spec.rated_ah)
        charges = cell_charges(trace, curve, spec.rated_ah)
        parts = modules(charges, spec.modules) if charges is not None else None
        loose = joints(trace, pulses, spec.per_module)
        resting = rest_current_a(trace, step_names)
        returned = _coulombic(counted)
        drifts = _drifts(resting, returned)
        charge, budget = _charge(counted, charges, spec, instrument)
        weak = parts.weak if parts is not None else ()
        mend = tuple(sorted({*weak, *loose.modules}))
        named: dict[str, Value] = {
            "capacity_ah": charge,
            "soh_pct": _scaled(charge, 100 / spec.rated_ah, "%"),
            **_energies(counted, spec, instrument),
            "coulombic_efficiency_pct": returned,
            **resistances(pulses, new_r10, spec, trace),
            **_module_values(parts, charge, mend, loose, spec),
            "rest_current_a": resting,
        }
        suspect = {"rest_current_a", "coulombic_efficiency_pct"}
        results = tuple(
            _result(name, _doubted(one, drifts) if name not in suspect else one)
            for name, one in named.items()
        )
        return cls(
            results, budget, _modules(parts, loose, spec), _cells(charges, loose, spec), weak,
            loose.modules,
        )  # fmt: skip


def rest_current_a(trace: Trace, step_names: Sequence[str]) -> Value:
    """The largest mean current of a rest step: what the sensor shows when none flows."""
    method = "mean current of each rest step, the largest"
    names = np.array(step_names)
    if not len(names):
        return absent("A", method, "no_rest")
    edges = np.flatnonzero(names[1:] != names[:-1]) + 1
    means = [
        float(np.mean(trace.current_a[part[2:]]))
        for part in np.split(np.arange(len(names)), edges)
        if len(part) > 12 and str(names[part[0]]).startswith(REST_STEPS)
    ]
    if not means:
        return absent("A", method, "no_rest")
    worst = max(means, key=abs)
    return Value(worst, "A", 0.01, len(means), method)


def _coulombic(counted: Capacity) -> Value:
    """Charge that a full cycle gave back, over the standard charge that followed it."""
    method = "C/3 discharge over the standard charge after it"
    for first, second in zip(counted.cycles, counted.cycles[1:], strict=False):
        if first.complete and second.charge_ah:
            value = 100 * first.discharge_ah / second.charge_ah
            return Value(value, "%", 0.2, 1, method)
    return absent("%", method, "no_standard_charge")


def _drifts(resting: Value, returned: Value) -> tuple[str, ...]:
    found = resting.value is not None and abs(resting.value) > REST_A_MAX
    if returned.value is not None and abs(returned.value - 100) > COULOMBIC_PCT:
        found = True
    return ("current_sensor_drifts",) if found else ()


def _doubted(value: Value, reasons: tuple[str, ...]) -> Value:
    if not reasons:
        return value
    return Value(
        value.value, value.unit, value.u95, value.n, value.method, False,
        (*value.reasons, *reasons), value.conditions,
    )  # fmt: skip


def _charge(
    counted: Capacity, charges: CellCharges | None, spec: PackSpec, instrument: Instrument
) -> tuple[Value, tuple[BudgetLine, ...]]:
    """The pack's charge: counted over a full discharge, else from two rests."""
    best = counted.best
    if best is not None and best.complete and best.soh_pct is not None:
        return _counted(best, spec, instrument)
    if charges is None:
        return absent("Ah", "two rests", "no_full_discharge", "no_two_rests"), ()
    value = pack_charge(charges)
    if value.value is None or value.u95 is None:
        return value, ()
    lines = (BudgetLine(term="two rests", u_ah=value.u95 / 2, assumption=value.method),)
    if 100 * value.u95 / spec.rated_ah > WINDOW_U95_MAX_PCT:
        return _doubted(value, ("window_too_small",)), lines
    return value, lines


def _counted(
    best: Cycle, spec: PackSpec, instrument: Instrument
) -> tuple[Value, tuple[BudgetLine, ...]]:
    ah = (best.soh_pct or 0.0) * spec.rated_ah / 100
    degc = best.temperature_degc
    away = abs((degc if degc is not None else 25.0) - instrument.rated_temperature_degc)
    wide = any(one.term == "temperature_coefficient" for one in best.budget)
    known = 0.0 if wide else ALPHA_LIMIT_PER_K  # far from the rated temperature it is in there
    terms = (
        *best.budget,
        Term(
            "temperature coefficient", rectangular(known * away * ah),
            f"within {100 * known:g} %/K of the one assumed, {away:.1f} K away",
        ),
        Term(
            "full by a cell's sensor", rectangular(FULL_V / FULL_V_PER_CHARGE * ah),
            f"offset within {1000 * FULL_V:g} mV where the curve rises {FULL_V_PER_CHARGE:g} V",
        ),
    )  # fmt: skip
    lines = tuple(BudgetLine(term=one.term, u_ah=one.u, assumption=one.assumption) for one in terms)
    found = Value(
        ah, "Ah", 2 * combined(terms), best.n, "C/3 from full to the first empty cell", True,
        best.reasons, {"temperature_degc": degc, "rate_c": best.rate_c},
    )  # fmt: skip
    return found, lines


def _scaled(value: Value, factor: float, unit: str) -> Value:
    if value.value is None:
        return absent(unit, value.method, *value.reasons)
    u95 = None if value.u95 is None else value.u95 * factor
    return Value(
        value.value * factor, unit, u95, value.n, value.method, value.valid, value.reasons,
        value.conditions,
    )  # fmt: skip


def _energies(counted: Capacity, spec: PackSpec, instrument: Instrument) -> dict[str, Value]:
    best = counted.best
    method = "voltage times current, C/3 from full to the first empty cell"
    if best is None or not best.complete:
        none = "no_full_discharge"
        return {
            "energy_wh": absent("Wh", method, none),
            "energy_soh_bench_pct": absent("%", method, none),
            "round_trip_efficiency_pct": absent("%", method, none),
        }
    part = 2 * combined(best.budget) / max(best.discharge_ah, 1e-9)
    part = math.hypot(part, 2 * rectangular(instrument.gain_pct / 100))
    energy = Value(best.discharge_wh, "Wh", part * best.discharge_wh, best.n, method)
    after = [one for one in counted.cycles if one.cycle == best.cycle + 1 and one.charge_wh]
    efficiency = (
        Value(100 * best.discharge_wh / (after[0].charge_wh or 1.0), "%", 0.4, 1, method)
        if after
        else absent("%", method, "no_standard_charge")
    )
    return {
        "energy_wh": energy,
        "energy_soh_bench_pct": _scaled(energy, 100 / spec.rated_wh, "%"),
        "round_trip_efficiency_pct": efficiency,
    }


def _module_values(
    parts: Modules | None,
    charge: Value,
    mend: tuple[int, ...],
    loose: Joints,
    spec: PackSpec,
) -> dict[str, Value]:
    method = "mean charge of the cells of each module, two rests"
    joint = _joint(loose)
    if parts is None or not np.isfinite(parts.below_pct).any():
        none = absent("%", method, "no_two_rests")
        return {
            "worst_module_below_pct": none, "other_modules_soh_pct": none,
            "modules_to_mend": absent("1", method, "no_two_rests"), "worst_joint_pct": joint,
        }  # fmt: skip
    worst = int(np.nanargmax(parts.below_pct))
    below = Value(
        float(parts.below_pct[worst]), "%", float(parts.u95_pct[worst]), len(parts.ah), method,
        True, (), {"module": float(worst + 1)},
    )  # fmt: skip
    others = [at for at in range(len(parts.ah)) if at + 1 not in mend and np.isfinite(parts.ah[at])]
    rest = absent("%", method, "no_other_module")
    if others:
        least = min(others, key=lambda at: float(parts.ah[at]))
        # What the count over the whole pack is unsure of, a module is too.
        common = charge.u95 if charge.u95 is not None else math.inf
        u95 = math.hypot(float(parts.u95_pct[least]), 100 * common / spec.rated_ah)
        rest = Value(
            100 * float(parts.ah[least]) / spec.rated_ah, "%", u95, len(others), method,
            math.isfinite(u95),
        )  # fmt: skip
    count = Value(float(len(mend)), "1", 0.0, len(parts.ah), "weak, or a joint suspected")
    if joint.value is None:
        count = absent("1", count.method, "joints_not_measured")
    return {
        "worst_module_below_pct": below, "other_modules_soh_pct": rest,
        "modules_to_mend": count, "worst_joint_pct": joint,
    }  # fmt: skip


def _joint(loose: Joints) -> Value:
    known = loose.r10_mohm[np.isfinite(loose.r10_mohm)]
    if loose.excess_mohm.value is None or not len(known):
        return absent("%", loose.excess_mohm.method, *loose.excess_mohm.reasons)
    found = _scaled(loose.excess_mohm, 100 / float(np.median(known)), "%")
    more = dict(found.conditions) | {"found_from_mohm": loose.found_from_mohm}
    return Value(found.value, "%", found.u95, found.n, found.method, True, (), more)


def _result(name: str, value: Value) -> Result:
    return Result(
        quantity=name, value=value.value, unit=value.unit, u95=value.u95, method=value.method,
        n=value.n, valid=value.valid, reasons=value.reasons, conditions=dict(value.conditions),
    )  # fmt: skip


def _number(value: float | np.floating) -> float | None:
    return float(value) if np.isfinite(value) else None


def _modules(parts: Modules | None, loose: Joints, spec: PackSpec) -> tuple[ModuleResult, ...]:
    r10 = loose.r10_mohm
    sums = r10.reshape(spec.modules, -1).sum(axis=1) if len(r10) == spec.series else None
    return tuple(
        ModuleResult(
            module=at + 1,
            q_ah=None if parts is None else _number(parts.ah[at]),
            below_pct=None if parts is None else _number(parts.below_pct[at]),
            u95_pct=None if parts is None else _number(parts.u95_pct[at]),
            r10_mohm=None if sums is None else _number(sums[at]),
            is_weak=parts is not None and at + 1 in parts.weak,
            joint_suspected=at + 1 in loose.modules,
        )
        for at in range(spec.modules)
    )


def _cells(charges: CellCharges | None, loose: Joints, spec: PackSpec) -> tuple[CellResult, ...]:
    none: Floats = np.full(spec.series, np.nan)
    ah = none if charges is None else charges.ah
    volts = none if charges is None else charges.last.cells_v
    r10 = loose.r10_mohm if len(loose.r10_mohm) == spec.series else none
    return tuple(
        CellResult(
            cell=at + 1, q_ah=_number(ah[at]), r10_mohm=_number(r10[at]), rest_v=_number(volts[at])
        )
        for at in range(spec.series)
    )
