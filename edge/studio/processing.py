"""From the frames of a capture to what is delivered: pictures, then the manifest, last and at once.

What is done to a picture (masking, encoding, signing) is a function that is handed in. Without one
nothing says where a number plate is: every picture is restricted, and the manifest says so.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import structlog

from edge.studio.shelf import SIDECAR, write_durably
from stations.studio.jobs import TURNING_SETS, Acquired, Job, Placed, Shot
from stations.studio.manifest import Manifest, Picture, PictureSet, Quality, Reason, Recipe, Verdict
from stations.studio.masks import polygons_at
from wire.disk import made_durably
from wire.pictures import PictureUnreadable, size_of

MANIFEST = "manifest.json"
UNMASKED = "unmasked"


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a picture has become. `restricted`: it must not be published.

    `flaws` are words for what was not done to it, though it should have been.
    """

    width: int
    height: int
    restricted: bool
    quality: Quality | None = None
    masked: tuple[tuple[tuple[float, float], ...], ...] = ()
    signed: bool = False
    reasons: tuple[Reason, ...] = ()
    flaws: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Taken:
    """What is known of a frame besides its shot. `said` is what its camera wrote beside it."""

    said: Mapping[str, Any] = field(default_factory=dict)
    angle_deg: float | None = None
    simulated: bool = False
    software: str = ""


log = structlog.get_logger()

Prepare = Callable[[Path, Path, Shot, Taken], Prepared]
"""Source, target, shot, and what is known of the frame -> what was written to the target."""
Film = Callable[[Iterable[tuple[float, Path]], Path], bool]
"""Angles and pictures, target -> whether there is a film of them."""
FILM = "turn.webm"
ELSEWHERE = (Reason.REPEATED, Reason.OFF_ANGLE)
"""A picture that is this shows another angle than its own: what the plan hides lies elsewhere."""


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
    film: Film | None = None,
) -> Result:
    """Make a capture's folder; the same again makes the same, whatever was there.

    OSError when the disk refuses. It holds one picture in memory at a time.
    """
    prepare = prepare or untouched
    shutil.rmtree(folder, ignore_errors=True)
    made_durably(folder)
    wrong = "wrong_vehicle" in acquired.reasons
    pictures, missing, flaws = [], list(acquired.missing), list[str]()
    for placed in acquired.pictures:
        source = frames / placed.file
        if not source.is_file():
            missing.append(placed.name)
            continue
        shot = _shot(job, placed)
        taken = Taken(said_by_camera(source), placed.angle_deg, acquired.simulated, software)
        picture, made = _picture(source, folder, shot, placed, prepare, taken)
        flaws += [f"{flaw}.{placed.name}" for flaw in made.flaws]
        pictures.append(picture.model_copy(update={"restricted": True}) if wrong else picture)
    video = film is not None and film(_turn(folder, pictures), folder / FILM)
    manifest = _manifest(job, acquired, station, software, tuple(pictures), tuple(missing), flaws)
    if video:
        manifest = manifest.model_copy(update={"video": FILM})
    write_durably(folder / MANIFEST, manifest.model_dump_json(indent=1).encode())
    return Result(folder, manifest, files_of(manifest))


def files_of(manifest: Manifest) -> tuple[str, ...]:
    """All files of a capture, the manifest last."""
    video = () if manifest.video is None else (manifest.video,)
    return (*(one.file for one in manifest.pictures), *video, MANIFEST)


def untouched(source: Path, target: Path, shot: Shot, taken: Taken) -> Prepared:
    """The picture as it is: nobody has looked for a plate, so it is restricted."""
    shutil.copyfile(source, target)
    try:
        return Prepared(*size_of(source), restricted=True)
    except PictureUnreadable:
        return Prepared(0, 0, restricted=True, reasons=(Reason.CORRUPT,))


def said_by_camera(frame: Path) -> dict[str, Any]:
    """What the camera has written beside a frame; nothing when it is not there or no JSON."""
    try:
        said = orjson.loads(frame.with_suffix(SIDECAR).read_bytes())
    except (OSError, orjson.JSONDecodeError):
        return {}
    return said if isinstance(said, dict) else {}


def _shot(job: Job, placed: Placed) -> Shot:
    """The shot of a frame, with what has to be hidden in this very frame."""
    for shot in job.shots:
        if (shot.set, shot.index) == (placed.set, placed.index):
            break
    else:
        # A plan may have changed since: of a shot that it has no more nobody knows what it shows.
        return Shot(set=placed.set, index=placed.index, camera=placed.camera, restricted=True)
    mask = shot.mask
    if mask is None and placed.angle_deg is not None:
        masks = [one for one in job.masks if one.camera == placed.camera]
        mask = polygons_at(masks, placed.angle_deg)
    if shot.set in TURNING_SETS and any(one in ELSEWHERE for one in placed.reasons):
        mask = None
    return shot.model_copy(update={"mask": mask})


def _turn(folder: Path, pictures: Sequence[Picture]) -> list[tuple[float, Path]]:
    """What a film may show: of the spin, what may be published and is there to be seen."""
    return [
        (one.angle_deg, folder / one.file)
        for one in pictures
        if one.set is PictureSet.SPIN and one.angle_deg is not None and not one.restricted
        and one.verdict is not Verdict.UNREADABLE and not any(r in ELSEWHERE for r in one.reasons)
    ]  # fmt: skip


def _picture(
    source: Path, folder: Path, shot: Shot, placed: Placed, prepare: Prepare, taken: Taken
) -> tuple[Picture, Prepared]:
    angle = "" if placed.angle_deg is None else f"_{placed.angle_deg % 359.95:05.1f}"
    file = f"{shot.set}/{placed.name}{angle}.jpg"
    target = folder / file
    target.parent.mkdir(exist_ok=True)
    try:
        made = prepare(source, target, shot, taken)
    except (ValueError, ArithmeticError, MemoryError) as error:
        log.error("a picture cannot be prepared", file=source.name, why=str(error))
        made = untouched(source, target, shot, taken)
    with target.open("rb") as opened:
        sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
    reasons = tuple(dict.fromkeys((*placed.reasons, *made.reasons)))
    verdict = placed.verdict
    if made.reasons:
        verdict = Verdict.UNREADABLE if Reason.CORRUPT in made.reasons else Verdict.BAD
    exposure = taken.said.get("exposure_s")
    picture = Picture(
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
        quality=placed.quality or made.quality,
        verdict=verdict,
        reasons=reasons,
        masked=made.masked,
        restricted=made.restricted or shot.restricted or shot.set is PictureSet.VIN,
        signed=made.signed,
    )
    return picture, made


def _manifest(
    job: Job,
    acquired: Acquired,
    station: str,
    software: str,
    pictures: tuple[Picture, ...],
    missing: tuple[str, ...],
    flaws: Sequence[str],
) -> Manifest:
    spin = [shot for shot in job.shots if shot.set is PictureSet.SPIN]
    kept_back = any(one.restricted and one.set is not PictureSet.VIN for one in pictures)
    unready = [one for one in missing if one not in acquired.missing]
    bad = [f"{reason}.{one.set}_{one.index:03d}" for one in pictures for reason in one.reasons]
    reasons = (
        *acquired.reasons,
        *(f"missing.{one}" for one in unready),
        *bad,
        *flaws,
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
        complete=acquired.complete and not any((unready, bad, flaws, kept_back)),
        reasons=tuple(dict.fromkeys(reasons)),
        missing=missing,
        pictures=pictures,
    )


def _recipe(text: str) -> Recipe:
    name, _, version = text.rpartition("@")
    return Recipe(id=name, version=int(version))


def _moment(time_ms: int) -> datetime:
    return datetime.fromtimestamp(max(time_ms, 0) / 1000, UTC)
