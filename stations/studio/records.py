"""Data of the studio's records. `RECORDS` says which model belongs to which kind of record."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

from stations.cycle import CycleData, StateChange, Statistic


class Spin(BaseModel):
    """How evenly the exterior was shot. None: it could not be measured.

    `largest_gap_deg` is the largest step between neighbouring frames of the closed circle, last to
    first included; `angle_error_max_deg` the largest distance of a frame from its planned angle.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    planned: int
    taken: int | None
    largest_gap_deg: float | None
    angle_error_max_deg: float | None
    speed_deg_s: Statistic | None
    motor_current_a: Statistic | None


class Frames(BaseModel):
    """Frames kept, by set. None: the count was not known when the work ended."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    exterior: int | None
    details: int | None
    interior: int | None
    wheels: int | None
    underbody_lines: int | None
    rejected: int | None


class Session(CycleData):
    """Data of `studio.session`: one vehicle's capture. `stops` counts how often it was stopped.

    `missing` names the tags whose latest reading could not be relied on when the work ended.
    """

    job: str | None
    recipe: str | None
    simulated: bool | None
    takt_s: float
    stops: int
    frames: Frames
    spin: Spin
    load_kg: float | None
    sharpness: Statistic | None
    clipped_pct: Statistic | None
    lamp_hours: float | None
    missing: tuple[str, ...]


class Capture(BaseModel):
    """Data of `studio.capture`: what was shot of one vehicle; its pictures are files.

    One of the files is `manifest.json`. `reasons` say why it is not `complete` (`clock_set` alone
    is none: begin and end are uncertain then), `missing` names planned pictures that are not there,
    `stops` are the causes of stops on the way. `restricted` pictures are never published.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    capture: str
    visit: str
    job: str
    recipe: str
    simulated: bool
    started: str
    ended: str
    complete: bool
    reasons: tuple[str, ...]
    missing: tuple[str, ...]
    turns: int
    stops: tuple[str, ...]
    pictures: dict[str, int]
    bad: int
    restricted: int
    bytes: int


RECORDS: dict[str, type[BaseModel]] = {
    "studio.state": StateChange,
    "studio.session": Session,
    "studio.capture": Capture,
}
