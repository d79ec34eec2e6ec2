"""Pictures judged while the vehicle stands: what can be taken again is told in time.

A judge is a function that is handed in; `judge_files` finds what needs no opening of pictures.
"""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from edge.studio.camera import is_whole
from edge.studio.processing import said_by_camera
from stations.studio.jobs import TURNING_SETS, Placed
from stations.studio.manifest import Quality, Reason
from stations.studio.measuring import WIDTH, Measured, measure
from stations.studio.quality import Place, is_cropped, judge_set
from wire.pictures import PictureUnreadable, grey_of, read, size_of

KNOWN_MAX = 500
Box = tuple[float, float, float, float]


@dataclass
class Verdicts:
    """What is wrong, by file (the others are good), and what was measured of which file.

    `reasons` are those of a whole turn, with its camera: `out_of_focus.ring`.
    """

    bad: dict[str, tuple[Reason, ...]] = field(default_factory=dict)
    qualities: dict[str, Quality] = field(default_factory=dict)
    reasons: tuple[str, ...] = ()


JudgePictures = Callable[[Path, Sequence[Placed]], Verdicts]
"""The folder of the frames, and the frames."""


def judge_files(frames: Path, placed: Sequence[Placed]) -> Verdicts:
    """Files without an end or a size are corrupt; the same bytes twice are a repeat."""
    bad: dict[str, tuple[Reason, ...]] = {}
    seen: dict[str, str] = {}
    for one in placed:
        path = frames / one.file
        try:
            size_of(path)
            if not is_whole(path):
                bad[one.file] = (Reason.CORRUPT,)
                continue
            with path.open("rb") as opened:
                digest = hashlib.file_digest(opened, "sha256").hexdigest()
        except (OSError, PictureUnreadable):
            bad[one.file] = (Reason.CORRUPT,)
            continue
        if seen.setdefault(digest, one.file) != one.file:
            bad[one.file] = (Reason.REPEATED,)
    return Verdicts(bad)


class Judge:
    """Judges pictures of the turn against each other as well; `refit studio check` does the same.

    What was measured of a file is kept for a while: a turn may be judged more than once.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], Measured | None] = {}

    def __call__(self, frames: Path, placed: Sequence[Placed]) -> Verdicts:
        found = judge_files(frames, placed)
        readable = [one for one in placed if found.bad.get(one.file) != (Reason.CORRUPT,)]
        measured = self._measured([frames / one.file for one in readable])
        turns: dict[str, list[Placed]] = defaultdict(list)
        for one in readable:
            quality = measured[one.file]
            if quality is None:
                found.bad[one.file] = (Reason.CORRUPT,)
                continue
            found.qualities[one.file] = _quality(quality)
            is_turned = one.set in TURNING_SETS and one.angle_deg is not None
            if is_turned and one.file not in found.bad:
                turns[one.camera].append(one)
        for camera, turn in turns.items():
            known = {one.file: quality for one in turn if (quality := measured[one.file])}
            reasons = _judge_turn(frames, turn, known, found)
            found.reasons += tuple(f"{reason}.{camera}" for reason in reasons)
        return found

    def _measured(self, paths: Sequence[Path]) -> dict[str, Measured | None]:
        keys = {path: (path.name, path.stat().st_mtime_ns) for path in paths}
        unknown = [path for path, key in keys.items() if key not in self._known]
        with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
            fresh = dict(zip(unknown, threads.map(measured_of, unknown), strict=True))
        known = self._known | {keys[path]: one for path, one in fresh.items()}
        self._known = dict(list(known.items())[-KNOWN_MAX:])
        return {path.name: known[key] for path, key in keys.items()}


def _judge_turn(
    frames: Path, turn: Sequence[Placed], measured: dict[str, Measured], found: Verdicts
) -> tuple[str, ...]:
    """Add what is found of one camera's turn; what is said of it as a whole."""
    turn = sorted(turn, key=lambda one: one.angle_deg or 0.0)
    places = [Place(one.set, one.angle_deg) for one in turn]
    judged = judge_set([measured[one.file] for one in turn], places)
    for one, verdict in zip(turn, judged.pictures, strict=True):
        box = box_of(frames / one.file)
        reasons = verdict.reasons
        reasons += (Reason.CROPPED,) if box is not None and is_cropped(box) else ()
        if reasons:
            found.bad[one.file] = reasons
        found.qualities[one.file] = _quality(measured[one.file], verdict.sharpness, box)
    return judged.reasons


def box_of(frame: Path) -> Box | None:
    """Where the vehicle is, as the camera has written beside its frame; None: it has not."""
    box = said_by_camera(frame).get("box")
    if not isinstance(box, list) or len(box) != 4:
        return None
    if not all(isinstance(share, int | float) for share in box):
        return None
    left, top, right, bottom = (min(max(float(share), 0.0), 1.0) for share in box)
    return (left, top, right, bottom) if left < right and top < bottom else None


def _quality(one: Measured, sharpness: float | None = None, box: Box | None = None) -> Quality:
    return Quality(
        sharpness=None if sharpness is None else round(sharpness, 3),
        clipped=round(one.clipped, 4),
        mean=round(one.mean, 1),
        box=box,
    )


def measured_of(path: Path) -> Measured | None:
    """What a picture shows; None when it cannot be opened."""
    try:
        return measure(grey_of(read(path), WIDTH))
    except PictureUnreadable:
        return None
