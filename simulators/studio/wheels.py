"""Wheels: a tyre with a tread, a rim with spokes, a brake behind, and the well they stand in."""

from __future__ import annotations

import numpy as np

from simulators.studio.body import breadth
from simulators.studio.mesh import Mesh, Part, box, grid, joined, revolved, tube
from simulators.studio.style import Look

WIDTH = 0.215


def wheel(look: Look) -> Mesh:
    """A wheel around the origin; its outer side looks toward +z."""
    radius = look.measures.wheel
    rim = radius * 0.70
    half = WIDTH / 2
    parts = [
        revolved(_tyre(radius, rim, half), Part.TYRE, 52),
        revolved(
            [
                (rim * 1.015, half * 0.84),
                (rim * 1.0, half * 0.90),
                (rim * 0.955, half * 0.86),
                (rim * 0.93, half * 0.70),
                (rim * 0.90, half * 0.1),
                (rim * 0.88, -half * 0.8),
            ],
            Part.RIM,
            64,
        ),
        revolved(
            [(rim * 0.70, 0.012), (rim * 0.70, 0.024), (rim * 0.30, 0.028), (0.0, 0.028)],
            Part.BRAKE,
            40,
        ),
        box((rim * 0.34, rim * 0.62, 0.075), Part.HUB, 0.4).moved(-rim * 0.60, 0.02, 0.02),
        revolved([(rim * 0.92, -0.03), (rim * 0.5, -0.05), (0.0, -0.05)], Part.LINER, 40),
        revolved(
            [
                (rim * 0.245, half * 0.30),
                (rim * 0.24, half * 0.60),
                (rim * 0.20, half * 0.72),
                (rim * 0.115, half * 0.74),
                (rim * 0.105, half * 0.80),
                (0.0, half * 0.82),
            ],
            Part.RIM,
            32,
        ),
    ]
    for number in range(look.spokes):
        angle = 2 * np.pi * number / look.spokes + np.pi / 2
        spreads = (-0.17, 0.17) if look.double_spokes else (0.0,)
        for spread in spreads:
            parts.append(_spoke(rim, half, angle, spread, look))
        bolt = angle + np.pi / look.spokes
        if number < 5:
            bolt = 2 * np.pi * number / 5 + 0.3
            at = rim * 0.17
            parts.append(
                revolved(
                    [(0.011, half * 0.60), (0.011, half * 0.76), (0.0, half * 0.77)], Part.BRAKE, 10
                ).moved(at * np.cos(bolt), at * np.sin(bolt))
            )
    return joined(parts)


def _tyre(radius: float, rim: float, half: float) -> list[tuple[float, float]]:
    """Profile of a tyre: inner side, tread with four grooves, outer side with a bulge."""
    side = [
        (rim * 0.99, 0.80),
        (rim * 1.04, 0.90),
        (rim + (radius - rim) * 0.45, 1.0),
        (rim + (radius - rim) * 0.78, 0.97),
        (radius * 0.978, 0.88),
        (radius * 0.993, 0.80),
    ]
    tread = []
    for groove in (0.55, 0.18, -0.18, -0.55):
        tread += [
            (radius, groove + 0.05),
            (radius - 0.009, groove + 0.04),
            (radius - 0.009, groove - 0.04),
            (radius, groove - 0.05),
        ]
    back = [(r, -z) for r, z in side[::-1]]
    return [(r, z * half) for r, z in [*side, *tread, *back]]


def _spoke(rim: float, half: float, angle: float, spread: float, look: Look) -> Mesh:
    """A bar from hub to rim, broader at the rim, with a rounded face."""
    share = np.linspace(0, 1, 9)
    out = rim * (0.16 + 0.79 * share)
    broad = rim * (0.16 if not look.double_spokes else 0.085) * (1 - 0.35 * np.sin(np.pi * share))
    broad *= 5 / max(look.spokes, 5) ** 0.9 if not look.double_spokes else 1.0
    face = half * (0.66 + 0.16 * share**2 - 0.10 * np.sin(np.pi * share))
    section = np.linspace(0, 2 * np.pi, 14, endpoint=False)
    across = np.sign(np.cos(section)) * np.abs(np.cos(section)) ** 0.6
    depth = np.sign(np.sin(section)) * np.abs(np.sin(section)) ** 0.6
    turned = angle + spread * (0.25 + 0.75 * share)
    x = out[:, None] * np.cos(turned)[:, None] - across * broad[:, None] * np.sin(turned)[:, None]
    y = out[:, None] * np.sin(turned)[:, None] + across * broad[:, None] * np.cos(turned)[:, None]
    z = face[:, None] - 0.016 + 0.018 * depth
    return grid(np.stack([x, y, z], -1), Part.RIM, wrap=True)


def placed(look: Look) -> list[Mesh]:
    """Four wheels in their wells, and the axles between them."""
    measures = look.measures
    one = wheel(look)
    parts: list[Mesh] = []
    for axle in measures.axles:
        out = breadth(measures, axle) - WIDTH / 2 - 0.012
        right = one.moved(axle, measures.wheel, out)
        well = _well(measures.arch + 0.02).moved(axle, measures.wheel, out)
        parts += [right, right.mirrored(), well, well.mirrored()]
        bar = tube(
            [(axle, measures.wheel, -out), (axle, measures.wheel, 0), (axle, measures.wheel, out)],
            0.045,
            Part.METAL,
        )
        parts.append(bar)
    return parts


def _well(radius: float) -> Mesh:
    """The dark liner above a wheel, and its inner wall."""
    turn = np.linspace(-0.35, np.pi + 0.35, 26)
    profile = [(radius, 0.045), (radius, -0.22), (radius * 0.55, -0.24), (0.02, -0.24)]
    points = [[(r * np.cos(t), r * np.sin(t), z) for t in turn] for r, z in profile]
    return grid(np.array(points), Part.LINER, closed=False)
