"""Frames to places of the plan: by camera and trigger count, never by a clock, never shifted.

A camera counts the triggers that reach it, the controller latches an angle for each that it gave.
Where the two numbers differ nobody can say which trigger was lost, so no frame gets an angle.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from stations.studio.jobs import Frame, Job, Placed, Shot
from stations.studio.manifest import Reason, Verdict
from stations.studio.station import NO_FRAME, SLOTS

SAME_DEG = 0.01


@dataclass(frozen=True, slots=True)
class Placement:
    """Frames in their places, the names of required shots without one, and why."""

    placed: tuple[Placed, ...]
    missing: tuple[str, ...]
    reasons: tuple[str, ...] = ()


def by_angle(
    camera: str,
    frames: Iterable[Frame],
    base: int | None,
    latched: Sequence[float] | None,
    shots: Sequence[Shot],
    tolerance_deg: float,
) -> Placement:
    """The frames of one camera in one turn, by the angles that were latched for its triggers.

    `base` is the camera's count before the turn, None when it was not known: then the first frame
    is taken for the first trigger, and the total still has to agree.
    """
    fired = [at for at, angle in enumerate(latched or ()) if angle != NO_FRAME]
    counted = _counted(frames, base)
    if latched is None:
        return Placement((), _required(shots, ()), (f"angles_unknown.{camera}",))
    if counted is None or max(counted, default=0) != len(fired):
        return Placement((), _required(shots, ()), (f"count_differs.{camera}",))
    placed = [
        _at_angle(counted[count], count, shot, latched[at], tolerance_deg)
        for count, at in enumerate(fired, 1)
        if count in counted
        for shot in shots
        if shot.angle_deg is not None and abs(shot.angle_deg - SLOTS[at]) < SAME_DEG
    ]
    return Placement(tuple(placed), _required(shots, placed))


def by_order(
    camera: str, frames: Iterable[Frame], base: int | None, shots: Sequence[Shot]
) -> Placement:
    """The frames of a camera while the vehicle stands: the n-th trigger is the n-th shot."""
    counted = _counted(frames, base)
    least = Job.needed(tuple(shots))
    if counted is None or not least <= max(counted, default=0) <= len(shots):
        return Placement((), _required(shots, ()), (f"count_differs.{camera}",))
    placed = [
        Placed(
            file=frame.file, camera=camera, set=shot.set, index=shot.index, trigger=count
        )
        for count, frame in sorted(counted.items())
        for shot in (shots[count - 1],)
    ]  # fmt: skip
    return Placement(tuple(placed), _required(shots, placed))


def by_name(camera: str, frames: Iterable[Frame], shots: Sequence[Shot]) -> Placement:
    """The frames of a camera that was asked for each: the newest of a shot counts."""
    newest = {(frame.set, frame.index): frame for frame in frames}
    placed = [
        Placed(file=frame.file, camera=camera, set=shot.set, index=shot.index)
        for shot in shots
        if (frame := newest.get((shot.set, shot.index))) is not None
    ]
    return Placement(tuple(placed), _required(shots, placed))


def expected(latched: Sequence[float] | None) -> int:
    """How many triggers the controller gave in this turn."""
    return sum(1 for angle in latched or () if angle != NO_FRAME)


def newest(frames: Iterable[Frame], base: int | None) -> int:
    """The highest count since the base, 0 without a frame."""
    counted = _counted(frames, base)
    return max(counted, default=0) if counted is not None else 0


def _counted(frames: Iterable[Frame], base: int | None) -> dict[int, Frame] | None:
    """Frames by their count since the base; None when two have the same."""
    given = [frame for frame in frames if frame.count is not None]
    if base is None:
        base = min((frame.count or 0 for frame in given), default=1) - 1
    counted: dict[int, Frame] = {}
    for frame in given:
        if counted.setdefault((frame.count or 0) - base, frame) is not frame:
            return None
    return counted


def _at_angle(frame: Frame, count: int, shot: Shot, angle: float, tolerance: float) -> Placed:
    planned = shot.angle_deg or 0.0
    off = abs((angle - planned + 180) % 360 - 180) > tolerance
    return Placed(
        file=frame.file,
        camera=frame.camera,
        set=shot.set,
        index=shot.index,
        angle_deg=angle % 360,
        planned_deg=planned,
        trigger=count,
        verdict=Verdict.BAD if off else Verdict.GOOD,
        reasons=(Reason.OFF_ANGLE,) if off else (),
    )


def _required(shots: Sequence[Shot], placed: Iterable[Placed]) -> tuple[str, ...]:
    there = {one.name for one in placed}
    return tuple(shot.name for shot in shots if shot.required and shot.name not in there)
