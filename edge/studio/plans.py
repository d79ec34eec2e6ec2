"""From a shot plan's file to the job of a capture: the plan and the cameras have to fit."""

from __future__ import annotations

from pathlib import Path

from stations.studio import plan
from stations.studio.jobs import Job
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
    """The plan of a file's text. Wrong."""
    try:
        return plan.parse(path.name, text)
    except plan.PlanWrong as error:
        raise Wrong(error.what, error.hint) from error
