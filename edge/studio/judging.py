"""Pictures judged while the vehicle stands: what can be taken again is told in time.

A judge is a function that is handed in; `judge_files` finds what needs no opening of pictures.
"""

from __future__ import annotations

import hashlib
import os
from collections import defaultdict
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from edge.studio.camera import is_whole
from stations.studio.jobs import TURNING_SETS, Placed
from stations.studio.manifest import Reason
from stations.studio.quality import WIDTH, Measured, Place, judge_set, measure
from wire.pictures import PictureUnreadable, grey_of, read, size_of

Verdicts = dict[str, tuple[Reason, ...]]
JudgePictures = Callable[[Path, Sequence[Placed]], Verdicts]
"""The folder of the frames and the frames -> what is wrong, by file; the others are good."""


def judge_files(frames: Path, placed: Sequence[Placed]) -> Verdicts:
    """Files without an end or a size are corrupt; the same bytes twice are a repeat."""
    found: Verdicts = {}
    seen: dict[str, str] = {}
    for one in placed:
        path = frames / one.file
        try:
            size_of(path)
            if not is_whole(path):
                found[one.file] = (Reason.CORRUPT,)
                continue
            with path.open("rb") as opened:
                digest = hashlib.file_digest(opened, "sha256").hexdigest()
        except (OSError, PictureUnreadable):
            found[one.file] = (Reason.CORRUPT,)
            continue
        if seen.setdefault(digest, one.file) != one.file:
            found[one.file] = (Reason.REPEATED,)
    return found


class Judge:
    """Judges pictures of the turn against each other as well; `refit studio check` does the same.

    What was measured of a file is kept while it is asked for: a turn is judged more than once.
    """

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], Measured | None] = {}

    def __call__(self, frames: Path, placed: Sequence[Placed]) -> Verdicts:
        found = judge_files(frames, placed)
        turns: dict[str, list[Placed]] = defaultdict(list)
        for one in placed:
            if one.set in TURNING_SETS and one.angle_deg is not None and one.file not in found:
                turns[one.camera].append(one)
        turning = [frames / one.file for turn in turns.values() for one in turn]
        measured = self._measured(turning)
        for turn in turns.values():
            found |= _judged(sorted(turn, key=lambda one: one.angle_deg or 0.0), measured)
        return found

    def _measured(self, paths: Sequence[Path]) -> dict[str, Measured | None]:
        keys = {path: (path.name, path.stat().st_mtime_ns) for path in paths}
        unknown = [path for path, key in keys.items() if key not in self._known]
        with ThreadPoolExecutor(os.cpu_count() or 1) as threads:
            fresh = dict(zip(unknown, threads.map(measured_of, unknown), strict=True))
        self._known = {
            key: fresh[path] if path in fresh else self._known[key] for path, key in keys.items()
        }
        return {path.name: self._known[key] for path, key in keys.items()}


def _judged(turn: Sequence[Placed], measured: dict[str, Measured | None]) -> Verdicts:
    """The pictures of one camera's turn, in the order of their angles."""
    found: Verdicts = {}
    known: list[tuple[Placed, Measured]] = []
    for one in turn:
        quality = measured[one.file]
        if quality is None:
            found[one.file] = (Reason.CORRUPT,)
        else:
            known.append((one, quality))
    places = [Place(one.set, one.angle_deg) for one, _ in known]
    judged = judge_set([quality for _, quality in known], places)
    for (one, _), verdict in zip(known, judged.pictures, strict=True):
        if verdict.reasons:
            found[one.file] = verdict.reasons
    return found


def measured_of(path: Path) -> Measured | None:
    """What a picture shows; None when it cannot be opened."""
    try:
        return measure(grey_of(read(path), WIDTH))
    except PictureUnreadable:
        return None
