"""What a session of the station takes, gives and remembers, as plain values that can be stored."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from stations.inspection.codes import MachineKind


class Fact(BaseModel):
    """A frozen model that knows its fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Reason(StrEnum):
    """Why a message of a machine, or one value of it, is not taken."""

    NOT_READABLE = "not_readable"
    TOO_LONG = "too_long"
    HALF_RECORD = "half_record"
    SAID_TWICE = "said_twice"
    BAD_HEADER = "bad_header"
    BAD_VALUE = "bad_value"
    NO_VALUES = "no_values"
    UNIT_CHANGED = "unit_changed"
    WRONG_MACHINE = "wrong_machine"
    WRONG_SERIAL = "wrong_serial"
    NO_SESSION = "no_session"
    WRONG_SESSION = "wrong_session"
    BEFORE_SESSION = "before_session"
    IN_FUTURE = "in_future"
    TIMES_REVERSED = "times_reversed"
    CALIBRATION_IN_FUTURE = "calibration_in_future"
    ALREADY_MEASURED = "already_measured"
    UNKNOWN_CODE = "unknown_code"
    OUT_OF_RANGE = "out_of_range"
    NO_VALUE = "no_value"
    SESSION_NOT_TOLD = "session_not_told"
    CALIBRATION_EXPIRED = "calibration_expired"
    CALIBRATION_UNKNOWN = "calibration_unknown"
    ZERO_NOT_CONFIRMED = "zero_not_confirmed"
    NOT_ASKED_FOR = "not_asked_for"
    WRONG_VEHICLE = "wrong_vehicle"


class StepName(StrEnum):
    """The parts of an inspection, in the order in which a lane usually does them."""

    IDENTIFY = "identify"
    ODOMETER = "odometer"
    SIDE_SLIP = "side_slip"
    SUSPENSION = "suspension"
    BRAKES = "brakes"
    PARKING_BRAKE = "parking_brake"
    HEADLAMPS = "headlamps"
    GAS = "gas"
    OPACITY = "opacity"
    OBD = "obd"
    CONTINUITY = "continuity"
    TREAD = "tread"
    NOISE = "noise"
    VISUAL = "visual"


class Value(Fact):
    """A value as it was delivered: numbers keep their decimals."""

    value: Decimal | bool | tuple[str, ...]
    unit: str = ""


class Mark(Fact):
    """Something about a message that is taken all the same: a code or an item, and why."""

    about: str
    reason: Reason


class Message(Fact):
    """What a machine says of one measurement. `id` is a hash of all that it says."""

    id: str
    machine: str
    serial: str
    session: str | None
    last_calibration: date | None
    start_ms: int
    end_ms: int
    zero_ok: bool | None = None
    vin: str | None = None
    values: dict[str, Value] = {}
    marks: tuple[Mark, ...] = ()


class Refusal(Fact):
    """Why bytes are no message; `about` names the lines, codes or fields."""

    reasons: tuple[Reason, ...]
    about: tuple[str, ...] = ()


class MachineConfig(Fact):
    """A machine as the site file declares it."""

    name: str
    kind: MachineKind
    serial: str
    model: str = ""
    calibration_days: int | None = None
    names_session: bool = True
    zero: bool = False


class Machine(Fact):
    """What is known of a machine now. `down` says why it cannot be used; empty: it can."""

    last_calibration: date | None = None
    calibration_due: date | None = None
    zero_ok: bool | None = None
    down: str = ""
    declared_down: str = ""
    heard_ms: int | None = None
    session: str = ""
    taken: int = 0
    refused: int = 0

    @property
    def status(self) -> Literal["ready", "in_session", "down"]:
        """In one word, for people."""
        if self.fault:
            return "down"
        return "in_session" if self.session else "ready"

    @property
    def fault(self) -> str:
        """Why it cannot be used: what an inspector says first, then what its adapter sees."""
        return self.declared_down or self.down


class Order(Fact):
    """What is to be inspected: the vehicle's data go into the case as they are.

    `vin_hash` is the VIN by the site's key (`stations/inspection/identity.py`), never the VIN.
    """

    visit: str
    kind: Literal["full", "re-inspection"] = "full"
    vehicle: dict[str, JsonValue]
    vin_hash: str | None = None
    earlier: tuple[str, ...] = ()
    earlier_date: date | None = None


class Manual(Fact):
    """Values that a person has entered for a machine that is down."""

    by: str
    why: str
    confirmed_by: str = ""


class Held(Fact):
    """A value that counts, and where it comes from: a machine's message, or a person."""

    value: Value
    machine: str
    message: str = ""
    at_ms: int
    manual: Manual | None = None


class Visual(Fact):
    """A finding of the inspector."""

    code: str
    location: str | None = None
    by: str


class Repeated(Fact):
    """What a step had brought before it was repeated, who repeated it and why."""

    by: str
    why: str
    at_ms: int
    values: dict[str, Held] = {}
    visual: tuple[Visual, ...] = ()
    odometer_km: int | None = None


class Entry(Fact):
    """A manual entry that waits for the second person."""

    by: str
    why: str
    values: dict[str, Value] = {}
    at_ms: int


class Step(Fact):
    """One part of the inspection. `taken_by` is the inspector who does it."""

    required: bool
    taken_by: str = ""
    taken_ms: int | None = None
    values: dict[str, Held] = {}
    done_by: str = ""
    why: str = ""
    confirmed_by: str = ""
    entry: Entry | None = None
    repeated: tuple[Repeated, ...] = ()
    is_slow: bool = False


class Refused(Fact):
    """A message that did not count: the file at the agent that keeps it, and why."""

    machine: str
    message: str
    at_ms: int
    reasons: tuple[Reason, ...]
    about: tuple[str, ...] = ()


class Identity(StrEnum):
    """Whether the vehicle in the lane is that of the order."""

    OPEN = "open"
    MATCH = "match"
    MISMATCH = "mismatch"
    BY_HAND = "by_hand"


class Session(Fact):
    """The inspection of one vehicle while it lasts."""

    session: str
    visit: str
    order: Order
    started_ms: int
    steps: dict[StepName, Step]
    inspectors: tuple[str, ...] = ()
    identity: Identity = Identity.OPEN
    odometer_km: int | None = None
    visual: tuple[Visual, ...] = ()
    refused: tuple[Refused, ...] = ()
    refused_more: int = 0
    marks: tuple[Mark, ...] = ()


class Ended(Fact):
    """A session that is over. `why` is `finished`, or why it is not whole."""

    session: Session
    ended_ms: int
    why: Literal["finished", "aborted", "timed_out", "left_early"]
    because: str = ""
    by: str = ""
    machines: dict[str, Machine]


class Memory(Fact):
    """All that the sessions of a station remember.

    `known` are the newest messages with what became of them, `answered` the newest choices with
    their answers. `over` is the visit whose session has ended while its vehicle still stands.
    `cleared` are the flags of benches that were seen down since the visit `cleared_of` began:
    before that they speak of the vehicle that was measured last.
    """

    visit: str | None = None
    over: str | None = None
    session: Session | None = None
    orders: dict[str, Order] = {}
    machines: dict[str, Machine] = {}
    ended: tuple[Ended, ...] = ()
    known: dict[str, tuple[Reason, ...]] = {}
    answered: dict[str, str] = {}
    cleared: tuple[str, ...] = ()
    cleared_of: str = ""
    number: int = 0


class Plan(Fact):
    """What the site file says of the station."""

    machines: dict[str, MachineConfig] = {}
    inspectors: dict[str, str] = {}
    centre: str = ""
    session_ms_max: int = 2 * 3_600_000
    step_ms_max: int = 15 * 60_000


def plain(value: Value) -> Any:
    """A value as JSON has it: numbers with the decimals that were delivered."""
    if isinstance(value.value, Decimal):
        number = float(value.value)
        return int(value.value) if value.value == value.value.to_integral_value() else number
    return list(value.value) if isinstance(value.value, tuple) else value.value
