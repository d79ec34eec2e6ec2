"""What the studio's values mean: a record per change of state, a record per vehicle's session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeVar

from stations.cycle import Cycle, During, Ended, Scheme, follow
from stations.declare import Tag
from stations.judge import Now
from stations.records import Draft
from stations.studio.records import Frames, Session, Spin
from stations.studio.station import (
    NO_FRAME,
    SLOTS,
    SPIN_ANGLES,
    TAKT_S,
    StopCause,
    Studio,
    StudioState,
)

T = TypeVar("T")

TRIGGERS = (Studio.state, Studio.visit)
_TURNING = (StudioState.TURNING,)
_SHOOTING = (StudioState.TURNING, StudioState.DETAILS, StudioState.INTERIOR, StudioState.WHEELS)


def is_good(data: Mapping[str, Any]) -> bool:
    """Every planned frame of the spin was taken: otherwise the vehicle has to turn again."""
    return bool(data["spin"]["taken"] == data["spin"]["planned"])


SCHEME = Scheme(
    kind="studio",
    state=Studio.state,
    visit=Studio.visit,
    idle=StudioState.EMPTY,
    done=StudioState.DONE,
    needed=(StudioState.TURNING,),
    planned_s=270.0,
    gathers={
        "speed": During(Studio.speed, _TURNING),
        "motor_current": During(Studio.motor_current, _TURNING),
        "sharpness": During(Studio.sharpness, _SHOOTING),
        "clipped": During(Studio.clipped, _SHOOTING),
    },
    is_good=is_good,
)
_USED: tuple[Tag[Any], ...] = (
    Studio.job, Studio.recipe, Studio.simulated, Studio.lamp_hours, Studio.trigger_angles,
    Studio.frames_exterior, Studio.frames_details, Studio.frames_interior, Studio.frames_wheels,
    Studio.lines_underbody, Studio.frames_rejected,
)  # fmt: skip


@dataclass(frozen=True)
class Memory(Cycle):
    """What the rules carry from look to look."""


def judge(memory: Memory, now: Now) -> tuple[Memory, list[Draft]]:
    """The records that this look gives rise to."""
    memory, drafts, ended = follow(SCHEME, memory, now, reason(now))
    if ended is not None:
        data = session(ended, now).model_dump(mode="json")
        drafts.append(
            Draft(kind="studio.session", time_ms=ended.ended_ms, visit=ended.visit, data=data)
        )
    return memory, drafts


def reason(now: Now) -> str:
    """Why the state is what it is: the stop cause when stopped or failed, else `reported`."""
    state, cause = now.get(Studio.state), now.get(Studio.stop_cause)
    if state is not StudioState.STOPPED and state is not StudioState.FAULT:
        return "reported"
    return "unknown_cause" if cause is None or cause is StopCause.NONE else cause.name.lower()


def session(ended: Ended, now: Now) -> Session:
    """What is known of one vehicle's capture at the moment when it ended."""
    return Session(
        **ended.common(),
        job=now.get(Studio.job),
        recipe=now.get(Studio.recipe),
        simulated=now.get(Studio.simulated),
        takt_s=TAKT_S,
        stops=ended.entered(StudioState.STOPPED) + ended.entered(StudioState.FAULT),
        frames=frames(ended, now),
        spin=spin(ended, now),
        load_kg=_after(ended, StudioState.SECURING, now.get(Studio.load)),
        sharpness=ended.statistic("sharpness"),
        clipped_pct=ended.statistic("clipped"),
        lamp_hours=now.get(Studio.lamp_hours),
        missing=tuple(tag.name for tag in _USED if now.get(tag) is None),
    )


def frames(ended: Ended, now: Now) -> Frames:
    """The counters of the camera controller; those of a set that was not shot are None."""
    return Frames(
        exterior=_after(ended, StudioState.TURNING, now.get(Studio.frames_exterior)),
        details=_after(ended, StudioState.DETAILS, now.get(Studio.frames_details)),
        interior=_after(ended, StudioState.INTERIOR, now.get(Studio.frames_interior)),
        wheels=_after(ended, StudioState.WHEELS, now.get(Studio.frames_wheels)),
        underbody_lines=_after(ended, StudioState.LOADING, now.get(Studio.lines_underbody)),
        rejected=_after(ended, StudioState.TURNING, now.get(Studio.frames_rejected)),
    )


def spin(ended: Ended, now: Now) -> Spin:
    """The exterior's coverage, from the encoder angles that the controller latched."""
    latched = _after(ended, StudioState.TURNING, now.get(Studio.trigger_angles))
    known = latched is not None and len(latched) == len(SLOTS)
    angles = latched if known and latched is not None else []
    taken = [angle for angle in angles if 0 <= angle <= 360]
    return Spin(
        planned=planned(angles),
        taken=len(taken) if known else None,
        largest_gap_deg=largest_gap(taken),
        angle_error_max_deg=angle_error(angles),
        speed_deg_s=ended.statistic("speed"),
        motor_current_a=ended.statistic("motor_current"),
    )


def planned(latched: Sequence[float]) -> int:
    """How many frames the turn was to have: the quick plan's, or all places when one is between.

    No tag says which plan it is; a plan in which every place between the quick one's was lost
    passes for the quick one.
    """
    places = {slot for slot, angle in zip(SLOTS, latched, strict=False) if angle != NO_FRAME}
    return len(SPIN_ANGLES) if places <= set(SPIN_ANGLES) else len(SLOTS)


def largest_gap(angles: Sequence[float]) -> float | None:
    """Largest step in degrees between neighbours on the closed circle; None without a frame."""
    if not angles:
        return None
    around = sorted(angle % 360 for angle in angles)
    around.append(around[0] + 360)
    return round(max(after - before for before, after in pairwise(around)), 6)


def angle_error(latched: Sequence[float]) -> float | None:
    """Largest distance in degrees, the short way round, of a frame from its planned angle."""
    errors = [
        abs((angle - planned + 180) % 360 - 180)
        for angle, planned in zip(latched, SLOTS, strict=False)
        if 0 <= angle <= 360
    ]
    return round(max(errors), 6) if errors else None


def _after(ended: Ended, state: StudioState, value: T | None) -> T | None:
    """A result counts only when the state that brings it was entered in this cycle."""
    return value if ended.entered(state) else None
