"""Checks any folder of pictures of a turn: real photographs as well as our own captures."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from edge.studio.judging import measured_of
from stations.studio.coverage import (
    Coverage,
    Source,
    angle_in,
    angles_by_number,
    coverage,
    number_in,
    planned_angles,
)
from stations.studio.manifest import Manifest, Picture, PictureSet, Reason, Verdict
from stations.studio.measuring import Measured
from stations.studio.quality import Place, is_cropped, judge_set, off_angle
from wire.pictures import SUFFIXES

FILES_MAX = 10_000
Tell = Callable[[Iterable[Path]], Iterable[Path]]


class FolderUnusable(Exception):
    """Nothing can be said of this folder; the message says why and what would be right."""


class PictureFound(BaseModel):
    """What is said of one picture. None: it could not be measured, or it has no angle."""

    model_config = ConfigDict(frozen=True)
    file: str
    angle_deg: float | None
    sharpness: float | None
    clipped: float | None
    mean: float | None
    verdict: Verdict
    reasons: tuple[Reason, ...]


class FolderFound(BaseModel):
    """What is said of a folder; `complete` None where the number of pictures is not known."""

    model_config = ConfigDict(frozen=True)
    complete: bool | None
    frames: int
    expected: int | None
    angle_source: Source
    largest_gap_deg: float | None
    missing: tuple[float, ...]
    duplicates: tuple[tuple[str, str], ...]
    set_reasons: tuple[str, ...]
    pictures: tuple[PictureFound, ...]

    @property
    def is_good(self) -> bool:
        """Nothing was found."""
        all_good = all(one.verdict is Verdict.GOOD for one in self.pictures)
        return all_good and not self.missing and not self.set_reasons and self.complete is not False


@dataclass(frozen=True)
class _Frame:
    """A picture of the turn. `order`: its place on the circle; the rest where a manifest says."""

    name: str
    path: Path
    angle: float | None
    order: float
    planned: float | None = None
    box: tuple[float, float, float, float] | None = None
    set: str = ""


@dataclass(frozen=True)
class _Turn:
    """What is to be judged: the pictures in their order round the vehicle, and other pictures."""

    source: Source
    frames: tuple[_Frame, ...]
    expected: int | None
    reasons: tuple[str, ...] = ()
    others: tuple[_Frame, ...] = ()
    extra: frozenset[str] = frozenset()


def check_folder(
    folder: Path,
    expected: int | None = None,
    tolerance_deg: float = 0.5,
    told: Tell = lambda paths: paths,
) -> FolderFound:
    """Check the pictures of a folder against each other; `told` is handed the work, to show it.

    Angles are those of manifest.json, else those in the names, else even steps by number.
    FolderUnusable when there is no folder, no picture, or none that can be opened.
    """
    turn = _turn(folder, expected)
    everything = [*turn.frames, *turn.others]
    with ThreadPoolExecutor(max(os.cpu_count() or 1, 1)) as threads:
        results = threads.map(measured_of, [one.path for one in everything])
        measured = dict(zip(everything, _watched(results, everything, told), strict=True))
    readable = [frame for frame in turn.frames if measured[frame] is not None]
    if not any(measured.values()):
        raise FolderUnusable(f"{folder}: none of its {len(everything)} pictures can be opened")
    judged = judge_set(
        [one for frame in readable if (one := measured[frame]) is not None],
        [Place(frame.set, frame.angle) for frame in readable],
    )
    verdicts = dict(zip(readable, judged.pictures, strict=True))
    off = _off_angle(turn, tolerance_deg)
    pictures = []
    for frame in everything:
        found, verdict = measured[frame], verdicts.get(frame)
        reasons = list(verdict.reasons) if verdict else []
        reasons += [Reason.OFF_ANGLE] if frame in off else []
        reasons += [Reason.CROPPED] if frame.box is not None and is_cropped(frame.box) else []
        pictures.append(_said(frame, found, verdict.sharpness if verdict else None, reasons))
    covered = _covered(turn, readable)
    return FolderFound(
        complete=covered.complete if turn.expected is not None else None,
        frames=sum(frame.name not in turn.extra for frame in turn.frames),
        expected=turn.expected,
        angle_source=turn.source,
        largest_gap_deg=covered.largest_gap_deg,
        missing=covered.missing,
        duplicates=tuple((readable[a].name, readable[b].name) for a, b in judged.repeats),
        set_reasons=(*turn.reasons, *judged.reasons),
        pictures=tuple(pictures),
    )


def _said(
    frame: _Frame, found: Measured | None, sharpness: float | None, reasons: list[Reason]
) -> PictureFound:
    verdict = Verdict.BAD if reasons else Verdict.GOOD
    if found is None:
        verdict, reasons = Verdict.UNREADABLE, [Reason.CORRUPT]
    return PictureFound(
        file=frame.name,
        angle_deg=None if frame.angle is None else round(frame.angle, 3),
        sharpness=None if sharpness is None else round(sharpness, 3),
        clipped=None if found is None else round(found.clipped, 4),
        mean=None if found is None else round(found.mean, 1),
        verdict=verdict,
        reasons=tuple(reasons),
    )


def _watched(
    results: Iterable[Measured | None], frames: Sequence[_Frame], told: Tell
) -> Iterable[Measured | None]:
    for result, _ in zip(results, told([one.path for one in frames]), strict=True):
        yield result


def _covered(turn: _Turn, readable: Sequence[_Frame]) -> Coverage:
    angles = [one.angle for one in readable if one.angle is not None]
    if angles:
        return coverage(angles, turn.expected)
    return Coverage(None, None, ())


def _off_angle(turn: _Turn, tolerance_deg: float) -> set[_Frame]:
    planned: Sequence[float | None] = [one.planned for one in turn.frames]
    if turn.source == "names" and turn.expected:
        planned = planned_angles([one.order for one in turn.frames], turn.expected)
    pairs = zip(turn.frames, planned, strict=True)
    return {one for one, at in pairs if at is not None and off_angle(one.order, at, tolerance_deg)}


def _turn(folder: Path, expected: int | None) -> _Turn:
    if not folder.is_dir():
        raise FolderUnusable(f"{folder}: there is no such folder")
    if (folder / "manifest.json").is_file():
        return _by_manifest(folder, expected)
    paths = _pictures_in(folder)
    if not paths and (folder / "spin").is_dir():
        paths = _pictures_in(folder / "spin")
    if not paths:
        kinds = ", ".join(SUFFIXES)
        raise FolderUnusable(f"{folder}: it holds no pictures ({kinds}) and no manifest.json")
    names = [path.relative_to(folder).as_posix() for path in paths]
    angles = [angle_in(name) for name in names]
    if all(angle is not None for angle in angles):
        frames = [
            _Frame(name, path, angle, angle or 0.0)
            for name, path, angle in zip(names, paths, angles, strict=True)
        ]
        return _Turn("names", _sorted(frames), expected)
    return _by_number(folder, names, paths, expected)


def _by_number(
    folder: Path, names: Sequence[str], paths: Sequence[Path], expected: int | None
) -> _Turn:
    numbers = [number_in(name) for name in names]
    places = [number for number in numbers if number is not None]
    if len(places) < len(names) or len(set(places)) < len(places):
        places = list(range(len(names)))  # in the order of their names
        if expected is not None and len(names) != expected:
            hint = "number the pictures in the order of the turn, or write angles: spin_003_030.0"
            raise FolderUnusable(f"{folder}: {len(names)} pictures for {expected}: {hint}")
    angles: Sequence[float | None] = [None] * len(places)
    reasons: list[str] = []
    if expected is not None:
        known = angles_by_number(places, expected)
        if known is None:
            most = max(places) - min(places) + 1
            raise FolderUnusable(
                f"{folder}: its numbers reach over {most} pictures, --expected says {expected}"
            )
        angles = known
    elif max(places) - min(places) + 1 > len(places):
        reasons.append("number_missing")
    frames = [
        _Frame(name, path, angle, place)
        for name, path, angle, place in zip(names, paths, angles, places, strict=True)
    ]
    return _Turn("index", _sorted(frames), expected, tuple(reasons))


def _by_manifest(folder: Path, expected: int | None) -> _Turn:
    file = folder / "manifest.json"
    try:
        manifest = Manifest.model_validate_json(file.read_bytes())
    except (OSError, ValidationError) as error:
        raise FolderUnusable(f"{file} is no manifest: {' '.join(str(error).split())}") from error
    turning = (PictureSet.SPIN, PictureSet.HERO)
    frames, others = [], []
    for one in manifest.pictures:
        frame = _frame(folder, one)
        (frames if one.set in turning and one.angle_deg is not None else others).append(frame)
    extra = frozenset(one.file for one in manifest.pictures if one.set is PictureSet.HERO)
    count = expected or manifest.frames_per_turn
    return _Turn("manifest", _sorted(frames), count, (), tuple(others), extra)


def _frame(folder: Path, one: Picture) -> _Frame:
    path = folder / one.file
    if not path.resolve().is_relative_to(folder.resolve()):
        raise FolderUnusable(f"{folder}: the manifest names {one.file}, which lies outside of it")
    box = one.quality.box if one.quality else None
    angle = one.angle_deg
    return _Frame(one.file, path, angle, angle or 0.0, one.planned_deg, box, one.set)


def _pictures_in(folder: Path) -> list[Path]:
    found = [
        path
        for path in sorted(folder.iterdir())
        if path.suffix.lower() in SUFFIXES and not path.name.startswith(".") and path.is_file()
    ]
    if len(found) > FILES_MAX:
        raise FolderUnusable(f"{folder}: {len(found)} pictures; a turn has {FILES_MAX} at most")
    return found


def _sorted(frames: Iterable[_Frame]) -> tuple[_Frame, ...]:
    return tuple(sorted(frames, key=lambda frame: (frame.order, frame.name)))
