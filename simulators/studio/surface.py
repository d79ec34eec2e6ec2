"""What a point of the vehicle is made of: paint, glass, rubber, lamps, shut lines, a number plate.

Details are distances in the vehicle's axes, blended over the width of a pixel: they are smooth at
every size, and cost no triangles.
"""

from __future__ import annotations

import numpy as np

from simulators.studio import ends
from simulators.studio.body import arches, glazing, top_of
from simulators.studio.damage import Injury, spoil
from simulators.studio.fittings import PLATE_WIDTH
from simulators.studio.mesh import Floats, Part
from simulators.studio.points import Points, block, line, under
from simulators.studio.style import COLOURS, Look

# albedo (one grey or three), reflection straight on, softness of the reflection
MATERIALS: dict[Part, tuple[tuple[float, float, float], float, float]] = {
    Part.TYRE: ((0.016, 0.016, 0.017), 0.030, 0.50),
    Part.RIM: ((0.30, 0.31, 0.32), 0.42, 0.14),
    Part.BRAKE: ((0.16, 0.16, 0.16), 0.30, 0.30),
    Part.HUB: ((0.10, 0.10, 0.11), 0.06, 0.30),
    Part.LINER: ((0.008, 0.008, 0.008), 0.006, 0.80),
    Part.TRIM: ((0.014, 0.014, 0.015), 0.035, 0.30),
    Part.CHROME: ((0.06, 0.06, 0.06), 0.66, 0.03),
    Part.PLATE: ((0.70, 0.70, 0.68), 0.03, 0.20),
    Part.SEAT: ((0.045, 0.045, 0.050), 0.010, 0.70),
    Part.DASH: ((0.022, 0.022, 0.024), 0.020, 0.50),
    Part.CARPET: ((0.016, 0.016, 0.017), 0.004, 0.90),
    Part.UNDER: ((0.030, 0.031, 0.033), 0.030, 0.40),
    Part.METAL: ((0.20, 0.20, 0.195), 0.20, 0.35),
    Part.MIRROR: ((0.02, 0.02, 0.02), 0.85, 0.01),
    Part.SCREEN: ((0.010, 0.012, 0.016), 0.05, 0.02),
    Part.RUBBER: ((0.012, 0.012, 0.012), 0.02, 0.50),
    Part.VIN: ((0.70, 0.70, 0.68), 0.03, 0.20),
    Part.LABEL: ((0.60, 0.60, 0.58), 0.04, 0.20),
}
LINING = np.float32([0.21, 0.205, 0.195])


def paint(
    look: Look,
    plates: dict[Part, np.ndarray],
    at: Floats,
    normal: Floats,
    uv: Floats,
    part: np.ndarray,
    inner: np.ndarray,
    pixel: Floats,
    injuries: tuple[Injury, ...],
) -> Points:
    """The material of points. `inner`: the inside of a shell; `pixel`: a pixel's width there."""
    table = np.zeros((32, 5), np.float32)
    for which, (albedo, straight, soft) in MATERIALS.items():
        table[which] = (*albedo, straight, soft)
    colour = COLOURS[look.colour]
    for which in (Part.BODY, Part.CABIN, Part.PAINTED):
        table[which] = (*colour, 0.045, 0.012)
    if look.dark_rims:
        table[Part.RIM] = (0.02, 0.02, 0.022, 0.10, 0.08)
    if look.light_trim:
        table[Part.SEAT] = (0.24, 0.20, 0.15, 0.02, 0.6)
    row = table[part]
    points = Points(
        at,
        normal,
        uv,
        part,
        inner,
        np.maximum(pixel, 1e-4),
        row[:, :3].copy(),
        row[:, 3].copy(),
        row[:, 4].copy(),
        np.zeros((len(at), 3), np.float32),
    )
    shell = part <= Part.CABIN
    for which, rule in ((Part.BODY, _body), (Part.CABIN, _cabin)):
        chosen = np.flatnonzero((part == which) & ~inner)
        if len(chosen):
            _apply(points, chosen, lambda some, rule=rule: rule(look, some, injuries))
    for which, rule_ in (
        (Part.PLATE, lambda some: _plate(plates[Part.PLATE], some)),
        (Part.VIN, lambda some: _plate(plates[Part.VIN], some)),
        (Part.TYRE, lambda some: _tyre(look, some)),
        (Part.SCREEN, _screen),
        (Part.SEAT, _seat),
    ):
        chosen = np.flatnonzero(part == which)
        if len(chosen):
            _apply(points, chosen, rule_)
    lined = shell & inner
    points.albedo[lined] = np.where(at[lined, 1:2] > 1.15, LINING, LINING * 0.16)
    points.straight[lined], points.soft[lined] = 0.01, 0.8
    return points


def _apply(points: Points, chosen: np.ndarray, rule: object) -> None:
    some = Points(*(getattr(points, name)[chosen] for name in Points.__dataclass_fields__))
    rule(some)  # type: ignore[operator]
    for name in ("albedo", "straight", "soft", "glow", "normal"):
        getattr(points, name)[chosen] = getattr(some, name)


def _body(look: Look, p: Points, injuries: tuple[Injury, ...]) -> None:
    measures = look.measures
    x, y, z = p.at.T
    half = measures.width / 2
    wide = np.abs(z)
    hole = arches(measures, p.at)
    low = measures.clearance
    side = under(0.80 * half - wide, np.full_like(p.pixel, 0.02))
    top = top_of(measures, x).astype(np.float32)
    _seams(look, p, side, top)
    black = under(y - low - 0.055, p.pixel)
    if measures.cladding:
        near = np.minimum(
            y - measures.cladding + 0.02 * (np.abs(x) > measures.half - 0.6), hole - 0.055
        )
        black = np.maximum(black, under(near, p.pixel) * (y < measures.wheel * 2 + 0.2))
        p.put(black, (0.020, 0.020, 0.021), 0.03, 0.45)
    else:
        p.put(black, (0.014, 0.014, 0.015), 0.03, 0.4)
    lip = line(hole - 0.004, p.pixel, 0.010) * (y < measures.wheel * 2 + 0.25)
    p.put(lip, (0.01, 0.01, 0.01), 0.02, 0.4)
    ends.front(look, p, half)
    ends.rear(look, p, half)
    spoil(p, injuries)


def _seams(look: Look, p: Points, side: Floats, top: Floats) -> None:
    """Shut lines of doors, bonnet, flap and the line of the sill."""
    measures = look.measures
    x, y, z = p.at.T
    low = measures.clearance + 0.115
    groove = np.zeros(len(x), np.float32)
    inside = under(low - y, p.pixel) * side
    for seam in measures.seams:
        bend = seam + 0.05 * (y - 0.7) - 0.10 * np.clip(0.55 - y, 0, 1) * (seam < 0)
        groove = np.maximum(groove, line(x - bend, p.pixel, 0.006) * inside)
    first, last = measures.seams[-1], measures.seams[0]
    between = under(np.abs(x - (first + last) / 2) - abs(last - first) / 2, p.pixel)
    groove = np.maximum(groove, line(y - low, p.pixel, 0.006) * between * side)
    half = measures.width / 2
    ahead = measures.cabin[3] - 0.28
    bonnet = line(np.abs(z) - half * (0.80 - 0.07 * (x - ahead)), p.pixel, 0.006)
    groove = np.maximum(
        groove, bonnet * (x > ahead) * (p.normal[:, 1] > 0.55) * (x < measures.half - 0.22)
    )
    nose = line(x - (measures.half - 0.20 - 0.22 * z * z), p.pixel, 0.007) * (p.normal[:, 1] > 0.35)
    groove = np.maximum(groove, nose * (np.abs(z) < half * 0.8))
    bumper = (
        line(y - measures.nose - 0.075 + 0.0 * z, p.pixel, 0.006)
        * (x > measures.half - 0.52)
        * side
    )
    groove = np.maximum(groove, bumper * (x < measures.half - 0.3))
    p.put(groove * 0.85, (0.004, 0.004, 0.004), 0.01, 0.5)
    flap = block(x - measures.axles[0] + 0.02, y - top + 0.20, 0.085, 0.075, 0.03)
    p.put(line(flap, p.pixel, 0.005) * side * (z > 0) * 0.8, (0.004, 0.004, 0.004), 0.01, 0.5)


def _cabin(look: Look, p: Points, injuries: tuple[Injury, ...]) -> None:
    """Black frames round the windows, the shut lines above the doors, the cowl."""
    measures = look.measures
    edge = glazing(measures, p.at, p.uv)
    frame = under(edge - 0.026, p.pixel)
    p.put(frame, (0.008, 0.008, 0.009), 0.04, 0.05)
    x, y, _ = p.at.T
    foot = top_of(measures, x).astype(np.float32)
    p.put(under(y - foot - 0.012, p.pixel), (0.01, 0.01, 0.01), 0.03, 0.3)
    side = np.abs(p.uv[:, 1]) > np.abs(p.uv[:, 0])
    for seam in measures.seams[1:]:
        p.put(
            line(x - seam - 0.05 * (y - 0.7), p.pixel, 0.006)
            * side
            * (edge > 0.02)
            * (edge < 0.09)
            * 0.8,
            (0.004, 0.004, 0.004),
            0.01,
            0.5,
        )
    gutter = line(np.abs(p.at[:, 2]) - measures.width / 2 * 0.60, p.pixel, 0.008) * (
        p.normal[:, 1] > 0.6
    )
    p.put(gutter * 0.8 * (~side | (edge > 0.05)), (0.006, 0.006, 0.006), 0.02, 0.4)
    spoil(p, injuries)


def _tyre(look: Look, p: Points) -> None:
    """Cross grooves and sipes of the tread, and rings on the side."""
    measures = look.measures
    rear, front = measures.axles
    axle = np.where(p.at[:, 0] > (rear + front) / 2, front, rear)
    dx, dy = p.at[:, 0] - axle, p.at[:, 1] - measures.wheel
    radius = np.hypot(dx, dy)
    around = np.arctan2(dy, dx)
    tread = under(measures.wheel * 0.982 - radius, p.pixel)
    across = np.abs(p.at[:, 2]) - (measures.width / 2 - 0.125)
    wave = around * 76 / (2 * np.pi) + across * 9
    sipe = np.abs((wave % 1) - 0.5) * 2
    dark = under((0.20 - sipe) * 0.02, p.pixel) * tread * np.minimum(1, 0.012 / p.pixel)
    p.put(dark, (0.003, 0.003, 0.003), 0.004, 0.8)
    for ring in (0.80, 0.93):
        p.put(
            line(radius - measures.wheel * ring, p.pixel, 0.004) * 0.6,
            (0.03, 0.03, 0.03),
            0.05,
            0.3,
        )
    letters = (np.sin(around * 37) + np.sin(around * 23 + 1) > 0.7) & (np.sin(around * 3) > 0.55)
    text = (
        under(np.abs(radius - measures.wheel * 0.865) - 0.011, p.pixel)
        * letters
        * np.minimum(1, 0.01 / p.pixel)
    )
    p.put(text * 0.8, (0.045, 0.045, 0.045), 0.05, 0.4)


def _plate(picture: np.ndarray, p: Points) -> None:
    """Characters, from a smaller copy of the picture where a pixel covers many of its own."""
    texel = PLATE_WIDTH / picture.shape[1]
    level = np.clip(np.log2(p.pixel / texel) + 0.3, 0, 5).astype(np.int64)
    for step in range(6):
        chosen = np.flatnonzero(level == step)
        if len(chosen):
            rows, columns = picture.shape[:2]
            u = np.clip(p.uv[chosen, 0] * columns, 0, columns - 1).astype(np.int64)
            v = np.clip(p.uv[chosen, 1] * rows, 0, rows - 1).astype(np.int64)
            p.albedo[chosen] = picture[v, u]
        if min(picture.shape[:2]) < 4:
            level = np.minimum(level, step)
            continue
        even = picture[: picture.shape[0] // 2 * 2, : picture.shape[1] // 2 * 2]
        picture = (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) / 4


def _screen(p: Points) -> None:
    bars = (np.sin(p.at[:, 1] * 230) > 0.2) & (np.sin(p.at[:, 2] * 61 + p.at[:, 1] * 40) > 0)
    p.glow += np.where(
        bars[:, None], np.float32([0.03, 0.07, 0.11]), np.float32([0.01, 0.015, 0.03])
    )


def _seat(p: Points) -> None:
    stitch = np.abs(((p.at[:, 2] * 9) % 1) - 0.5)
    p.put(line(stitch - 0.48, p.pixel, 0.02) * 0.5, (0.01, 0.01, 0.01), 0.0, 0.9)
