"""Triangles with smooth normals, and the shapes that a vehicle is put together from.

Metres; x forward, y up, z to the right of the vehicle; the origin is on the floor at its middle.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]


class Part(IntEnum):
    """What a triangle belongs to; decides its material."""

    BODY = 0
    CABIN = 1
    TYRE = 2
    RIM = 3
    BRAKE = 4
    LINER = 5
    TRIM = 6
    CHROME = 7
    PLATE = 8
    PAINTED = 9
    SEAT = 10
    DASH = 11
    CARPET = 12
    UNDER = 13
    METAL = 14
    MIRROR = 15
    SCREEN = 16
    RUBBER = 17
    LABEL = 18
    GLASS = 19
    HUB = 20
    VIN = 21


@dataclass(frozen=True)
class Mesh:
    """Vertices (V, 3), their normals and texture coordinates (V, 2), triangles (T, 3), parts (T,).

    `closed` (T,) marks triangles of solids, whose inner side is never seen.
    """

    positions: Floats
    normals: Floats
    uv: Floats
    triangles: Ints
    parts: NDArray[np.uint8]
    closed: NDArray[np.bool_]

    def moved(self, x: float = 0, y: float = 0, z: float = 0) -> Mesh:
        """The same shape elsewhere."""
        return replace(self, positions=self.positions + np.float32([x, y, z]))

    def turned(self, matrix: Sequence[Sequence[float]]) -> Mesh:
        """The same shape under a rotation or mirroring."""
        matrix_ = np.asarray(matrix, np.float32)
        mirrored = np.linalg.det(matrix_) < 0
        triangles = self.triangles[:, ::-1] if mirrored else self.triangles
        return replace(
            self,
            positions=self.positions @ matrix_.T,
            normals=self.normals @ matrix_.T,
            triangles=np.ascontiguousarray(triangles),
        )

    def mirrored(self) -> Mesh:
        """The same shape on the other side of the vehicle."""
        return self.turned(((1, 0, 0), (0, 1, 0), (0, 0, -1)))


def joined(meshes: Sequence[Mesh]) -> Mesh:
    """Many shapes as one."""
    starts = np.cumsum([0, *(len(mesh.positions) for mesh in meshes[:-1])])
    return Mesh(
        np.concatenate([mesh.positions for mesh in meshes]),
        np.concatenate([mesh.normals for mesh in meshes]),
        np.concatenate([mesh.uv for mesh in meshes]),
        np.concatenate(
            [mesh.triangles + np.int32(s) for mesh, s in zip(meshes, starts, strict=True)]
        ),
        np.concatenate([mesh.parts for mesh in meshes]),
        np.concatenate([mesh.closed for mesh in meshes]),
    )


def vertex_normals(positions: Floats, triangles: Ints) -> Floats:
    """Smooth normals: the mean of the faces at a vertex, weighted by their areas."""
    corner = positions[triangles]
    face = np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0])
    normals = np.zeros_like(positions)
    for place in range(3):
        for axis in range(3):
            normals[:, axis] += np.bincount(
                triangles[:, place], face[:, axis], len(positions)
            ).astype(np.float32)
    length = np.linalg.norm(normals, axis=1, keepdims=True)
    return (normals / np.maximum(length, 1e-12)).astype(np.float32)


def grid(
    points: NDArray[np.floating],
    part: Part,
    *,
    wrap: bool = False,
    closed: bool = True,
    uv: NDArray[np.floating] | None = None,
) -> Mesh:
    """A surface through points (rows, columns, 3); with `wrap` the last column joins the first."""
    rows, columns = points.shape[:2]
    index = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    if wrap:
        index = np.concatenate([index, index[:, :1]], axis=1)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, 1:], index[1:, :-1]
    triangles = np.concatenate(
        [np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)]
    )
    positions = np.ascontiguousarray(points.reshape(-1, 3), np.float32)
    corner = positions[triangles]
    area = np.linalg.norm(
        np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]), axis=1
    )
    triangles = triangles[area > 1e-10]
    if closed:
        corner = positions[triangles] - positions.mean(0)
        volume = (corner[:, 0] * np.cross(corner[:, 1], corner[:, 2])).sum()
        triangles = triangles if volume > 0 else np.ascontiguousarray(triangles[:, ::-1])
    normals = vertex_normals(positions, triangles)
    coordinates = np.zeros((len(positions), 2)) if uv is None else uv.reshape(-1, 2)
    count = len(triangles)
    return Mesh(
        positions,
        normals,
        coordinates.astype(np.float32),
        triangles,
        np.full(count, part, np.uint8),
        np.full(count, closed),
    )


def box(size: Sequence[float], part: Part, rounding: float = 0.25, steps: int = 6) -> Mesh:
    """A block around the origin with rounded edges: `rounding` 0 is sharp, 1 an ellipsoid."""
    exponent = max(rounding, 0.04)
    across = np.linspace(-np.pi, np.pi, 4 * steps, endpoint=False) + np.pi / 4
    up = np.linspace(-np.pi / 2, np.pi / 2, 2 * steps + 1)
    ring, rise = np.meshgrid(across, up)
    x = _power(np.cos(rise), exponent) * _power(np.cos(ring), exponent)
    z = _power(np.cos(rise), exponent) * _power(np.sin(ring), exponent)
    y = _power(np.sin(rise), exponent)
    points = np.stack([x, y, z], -1) * np.asarray(size) / 2
    return grid(points, part, wrap=True)


def revolved(profile: Sequence[Sequence[float]], part: Part, steps: int = 48) -> Mesh:
    """A body of revolution about z: `profile` is (radius, z) from outside inward along z."""
    radius, along = np.asarray(profile, float).T
    turn = np.linspace(0, 2 * np.pi, steps, endpoint=False)
    points = np.stack(
        [
            radius[:, None] * np.cos(turn),
            radius[:, None] * np.sin(turn),
            np.broadcast_to(along[:, None], (len(radius), steps)),
        ],
        -1,
    )
    return grid(points, part, wrap=True)


def tube(path: Sequence[Sequence[float]], radius: float, part: Part, steps: int = 10) -> Mesh:
    """A round bar along a path of points."""
    line = np.asarray(path, float)
    along = np.gradient(line, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    helper = np.where(np.abs(along[:, 1:2]) > 0.9, [[1.0, 0, 0]], [[0.0, 1, 0]])
    side = np.cross(along, helper)
    side /= np.linalg.norm(side, axis=1, keepdims=True)
    up = np.cross(side, along)
    turn = np.linspace(0, 2 * np.pi, steps, endpoint=False)
    ring = np.cos(turn)[None, :, None] * side[:, None] + np.sin(turn)[None, :, None] * up[:, None]
    scale = np.full(len(line), radius)
    points = line[:, None] + ring * scale[:, None, None]
    closing = np.concatenate(
        [line[:1, None].repeat(steps, 1), points, line[-1:, None].repeat(steps, 1)]
    )
    return grid(closing[:, ::-1], part, wrap=True)


def sheet(
    corners: Sequence[Sequence[float]], part: Part, steps: int = 1, closed: bool = False
) -> Mesh:
    """A flat four-cornered sheet (upper left, upper right, lower right, lower left as seen)."""
    corner = np.asarray(corners, float)
    share = np.linspace(0, 1, steps + 1)
    down, right = np.meshgrid(share, share, indexing="ij")
    top = corner[0] + (corner[1] - corner[0]) * right[..., None]
    bottom = corner[3] + (corner[2] - corner[3]) * right[..., None]
    points = top + (bottom - top) * down[..., None]
    return grid(points[:, ::-1], part, closed=closed, uv=np.stack([right, down], -1)[:, ::-1])


def superellipse(
    exponent: float, count: int, width: float = 1.0, height: float = 1.0
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """A quarter from (1, 0) to (0, 1), with points evenly spaced for this width and height."""
    fine = np.linspace(0, np.pi / 2, 4001)
    x, y = np.cos(fine) ** (2 / exponent), np.sin(fine) ** (2 / exponent)
    x[-1] = 0.0
    steps = np.hypot(np.diff(x) * width, np.diff(y) * height)
    length = np.concatenate([[0], np.cumsum(steps)])
    at = np.interp(np.linspace(0, length[-1], count), length, fine)
    near = np.cos(at) ** (2 / exponent)
    near[-1] = 0.0
    return near, np.sin(at) ** (2 / exponent)


def _power(value: NDArray[np.float64], exponent: float) -> NDArray[np.float64]:
    return np.sign(value) * np.abs(value) ** exponent
