"""A picture made ready to be shown: upright, what has to be hidden destroyed, without metadata.

What has to be hidden is said by the camera (`plate` beside its file: a polygon, or null where none
is seen) or by the plan (`mask` of the shot). Where neither says anything the picture stays as it
is, and restricted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from edge.studio.processing import Prepared, untouched
from stations.studio.jobs import Polygon, Shot
from stations.studio.manifest import Quality, Reason

PIXELS_MAX = 80_000_000
"""A panorama has 34 million, a strip of the underbody 49."""
MARGIN = 1.25
"""How much larger than what was said the hidden part is, about its middle."""
GREY = (128, 128, 128)
QUALITY = 90


class Unreadable(ValueError):
    """A file that is no picture, is broken, or is larger than any camera's."""


def prepare(source: Path, target: Path, shot: Shot, said: Mapping[str, Any]) -> Prepared:
    """Make a delivered picture of a frame; OSError when the disk refuses."""
    hidden = polygons(shot, said)
    try:
        picture = opened(source)
    except Unreadable:
        as_it_is = untouched(source, target, shot, said)
        return Prepared(as_it_is.width, as_it_is.height, True, reasons=(Reason.CORRUPT,))
    with picture:
        quality = measured(picture)
        if hidden is None:
            untouched(source, target, shot, said)
            return Prepared(*picture.size, restricted=True, quality=quality)
        hide(picture, hidden)
        # A file of its own: neither metadata nor an embedded thumbnail comes along.
        picture.save(target, "JPEG", quality=QUALITY)
        return Prepared(*picture.size, restricted=False, quality=quality, masked=tuple(hidden))


def polygons(shot: Shot, said: Mapping[str, Any]) -> tuple[Polygon, ...] | None:
    """What has to be hidden, in shares of the picture; None where nobody knows."""
    if "plate" not in said:
        return shot.mask
    plate = said["plate"]
    if plate is None:
        return ()
    try:
        points = tuple((float(x), float(y)) for x, y in plate)
    except (TypeError, ValueError):
        return None
    inside = all(0 <= share <= 1 for point in points for share in point)
    return (points,) if len(points) >= 3 and inside else None


def opened(file: Path) -> Image.Image:
    """The picture of a file, upright, in colours. Unreadable."""
    try:
        with Image.open(file, formats=("JPEG", "PNG", "WEBP")) as picture:
            width, height = picture.size
            if width * height > PIXELS_MAX:
                raise Unreadable(f"{file.name} has {width} x {height} pixels")
            return ImageOps.exif_transpose(picture).convert("RGB")
    except FileNotFoundError:
        raise
    except (OSError, ValueError, SyntaxError, Warning, Image.DecompressionBombError) as error:
        raise Unreadable(f"{file.name} cannot be read: {error}") from error


def hide(picture: Image.Image, hidden: Sequence[Polygon]) -> None:
    """Fill the polygons, and a margin about them: nothing of what was there is left."""
    width, height = picture.size
    draw = ImageDraw.Draw(picture)
    for points in hidden:
        middle = np.mean(points, axis=0)
        wide = (np.asarray(points) - middle) * MARGIN + middle
        draw.polygon([(float(x) * width, float(y) * height) for x, y in wide], fill=GREY)


def measured(picture: Image.Image) -> Quality:
    """Mean grey value and the share of pixels that are black or white."""
    counts = np.asarray(picture.convert("L").histogram(), np.float64)
    total = counts.sum()
    mean = float((counts * np.arange(256)).sum() / total)
    clipped = float((counts[0] + counts[255]) / total)
    return Quality(sharpness=None, clipped=round(clipped, 6), mean=round(mean, 3))
