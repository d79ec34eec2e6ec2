"""The panorama of the interior: six faces of a cube, and from them an equirectangular picture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simulators.studio import views
from simulators.studio.picture import photograph
from simulators.studio.vehicle import Vehicle

# Names as viewers use them; what each face looks at and what is up there.
FACES = {
    "front": ((1, 0, 0), (0, 1, 0)),
    "right": ((0, 0, 1), (0, 1, 0)),
    "back": ((-1, 0, 0), (0, 1, 0)),
    "left": ((0, 0, -1), (0, 1, 0)),
    "up": ((0, 1, 0), (-1, 0, 0)),
    "down": ((0, -1, 0), (1, 0, 0)),
}
STRIP = 64
"""Rows of the equirectangular picture that are made at once."""


def cube(car: Vehicle, size: int, told: Callable[[], None] = lambda: None) -> dict[str, np.ndarray]:
    """Six faces (size, size, 3)."""
    faces = {}
    for name, (ahead, up) in FACES.items():
        faces[name] = photograph(car, views.face(car.look, ahead, up, size))
        told()
    return faces


def equirectangular(faces: dict[str, np.ndarray], width: int) -> np.ndarray:
    """The picture (width / 2, width, 3): its middle looks ahead, its top up."""
    height = width // 2
    out = np.empty((height, width, 3), np.uint8)
    east = ((np.arange(width) + 0.5) / width - 0.5) * 2 * np.pi
    for top in range(0, height, STRIP):
        rise = (0.5 - (np.arange(top, min(top + STRIP, height)) + 0.5) / height) * np.pi
        flat = np.cos(rise)[:, None]
        ray = np.stack(
            [
                flat * np.cos(east),
                np.broadcast_to(np.sin(rise)[:, None], (len(rise), width)),
                flat * np.sin(east),
            ],
            -1,
        ).reshape(-1, 3)
        out[top : top + STRIP] = _looked_up(faces, ray).reshape(-1, width, 3)
    return out


def _looked_up(faces: dict[str, np.ndarray], ray: np.ndarray) -> np.ndarray:
    out = np.zeros((len(ray), 3), np.uint8)
    axes = np.array([ahead for ahead, _ in FACES.values()], float)
    nearest = (ray @ axes.T).argmax(1)
    for number, (name, (ahead, up)) in enumerate(FACES.items()):
        chosen = np.flatnonzero(nearest == number)
        if not len(chosen):
            continue
        some, size = ray[chosen], len(faces[name])
        depth = some @ np.array(ahead, float)
        x = (some @ np.cross(ahead, up) / depth + 1) * size / 2 - 0.5
        y = (1 - some @ np.array(up, float) / depth) * size / 2 - 0.5
        out[chosen] = _between(
            faces[name], np.clip(x, 0, size - 1.001), np.clip(y, 0, size - 1.001)
        )
    return out


def _between(picture: np.ndarray, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    i, j = y.astype(np.int64), x.astype(np.int64)
    a, b = (y - i)[:, None].astype(np.float32), (x - j)[:, None].astype(np.float32)
    top = picture[i, j] * (1 - b) + picture[i, j + 1] * b
    low = picture[i + 1, j] * (1 - b) + picture[i + 1, j + 1] * b
    return (top * (1 - a) + low * a + 0.5).astype(np.uint8)
