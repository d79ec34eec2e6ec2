"""The painted shell: a body lofted along the vehicle, and a cabin of rings that shrink upward.

Windows, wheel arches and shut lines are no triangles: `cut` and `glazing` say how far a point of
the shell is from them, and the renderer asks at every fragment, so that their edges are exact.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulators.studio.mesh import Floats, Mesh, Part, grid, superellipse
from simulators.studio.style import Measures

ALONG, AROUND = 58, 24
RINGS, RING = 30, 24
SINK = 0.09


def smooth_step(low: float, high: float, value: Floats) -> Floats:
    """0 below, 1 above, smooth between."""
    share = np.clip((value - low) / (high - low), 0, 1)
    return share * share * (3 - 2 * share)


def top_of(measures: Measures, x: NDArray[np.floating]) -> NDArray[np.floating]:
    """Height of the body's shoulder and bonnet at x, smoothed."""
    at, height = np.asarray(measures.top).T
    offsets = np.linspace(-0.22, 0.22, 9)
    weights = np.exp(-((offsets / 0.12) ** 2))
    total = sum(w * np.interp(x + o, at, height) for o, w in zip(offsets, weights, strict=True))
    return total / weights.sum()


def body(measures: Measures) -> Mesh:
    """The lower shell, closed at nose and tail."""
    front_c, front_s = superellipse(measures.front_square, ALONG, measures.half, measures.width / 2)
    rear_c, rear_s = superellipse(measures.rear_square, ALONG, measures.half, measures.width / 2)
    x = measures.half * np.concatenate([-rear_c, front_c[::-1][1:]])
    shrink = np.concatenate([rear_s, front_s[::-1][1:]])
    end = np.where(x > 0, measures.nose, measures.tail)
    lift = np.clip(shrink, 0, 1) ** np.where(x > 0, 0.75, 0.40)
    drop = np.clip(shrink, 0, 1) ** np.where(x > 0, 0.22, 0.30)
    ground = measures.clearance + 0.05 * smooth_step(0.80, 1.0, np.abs(x) / measures.half)
    top = end + (top_of(measures, x) - end) * lift
    low = end + (ground - end) * drop
    wide = shrink * _taper(measures, x)
    upper_z, upper_y = superellipse(5.2, AROUND, 0.9, 0.45)
    lower_z, lower_y = superellipse(4.6, AROUND, 0.9, 0.4)
    z = np.concatenate([lower_z[::-1], upper_z[1:]])
    z = np.concatenate([z, -z[::-1][1:-1]])
    up = np.concatenate([-lower_y[::-1], upper_y[1:]])
    up = np.concatenate([up, up[::-1][1:-1]])
    middle = low + (top - low) * 0.56
    y = middle[:, None] + np.where(
        up > 0, up * (top - middle)[:, None], up * (middle - low)[:, None]
    )
    points = np.stack([np.broadcast_to(x[:, None], y.shape), y, wide[:, None] * z], -1)
    return grid(_sculpted(points, measures), Part.BODY, wrap=True, closed=True, uv=None)


def _taper(measures: Measures, x: NDArray[np.floating]) -> NDArray[np.floating]:
    """Half width along x without the rounding of the ends."""
    front = 0.05 * smooth_step(0.3, 1.0, x / measures.half)
    rear = 0.035 * smooth_step(0.35, 1.0, -x / measures.half)
    return measures.width / 2 * (1 - front) * (1 - rear)


def breadth(measures: Measures, x: float) -> float:
    """Half width of the body at x."""
    square = measures.front_square if x > 0 else measures.rear_square
    share = (1 - (abs(x) / measures.half) ** square) ** (1 / square)
    return float(share * _taper(measures, np.array([x]))[0])


def _sculpted(points: NDArray[np.float64], measures: Measures) -> NDArray[np.float64]:
    """Shoulder line, hollow doors, flared arches and a bonnet with creases."""
    x, y, z = points[..., 0], points[..., 1], points[..., 2]
    side = smooth_step(0.78, 0.93, np.abs(z) / (measures.width / 2))
    top = top_of(measures, x)
    line = top - 0.135 - 0.012 * x
    out = 0.014 * np.exp(-np.abs(y - line) / 0.045)
    middle = measures.clearance + 0.62 * (top - measures.clearance)
    out -= (
        0.030
        * np.exp(-(((y - middle + 0.24) / 0.13) ** 2))
        * (1 - smooth_step(0.42, 0.62, np.abs(x) / measures.half))
    )
    out += 0.012 * np.exp(-(((y - measures.clearance - 0.12) / 0.05) ** 2))
    for axle in measures.axles:
        radius = np.hypot(x - axle, y - measures.wheel)
        flare = np.exp(-np.clip(radius - measures.arch, 0, None) / 0.055)
        out += 0.026 * flare * smooth_step(0.0, 0.15, y - 0.05)
    bonnet = smooth_step(0.35, 0.6, x / measures.half) * smooth_step(0.0, 0.08, y - top + 0.09)
    crease = np.abs(z) - (0.42 + 0.10 * (1 - x / measures.half))
    points = points.copy()
    points[..., 2] += np.sign(z) * out * side
    points[..., 1] += (
        bonnet * 0.020 * np.where(crease < 0, np.exp(crease / 0.12), np.exp(-crease / 0.035))
    )
    points[..., 1] += bonnet * 0.018 * (1 - (z / measures.width * 2) ** 2)
    return points


def base_of(measures: Measures, x: NDArray[np.floating]) -> NDArray[np.floating]:
    """Height where the cabin stands on the body."""
    return top_of(measures, x) - SINK


def roof_of(measures: Measures, x: NDArray[np.floating]) -> NDArray[np.floating]:
    """Height of the roof along x: highest a little behind the front seats, falling to both ends."""
    rear, front = measures.cabin[1], measures.cabin[2]
    middle, reach = rear * 0.35 + front * 0.65, (front - rear)
    fall = 0.09 if measures.height < 1.8 else 0.04
    return measures.height - fall * ((x - middle) / reach) ** 2


def cabin(measures: Measures) -> Mesh:
    """The glasshouse with its roof; texture coordinates say where on its ring a point lies."""
    inward, upward = superellipse(7.0, RINGS, 0.7, 0.62)
    c, s = superellipse(6.5, RING, 1.3, 0.8)
    ring_x = np.concatenate([c, -c[::-1][1:], -c[1:], c[::-1][1:-1]])
    ring_z = np.concatenate([s, s[::-1][1:], -s[1:], -s[::-1][1:-1]])
    rear_low, rear_high, front_high, front_low = measures.cabin
    share = upward[:, None]
    bulge = 0.05 * np.sin(np.pi * share) * (measures.height < 1.8)
    front = front_low + (front_high - front_low) * share + bulge
    rear = rear_low + (rear_high - rear_low) * share - bulge * 0.6
    half_width = measures.width / 2
    lean = 0.135 if measures.height < 1.8 else 0.11
    wide = half_width * (0.93 - lean * share - 0.03 * share**2)
    # Ends curve in plan: a windscreen is bent, and narrows a little toward the bonnet.
    along = np.where(
        ring_x > 0, np.abs(ring_x) * (1 - 0.055 * ring_z**2), ring_x * (1 - 0.03 * ring_z**2)
    )
    centre = (front + rear) / 2
    x = centre + (front - rear) / 2 * along * inward[:, None]
    z = wide * ring_z * inward[:, None]
    z *= (
        1 - 0.06 * smooth_step(0.2, 1.0, x / front_low) - 0.05 * smooth_step(0.5, 1.0, x / rear_low)
    )
    foot = base_of(measures, centre + (front - rear) / 2 * along)
    y = foot + (roof_of(measures, x) - foot) * share
    points = np.stack([x, y, z], -1)
    uv = np.stack(np.broadcast_arrays(ring_x, ring_z), -1)
    uv = np.broadcast_to(uv, (len(upward), *uv.shape))
    return grid(points, Part.CABIN, wrap=True, closed=True, uv=uv)


def arches(measures: Measures, at: Floats) -> Floats:
    """Distance of points of the body from the wheel arches (below 0: in one)."""
    hole = np.full(len(at), 9.0, np.float32)
    for axle in measures.axles:
        arch = np.hypot(at[:, 0] - axle, at[:, 1] - measures.wheel) - measures.arch
        hole = np.minimum(hole, np.maximum(arch, 0.50 * measures.width / 2 - np.abs(at[:, 2])))
    return hole


def cut(measures: Measures, at: Floats) -> Floats:
    """Distance of points of the body from a hole (below 0: in it): wheel arches and the cabin."""
    hole = arches(measures, at)
    rear, front = measures.cabin[0] + 0.14, measures.cabin[3] - 0.16
    inside = np.maximum(rear - at[:, 0], at[:, 0] - front)
    inside = np.maximum(inside, np.abs(at[:, 2]) - 0.80 * measures.width / 2)
    low = 0.75 * top_of(measures, at[:, 0])
    hole = np.minimum(hole, np.maximum(inside, low.astype(np.float32) - at[:, 1]))
    return np.minimum(hole, _lid(measures, at)).astype(np.float32)


def _lid(measures: Measures, at: Floats) -> Floats:
    """Distance from what a bonnet or a tailgate covers, when it stands open."""
    wide = np.abs(at[:, 2]) - 0.76 * measures.width / 2
    if measures.opened == "engine":
        along = np.maximum(measures.cabin[3] - 0.2 - at[:, 0], at[:, 0] - measures.half + 0.20)
        return np.maximum(np.maximum(wide, along), measures.nose + 0.02 - at[:, 1])
    if measures.opened == "boot":
        along = at[:, 0] + measures.half - 0.5
        return np.maximum(np.maximum(wide, along), measures.tail - 0.055 - at[:, 1])
    return np.full(len(at), 9.0, np.float32)


def glazing(measures: Measures, at: Floats, uv: Floats) -> Floats:
    """Distance of points of the cabin from the edge of a window (below 0: glass)."""
    x, y, z = at.T
    foot = top_of(measures, x).astype(np.float32)
    roof = measures.height
    side = np.abs(uv[:, 1]) > np.abs(uv[:, 0])
    glass = np.full(len(at), 9.0, np.float32)
    low, high = foot - 0.030, roof_of(measures, x).astype(np.float32) - 0.105
    for rear_low, front_low, front_high, rear_high in measures.windows:
        share = (y - foot) / max(roof - 0.1 - 0.95, 0.3)
        share = np.clip((y - low) / np.maximum(high - low, 0.1), -0.3, 1.3)
        ahead = x - (front_low + (front_high - front_low) * share)
        behind = (rear_low + (rear_high - rear_low) * share) - x
        glass = np.minimum(glass, _rounded((ahead * 0.8, behind * 0.95, low - y, y - high), 0.045))
    glass = np.where(side, glass, 9.0)
    width = measures.width / 2 * (0.845 - 0.16 * (y - foot) / (roof - 0.95))
    top = roof - (0.125 if measures.height < 1.8 else 0.16)
    front = _rounded((np.abs(z) - width, foot + 0.0 - y, y - top), 0.05)
    back_low = foot + (0.06 if measures.height < 1.8 else 0.08)
    back = _rounded((np.abs(z) - width + 0.05, back_low - y, y - top - 0.0), 0.07)
    ends = np.where(uv[:, 0] > 0, front, back)
    return np.where(side, glass, ends).astype(np.float32)


def _rounded(walls: tuple[Floats, ...], radius: float) -> Floats:
    """Distance from the inside of some walls whose corners are rounded."""
    pushed = [wall + radius for wall in walls]
    outside = np.sqrt(sum(np.maximum(wall, 0) ** 2 for wall in pushed))
    inside = np.minimum(np.max(pushed, axis=0), 0)
    return outside + inside - radius
