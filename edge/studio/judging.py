"""Pictures judged while the vehicle stands: what can be taken again is told in time.

A judge is a function that is handed in; this one finds what needs no opening of pictures.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from edge.studio.camera import is_whole
from edge.studio.processing import jpeg_size
from stations.studio.jobs import Placed
from stations.studio.manifest import Reason

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
            if not is_whole(path) or not all(jpeg_size(path)):
                found[one.file] = (Reason.CORRUPT,)
                continue
            with path.open("rb") as opened:
                digest = hashlib.file_digest(opened, "sha256").hexdigest()
        except OSError:
            found[one.file] = (Reason.CORRUPT,)
            continue
        if seen.setdefault(digest, one.file) != one.file:
            found[one.file] = (Reason.REPEATED,)
    return found
