"""What has to be hidden is destroyed: nothing of it is left in the pixels that are delivered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from PIL import Image, ImageDraw

from stations.studio.jobs import Polygon
from stations.studio.masks import within

MARGIN = 1.25
"""How much larger than what was said the hidden part is, about its middle."""
PIXELS_MORE = 3
"""A plate that is seen from the side is so narrow that a share of it is no margin."""
GREY = (128, 128, 128)
FAR = 10.0
"""Corners may lie outside of the picture; so far out nothing that was measured does."""


class PlateFinder(Protocol):
    """Finds number plates in pictures of which neither camera nor plan says where they are."""

    def plates(self, picture: Image.Image) -> Sequence[Polygon] | None:
        """All that has to be hidden, in shares of the picture; none of it: nothing is to be seen.

        None: it cannot say, so the picture is not published.
        """


def said_by_camera(said: Mapping[str, Any]) -> tuple[Polygon, ...] | None:
    """The polygons that a camera tells of; None when they are none."""
    plates = said["plates"] if "plates" in said else [said["plate"]]
    plates = [] if plates is None else plates
    try:
        polygons = [
            tuple((float(x), float(y)) for x, y in one) for one in plates if one is not None
        ]
    except (TypeError, ValueError):
        return None
    for one in polygons:
        if len(one) < 3 or not all(-FAR <= share <= FAR for point in one for share in point):
            return None
    return tuple(polygons)


def hide(picture: Image.Image, hidden: Sequence[Polygon]) -> tuple[Polygon, ...]:
    """Fill the polygons, and a margin about them; what was filled, as far as it is in sight."""
    size = np.array(picture.size, np.float64)
    draw = ImageDraw.Draw(picture)
    filled = []
    for points in hidden:
        corners = np.asarray(points, np.float64)
        middle = corners.mean(axis=0)
        wide = ((corners - middle) * MARGIN + middle) * size
        pixels = [(float(x), float(y)) for x, y in wide]
        draw.polygon(pixels, fill=GREY)
        draw.line([*pixels, *pixels[:2]], fill=GREY, width=2 * PIXELS_MORE, joint="curve")
        if seen := within([(x, y) for x, y in (wide / size).tolist()]):
            filled.append(seen)
    return tuple(filled)
