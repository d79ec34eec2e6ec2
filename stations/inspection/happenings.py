"""What happens to a session, and what is to be done then."""

from __future__ import annotations

from typing import Literal

from stations.inspection.facts import (
    Ended,
    Fact,
    Mark,
    Message,
    Order,
    Reason,
    Refusal,
    StepName,
    Value,
)


class Input(Fact):
    """Something happened. `time_ms` is the wall's; a session outlives the agent's own clock."""

    time_ms: int


class InLane(Input):
    """Which visit the lane's computer says; None when it cannot be asked."""

    visit: str | None


class Ordered(Input):
    """An order has come, under the id of what brought it."""

    id: str
    order: Order


class Delivered(Input):
    """A machine has said something. `vin_hash` stands for the VIN that was read."""

    machine: str
    message: Message
    vin_hash: str | None = None


class Unreadable(Input):
    """A machine has said something that is no message; `id` is a hash of its bytes."""

    machine: str
    id: str
    refusal: Refusal


class MachineIs(Input):
    """An adapter tells whether its machine can be heard: why not, or empty."""

    machine: str
    down: str


class Chosen(Input):
    """An inspector has decided something, under an id that is given once."""

    id: str
    by: str
    verb: Literal[
        "join", "take", "repeat", "abort", "enter", "confirm", "withdraw",
        "identify", "odometer", "visual", "down", "finish", "add", "begin",
    ]  # fmt: skip
    step: StepName | None = None
    machine: str = ""
    visit: str = ""
    why: str = ""
    km: int | None = None
    values: dict[str, Value] = {}
    findings: tuple[tuple[str, str | None], ...] = ()


class Cleared(Input):
    """A bench whose results are tags has taken its word back: what it says next is news."""

    flag: str


class Recorded(Input):
    """The record of a session is safe."""

    session: str


class Tick(Input):
    """Time goes on."""


class Restarted(Input):
    """The agent begins with what it remembers."""


class Verdict(Fact):
    """The answer to a machine: no reasons when its message counts, now or since before."""

    machine: str
    id: str
    reasons: tuple[Reason, ...] = ()
    marks: tuple[Mark, ...] = ()
    again: bool = False


class Answer(Fact):
    """The answer to an inspector or an order: `ok`, or the code of why not."""

    id: str
    said: str
    about: tuple[str, ...] = ()


class Tell(Fact):
    """Something for the people at the station: a code, and what it is about."""

    code: Literal[
        "session_opened", "no_order", "session_ended", "wrong_vehicle", "step_slow",
        "refused", "calibration_expired",
    ]  # fmt: skip
    about: tuple[str, ...] = ()


class Report(Fact):
    """Have the record of a session made; `Recorded` is the answer."""

    ended: Ended


Action = Verdict | Answer | Tell | Report
