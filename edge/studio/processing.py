"""From the frames of a capture to what is delivered: pictures, then the manifest, last and at once.

What is done to a picture (masking, encoding, signing) is a function that is handed in. Until there
is one, nothing says where a number plate is: every picture is restricted, and the manifest says so.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import structlog

from edge.studio.shelf import SIDECAR, write_durably
from stations.studio.jobs import Acquired, Job, Placed, Shot
from stations.studio.manifest import Manifest, Picture, PictureSet, Quality, Reason, Recipe, Verdict
from wire.disk import made_durably

MANIFEST = "manifest.json"
UNMASKED = "unmasked"


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a picture has become. `restricted`: it must not be published."""

    width: int
    height: int
    restricted: bool
    quality: Quality | None = None
    masked: tuple[tuple[tuple[float, float], ...], ...] = ()
    signed: bool = False
    reasons: tuple[Reason, ...] = ()
    type: str = "image/jpeg"


log = structlog.get_logger()

Prepare = Callable[[Path, Path, Shot, Mapping[str, Any]], Prepared]
"""Source, target, shot, and what the camera says of it -> what was written to the target."""


@dataclass(frozen=True)
class Result:
    """A capture that can be recorded: its folder, and what lies in it."""

    folder: Path
    manifest: Manifest
    files: tuple[str, ...] = field(default=())


def process(
    frames: Path,
    folder: Path,
    job: Job,
    acquired: Acquired,
    station: str,
    software: str,
    prepare: Prepare | None = None,
) -> Result:
    """Make a capture's folder; the same again makes the same, whatever was there.

    OSError when the disk refuses. It holds one picture in memory at a time.
    """
    prepare = prepare or untouched
    shutil.rmtree(folder, ignore_errors=True)
    made_durably(folder)
    shots = {(shot.set, shot.index): shot for shot in job.shots}
    wrong = "wrong_vehicle" in acquired.reasons
    pictures, missing = [], list(acquired.missing)
    for placed in acquired.pictures:
        # A plan may have changed since: of a shot that it has no more nobody knows what it shows.
        unknown = Shot(set=placed.set, index=placed.index, camera=placed.camera, restricted=True)
        shot, source = shots.get((placed.set, placed.index), unknown), frames / placed.file
        if not source.is_file():
            missing.append(placed.name)
            continue
        pictures.append(_picture(source, folder, shot, placed, prepare, wrong))
    manifest = _manifest(job, acquired, station, software, tuple(pictures), tuple(missing))
    write_durably(folder / MANIFEST, manifest.model_dump_json(indent=1).encode())
    return Result(folder, manifest, (*(one.file for one in pictures), MANIFEST))


def untouched(source: Path, target: Path, shot: Shot, said: Mapping[str, Any]) -> Prepared:
    """The picture as it is: nobody has looked for a plate, so it is restricted."""
    shutil.copyfile(source, target)
    width, height = jpeg_size(source)
    reasons = () if width else (Reason.CORRUPT,)
    return Prepared(width, height, restricted=True, reasons=reasons)


def jpeg_size(file: Path) -> tuple[int, int]:
    """Width and height that a JPEG says of itself; 0, 0 when it is none."""
    with file.open("rb") as opened:
        if opened.read(2) != b"\xff\xd8":
            return 0, 0
        while True:
            head = opened.read(4)
            if len(head) < 4 or head[0] != 0xFF:
                return 0, 0
            length = int.from_bytes(head[2:4])
            # SOF0 to SOF15 without DHT, JPG and DAC (ITU T.81, table B.1).
            if 0xC0 <= head[1] <= 0xCF and head[1] not in (0xC4, 0xC8, 0xCC):
                size = opened.read(5)
                return int.from_bytes(size[3:5]), int.from_bytes(size[1:3])
            opened.seek(max(length - 2, 0), 1)


def said_by_camera(frame: Path) -> dict[str, Any]:
    """What the camera has written beside a frame; nothing when it is not there or no JSON."""
    try:
        said = orjson.loads(frame.with_suffix(SIDECAR).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    return said if isinstance(said, dict) else {}


def _picture(
    source: Path, folder: Path, shot: Shot, placed: Placed, prepare: Prepare, wrong: bool
) -> Picture:
    said = said_by_camera(source)
    angle = "" if placed.angle_deg is None else f"_{placed.angle_deg % 359.95:05.1f}"
    file = f"{shot.set}/{placed.name}{angle}.jpg"
    target = folder / file
    target.parent.mkdir(exist_ok=True)
    try:
        made = prepare(source, target, shot, said)
    except (ValueError, ArithmeticError, MemoryError) as error:
        log.error("a picture cannot be prepared", file=source.name, why=str(error))
        made = untouched(source, target, shot, said)
    with target.open("rb") as opened:
        sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
    reasons = tuple(dict.fromkeys((*placed.reasons, *made.reasons)))
    verdict = placed.verdict
    if made.reasons:
        verdict = Verdict.UNREADABLE if Reason.CORRUPT in made.reasons else Verdict.BAD
    exposure = said.get("exposure_s")
    return Picture(
        file=file,
        set=shot.set,
        index=shot.index,
        angle_deg=placed.angle_deg,
        planned_deg=placed.planned_deg,
        camera=placed.camera,
        trigger=placed.trigger,
        exposure_s=exposure if isinstance(exposure, float) else None,
        title=shot.title,
        width=made.width,
        height=made.height,
        sha256=sha256,
        bytes=target.stat().st_size,
        quality=made.quality,
        verdict=verdict,
        reasons=reasons,
        masked=made.masked,
        restricted=made.restricted or shot.restricted or wrong or shot.set is PictureSet.VIN,
        signed=made.signed,
    )


def _manifest(
    job: Job,
    acquired: Acquired,
    station: str,
    software: str,
    pictures: tuple[Picture, ...],
    missing: tuple[str, ...],
) -> Manifest:
    spin = [shot for shot in job.shots if shot.set is PictureSet.SPIN]
    kept_back = any(one.restricted and one.set is not PictureSet.VIN for one in pictures)
    unready = [one for one in missing if one not in acquired.missing]
    bad = [f"{reason}.{one.set}_{one.index:03d}" for one in pictures for reason in one.reasons]
    reasons = (
        *acquired.reasons,
        *(f"missing.{one}" for one in unready),
        *bad,
        *((UNMASKED,) if kept_back else ()),
    )
    return Manifest(
        capture=acquired.capture,
        visit=acquired.visit,
        station=station,
        recipe=_recipe(acquired.recipe),
        software=software,
        started=_moment(acquired.started_ms),
        ended=_moment(acquired.ended_ms),
        frames_per_turn=len(spin),
        frontal_frame=next((one.index for one in spin if one.angle_deg == 0), 0),
        simulated=acquired.simulated,
        complete=acquired.complete and not unready and not bad and not kept_back,
        reasons=tuple(dict.fromkeys(reasons)),
        missing=missing,
        pictures=pictures,
    )


def _recipe(text: str) -> Recipe:
    name, _, version = text.rpartition("@")
    return Recipe(id=name, version=int(version))


def _moment(time_ms: int) -> datetime:
    return datetime.fromtimestamp(max(time_ms, 0) / 1000, UTC)
