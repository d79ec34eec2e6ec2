"""The recipe of a capture: from the text of a shot plan (TOML) to what is to be shot.

Pure: the text is handed in. `plans/` beside this file has plans to begin with.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from typing import Any

import pydantic

from stations.studio.jobs import TURNING_SETS, Fact, Job, Polygon, Shot
from stations.studio.manifest import PictureSet
from stations.studio.station import SLOT_DEG, SLOTS

TOLD_MAX = 3
SHARES = "a polygon is [[x, y], ...] in shares of width and height, 0 to 1, not in pixels"
TABLES = ("turn", "shot", "mask")


class PlanWrong(ValueError):
    """A plan that is none, or that cannot be met: what is wrong where, and what would be right."""

    def __init__(self, what: str, hint: str) -> None:
        super().__init__(f"{what}; {hint}")
        self.what, self.hint = what, hint


class Turn(Fact):
    """Shots of one camera around the turn: at every so many degrees, or at these angles."""

    camera: str
    set: PictureSet = PictureSet.SPIN
    step_deg: float | None = None
    angles_deg: tuple[float, ...] = ()
    required: bool = True


def parse(name: str, text: str) -> Job:
    """The plan of a TOML text: id, version, [[turn]], [[shot]] and [[mask]]. PlanWrong.

    `name` is what the plan is called where it is wrong.
    """
    try:
        said = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise PlanWrong(f"{name} is no shot plan: {error}", "write TOML") from error
    for table in TABLES:
        if f"{table}s" in said:
            raise PlanWrong(f"{name} has {table}s", f"write a table [[{table}]] for each")
        if not isinstance(rows := said.get(table, []), list):
            raise PlanWrong(f"{name} has one {table}: {rows!r}", f"write [[{table}]]")
    turns = _validated(name, said.pop("turn", []))
    said |= {"shots": said.pop("shot", []), "masks": said.pop("mask", [])}
    try:
        job = Job.model_validate_json(pydantic.TypeAdapter(dict).dump_json(said))
    except pydantic.ValidationError as error:
        in_mask = any({"mask", "polygons"} & set(one["loc"]) for one in error.errors())
        hint = SHARES if in_mask else "refit studio plan full-360 prints one that is right"
        raise PlanWrong(f"{name} is no shot plan: {_where(error)}", hint) from error
    around = [shot for number, turn in enumerate(turns, 1) for shot in _around(name, number, turn)]
    job = job.model_copy(update={"shots": (*around, *job.shots)})
    _check(name, job)
    return job


def _validated(name: str, rows: list[Any]) -> list[Turn]:
    try:
        data = pydantic.TypeAdapter(list).dump_json(rows)
        return pydantic.TypeAdapter(list[Turn]).validate_json(data)
    except pydantic.ValidationError as error:
        what = f"{name} is no shot plan: {_where(error, 'turn')}"
        raise PlanWrong(what, "a [[turn]] has camera, set, and step_deg or angles_deg") from error


def _where(error: pydantic.ValidationError, table: str = "") -> str:
    """Each mistake with its table and key: `[[shot]] 3, angle_deg: ...`."""
    told = []
    for one in error.errors()[:TOLD_MAX]:
        keys = [*([table] if table else []), *one["loc"]]
        row = str(keys[0]).removesuffix("s") if keys else ""
        if row in TABLES and len(keys) > 1 and isinstance(keys[1], int):
            keys = [f"[[{row}]] {keys[1] + 1}", *keys[2:]]
        told.append(f"{', '.join(str(key) for key in keys)}: {one['msg']}")
    more = error.error_count() - len(told)
    return "; ".join([*told, f"and {more} more"] if more else told)


def _around(name: str, number: int, turn: Turn) -> Iterator[Shot]:
    """The shots of a [[turn]]."""
    what = f"[[turn]] {number} of {name}"
    if (turn.step_deg is None) == (not turn.angles_deg):
        raise PlanWrong(f"{what} has both or neither", "write either step_deg or angles_deg")
    angles = turn.angles_deg
    if turn.step_deg is not None:
        if turn.step_deg not in SLOTS[1:] or 360 % turn.step_deg:
            hint = f"it divides 360 and is {SLOT_DEG:g} or a multiple of it"
            raise PlanWrong(f"{what} has step_deg = {turn.step_deg:g}", hint)
        angles = tuple(turn.step_deg * step for step in range(round(360 / turn.step_deg)))
    for index, angle in enumerate(angles):
        yield Shot(
            set=turn.set,
            index=index,
            camera=turn.camera,
            angle_deg=angle,
            required=turn.required,
        )


def _check(name: str, job: Job) -> None:
    if not job.id or "@" in job.id or job.version < 1:
        hint = "id is a name without @, and version 1 or more"
        raise PlanWrong(f"{name} is {job.recipe!r}", hint)
    if not job.shots:
        raise PlanWrong(f"{name} has no shot", "write [[turn]] or [[shot]]")
    if not 0 < job.tolerance_deg <= SLOT_DEG / 2:
        hint = f"more than 0 and at most {SLOT_DEG / 2:g}, half of the way to the next place"
        raise PlanWrong(f"{name} has tolerance_deg = {job.tolerance_deg:g}", hint)
    names = [shot.name for shot in job.shots]
    for shot in job.shots:
        if names.count(shot.name) > 1:
            raise PlanWrong(f"{name} has {shot.name} twice", "give each shot its own index")
        _check_angle(name, shot)
        _check_polygons(f"the mask of {shot.name} in {name}", shot.mask or ())
    _check_masks(name, job)


def _check_angle(name: str, shot: Shot) -> None:
    turns = shot.set in TURNING_SETS
    if turns != (shot.angle_deg is not None):
        what = f"{shot.name} of {name} has {'no' if turns else 'an'} angle_deg"
        raise PlanWrong(what, "a shot of spin and hero has one, no other has")
    if shot.index < 0:
        raise PlanWrong(f"a shot of {name} has index {shot.index}", "the first is 0")
    if shot.angle_deg is not None and shot.angle_deg not in SLOTS:
        what = f"{shot.name} of {name} wants {shot.angle_deg:g} degrees"
        hint = f"the controller triggers every {SLOT_DEG:g} degrees from 0 to {SLOTS[-1]:g}"
        raise PlanWrong(what, f"that plan cannot be met: {hint}")


def _check_masks(name: str, job: Job) -> None:
    places = [(mask.camera, mask.angle_deg % 360) for mask in job.masks]
    for mask, place in zip(job.masks, places, strict=True):
        what = f"the mask of {mask.camera} at {mask.angle_deg:g} degrees in {name}"
        if not job.turning(mask.camera):
            raise PlanWrong(f"{what} is of a camera that does not shoot the turn", _turning(job))
        if places.count(place) > 1:
            raise PlanWrong(f"{what} is there twice", "write all its polygons into one [[mask]]")
        _check_polygons(what, mask.polygons)


def _turning(job: Job) -> str:
    names = [name for name in job.cameras if job.turning(name)]
    return f"those of the turn are {', '.join(names)}" if names else "no camera shoots the turn"


def _check_polygons(what: str, polygons: tuple[Polygon, ...]) -> None:
    for number, polygon in enumerate(polygons, 1):
        if len(polygon) < 3:
            few = f"{what} has a polygon of fewer than 3 points, number {number}"
            raise PlanWrong(few, "write [[x, y], [x, y], [x, y]] or more")
