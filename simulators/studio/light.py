"""The light of the studio: a soft box above, two beside, a grey room; and what stands in its way.

All of it is arithmetic on directions, so that a reflection costs a few operations a pixel. How much
of the sky a vertex sees is found once a vehicle, by depth pictures from many directions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulators.studio.body import smooth_step
from simulators.studio.mesh import Floats, Mesh
from simulators.studio.raster import Buffer, Lens, Screen

FLOOR = 0.60
DIRECTIONS = 28
DEPTH_PIXELS = 180
GROUND = 4.2
GROUND_CELLS = 128


def turned(points: Floats, angle_deg: float) -> Floats:
    """From the vehicle's axes to the studio's, where the camera stands at +x."""
    c, s = np.cos(np.radians(angle_deg)), np.sin(np.radians(angle_deg))
    out = points.copy()
    out[:, 0] = points[:, 0] * c - points[:, 2] * s
    out[:, 2] = points[:, 0] * s + points[:, 2] * c
    return out.astype(np.float32)


def _band(value: Floats, low: float, high: float, soft: Floats | float) -> Floats:
    rise = np.clip((value - low) / soft + 0.5, 0, 1)
    fall = np.clip((high - value) / soft + 0.5, 0, 1)
    return rise * rise * (3 - 2 * rise) * fall * fall * (3 - 2 * fall)


def reflected(at: Floats, ray: Floats, soft: float) -> Floats:
    """Brightness (N,) of the room from a point along a ray, in the studio's axes.

    `soft` widens the edges of the soft boxes, as a rough surface does.
    """
    up = ray[:, 1]
    rise = np.maximum(up, 0.02)
    reach = (4.6 - at[:, 1]) / rise
    x, z = at[:, 0] + ray[:, 0] * reach, at[:, 2] + ray[:, 2] * reach
    edge = 0.35 + 6 * soft
    above = _band(x, -2.6, 2.6, edge) * _band(z, -3.6, 3.6, edge) * (up > 0.02)
    gap = 1 - 0.75 * _band(x, -0.16, 0.16, 0.12 + 2 * soft)
    flat = np.sqrt(np.maximum(1 - up * up, 1e-4))
    slope = up / flat
    # Side walls: light grey, with one long strip light on each side of the camera.
    wall = 0.20 + 0.30 * smooth_step(0.0, 0.9, slope)
    round_ = np.arctan2(ray[:, 2], ray[:, 0])
    strip = _band(slope, 0.16, 0.62, 0.10 + soft) * (
        _band(round_, 0.55, 1.75, 0.25 + soft)
        + 0.8 * _band(round_, -1.75, -0.55, 0.25 + soft)
        + 0.55 * _band(np.abs(round_), 2.3, 4.0, 0.4 + soft)
    )
    sky = wall + 1.35 * strip + 2.3 * above * gap
    down = np.maximum(-up, 0.02)
    far = np.clip(at[:, 1] / down, 0, 12)
    fx, fz = at[:, 0] + ray[:, 0] * far, at[:, 2] + ray[:, 2] * far
    floor = 0.40 * np.exp(-(fx * fx + fz * fz) / 60.0) + 0.10
    horizon = smooth_step(-0.05 - soft, 0.03 + soft, up)
    return (floor * (1 - horizon) + sky * horizon).astype(np.float32)


def falling(normal: Floats) -> Floats:
    """Light (N,) that falls on a surface with this normal in the open studio."""
    up = normal[:, 1]
    key = np.clip(normal @ np.float32([0.45, 0.80, -0.40]), 0, None)
    side = np.clip(normal @ np.float32([0.60, 0.35, 0.72]), 0, None)
    return (0.30 + 0.42 * (0.5 + 0.5 * up) + 0.55 * key + 0.20 * side).astype(np.float32)


@dataclass(frozen=True)
class Shade:
    """How much of the sky is seen: by every vertex, and by the floor (cells over the ground)."""

    vertices: Floats
    ground: Floats

    def on_ground(self, x: Floats, z: Floats) -> Floats:
        """Share of the light on the floor at points of the vehicle's axes."""
        scale = (GROUND_CELLS - 1) / (2 * GROUND)
        u = np.clip((x + GROUND) * scale, 0, GROUND_CELLS - 1.001)
        v = np.clip((z + GROUND) * scale, 0, GROUND_CELLS - 1.001)
        i, j = u.astype(np.int64), v.astype(np.int64)
        a, b = u - i, v - j
        g = self.ground
        low = g[i, j] * (1 - b) + g[i, j + 1] * b
        high = g[i + 1, j] * (1 - b) + g[i + 1, j + 1] * b
        return (low * (1 - a) + high * a).astype(np.float32)


def shade(mesh: Mesh, solid: np.ndarray) -> Shade:
    """See from many directions of the sky which vertices and which floor are in the dark."""
    cells = np.linspace(-GROUND, GROUND, GROUND_CELLS, dtype=np.float32)
    gx, gz = np.meshgrid(cells, cells, indexing="ij")
    ground = np.stack([gx.ravel(), np.full(gx.size, 0.004, np.float32), gz.ravel()], 1)
    points = np.concatenate([mesh.positions + mesh.normals * 0.012, ground])
    normals = np.concatenate([mesh.normals, np.broadcast_to(np.float32([0, 1, 0]), ground.shape)])
    seen, whole = np.zeros(len(points)), np.full(len(points), 1e-6)
    chosen = np.flatnonzero(solid)
    for number in range(DIRECTIONS):
        up = 0.10 + 0.88 * (number + 0.5) / DIRECTIONS
        around = number * 2.399963
        flat = np.sqrt(1 - up * up)
        toward = np.float32([flat * np.cos(around), up, flat * np.sin(around)])
        weight = np.clip(normals @ toward, 0, None) * (0.35 + 0.65 * up)
        open_ = _open(mesh, points, toward, chosen)
        seen += weight * open_
        whole += weight
    share = np.where(whole > 0.4, seen / whole, 1.0).astype(np.float32)
    # What looks down sees the floor, and the floor under a vehicle is dark.
    down = np.clip(-normals[:, 1], 0, 1)
    low = np.clip(points[:, 1] / 0.9, 0, 1)
    share *= (1 - down * (0.88 - 0.45 * low)).astype(np.float32)
    count = len(mesh.positions)
    cells_ = share[count:].reshape(GROUND_CELLS, GROUND_CELLS)
    for _ in range(2):
        cells_ = (
            cells_
            + np.roll(cells_, 1, 0)
            + np.roll(cells_, -1, 0)
            + np.roll(cells_, 1, 1)
            + np.roll(cells_, -1, 1)
        ) / 5
    return Shade(share[:count], cells_.astype(np.float32))


def _open(mesh: Mesh, points: Floats, toward: Floats, chosen: np.ndarray) -> np.ndarray:
    """1 where nothing stands between a point and that direction."""
    helper = np.float32([0, 1, 0]) if abs(toward[1]) < 0.95 else np.float32([1, 0, 0])
    right = np.cross(helper, toward)
    right = (right / np.linalg.norm(right)).astype(np.float32)
    up = np.cross(toward, right).astype(np.float32)
    lens = Lens(
        np.float32([0, 0.8, 0]),
        right,
        up,
        -toward,
        DEPTH_PIXELS / 6.4,
        (DEPTH_PIXELS / 2, DEPTH_PIXELS / 2),
        True,
    )
    buffer = Buffer(DEPTH_PIXELS, DEPTH_PIXELS)
    pixels, near = lens.project(mesh.positions)
    screen = Screen(pixels, near, mesh.triangles)
    screen.draw(buffer, chosen[(screen.facing | ~mesh.closed)[chosen]])
    depth = buffer.nearness.reshape(DEPTH_PIXELS, DEPTH_PIXELS)
    where, own = lens.project(points)
    x = np.clip(where[:, 0].astype(np.int64), 0, DEPTH_PIXELS - 1)
    y = np.clip(where[:, 1].astype(np.int64), 0, DEPTH_PIXELS - 1)
    return np.clip(1 - (depth[y, x] - own - 0.02) / 0.03, 0, 1)
