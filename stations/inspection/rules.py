"""What the lane's values mean: a record per change of state, a report per vehicle."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from stations.cycle import Cycle, During, Ended, Scheme, follow, utc_text
from stations.inspection.judging.judge import Judge
from stations.inspection.judging.rule_set import load
from stations.inspection.lane_case import case_of, judged
from stations.inspection.measures import (
    Bench,
    asymmetry,
    efficiency,
    imbalance,
    read,
    read_wheels,
)
from stations.inspection.records import Measurement, Obd, Report
from stations.inspection.station import TAKT_S, Inspection, InspectionState, StopCause
from stations.judge import Now
from stations.records import Draft

TRIGGERS = (Inspection.state, Inspection.visit)

_FRONT, _REAR = (InspectionState.BRAKES_FRONT,), (InspectionState.BRAKES_REAR,)
_PARKING, _EXHAUST = (InspectionState.PARKING_BRAKE,), (InspectionState.EXHAUST,)
_SHAKEN = (InspectionState.SUSPENSION_FRONT, InspectionState.SUSPENSION_REAR)


def is_good(data: Mapping[str, Any]) -> bool:
    """Every measurement has a value; whether the vehicle is roadworthy is another question."""
    return not data["not_decidable"]


SCHEME = Scheme(
    kind="inspection",
    state=Inspection.state,
    visit=Inspection.visit,
    idle=InspectionState.EMPTY,
    done=InspectionState.DONE,
    needed=(InspectionState.BRAKES_FRONT, InspectionState.BRAKES_REAR),
    planned_s=280.0,
    gathers={
        "force_left_front": During(Inspection.force_left, _FRONT),
        "force_right_front": During(Inspection.force_right, _FRONT),
        "force_left_rear": During(Inspection.force_left, _REAR),
        "force_right_rear": During(Inspection.force_right, _REAR),
        "force_left_parking": During(Inspection.force_left, _PARKING),
        "force_right_parking": During(Inspection.force_right, _PARKING),
        "pedal_force": During(Inspection.pedal_force, (*_FRONT, *_REAR)),
        "roller_speed": During(Inspection.roller_speed, (*_FRONT, *_REAR, *_PARKING)),
        "suspension_frequency": During(Inspection.suspension_frequency, _SHAKEN),
        "gas_co": During(Inspection.gas_co, _EXHAUST),
        "gas_co2": During(Inspection.gas_co2, _EXHAUST),
        "gas_o2": During(Inspection.gas_o2, _EXHAUST),
        "gas_hc": During(Inspection.gas_hc, _EXHAUST),
        "gas_lambda": During(Inspection.gas_lambda, _EXHAUST),
        "engine_speed": During(Inspection.engine_speed, _EXHAUST),
        "oil_temperature": During(Inspection.oil_temperature, _EXHAUST),
    },
    is_good=is_good,
)

_SLIP = Bench(InspectionState.SLIP, Inspection.slip_measured)
_SUSPENSION_FRONT = Bench(InspectionState.SUSPENSION_FRONT, Inspection.suspension_measured)
_SUSPENSION_REAR = Bench(InspectionState.SUSPENSION_REAR, Inspection.suspension_measured)
_BRAKES_FRONT = Bench(InspectionState.BRAKES_FRONT, Inspection.service_measured)
_BRAKES_REAR = Bench(InspectionState.BRAKES_REAR, Inspection.service_measured)
_PARKING_BRAKE = Bench(InspectionState.PARKING_BRAKE, Inspection.parking_measured)
_LAMPS = Bench(InspectionState.LAMPS, Inspection.lamps_measured)
_GAS = Bench(InspectionState.EXHAUST, Inspection.gas_measured)
_ELECTRIC = Bench(InspectionState.ELECTRIC, Inspection.continuity_measured)

_ALWAYS = (
    ("slip.front", _SLIP, Inspection.slip_front),
    ("slip.rear", _SLIP, Inspection.slip_rear),
    ("suspension.front_left", _SUSPENSION_FRONT, Inspection.suspension_front_left),
    ("suspension.front_right", _SUSPENSION_FRONT, Inspection.suspension_front_right),
    ("suspension.rear_left", _SUSPENSION_REAR, Inspection.suspension_rear_left),
    ("suspension.rear_right", _SUSPENSION_REAR, Inspection.suspension_rear_right),
    ("brake.front_left", _BRAKES_FRONT, Inspection.brake_front_left),
    ("brake.front_right", _BRAKES_FRONT, Inspection.brake_front_right),
    ("brake.rear_left", _BRAKES_REAR, Inspection.brake_rear_left),
    ("brake.rear_right", _BRAKES_REAR, Inspection.brake_rear_right),
    ("brake.efficiency_reported", _BRAKES_REAR, Inspection.service_efficiency),
    ("parking.left", _PARKING_BRAKE, Inspection.parking_left),
    ("parking.right", _PARKING_BRAKE, Inspection.parking_right),
    ("parking.efficiency_reported", _PARKING_BRAKE, Inspection.parking_efficiency),
    ("lamp.height", _LAMPS, Inspection.lamp_height),
    ("lamp.target_dip", _LAMPS, Inspection.lamp_target_dip),
    ("lamp.dip_left", _LAMPS, Inspection.lamp_dip_left),
    ("lamp.dip_right", _LAMPS, Inspection.lamp_dip_right),
    ("lamp.intensity_left", _LAMPS, Inspection.lamp_intensity_left),
    ("lamp.intensity_right", _LAMPS, Inspection.lamp_intensity_right),
)
_PETROL = (
    ("gas.co_idle", _GAS, Inspection.gas_co_idle),
    ("gas.co_fast", _GAS, Inspection.gas_co_fast),
    ("gas.lambda_fast", _GAS, Inspection.gas_lambda_fast),
)
_DIESEL = (("gas.opacity", _GAS, Inspection.opacity),)
_BATTERY = (("electric.ground_continuity", _ELECTRIC, Inspection.ground_continuity),)
_BY_FUEL = {"petrol": _PETROL, "diesel": _DIESEL, "electric": _BATTERY}
_WHEELS = (
    ("weight", Inspection.weights),
    ("drag", Inspection.drag),
    ("ovality", Inspection.ovality),
)


@dataclass(frozen=True)
class Memory(Cycle):
    """What the rules carry from look to look."""


def judge_by(text: str) -> Callable[[Memory, Now], tuple[Memory, list[Draft]]]:
    """`judge` with a rule set, given as its text: reports have a judgement then."""
    return partial(judge, rules=Judge(load(text)))


def judge(memory: Memory, now: Now, rules: Judge | None = None) -> tuple[Memory, list[Draft]]:
    """The records that this look gives rise to."""
    memory, drafts, ended = follow(SCHEME, memory, now, reason(now))
    if ended is not None:
        data = report(ended, now, rules).model_dump(mode="json")
        drafts.append(
            Draft(kind="inspection.report", time_ms=ended.ended_ms, visit=ended.visit, data=data)
        )
    return memory, drafts


def reason(now: Now) -> str:
    """Why the state is what it is: the stop cause when stopped or failed, else `reported`."""
    state, cause = now.get(Inspection.state), now.get(Inspection.stop_cause)
    if state is not InspectionState.STOPPED and state is not InspectionState.FAULT:
        return "reported"
    return "unknown_cause" if cause is None or cause is StopCause.NONE else cause.name.lower()


def report(ended: Ended, now: Now, rules: Judge | None = None) -> Report:
    """What is known of one vehicle's inspection at the moment when it ended."""
    found, diagnosis = measurements(ended, now), obd(ended, now)
    fuel, calibrated = now.get(Inspection.fuel), now.get(Inspection.calibrated)
    zero_ok, day = now.get(Inspection.zero_ok), utc_text(ended.ended_ms)[:10]
    case = case_of(day, fuel, found, diagnosis, calibrated, zero_ok)
    gathered = {name: ended.statistic(name) for name in SCHEME.gathers}
    return Report(
        **ended.common(),
        fuel=fuel,
        calibrated=calibrated,
        zero_ok=zero_ok,
        stops=ended.entered(InspectionState.STOPPED) + ended.entered(InspectionState.FAULT),
        takt_s=TAKT_S,
        measurements=found,
        not_decidable=tuple(name for name, one in found.items() if one.value is None),
        statistics={name: one for name, one in gathered.items() if one is not None},
        obd=diagnosis,
        case=case,
        judgement=None if rules is None else judged(case, rules),
    )


def measurements(ended: Ended, now: Now) -> dict[str, Measurement]:
    """Every value of the report by its name: as the benches gave it, then what follows from it."""
    fuel = now.get(Inspection.fuel) or ""
    rows = (*_ALWAYS, *_BY_FUEL.get(fuel, (*_PETROL, *_DIESEL, *_BATTERY)))
    found = {name: read(bench, tag, ended, now) for name, bench, tag in rows}
    for name, wheels in _WHEELS:
        for wheel, one in read_wheels(_BRAKES_REAR, wheels, ended, now).items():
            found[f"{name}.{wheel}"] = one
    return found | computed(found)


def computed(found: dict[str, Measurement]) -> dict[str, Measurement]:
    """Imbalances, asymmetries and efficiencies from the measured values."""
    both = {
        axle: (found[f"brake.{axle}_left"], found[f"brake.{axle}_right"])
        for axle in ("front", "rear")
    }
    shaken = {
        axle: (found[f"suspension.{axle}_left"], found[f"suspension.{axle}_right"])
        for axle in ("front", "rear")
    }
    weights = [one for name, one in found.items() if name.startswith("weight.")]
    parking = (found["parking.left"], found["parking.right"])
    return {
        "brake.imbalance_front": imbalance(*both["front"]),
        "brake.imbalance_rear": imbalance(*both["rear"]),
        "brake.efficiency": efficiency([*both["front"], *both["rear"]], weights),
        "parking.imbalance": imbalance(*parking),
        "parking.efficiency": efficiency(parking, weights),
        "suspension.asymmetry_front": asymmetry(*shaken["front"]),
        "suspension.asymmetry_rear": asymmetry(*shaken["rear"]),
    }


def obd(ended: Ended, now: Now) -> Obd:
    """The vehicle's own diagnosis; all None unless it was read from this vehicle."""
    if not ended.entered(InspectionState.OBD) or not now.get(Inspection.obd_read):
        return Obd(mil=None, ready=None, dtc_count=None)
    return Obd(
        mil=now.get(Inspection.obd_mil),
        ready=now.get(Inspection.obd_ready),
        dtc_count=now.get(Inspection.obd_dtc_count),
    )
