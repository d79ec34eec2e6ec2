"""A z-buffer in numpy: triangles become rows, rows become fragments, the nearest fragment stays.

Nothing loops over triangles or pixels: fragments of many triangles are made at once, in portions
of a bounded number, so that memory does not grow with the picture.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulators.studio.mesh import Floats

FRAGMENTS_MAX = 1_500_000
NEAR = 0.05
Keep = Callable[[NDArray[np.int64], Floats, Floats], NDArray[np.bool_]]
"""Of fragments (triangle numbers, weights of the second and third corner): which stay."""


@dataclass(frozen=True)
class Lens:
    """Where a camera stands and how it sees. `scale` is pixels per unit of x/z (perspective), or
    pixels per metre (`flat`); `shift` is the pixel of the optical axis."""

    place: Floats
    right: Floats
    up: Floats
    ahead: Floats
    scale: float
    shift: tuple[float, float]
    flat: bool = False

    def project(self, points: Floats) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Pixels (N, 2) and the nearness (N,), which is linear over a triangle on the screen."""
        axes = np.stack([self.right, -self.up, self.ahead], 1)
        seen = (points.astype(np.float64) - self.place) @ axes
        if self.flat:
            return seen[:, :2] * self.scale + self.shift, 1000.0 - seen[:, 2]
        with np.errstate(divide="ignore", invalid="ignore"):
            near = np.where(seen[:, 2] > NEAR, 1.0 / seen[:, 2], np.nan)
            return seen[:, :2] * (near * self.scale)[:, None] + self.shift, near

    def part(self, left: int, top: int, factor: int = 1) -> Lens:
        """The lens of a tile that begins there, at `factor` samples a pixel."""
        x, y = self.shift
        return Lens(
            self.place, self.right, self.up, self.ahead, self.scale * factor,
            ((x - left) * factor, (y - top) * factor), self.flat,
        )  # fmt: skip

    def rays(self, x: Floats, y: Floats) -> Floats:
        """Unit directions of the view through pixels (perspective)."""
        across = ((x - self.shift[0]) / self.scale).astype(np.float32)
        down = ((y - self.shift[1]) / self.scale).astype(np.float32)
        if self.flat:
            return np.broadcast_to(self.ahead, (len(across), 3)).astype(np.float32)
        rays = self.ahead + across[:, None] * self.right - down[:, None] * self.up
        return rays / np.sqrt((rays * rays).sum(1, keepdims=True))


class Buffer:
    """Which triangle is nearest at every pixel."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.keys = np.zeros(width * height, np.uint64)

    @property
    def triangle(self) -> NDArray[np.int64]:
        """The triangle at each pixel (height * width,), -1 where there is none."""
        return (self.keys & np.uint64(0xFFFFFFFF)).astype(np.int64) - 1

    @property
    def nearness(self) -> Floats:
        """How near it is (0: nothing there)."""
        return (self.keys >> np.uint64(32)).astype(np.uint32).view(np.float32)


class Screen:
    """The triangles of a mesh as one lens sees them."""

    def __init__(
        self, pixels: NDArray[np.float64], near: NDArray[np.float64], triangles: NDArray[np.int32]
    ) -> None:
        self.corner = pixels[triangles]
        self.near = near[triangles]
        one, two = self.corner[:, 1] - self.corner[:, 0], self.corner[:, 2] - self.corner[:, 0]
        self.area = one[:, 0] * two[:, 1] - one[:, 1] * two[:, 0]
        self.seen = (
            np.isfinite(self.area) & (np.abs(self.area) > 1e-9) & np.isfinite(self.near).all(1)
        )

    @property
    def facing(self) -> NDArray[np.bool_]:
        """Triangles whose outer side is seen."""
        return self.area < 0

    def draw(self, buffer: Buffer, chosen: NDArray[np.int64], keep: Keep | None = None) -> None:
        """Put some triangles into a buffer; `keep` may throw away fragments."""
        for which, row, left, count in _rows(self, chosen, buffer):
            number = np.repeat(which, count)
            ends = np.cumsum(count)
            along = np.arange(ends[-1]) - np.repeat(ends - count, count)
            x = np.repeat(left, count) + along
            y = np.repeat(row, count)
            two, three = self.weights(number, x + 0.5, y + 0.5)
            near = self.near[number]
            depth = near[:, 0] + two * (near[:, 1] - near[:, 0]) + three * (near[:, 2] - near[:, 0])
            key = depth.astype(np.float32).view(np.uint32).astype(np.uint64) << np.uint64(32)
            key |= (number + 1).astype(np.uint64)
            place = y * buffer.width + x
            if keep is not None:
                stays = keep(number, two, three)
                key, place = key[stays], place[stays]
            np.maximum.at(buffer.keys, place, key)

    def weights(
        self, number: NDArray[np.int64], x: NDArray[np.float64], y: NDArray[np.float64]
    ) -> tuple[Floats, Floats]:
        """Screen weights of the second and third corner of triangles at pixels."""
        corner, area = self.corner[number], self.area[number]
        dx, dy = x - corner[:, 0, 0], y - corner[:, 0, 1]
        two = (
            dx * (corner[:, 2, 1] - corner[:, 0, 1]) - dy * (corner[:, 2, 0] - corner[:, 0, 0])
        ) / area
        three = (
            dy * (corner[:, 1, 0] - corner[:, 0, 0]) - dx * (corner[:, 1, 1] - corner[:, 0, 1])
        ) / area
        return two.astype(np.float32), three.astype(np.float32)

    def true_weights(self, number: NDArray[np.int64], two: Floats, three: Floats) -> Floats:
        """Weights (N, 3) on the triangle itself, which perspective bends on the screen."""
        near = self.near[number]
        raw = np.stack([(1 - two - three) * near[:, 0], two * near[:, 1], three * near[:, 2]], 1)
        return (raw / raw.sum(1, keepdims=True)).astype(np.float32)


def _rows(
    screen: Screen, chosen: NDArray[np.int64], buffer: Buffer
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]]:
    """Portions of (triangle, row, first column, columns)."""
    chosen = chosen[screen.seen[chosen]]
    y = screen.corner[chosen, :, 1]
    first = np.clip(np.ceil(y.min(1) - 0.5), 0, buffer.height).astype(np.int64)
    last = np.clip(np.floor(y.max(1) - 0.5), -1, buffer.height - 1).astype(np.int64)
    x = screen.corner[chosen, :, 0]
    inside = (x.max(1) > 0) & (x.min(1) < buffer.width) & (last >= first)
    chosen, first, high = chosen[inside], first[inside], (last - first + 1)[inside]
    which = np.repeat(chosen, high)
    ends = np.cumsum(high)
    row = np.arange(len(which)) - np.repeat(ends - high, high) + np.repeat(first, high)
    left, right = _span(screen, which, row + 0.5, buffer.width)
    count = right - left + 1
    some = count > 0
    which, row, left, count = which[some], row[some], left[some], count[some]
    at, total = 0, np.cumsum(count)
    while at < len(which):
        done = total[at - 1] if at else 0
        end = max(at + 1, int(np.searchsorted(total, done + FRAGMENTS_MAX)))
        yield which[at:end], row[at:end], left[at:end], count[at:end]
        at = end


def _span(
    screen: Screen, which: NDArray[np.int64], y: NDArray[np.float64], width: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First and last column of triangles in rows: what is inside of all three edges."""
    corner = screen.corner[which]
    low = np.full(len(which), 0.5)
    high = np.full(len(which), width - 0.5)
    sign = np.sign(screen.area[which])
    for one, two in ((0, 1), (1, 2), (2, 0)):
        ax, ay = corner[:, one, 0], corner[:, one, 1]
        dx, dy = corner[:, two, 0] - ax, corner[:, two, 1] - ay
        rises = dy * sign
        with np.errstate(divide="ignore", invalid="ignore"):
            cross = ax + (y - ay) * dx / dy
        flat_out = (rises == 0) & ((dx * (y - ay)) * sign < 0)
        low = np.where(rises < 0, np.maximum(low, cross), low)
        high = np.where(rises > 0, np.minimum(high, cross), high)
        high = np.where(flat_out, -1.0, high)
    return np.ceil(low - 0.5).astype(np.int64), np.floor(high - 0.5).astype(np.int64)
