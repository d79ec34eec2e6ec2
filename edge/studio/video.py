"""The film of the turn: the vehicle turns as fast at every angle, however its pictures lie.

Each picture is shown from its own angle to that of the next. Needs the extra `studio`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import structlog
from PIL import Image

if TYPE_CHECKING:
    from av.container import OutputContainer
    from av.video.stream import VideoStream

TURN_S = 9.0
WIDTH_MAX = 1280
PICTURES_MIN = 8
TICKS_S = 1000  # WebM counts milliseconds
RATE = 25
OPTIONS = {"deadline": "realtime", "cpu-used": "6", "crf": "31", "row-mt": "1"}  # VP9

log = structlog.get_logger()


def is_possible() -> bool:
    """Whether the extra is installed."""
    return find_spec("av") is not None


def film(pictures: Iterable[tuple[float, Path]], target: Path) -> bool:
    """Make the film of pictures and their angles; False when there can be none.

    OSError when the disk refuses. It holds one picture in memory at a time.
    """
    import av

    turn = sorted(pictures)
    if len(turn) < PICTURES_MIN:
        return False
    try:
        # Nobody may learn from the file which programs have made it, or when.
        with av.open(str(target), "w", format="webm", options={"fflags": "+bitexact"}) as made:
            _write(made, turn)
    except (av.FFmpegError, ValueError, SyntaxError) as error:
        target.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.errno:
            raise
        log.error("no film can be made of a turn", pictures=len(turn), why=str(error))
        return False
    return True


def _write(made: OutputContainer, turn: Sequence[tuple[float, Path]]) -> None:
    import av

    base = Fraction(1, TICKS_S)
    size: tuple[int, int] | None = None
    stream: VideoStream | None = None
    shown = -1
    # The last picture once more: a film ends when its last frame begins to be shown.
    ends = (turn[0][0] + 360 - 360 / (TURN_S * RATE), turn[-1][1])
    for angle, path in (*turn, ends):
        at = round((angle - turn[0][0]) / 360 * TURN_S * TICKS_S)
        if at <= shown:
            continue
        picture, shown = _picture(path, size), at
        if stream is None:
            size = picture.size
            stream = made.add_stream("libvpx-vp9", rate=RATE, options=dict(OPTIONS))
            stream.width, stream.height = size
            stream.pix_fmt = "yuv420p"
            stream.codec_context.time_base = base
        frame = av.VideoFrame.from_image(picture)
        frame.pts = at
        frame.time_base = base
        made.mux(stream.encode(frame))
    assert stream is not None, "there are pictures"
    made.mux(stream.encode(None))


def _picture(path: Path, size: tuple[int, int] | None) -> Image.Image:
    """A picture of the film's size, which is that of the first one, smaller and even."""
    with Image.open(path, formats=("JPEG",)) as picture:
        if size is None:
            wide = min(picture.width, WIDTH_MAX)
            high = round(picture.height * wide / picture.width)
            size = max(wide // 2 * 2, 2), max(high // 2 * 2, 2)
        picture.draft("RGB", size)
        small = picture.convert("RGB")
    return small if small.size == size else small.resize(size, Image.Resampling.LANCZOS)
