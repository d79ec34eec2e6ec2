"""Six square faces of an equirectangular panorama, as CSS shows them without WebGL.

Each pixel of a face is a direction; where the panorama has it is computed and the four pixels
around are mixed. It is done in bands of rows, so that memory stays small at any size.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
Angles = npt.NDArray[np.float32]

ROWS = 128
# right, up, forward of each face, as seen from the middle: x right, y up, z forward.
FACES: dict[str, tuple[tuple[int, int, int], tuple[int, int, int], tuple[int, int, int]]] = {
    "front": ((1, 0, 0), (0, 1, 0), (0, 0, 1)),
    "right": ((0, 0, -1), (0, 1, 0), (1, 0, 0)),
    "back": ((-1, 0, 0), (0, 1, 0), (0, 0, -1)),
    "left": ((0, 0, 1), (0, 1, 0), (-1, 0, 0)),
    "up": ((1, 0, 0), (0, 0, -1), (0, 1, 0)),
    "down": ((1, 0, 0), (0, 0, 1), (0, -1, 0)),
}


def faces(panorama: Pixels, size: int) -> Iterator[tuple[str, Pixels]]:
    """Name and pixels of each face. The middle of the panorama is the middle of "front"."""
    for name in FACES:
        face = np.empty((size, size, 3), np.uint8)
        for start in range(0, size, ROWS):
            rows = slice(start, min(start + ROWS, size))
            face[rows] = _sampled(panorama, *_directions(name, size, rows))
        yield name, face


def _directions(name: str, size: int, rows: slice) -> tuple[Angles, Angles]:
    """Longitude (-pi to pi, 0 in the middle) and latitude (pi/2 up) of the pixels of some rows."""
    across = (np.arange(size, dtype=np.float32) + 0.5) * (2 / size) - 1
    down = (np.arange(rows.start, rows.stop, dtype=np.float32)[:, None] + 0.5) * (2 / size) - 1
    right, up, forward = (np.array(one, np.float32) for one in FACES[name])
    x, y, z = (across * right[one] - down * up[one] + forward[one] for one in range(3))
    return np.arctan2(x, z), np.arctan2(y, np.hypot(x, z))


def _sampled(panorama: Pixels, longitude: Angles, latitude: Angles) -> Pixels:
    height, width = panorama.shape[:2]
    x = (longitude / (2 * np.pi) + 0.5) * width - 0.5
    y = np.clip((0.5 - latitude / np.pi) * height - 0.5, 0, height - 1)
    left, top = np.floor(x), np.floor(y)
    right_share, low_share = (x - left)[..., None], (y - top)[..., None]
    x0 = left.astype(np.int32) % width
    y0 = top.astype(np.int32)
    x1, y1 = (x0 + 1) % width, np.minimum(y0 + 1, height - 1)
    high = panorama[y0, x0] * (1 - right_share) + panorama[y0, x1] * right_share
    low = panorama[y1, x0] * (1 - right_share) + panorama[y1, x1] * right_share
    mixed = high * (1 - low_share) + low * low_share
    return np.rint(mixed).astype(np.uint8)
