"""Machines whose results are tags of the station: what their values say, as a message.

A bench says with one flag per part that its results are of this vehicle; only then they count.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from stations.inspection.codes import ITEMS, MachineKind
from stations.inspection.facts import (
    MachineConfig,
    Mark,
    Memory,
    Message,
    Reason,
    Session,
    StepName,
    Value,
)
from stations.inspection.requirements import step_of
from stations.inspection.station import Inspection as I

SIDES = ("l", "r")
WHEELS = tuple(f"rbt.axle{axle}.{{}}_{side}" for axle in (1, 2) for side in SIDES)


@dataclass(frozen=True, slots=True)
class TaggedPart:
    """Results that one flag speaks for: items by tag, and by place for a tag of four wheels."""

    flag: str
    items: tuple[tuple[str, str, int | None], ...]

    @property
    def tags(self) -> tuple[str, ...]:
        """All tags of it, the flag first."""
        return (self.flag, *dict.fromkeys(tag for _, tag, _ in self.items))


def _wheels(what: str, tag: str) -> Iterator[tuple[str, str, int | None]]:
    for place, item in enumerate(WHEELS):
        yield item.format(what), tag, place


PARTS: dict[str, tuple[TaggedPart, ...]] = {
    MachineKind.SLIP: (
        TaggedPart(
            I.slip_measured.name,
            (
                ("slip.axle1.slip", I.slip_front.name, None),
                ("slip.axle2.slip", I.slip_rear.name, None),
            ),
        ),
    ),
    MachineKind.SUSPENSION: (
        TaggedPart(
            I.suspension_measured.name,
            (
                ("susp.axle1.eff_l", I.suspension_front_left.name, None),
                ("susp.axle1.eff_r", I.suspension_front_right.name, None),
                ("susp.axle2.eff_l", I.suspension_rear_left.name, None),
                ("susp.axle2.eff_r", I.suspension_rear_right.name, None),
            ),
        ),
    ),
    MachineKind.BRAKES: (
        TaggedPart(
            I.service_measured.name,
            (
                ("rbt.axle1.force_max_l", I.brake_front_left.name, None),
                ("rbt.axle1.force_max_r", I.brake_front_right.name, None),
                ("rbt.axle2.force_max_l", I.brake_rear_left.name, None),
                ("rbt.axle2.force_max_r", I.brake_rear_right.name, None),
                *_wheels("weight", I.weights.name),
                *_wheels("drag", I.drag.name),
                *_wheels("ovality", I.ovality.name),
            ),
        ),
        TaggedPart(
            I.parking_measured.name,
            (
                ("rbt.park_force_l", I.parking_left.name, None),
                ("rbt.park_force_r", I.parking_right.name, None),
            ),
        ),
    ),
    MachineKind.LAMPS: (
        TaggedPart(
            I.lamps_measured.name,
            (
                ("lamp.dip_l.dip", I.lamp_dip_left.name, None),
                ("lamp.dip_r.dip", I.lamp_dip_right.name, None),
                ("lamp.dip_l.target_dip", I.lamp_target_dip.name, None),
                ("lamp.dip_r.target_dip", I.lamp_target_dip.name, None),
                ("lamp.dip_l.height", I.lamp_height.name, None),
                ("lamp.dip_r.height", I.lamp_height.name, None),
                ("lamp.main_l.intensity", I.lamp_intensity_left.name, None),
                ("lamp.main_r.intensity", I.lamp_intensity_right.name, None),
            ),
        ),
    ),
    MachineKind.GAS: (
        TaggedPart(
            I.gas_measured.name,
            (
                ("gas.co_idle", I.gas_co_idle.name, None),
                ("gas.co_fast", I.gas_co_fast.name, None),
                ("gas.lambda", I.gas_lambda_fast.name, None),
            ),
        ),
    ),
    MachineKind.OPACITY: (
        TaggedPart(I.gas_measured.name, (("opac.k_result", I.opacity.name, None),)),
    ),
    MachineKind.OBD: (
        TaggedPart(
            I.obd_read.name,
            (
                ("obd.mil", I.obd_mil.name, None),
                ("obd.ready", I.obd_ready.name, None),
                ("obd.dtc_count", I.obd_dtc_count.name, None),
            ),
        ),
    ),
    MachineKind.CONTINUITY: (
        TaggedPart(
            I.continuity_measured.name,
            (("ev.ground_continuity", I.ground_continuity.name, None),),
        ),
    ),
}
"""The parts of each kind of machine that the station declares."""

LIVE = (
    I.state.name, I.force_left.name, I.force_right.name, I.pedal_force.name, I.roller_speed.name,
    I.suspension_frequency.name, I.gas_co.name, I.gas_co2.name, I.gas_o2.name, I.gas_hc.name,
    I.gas_lambda.name, I.engine_speed.name, I.oil_temperature.name,
)  # fmt: skip
"""What an inspector watches while a machine works."""


def flags_of(step: StepName) -> frozenset[str]:
    """The flags that speak for a part of the inspection."""
    return frozenset(
        part.flag
        for parts in PARTS.values()
        for part in parts
        if any(step_of(item) is step for item, _, _ in part.items)
    )


def message_of(
    part: TaggedPart,
    config: MachineConfig,
    values: Mapping[str, Any],
    memory: Memory,
    since_ms: int,
    now_ms: int,
) -> Message | None:
    """What a part says; None while its flag does not stand, or stands for the vehicle before.

    The same values again are the same message, unless the part was repeated in between.
    """
    session = memory.session
    if session is None or values.get(part.flag) is not True or part.flag not in memory.cleared:
        return None
    found: dict[str, Value] = {}
    marks: list[Mark] = []
    for item, tag, place in part.items:
        value = values.get(tag)
        if isinstance(value, list | tuple):
            value = value[place] if place is not None and place < len(value) else None
        if item.endswith(".target_dip") and not value:
            continue  # the plate has none
        if value is None:
            marks.append(Mark(about=item, reason=Reason.NO_VALUE))
            continue
        code = ITEMS[config.kind][item]
        if code.form == "flag":
            found[item] = Value(value=bool(value))
        elif code.holds(number := _decimal(value)):
            found[item] = Value(value=number, unit=code.unit)
        else:
            marks.append(Mark(about=item, reason=Reason.OUT_OF_RANGE))
    if not found:
        return None
    return Message(
        id=_hash(config, session, found),
        machine=config.name,
        serial=config.serial,
        session=session.session,
        last_calibration=_calibrated(config, values),
        start_ms=max(since_ms, session.started_ms),
        end_ms=max(now_ms, since_ms, session.started_ms),
        zero_ok=values.get(I.zero_ok.name) if config.kind is MachineKind.BRAKES else None,
        values=found,
        marks=tuple(marks),
    )


def _decimal(value: float) -> Decimal:
    """A number of a register by its shortest text: what 0.1 times a whole number was meant."""
    return Decimal(f"{value:.12g}")


def _calibrated(config: MachineConfig, values: Mapping[str, Any]) -> date | None:
    if config.kind is not MachineKind.BRAKES:
        return None
    try:
        return date.fromisoformat(str(values.get(I.calibrated.name)).strip("\0 "))
    except ValueError:
        return None


def _hash(config: MachineConfig, session: Session, values: Mapping[str, Value]) -> str:
    steps = {step for item in values if (step := step_of(item)) is not None}
    times = sum(len(session.steps[step].repeated) for step in steps)
    said = sorted((item, str(one.value), one.unit) for item, one in values.items())
    text = f"{config.name}\n{config.serial}\n{session.session}\n{times}\n{said}"
    return hashlib.sha256(text.encode()).hexdigest()
