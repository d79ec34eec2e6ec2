"""Where the studio's cameras stand: on the ring, inside, below, at a wheel, at a detail."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from simulators.studio.body import breadth, top_of
from simulators.studio.damage import Injury
from simulators.studio.fittings import vin_corners
from simulators.studio.picture import View
from simulators.studio.raster import Lens
from simulators.studio.style import Look

DISTANCE, EYE = 9.5, 1.55
UNDERBODY_M = 2.1
"""Width that the line camera in the floor sees."""
Spot = tuple[str, Sequence[float], Sequence[float], float]
"""Title, where the camera stands, what it looks at, the width that it sees there (m)."""


def looking(
    place: Sequence[float], target: Sequence[float], scale: float, width: int, height: int
) -> Lens:
    """A lens at a place that looks at a target."""
    ahead = np.asarray(target, np.float64) - np.asarray(place, np.float64)
    ahead /= np.linalg.norm(ahead)
    right = np.cross(ahead, [0, 1, 0] if abs(ahead[1]) < 0.99 else [1, 0, 0])
    right /= np.linalg.norm(right)
    up = np.cross(right, ahead)
    return Lens(
        np.float32(place),
        np.float32(right),
        np.float32(up),
        np.float32(ahead),
        scale,
        (width / 2, height / 2),
    )


def ring(look: Look, angle_deg: float, width: int, height: int, off_m: float = 0.0) -> View:
    """The camera of the spin: it stands still, the table turns clockwise seen from above.

    `off_m`: it looks that far beside the vehicle.
    """
    a = np.radians(angle_deg)
    side = off_m * np.array([-np.sin(a), 0, -np.cos(a)])
    place = np.array([DISTANCE * np.cos(a), EYE, -DISTANCE * np.sin(a)]) + side
    measures = look.measures
    reach = max(measures.length * 1.22, measures.height * 3.0)
    scale = min(width, height * 16 / 9) * DISTANCE / reach
    target = np.array([0, measures.height * 0.40, 0]) + side
    return View(
        looking(place.tolist(), target.tolist(), scale, width, height), width, height, angle_deg
    )


def near(spot: Spot, width: int, height: int) -> View:
    """A camera close to something; the table stands at 0."""
    _, place, target, reach = spot
    distance = float(np.linalg.norm(np.subtract(target, place)))
    return View(looking(place, target, width * distance / reach, width, height), width, height, 0.0)


def wheels(look: Look) -> list[Spot]:
    """Four wheels from their sides: front left, front right, rear left, rear right."""
    measures = look.measures
    return [
        (title, (axle + 0.25, 0.62, side * 3.2), (axle, measures.wheel * 1.1, side * 0.8), 1.5)
        for title, axle, side in _corners(look)
    ]


def treads(look: Look) -> list[Spot]:
    """Four treads, seen from low down in front of the tyre or behind it."""
    measures = look.measures
    spots = []
    for title, axle, side in _corners(look):
        out = side * (breadth(measures, axle) - 0.11)
        way = 1 if axle < 0 else -1
        spots.append(
            (
                title,
                (axle + way * 0.75, 0.10, out + side * 0.10),
                (axle, measures.wheel * 0.62, out),
                0.48,
            )
        )
    return spots


def _corners(look: Look) -> list[tuple[str, float, float]]:
    rear, front = look.measures.axles
    return [
        ("front left", front, -1.0),
        ("front right", front, 1.0),
        ("rear left", rear, -1.0),
        ("rear right", rear, 1.0),
    ]


def details(look: Look) -> list[Spot]:
    """Twelve details of the outside."""
    measures = look.measures
    half, wide, level = measures.half, measures.width / 2, measures.nose
    belt = float(top_of(measures, np.array(0.0)))
    tail = measures.tail + 0.13
    mirror_x = measures.windows[0][1] - 0.1
    return [
        (
            "left headlamp",
            (half + 1.5, 1.1, -wide - 0.9),
            (half - 0.15, level + 0.1, -wide * 0.78),
            1.0,
        ),
        (
            "right headlamp",
            (half + 1.5, 1.1, wide + 0.9),
            (half - 0.15, level + 0.1, wide * 0.78),
            1.0,
        ),
        (
            "left tail lamp",
            (-half - 1.5, 1.2, -wide - 0.9),
            (-half + 0.15, tail, -wide * 0.78),
            1.0,
        ),
        ("right tail lamp", (-half - 1.5, 1.2, wide + 0.9), (-half + 0.15, tail, wide * 0.78), 1.0),
        ("left mirror", (mirror_x + 1.3, 1.35, -wide - 1.3), (mirror_x, belt + 0.05, -wide), 1.0),
        ("right mirror", (mirror_x + 1.3, 1.35, wide + 1.3), (mirror_x, belt + 0.05, wide), 1.0),
        ("grille", (half + 2.0, 1.0, 0.5), (half, level, 0.0), 1.6),
        ("tailgate", (-half - 2.2, 1.3, -0.6), (-half, tail, 0.0), 1.7),
        ("left door handle", (0.3, 1.2, -wide - 1.3), (-0.2, belt - 0.1, -wide), 0.9),
        ("right door handle", (0.3, 1.2, wide + 1.3), (-0.2, belt - 0.1, wide), 0.9),
        ("bonnet", (half + 1.2, 2.0, -1.4), (half - 0.7, belt, 0.0), 2.0),
        ("roof", (2.4, 2.9, -2.2), (-0.3, measures.height, 0.0), 2.6),
    ]


def engine(look: Look) -> Spot:
    """Into the open bonnet."""
    measures = look.measures
    return (
        "engine",
        (measures.half + 0.9, 1.95, -0.2),
        (measures.half - 0.62, measures.nose, 0.0),
        1.9,
    )


def boot(look: Look) -> Spot:
    """Into the open boot."""
    measures = look.measures
    return ("boot", (-measures.half - 1.9, 1.55, -0.35), (-measures.half + 0.5, 0.80, 0.0), 2.1)


def vin(look: Look) -> Spot:
    """The plate with the vehicle's number, at the foot of the windscreen."""
    foot = np.mean(vin_corners(look.measures), 0).tolist()
    return ("VIN plate", (foot[0] + 0.34, foot[1] + 0.36, foot[2] - 0.12), foot, 0.24)


def close_up(one: Injury) -> Spot:
    """A damage from 1.4 m."""
    place = [a + 1.4 * n + d for a, n, d in zip(one.at, one.normal, (0.25, 0.25, 0.0), strict=True)]
    return (one.kind, place, one.at, 0.9)


def seat(look: Look) -> tuple[float, float, float]:
    """Where the camera of the panorama hangs: between the front seats, as high as the eyes."""
    measures = look.measures
    return (
        measures.windows[0][0] + 0.45,
        measures.clearance + 0.10 + 0.60 * (measures.height - measures.clearance),
        0.0,
    )


def face(look: Look, ahead: Sequence[float], up: Sequence[float], size: int) -> View:
    """One face of the cube around the panorama's camera."""
    right = np.cross(ahead, up)
    lens = Lens(
        np.float32(seat(look)),
        np.float32(right),
        np.float32(up),
        np.float32(ahead),
        size / 2,
        (size / 2, size / 2),
    )
    return View(lens, size, size, 0.0, indoors=True)


def underbody(width: int, height: int) -> View:
    """The line camera in the floor: the front of the vehicle is at the top."""
    lens = Lens(
        np.float32([0, -1, 0]),
        np.float32([0, 0, -1]),
        np.float32([1, 0, 0]),
        np.float32([0, 1, 0]),
        width / UNDERBODY_M,
        (width / 2, height / 2),
        True,
    )
    return View(lens, width, height, 0.0, lamp=True)
