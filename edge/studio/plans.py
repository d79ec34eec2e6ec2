"""From a shot plan's file to the job of a capture."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pydantic

from stations.studio.jobs import TURNING_SETS, Job, Shot
from stations.studio.station import SPIN_ANGLES
from wire.site import StationConfig
from wire.site.problems import Wrong, closest


def read_job(config: StationConfig) -> Job:
    """What a studio is to shoot. Wrong, with what would be right, when plan and cameras differ."""
    assert config.capture is not None, "checked by the site file"
    path = config.capture.plan
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise Wrong(f"the shot plan {path} cannot be read: {error}", "see [station.capture]") from (
            error
        )
    job = parse(path, text)
    asked = tuple(name for name, one in config.cameras.items() if one.url is not None)
    for camera in job.cameras:
        if camera not in config.cameras:
            known = tuple(config.cameras)
            what = f'the shot plan {path.name} wants a camera "{camera}"'
            raise Wrong(what, closest(camera, known) or f"write [station.cameras.{camera}]")
        if job.turning(camera) and (job.standing(camera) or camera in asked):
            what = f'the camera "{camera}" of {path.name} shoots the turning table and more'
            raise Wrong(what, "a camera of the spin hears triggers and does nothing else")
    return job.model_copy(update={"asked": asked})


def parse(path: Path, text: str) -> Job:
    """The plan of a TOML text: id, version, [[shot]] and [[mask]]."""
    try:
        said = tomllib.loads(text)
        for many in ("shot", "mask"):
            if f"{many}s" in said:
                raise Wrong(f"{path.name} has {many}s", f"write a table [[{many}]] for each")
            said[f"{many}s"] = said.pop(many, [])
        job = Job.model_validate_json(pydantic.TypeAdapter(dict).dump_json(said))
    except (tomllib.TOMLDecodeError, pydantic.ValidationError) as error:
        words = " ".join(str(error).split())
        raise Wrong(f"{path.name} is no shot plan: {words}", "see the page of cameras") from error
    names = [shot.name for shot in job.shots]
    for shot in job.shots:
        if names.count(shot.name) > 1:
            raise Wrong(f"{path.name} has {shot.name} twice", "give each shot its own index")
        _check_angle(path, shot)
    _check_masks(path, job)
    return job


def _check_masks(path: Path, job: Job) -> None:
    places = [(mask.camera, mask.angle_deg % 360) for mask in job.masks]
    for mask, place in zip(job.masks, places, strict=True):
        what = f"the mask of {mask.camera} at {mask.angle_deg:g} degrees in {path.name}"
        if not job.turning(mask.camera):
            raise Wrong(f"{what} is of a camera that does not shoot the turn", "see its shots")
        if places.count(place) > 1:
            raise Wrong(f"{what} is there twice", "write all its polygons into one [[mask]]")
        if any(len(polygon) < 3 for polygon in mask.polygons):
            raise Wrong(f"{what} has a polygon of fewer than 3 points", "write [[x, y], ...]")


def _check_angle(path: Path, shot: Shot) -> None:
    turns = shot.set in TURNING_SETS
    if turns != (shot.angle_deg is not None):
        what = f"{shot.name} of {path.name} has {'no' if turns else 'an'} angle_deg"
        raise Wrong(what, "a shot of spin and hero has one, no other has")
    if shot.angle_deg is not None and shot.angle_deg not in SPIN_ANGLES:
        what = f"{shot.name} of {path.name} wants {shot.angle_deg:g} degrees"
        hint = "the controller triggers every 10 degrees, and at 45, 135, 225 and 315"
        raise Wrong(what, f"that plan cannot be met: {hint}")
