"""The part of an inspection's record that says how its session went."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue


class Data(BaseModel):
    """A frozen model that knows its fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class VisualData(Data):
    """A finding of an inspector, who saw it."""

    code: str
    location: str | None
    by: str


class RepeatedData(Data):
    """What a part had brought before it was repeated, by whom and why."""

    by: str
    why: str
    time: str
    values: dict[str, JsonValue]
    visual: tuple[VisualData, ...] = ()
    odometer_km: int | None = None


class ManualData(Data):
    """A value that was entered by hand: by whom and why, and who has confirmed it."""

    by: str
    why: str
    confirmed_by: str


class StepData(Data):
    """One part that was required. `why` is a reason that somebody gave."""

    done: bool
    by: str | None
    confirmed_by: str | None
    why: str | None
    repeated: tuple[RepeatedData, ...]
    manual: dict[str, ManualData]


class MachineData(Data):
    """A machine of the station at the end of the session; `fault` says why it was down."""

    kind: str
    model: str
    serial: str
    last_calibration: str | None
    calibration_due: str | None
    zero_ok: bool | None
    fault: str | None


class RefusedData(Data):
    """A message that did not count. The agent keeps it in a file that `message` names."""

    machine: str
    message: str
    time: str
    reasons: tuple[str, ...]
    about: tuple[str, ...]


class SessionData(Data):
    """How the session of one inspection went.

    `inspectors` are their approval numbers by pseudonym, `centre` that of the centre. `identity` is
    `match` (the VIN was read from the vehicle), `by_hand`, `mismatch` or `open`. `vin_hash` is the
    order's, by the site's key. `marks` are pairs of an item, a code or a machine with what has to
    be known of it; `refused_more` counts what has no room in `refused`.
    """

    session: str
    ended: Literal["finished", "aborted", "timed_out", "left_early"]
    because: str | None
    ended_by: str | None
    kind: Literal["full", "re-inspection"]
    earlier: tuple[str, ...]
    centre: str
    inspectors: dict[str, str]
    identity: Literal["open", "match", "mismatch", "by_hand"]
    vin_hash: str | None
    odometer_km: int | None
    steps: dict[str, StepData]
    machines: dict[str, MachineData]
    visual: tuple[VisualData, ...]
    refused: tuple[RefusedData, ...]
    refused_more: int
    marks: tuple[tuple[str, str], ...]
