"""From a session that is over to its record, and to the case that is judged.

The record is the lane's `inspection.report` with a part `session`: who, with which machines, what
was repeated, entered by hand or refused, and why it is not whole where it is not.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from stations.cycle import utc_text
from stations.inspection.accepting import day_of
from stations.inspection.codes import MachineKind
from stations.inspection.coming import is_done, open_steps
from stations.inspection.facts import (
    Ended,
    Held,
    Mark,
    Plan,
    Refused,
    StepName,
    plain,
)
from stations.inspection.judging.judge import Judge
from stations.inspection.judging.rule_set import load
from stations.inspection.lane_case import judged
from stations.inspection.measures import undecidable
from stations.inspection.records import Measurement, Obd, Report
from stations.inspection.requirements import NEEDED
from stations.inspection.session_data import (
    MachineData,
    ManualData,
    RefusedData,
    RepeatedData,
    SessionData,
    StepData,
    VisualData,
)
from stations.inspection.station import TAKT_S
from stations.records import Draft


def draft_by(text: str) -> Callable[[Plan, Ended], Draft]:
    """`draft` with a rule set, given as its text: reports have a judgement then."""
    return partial(draft, rules=Judge(load(text)))


def draft(plan: Plan, ended: Ended, rules: Judge | None = None) -> Draft:
    """The record of a session."""
    return Draft(
        kind="inspection.report",
        time_ms=ended.ended_ms,
        visit=ended.session.visit,
        data=report(plan, ended, rules).model_dump(mode="json"),
    )


def report(plan: Plan, ended: Ended, rules: Judge | None = None) -> Report:
    """All that is known of one inspection."""
    case = case_of(plan, ended)
    session, held = ended.session, values_of(ended)
    missing = missing_items(ended)
    found = {
        item: Measurement(value=float(one.value.value), unit=one.value.unit)
        for item, one in held.items()
        if not isinstance(one.value.value, bool | tuple)
    }
    found |= {item: undecidable("", "not_measured") for item in missing if item not in held}
    flaws = () if ended.why == "finished" else (ended.why,)
    brakes = [
        ended.machines[name]
        for name, one in plan.machines.items()
        if one.kind is MachineKind.BRAKES
    ]  # fmt: skip
    calibrated = brakes[0].last_calibration if brakes else None
    return Report(
        visit=session.visit,
        started=utc_text(session.started_ms),
        ended=utc_text(ended.ended_ms),
        cycle_s=(ended.ended_ms - session.started_ms) / 1000,
        complete=ended.why == "finished",
        flaws=(*flaws, *(f"not_done.{name}" for name in open_steps(session))),
        phases={},
        fuel=_text(session.order.vehicle.get("fuel")),
        calibrated=None if calibrated is None else calibrated.isoformat(),
        zero_ok=brakes[0].zero_ok if brakes else None,
        stops=0,
        takt_s=TAKT_S,
        measurements=dict(sorted(found.items())),
        not_decidable=missing,
        statistics={},
        obd=_obd(held),
        session=session_data(plan, ended),
        case=case,
        judgement=None if rules is None else judged(case, rules),
    )


def case_of(plan: Plan, ended: Ended) -> dict[str, Any]:
    """The case of a session, as `refit inspection judge` takes it."""
    session, order = ended.session, ended.session.order
    equipment = {}
    for name, machine in ended.machines.items():
        due, config = machine.calibration_due, plan.machines[name]
        equipment[name] = {
            "kind": config.kind.value,
            "calibration_due": None if due is None else due.isoformat(),
            "zero_ok": machine.zero_ok if config.zero else True,
        }
    measurements = {}
    for item, held in sorted(values_of(ended).items()):
        one: dict[str, Any] = {"value": plain(held.value), "unit": held.value.unit}
        if held.machine:
            one["equipment"] = held.machine
        measurements[item] = one
    test: dict[str, Any] = {
        "date": day_of(session.started_ms).isoformat(),
        "kind": order.kind,
        "earlier": list(order.earlier),
    }
    if order.earlier_date is not None:
        test["earlier_date"] = order.earlier_date.isoformat()
    if ended.why != "finished":
        test["aborted"] = (ended.because or ended.why)[:200]
    vehicle: dict[str, Any] = dict(order.vehicle)
    if session.odometer_km is not None:
        vehicle["odometer_km"] = session.odometer_km
    visual = [
        {"code": one.code, **({} if one.location is None else {"location": one.location})}
        for one in session.visual
    ]
    return {
        "test": test,
        "vehicle": vehicle,
        "equipment": equipment,
        "measurements": measurements,
        "visual": visual,
    }


def values_of(ended: Ended) -> dict[str, Held]:
    """The values that count, by item."""
    steps = ended.session.steps.values()
    return {item: held for step in steps for item, held in step.values.items()}


def missing_items(ended: Ended) -> tuple[str, ...]:
    """The items that should be there and are not."""
    held, steps = values_of(ended), ended.session.steps
    return tuple(
        item
        for name, items in NEEDED.items()
        if steps[name].required
        for item in items
        if item not in held
    )


def session_data(plan: Plan, ended: Ended) -> SessionData:
    """Who and with what: the part of the record that a session adds."""
    session = ended.session
    return SessionData(
        session=session.session,
        ended=ended.why,
        because=ended.because or None,
        ended_by=ended.by or None,
        kind=session.order.kind,
        earlier=session.order.earlier,
        centre=plan.centre,
        inspectors={name: plan.inspectors.get(name, "") for name in session.inspectors},
        identity=session.identity.value,
        vin_hash=session.order.vin_hash,
        odometer_km=session.odometer_km,
        steps={
            name.value: _step(ended, name) for name, one in session.steps.items() if one.required
        },
        machines={name: _machine(plan, ended, name) for name in ended.machines},
        visual=tuple(
            VisualData(code=one.code, location=one.location, by=one.by) for one in session.visual
        ),
        refused=tuple(_refused(one) for one in session.refused),
        refused_more=session.refused_more,
        marks=tuple(_mark(one) for one in session.marks),
    )


def _step(ended: Ended, name: StepName) -> StepData:
    step = ended.session.steps[name]
    manual = {item: held.manual for item, held in step.values.items() if held.manual is not None}
    return StepData(
        done=is_done(ended.session, name),
        by=step.done_by or step.taken_by or None,
        confirmed_by=step.confirmed_by or None,
        why=step.why or None,
        repeated=tuple(
            RepeatedData(
                by=one.by,
                why=one.why,
                time=utc_text(one.at_ms),
                values={item: plain(held.value) for item, held in one.values.items()},
                visual=tuple(
                    VisualData(code=two.code, location=two.location, by=two.by)
                    for two in one.visual
                ),
                odometer_km=one.odometer_km,
            )
            for one in step.repeated
        ),
        manual={
            item: ManualData(by=one.by, why=one.why, confirmed_by=one.confirmed_by)
            for item, one in manual.items()
        },
    )


def _machine(plan: Plan, ended: Ended, name: str) -> MachineData:
    machine, config = ended.machines[name], plan.machines[name]
    last, due = machine.last_calibration, machine.calibration_due
    return MachineData(
        kind=config.kind.value,
        model=config.model,
        serial=config.serial,
        last_calibration=None if last is None else last.isoformat(),
        calibration_due=None if due is None else due.isoformat(),
        zero_ok=machine.zero_ok,
        fault=machine.fault or None,
    )


def _refused(one: Refused) -> RefusedData:
    return RefusedData(
        machine=one.machine,
        message=one.message,
        time=utc_text(one.at_ms),
        reasons=tuple(reason.value for reason in one.reasons),
        about=one.about,
    )


def _mark(one: Mark) -> tuple[str, str]:
    return one.about, one.reason.value


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _obd(held: dict[str, Held]) -> Obd:
    flags: dict[str, bool | None] = {"obd.mil": None, "obd.ready": None}
    for item in flags:
        if item in held and isinstance(held[item].value.value, bool):
            flags[item] = bool(held[item].value.value)
    dtc, count = held.get("obd.dtc"), held.get("obd.dtc_count")
    number = None
    if dtc is not None and isinstance(dtc.value.value, tuple):
        number = len(dtc.value.value)
    elif count is not None and not isinstance(count.value.value, tuple):
        number = int(count.value.value)
    return Obd(mil=flags["obd.mil"], ready=flags["obd.ready"], dtc_count=number)
