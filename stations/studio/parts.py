"""The two parts of a capture, turn and rest: what belongs to them, and when they are whole."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from stations.studio import matching
from stations.studio.jobs import TURNING_SETS, Acquired, Frame, Job, Part, Placed, Running, Shot
from stations.studio.manifest import Verdict
from stations.studio.station import NO_FRAME

SETTLE_S = 3.0
"""How long after the last frame, or the last sign of one, a missing frame is waited for."""

CLOCK_SET = "clock_set"
NAMED_MAX = 5
"""So many missing pictures are named one by one among the reasons."""


def was_cleared(before: Sequence[float] | None, now: Sequence[float] | None) -> bool:
    """Whether the controller has forgotten an angle: it begins to count anew."""
    if before is None or now is None:
        return False
    return any(
        old != NO_FRAME and new == NO_FRAME for old, new in zip(before, now, strict=False)
    )  # fmt: skip


def has_grown(before: Sequence[float] | None, now: Sequence[float]) -> bool:
    """Whether angles have come to those that were there, which have stayed as they were."""
    pairs = list(zip(before or (), now, strict=False))
    same = all(new == old for old, new in pairs if old != NO_FRAME)
    return same and any(old == NO_FRAME and new != NO_FRAME for old, new in pairs)


def belongs(job: Job, running: Running, frame: Frame) -> Literal["turn", "rest"] | None:
    """To which part a frame belongs; None for one that nobody has waited for."""
    if frame.set is not None:
        if frame.capture != running.capture:
            return None
        return "turn" if frame.set in TURNING_SETS else "rest"
    for name in ("turn", "rest"):
        part: Part = getattr(running, name)
        planned = job.turning if name == "turn" else job.standing
        if frame.camera not in part.base or not planned(frame.camera):
            continue
        base = part.base[frame.camera]
        if frame.count is not None and (base is None or frame.count > base):
            return "turn" if name == "turn" else "rest"
    return None


def with_frame(part: Part, frame: Frame, at_s: float) -> Part:
    """The part with one more frame: what was judged before it is judged again."""
    return part.model_copy(
        update={
            "frames": (*part.frames, frame),
            "last_s": at_s,
            "placed": None,
            "judging": 0,
        }
    )


def is_settled(name: str, job: Job, part: Part, at_s: float) -> bool:
    """Whether every frame has come, or the time to wait for the last is over."""
    if at_s - part.last_s >= SETTLE_S:
        return True
    for camera in job.cameras:
        shots = _awaited(name, job, part, camera)
        if not shots:
            continue
        if camera in job.asked:
            have = len({frame.index for frame in part.frames if frame.camera == camera})
            wanted = len(shots)
        else:
            have = sum(1 for frame in part.frames if frame.camera == camera)
            wanted = matching.expected(part.latched) if name == "turn" else job.needed(shots)
        if have < wanted:
            return False
    return True


def placed(name: str, job: Job, part: Part, stale: bool) -> Part:
    """The frames in their places; what is missing, and why. `stale` angles are nobody's."""
    latched = None if stale else part.latched
    all_placed: list[Placed] = []
    missing: list[str] = []
    # Those with a dot were found by placing, when less had come.
    reasons = [reason for reason in part.reasons if "." not in reason]
    if name == "rest":
        all_placed += part.kept
    for camera in job.cameras:
        shots = _awaited(name, job, part, camera)
        frames = [frame for frame in part.frames if frame.camera == camera]
        base = part.base.get(camera)
        if not shots:
            continue
        if camera in job.asked:
            found = matching.by_name(camera, frames, shots)
        elif name == "turn":
            angle = job.tolerance_deg
            found = matching.by_angle(camera, frames, base, latched, shots, angle)
        else:
            found = matching.by_order(camera, frames, base, shots)
        all_placed += found.placed
        missing += found.missing
        reasons += found.reasons
    return part.model_copy(
        update={
            "placed": _in_order(job, all_placed) if part.kept else tuple(all_placed),
            "missing": tuple(missing),
            "reasons": tuple(dict.fromkeys(reasons)),
        }
    )


def is_judged(part: Part) -> bool:
    """Whether the verdicts are there."""
    return part.placed is not None and not part.judging


def is_bad(part: Part) -> bool:
    """Whether a required picture is missing, one is bad, or something has gone wrong."""
    return bool(_faults(part))


def failures(running: Running) -> tuple[str, ...]:
    """Why the capture would not be complete as it is: codes, and the names of pictures."""
    turned = () if running.turns else ("not_turned",)
    found = (*running.flaws, *turned, *_faults(running.turn), *_faults(running.rest))
    return tuple(dict.fromkeys(found))


def _in_order(job: Job, placed: Iterable[Placed]) -> tuple[Placed, ...]:
    """Pictures as the plan lists them."""
    places = {shot.name: at for at, shot in enumerate(job.shots)}
    return tuple(sorted(placed, key=lambda one: places.get(one.name, len(places))))


def _awaited(name: str, job: Job, part: Part, camera: str) -> tuple[Shot, ...]:
    """What a camera is to bring in this part; of what it takes once more, every shot."""
    if name == "turn":
        return job.turning(camera)
    shots = job.standing(camera)
    again = tuple(shot for shot in shots if shot.name in part.again)
    if camera in job.asked or not again:
        return shots
    return tuple(shot.model_copy(update={"required": True}) for shot in again)


def kept(turn: Part) -> tuple[Placed, ...]:
    """The good pictures of a turn that is over; none of its own when something went wrong."""
    if turn.placed is None or turn.judging or turn.reasons:
        return turn.kept
    return tuple(one for one in turn.placed if one.verdict is Verdict.GOOD)


def filled(job: Job, turn: Part) -> Part:
    """The turn with good pictures of an earlier one where its own are bad or missing."""
    there = {one.name: one for one in turn.kept}
    own = {one.name: one for one in turn.placed or ()}
    gone = (*turn.missing, *(name for name, one in own.items() if one.verdict is not Verdict.GOOD))
    better = {name: there[name] for name in gone if name in there}
    placed = _in_order(job, {**own, **better}.values())
    missing = tuple(name for name in turn.missing if name not in better)
    return turn.model_copy(update={"placed": placed, "missing": missing})


def again(
    job: Job, rest: Part, counts: Mapping[str, int], at_s: float
) -> tuple[Part, tuple[Shot, ...]]:
    """The rest without what failed: that alone is taken again, by a camera that counts in order.

    The shots that are to be asked for come with it. A camera of which no picture has a place
    takes all of them again.
    """
    bad = {(one.set, one.index) for one in rest.placed or () if one.verdict is not Verdict.GOOD}
    gone = [
        shot for shot in job.shots if shot.name in rest.missing or (shot.set, shot.index) in bad
    ]
    cameras = {shot.camera for shot in gone}
    asked = tuple(shot for shot in gone if shot.camera in job.asked)
    out = {(shot.set, shot.index) for shot in asked}
    frames = tuple(
        frame
        for frame in rest.frames
        if (frame.camera not in cameras or frame.camera in job.asked)
        and (frame.set, frame.index) not in out
    )
    base = {
        camera: counts.get(camera) if camera in cameras else count
        for camera, count in rest.base.items()
    }
    counting = cameras - set(job.asked)
    fresh = (one for one in rest.placed or () if one.camera in counting)
    good = [one for one in fresh if one.verdict is Verdict.GOOD]
    begun = {one.camera for one in good}
    names = [shot.name for shot in gone if shot.camera in begun]
    # Of a camera in which nothing failed this time, what it took again before stays as it is.
    others = {shot.name for shot in job.shots if shot.camera not in cameras}
    good += (one for one in rest.kept if one.camera not in cameras)
    names += (name for name in rest.again if name in others)
    changes: dict[str, Any] = {"frames": frames, "base": base, "placed": None, "judging": 0}
    changes |= {"missing": (), "reasons": (), "last_s": at_s}
    changes |= {"kept": tuple(good), "again": tuple(names)}
    return rest.model_copy(update=changes), asked


def begun_again(part: Part, at_s: float) -> Part:
    """The part after a restart: what was being judged is judged anew."""
    changes: dict[str, Any] = {"last_s": at_s}
    if part.judging:
        changes |= {"judging": 0, "placed": None}
    return part.model_copy(update=changes)


def acquired(running: Running, reasons: tuple[str, ...], time_ms: int) -> Acquired:
    """What was shot, for good; complete only without a reason against it.

    That the clock was set is said, and is none: pictures find their places without it.
    """
    missing = (*running.turn.missing, *running.rest.missing)
    told = (*reasons, CLOCK_SET) if running.was_set else reasons
    return Acquired(
        capture=running.capture,
        visit=running.visit,
        job=running.job,
        recipe=running.recipe,
        simulated=running.simulated,
        started_ms=running.started_ms,
        ended_ms=time_ms,
        complete=not reasons and not missing,
        reasons=tuple(dict.fromkeys(told)),
        missing=missing,
        pictures=(*(running.turn.placed or ()), *(running.rest.placed or ())),
        turns=running.turns,
        stops=running.stops,
    )


def _faults(part: Part) -> tuple[str, ...]:
    bad = [
        f"{reason}.{one.name}"
        for one in part.placed or ()
        for reason in one.reasons
        if one.verdict is not Verdict.GOOD
    ]
    many = len(part.missing) > NAMED_MAX
    named = [f"{len(part.missing)}_pictures"] if many else part.missing
    missing = [f"missing.{name}" for name in named]
    return (*part.reasons, *missing, *bad)
