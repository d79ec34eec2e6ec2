"""Whether a message of a machine counts: it must be of this machine, this vehicle and this time."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from stations.inspection.facts import (
    Identity,
    Machine,
    MachineConfig,
    Mark,
    Message,
    Reason,
    Session,
)
from stations.inspection.identity import is_same
from stations.inspection.requirements import step_of

CLOCK_MS = 120_000  # how far the clocks of machine and agent may be apart, a design figure


def day_of(time_ms: int) -> date:
    """The day of a time in UTC."""
    return datetime.fromtimestamp(max(time_ms, 0) / 1000, UTC).date()


def reasons_against(
    message: Message, config: MachineConfig, session: Session | None, now_ms: int
) -> Iterator[Reason]:
    """Why a message is refused as a whole; nothing when it counts."""
    if message.machine != config.name:
        yield Reason.WRONG_MACHINE
    if message.serial != config.serial:
        yield Reason.WRONG_SERIAL
    if message.end_ms < message.start_ms:
        yield Reason.TIMES_REVERSED
    if message.end_ms > now_ms + CLOCK_MS:
        yield Reason.IN_FUTURE
    if message.last_calibration is not None and message.last_calibration > day_of(now_ms):
        yield Reason.CALIBRATION_IN_FUTURE
    if session is None:
        yield Reason.NO_SESSION
        return
    if message.session != session.session and (message.session or config.names_session):
        yield Reason.WRONG_SESSION
        return
    if message.start_ms < session.started_ms - CLOCK_MS:
        yield Reason.BEFORE_SESSION
    if any(_is_held(session, item) for item in message.values):
        yield Reason.ALREADY_MEASURED


def _is_held(session: Session, item: str) -> bool:
    step = step_of(item)
    return step is not None and item in session.steps[step].values


def is_other_vehicle(session: Session, vin_hash: str | None) -> bool:
    """Whether a VIN was read that is not that of the order."""
    ordered = session.order.vin_hash
    return vin_hash is not None and ordered is not None and not is_same(vin_hash, ordered)


def marks_of(
    message: Message, config: MachineConfig, machine: Machine, session: Session, now_ms: int
) -> Iterator[Mark]:
    """What has to be known about a message that counts."""
    yield from message.marks
    for item in message.values:
        step = step_of(item)
        if step is None or not session.steps[step].required:
            yield Mark(about=item, reason=Reason.NOT_ASKED_FOR)
    if message.session is None:
        yield Mark(about=config.name, reason=Reason.SESSION_NOT_TOLD)
    if config.calibration_days is not None:
        if machine.calibration_due is None:
            yield Mark(about=config.name, reason=Reason.CALIBRATION_UNKNOWN)
        elif machine.calibration_due < day_of(now_ms):
            yield Mark(about=config.name, reason=Reason.CALIBRATION_EXPIRED)
    if config.zero and machine.zero_ok is not True:
        yield Mark(about=config.name, reason=Reason.ZERO_NOT_CONFIRMED)


def heard(message: Message, config: MachineConfig, machine: Machine, now_ms: int) -> Machine:
    """What a message that counts says of its machine."""
    last, due = message.last_calibration or machine.last_calibration, machine.calibration_due
    if last is not None and config.calibration_days is not None:
        due = last + timedelta(days=config.calibration_days)
    zero_ok = machine.zero_ok if message.zero_ok is None else message.zero_ok
    return machine.model_copy(
        update={
            "last_calibration": last,
            "calibration_due": due,
            "zero_ok": zero_ok,
            "declared_down": "",
            "down": "",
            "heard_ms": now_ms,
            "taken": machine.taken + 1,
        }
    )


def is_known(identity: Identity) -> bool:
    """Whether it is settled which vehicle stands in the lane."""
    return identity in (Identity.MATCH, Identity.BY_HAND)
