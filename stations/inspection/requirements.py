"""Which parts an inspection has: by category, fuel and age, or by what an earlier one has found.

| rule | source |
|---|---|
| no measured emissions of petrol before 1972-10-01, of diesel before 1980-01-01 | [from memory: verify] |
| OBD of petrol from 2001-01-01, of diesel from 2004-01-01 | dates of Directive 98/69/EC for all new cars [from memory: verify] |
| electric: ground continuity, no emissions | duty since 2014-01-10 [read, reference section 3] |
| a re-inspection has the listed items alone, and all tyres if one failed; a full test after 2 months | JORFARTI000024313092 [read] |
| noise by meter only where it is contested | IT VL F8 C [read] |

What is not known of a vehicle never spares it a part: all that could be due is due.
"""  # noqa: E501

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from stations.inspection.codes import MachineKind
from stations.inspection.facts import Order, StepName, Value
from stations.inspection.judging.days import months_later

PETROL = ("petrol", "lpg", "cng", "ethanol", "petrol_hybrid", "hybrid_petrol", "hybrid")
DIESEL = ("diesel", "diesel_hybrid", "hybrid_diesel")
ELECTRIC = ("electric", "hydrogen")
FUELS = (*PETROL, *DIESEL, *ELECTRIC)
CATEGORIES = ("M1", "N1")
PETROL_MEASURED, DIESEL_MEASURED = date(1972, 10, 1), date(1980, 1, 1)
REINSPECTION_MONTHS = 2
PETROL_OBD, DIESEL_OBD = date(2001, 1, 1), date(2004, 1, 1)

AXLES, SIDES = ("axle1", "axle2"), ("l", "r")
WHEELS, PLACES = ("fl", "fr", "rl", "rr"), ("inner", "mid", "outer")

NEEDED: dict[StepName, tuple[str, ...]] = {
    StepName.SIDE_SLIP: ("slip.axle1.slip",),
    StepName.SUSPENSION: tuple(f"susp.{axle}.eff_{side}" for axle in AXLES for side in SIDES),
    StepName.BRAKES: tuple(
        f"rbt.{axle}.{what}_{side}"
        for axle in AXLES
        for what in ("force_max", "weight")
        for side in SIDES
    ),
    StepName.PARKING_BRAKE: ("rbt.park_force_l", "rbt.park_force_r"),
    StepName.HEADLAMPS: ("lamp.dip_l.dip", "lamp.dip_r.dip"),
    StepName.GAS: ("gas.co_idle", "gas.co_fast", "gas.lambda"),
    StepName.OPACITY: ("opac.k_result",),
    StepName.OBD: ("obd.mil", "obd.ready"),
    StepName.CONTINUITY: ("ev.ground_continuity",),
    StepName.TREAD: tuple(f"tyre.{wheel}.tread_{place}" for wheel in WHEELS for place in PLACES),
    StepName.NOISE: ("noise.level",),
}
"""The items without which a part is not done; a machine may send more."""

BEGINNINGS: tuple[tuple[str, StepName], ...] = (
    ("slip.", StepName.SIDE_SLIP),
    ("susp.", StepName.SUSPENSION),
    ("rbt.park_", StepName.PARKING_BRAKE),
    ("rbt.", StepName.BRAKES),
    ("lamp.", StepName.HEADLAMPS),
    ("gas.", StepName.GAS),
    ("opac.", StepName.OPACITY),
    ("obd.", StepName.OBD),
    ("ev.", StepName.CONTINUITY),
    ("tyre.", StepName.TREAD),
    ("noise.", StepName.NOISE),
)
MACHINES: dict[StepName, MachineKind] = {
    StepName.SIDE_SLIP: MachineKind.SLIP,
    StepName.SUSPENSION: MachineKind.SUSPENSION,
    StepName.BRAKES: MachineKind.BRAKES,
    StepName.PARKING_BRAKE: MachineKind.BRAKES,
    StepName.HEADLAMPS: MachineKind.LAMPS,
    StepName.GAS: MachineKind.GAS,
    StepName.OPACITY: MachineKind.OPACITY,
    StepName.OBD: MachineKind.OBD,
    StepName.CONTINUITY: MachineKind.CONTINUITY,
    StepName.TREAD: MachineKind.TREAD,
    StepName.NOISE: MachineKind.NOISE,
}
"""Which kind of machine does a part."""

EARLIER: tuple[tuple[str, tuple[StepName, ...]], ...] = (
    ("8.2.12.d", (StepName.OBD,)),
    ("8.2.22.c", (StepName.OBD,)),
    ("8.2.12", (StepName.GAS,)),
    ("8.2.22", (StepName.OPACITY,)),
    ("8.1.1", (StepName.VISUAL,)),
    ("1.6.1", (StepName.OBD,)),
    ("1.4", (StepName.PARKING_BRAKE, StepName.BRAKES)),
    ("1.1", (StepName.BRAKES, StepName.PARKING_BRAKE)),
    ("1.2", (StepName.BRAKES,)),
    ("2.7.1", (StepName.SIDE_SLIP,)),
    ("4.1", (StepName.HEADLAMPS,)),
    ("5.2.3", (StepName.TREAD,)),
    ("5.3.2", (StepName.SUSPENSION,)),
    ("7.11.1", (StepName.ODOMETER,)),
)
"""What an earlier finding asks for, by the beginning of its code; a look goes with each.

The parking brake's share needs the weights of the brake test.
"""

ALWAYS = (StepName.IDENTIFY, StepName.ODOMETER, StepName.VISUAL)
MEASURED = (
    StepName.SIDE_SLIP,
    StepName.SUSPENSION,
    StepName.BRAKES,
    StepName.PARKING_BRAKE,
    StepName.HEADLAMPS,
    StepName.TREAD,
)


def step_of(item: str) -> StepName | None:
    """The part to which an item belongs; None for one that belongs to none."""
    return next((step for start, step in BEGINNINGS if item.startswith(start)), None)


def required(order: Order, today: date) -> frozenset[StepName]:
    """The parts that have to be done before an inspection is whole."""
    if is_limited(order, today):
        return frozenset(ALWAYS) | _listed(order.earlier)
    return frozenset((*ALWAYS, *MEASURED)) | _by_fuel(order.vehicle)


def is_limited(order: Order, today: date) -> bool:
    """Whether only what was found before is looked at again: within two months of the test."""
    if order.kind == "full" or order.earlier_date is None or not order.earlier:
        return False
    return order.earlier_date <= today <= months_later(order.earlier_date, REINSPECTION_MONTHS)


def _listed(codes: Iterable[str]) -> frozenset[StepName]:
    found: set[StepName] = set()
    for code in codes:
        steps = next((steps for start, steps in EARLIER if begins(code, start)), ())
        found.update(steps)
    return frozenset(found)


def begins(code: str, start: str) -> bool:
    """Whether a code begins with these parts: `1.2` begins `1.2.1.a.2` and not `1.21.1.a.2`."""
    return code == start or code.startswith(f"{start}.")


def _by_fuel(vehicle: Mapping[str, Any]) -> frozenset[StepName]:
    fuel, first = vehicle.get("fuel"), first_registration(vehicle)
    found: set[StepName] = set()
    if fuel not in DIESEL and fuel not in ELECTRIC:
        found |= _burning(StepName.GAS, first, PETROL_MEASURED, PETROL_OBD)
    if fuel not in PETROL and fuel not in ELECTRIC:
        found |= _burning(StepName.OPACITY, first, DIESEL_MEASURED, DIESEL_OBD)
    if fuel not in PETROL and fuel not in DIESEL:
        found.add(StepName.CONTINUITY)
    return frozenset(found)


def _burning(
    measured: StepName, first: date | None, measured_from: date, obd_from: date
) -> set[StepName]:
    found = set()
    if first is None or first >= measured_from:
        found.add(measured)
    if first is None or first >= obd_from:
        found.add(StepName.OBD)
    return found


def first_registration(vehicle: Mapping[str, Any]) -> date | None:
    """The day of the first registration; None when it is not known."""
    try:
        return date.fromisoformat(str(vehicle.get("first_registration")))
    except ValueError:
        return None


def is_measured(step: StepName, values: Mapping[str, object | Value]) -> bool:
    """Whether all the items that a part needs are there."""
    return step in NEEDED and all(item in values for item in NEEDED[step])
