"""What is known of a picture because it was made: plates, the vehicle's box, where damages are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulators.studio.fittings import FRONT_PLATE, REAR_PLATE, plate_corners
from simulators.studio.picture import View
from simulators.studio.vehicle import Vehicle

Polygon = tuple[tuple[float, float], ...]
FACING = 0.03


@dataclass(frozen=True)
class Truth:
    """Shares of width and height from the upper left. `damages`: place and where it is seen."""

    plates: tuple[Polygon, ...]
    box: tuple[float, float, float, float]
    damages: tuple[tuple[str, float, float], ...]


def truth_of(car: Vehicle, view: View) -> Truth:
    """Of a picture of the outside."""
    plates = [_plate(car, view, end) for end in (FRONT_PLATE, REAR_PLATE)]
    pixels, _ = view.lens.project(car.mesh.positions)
    share = pixels[np.isfinite(pixels).all(1)] / (view.width, view.height)
    low, high = np.clip(share.min(0), 0, 1), np.clip(share.max(0), 0, 1)
    damages = []
    for one in car.injuries:
        at = np.float32([one.at])
        if np.dot(view.lens.place - at[0], one.normal) > 0.25:
            x, y = (view.lens.project(at)[0][0] / (view.width, view.height)).tolist()
            if 0 <= x <= 1 and 0 <= y <= 1:
                damages.append((one.place, round(x, 5), round(y, 5)))
    box = (float(low[0]), float(low[1]), float(high[0]), float(high[1]))
    return Truth(tuple(one for one in plates if one), box, tuple(damages))


def _plate(car: Vehicle, view: View, end: str) -> Polygon:
    """Where a plate is seen, with corners that may lie outside; empty when it is not seen."""
    corners = np.float32(plate_corners(car.look.measures, end))
    if end == REAR_PLATE and car.look.opened == "boot":
        return ()  # it is on the lid
    normal = np.float32([1 if end == FRONT_PLATE else -1, 0, 0])
    toward = view.lens.place - corners.mean(0)
    if toward @ normal < FACING * np.linalg.norm(toward):
        return ()
    share = view.lens.project(corners)[0] / (view.width, view.height)
    if not np.isfinite(share).all() or (share.max(0) < 0).any() or (share.min(0) > 1).any():
        return ()
    return tuple((round(float(x), 5), round(float(y), 5)) for x, y in share)
