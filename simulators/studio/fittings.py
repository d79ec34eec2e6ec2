"""What is fixed to the shell (mirrors, handles, plates, rails), what is inside, and what below."""

from __future__ import annotations

import numpy as np

from simulators.studio.body import base_of, roof_of, top_of
from simulators.studio.mesh import Mesh, Part, box, joined, sheet, tube
from simulators.studio.style import BodyStyle, Look, Measures

PLATE_WIDTH, PLATE_HEIGHT = 0.52, 0.11
FRONT_PLATE, REAR_PLATE = "front", "rear"


def plate_corners(measures: Measures, end: str) -> list[tuple[float, float, float]]:
    """The corners of a number plate: upper left, upper right, lower right, lower left as read."""
    front = end == FRONT_PLATE
    y = plate_height(measures, end)
    x = measures.half + 0.012 if front else -measures.half - 0.012
    side = 1 if front else -1
    w, h = PLATE_WIDTH / 2, PLATE_HEIGHT / 2
    # Seen from the front, the right of the vehicle (+z) is on the left of the picture.
    return [
        (x, y + h, w * side),
        (x, y + h, -w * side),
        (x, y - h, -w * side),
        (x, y - h, w * side),
    ]


def plate_height(measures: Measures, end: str) -> float:
    """Height of a plate's middle."""
    return measures.nose - 0.10 if end == FRONT_PLATE else measures.tail + 0.03


def outside(look: Look) -> list[Mesh]:
    """Everything that is fixed to the outside."""
    measures = look.measures
    parts: list[Mesh] = []
    for end in (FRONT_PLATE,) if look.opened == "boot" else (FRONT_PLATE, REAR_PLATE):
        parts.append(sheet(plate_corners(measures, end), Part.PLATE, 4))
        x = (measures.half + 0.002) * (1 if end == FRONT_PLATE else -1)
        frame = box((0.016, PLATE_HEIGHT + 0.03, PLATE_WIDTH + 0.03), Part.TRIM, 0.1)
        parts.append(frame.moved(x, plate_height(measures, end)))
    half = measures.width / 2
    for seam in measures.seams[: 1 if look.body is BodyStyle.CITY else 2]:
        x = (
            seam
            - (measures.seams[0] - (measures.seams[1] if len(measures.seams) > 1 else -0.5)) * 0.88
        )
        y = float(top_of(measures, np.array(x))) - 0.115
        handle = box((0.21, 0.030, 0.05), Part.PAINTED, 0.45).moved(x, y, half + 0.010)
        parts += [handle, handle.mirrored()]
    parts += _mirrors(look)
    parts += _details(look)
    return parts


def _mirrors(look: Look) -> list[Mesh]:
    measures = look.measures
    x = measures.windows[0][1] - 0.10
    y = float(top_of(measures, np.array(x))) + 0.085
    tall = 0.15 if look.body is not BodyStyle.VAN else 0.24
    out = measures.width / 2 + 0.055
    housing = box((0.15, tall, 0.215), Part.PAINTED, 0.55, 8).moved(x, y, out)
    glass = box((0.02, tall * 0.80, 0.18), Part.MIRROR, 0.3).moved(x - 0.070, y, out)
    arm = box((0.09, 0.05, 0.22), Part.TRIM, 0.4).moved(x + 0.02, y - tall * 0.46, out - 0.14)
    return [mesh for part in (housing, glass, arm) for mesh in (part, part.mirrored())]


def vin_corners(measures: Measures) -> list[tuple[float, float, float]]:
    """The corners of the VIN plate: on the cowl, to the left, read from ahead."""
    x = measures.cabin[3] - 0.005
    y = float(top_of(measures, np.array(x + 0.05))) + 0.035
    z, w, h = -0.42, 0.075, 0.012
    return [
        (x - h, y + h, z + w),
        (x - h, y + h, z - w),
        (x + h, y - h, z - w),
        (x + h, y - h, z + w),
    ]


def _details(look: Look) -> list[Mesh]:
    measures = look.measures
    # Only the restricted picture shows it: a detail of the bonnet would be legible, and unmasked.
    parts: list[Mesh] = []
    if look.opened == "vin":
        parts.append(sheet(vin_corners(measures), Part.VIN, 2))
    if measures.rails:
        x = np.linspace(measures.cabin[1] + 0.22, measures.cabin[2] - 0.30, 14)
        y = roof_of(measures, x) - 0.055 + 0.055 * (1 - (np.linspace(-1, 1, 14)) ** 6)
        z = np.full(14, measures.width / 2 * 0.70)
        rail = tube(
            np.stack([x, y, z], 1).tolist(), 0.017, Part.TRIM if look.dark_rims else Part.CHROME
        )
        parts += [rail, rail.mirrored()]
    fin = box((0.16, 0.06, 0.035), Part.PAINTED, 0.7)
    parts.append(
        fin.moved(
            measures.cabin[1] + 0.2,
            float(roof_of(measures, np.array(measures.cabin[1] + 0.2))) + 0.0,
        )
    )
    for z in (-0.42, 0.18):
        foot = measures.cabin[3] - 0.06
        y = float(base_of(measures, np.array(foot))) + 0.06
        path = [(foot - 0.02 * k, y + 0.010 * k, z + 0.11 * k) for k in range(6)]
        parts.append(tube(path, 0.008, Part.TRIM, 6))
    for side in (-1, 1):
        flap = box((0.30, 0.07, 0.03), Part.TRIM, 0.3)
        parts.append(flap.moved(0, measures.clearance + 0.015, side * (measures.width / 2 - 0.08)))
    return parts


def inside(look: Look) -> list[Mesh]:
    """Seats, dashboard, steering wheel, carpet and lining."""
    measures = look.measures
    floor = measures.clearance + 0.10
    parts = [
        sheet(
            [
                (measures.cabin[3] - 0.2, floor, -0.7),
                (measures.cabin[3] - 0.2, floor, 0.7),
                (measures.cabin[0] + 0.3, floor, 0.7),
                (measures.cabin[0] + 0.3, floor, -0.7),
            ],
            Part.CARPET,
            24,
        ),
    ]
    front = measures.windows[0][0] + (0.42 if look.body is not BodyStyle.VAN else 0.30)
    parts += _dashboard(look)
    rows = [(front, (-0.37, 0.37), 0.50), (front - 0.86, (-0.38, 0.38), 0.62)]
    if look.body is BodyStyle.VAN:
        rows.append((front - 1.72, (-0.38, 0.38), 0.62))
    for x, places, width in rows:
        for z in places:
            parts += [
                box((0.52, 0.20, width), Part.SEAT, 0.35, 5).moved(x, floor + 0.25, z),
                _leaned(box((0.15, 0.62, width * 0.96), Part.SEAT, 0.4, 5), 0.22).moved(
                    x - 0.32, floor + 0.55, z
                ),
                _leaned(box((0.10, 0.17, 0.26), Part.SEAT, 0.5, 4), 0.2).moved(
                    x - 0.42, floor + 0.95, z
                ),
            ]
    return parts


def _dashboard(look: Look) -> list[Mesh]:
    """Dashboard, screens, console and the steering wheel."""
    measures = look.measures
    floor = measures.clearance + 0.10
    high = measures.height - floor
    front = measures.windows[0][0] + (0.42 if look.body is not BodyStyle.VAN else 0.30)
    dash_x = measures.cabin[3] - 0.30
    dash_y = float(top_of(measures, np.array(dash_x))) - 0.10
    parts = [
        box((0.62, 0.24, measures.width * 0.84), Part.DASH, 0.35, 10).moved(dash_x, dash_y, 0),
        box((0.34, 0.36, measures.width * 0.80), Part.DASH, 0.3, 8).moved(
            dash_x - 0.02, dash_y - 0.18, 0
        ),
        box((0.90, 0.22, 0.22), Part.DASH, 0.3, 8).moved(front - 0.05, floor + 0.18, 0),
        box((0.02, 0.15, 0.26), Part.SCREEN, 0.15).moved(dash_x - 0.30, dash_y + 0.10, 0.02),
        box((0.04, 0.11, 0.30), Part.SCREEN, 0.3).moved(dash_x - 0.26, dash_y + 0.09, -0.37),
        box((0.30, 0.05, 1.15), Part.DASH, 0.5).moved(
            measures.cabin[2] - 0.10, measures.height - 0.14, 0
        ),
        box((0.02, 0.07, 0.24), Part.MIRROR, 0.4).moved(
            measures.cabin[2] + 0.05, floor + high * 0.80, 0
        ),
    ]
    turn = np.linspace(0, 2 * np.pi, 40)
    rim = [(0.19 * np.sin(t) * 0.35, 0.19 * np.cos(t), 0.19 * np.sin(t)) for t in turn]
    rim = [(-0.3 * y, y * 0.95, z) for _, y, z in rim]
    centre = (dash_x - 0.42, dash_y + 0.02, -0.37)
    parts.append(tube(rim, 0.016, Part.TRIM, 10).moved(*centre))
    parts.append(box((0.05, 0.11, 0.15), Part.TRIM, 0.5).moved(*centre))
    for spoke in ((0.0, -0.17, 0.0), (0.0, 0.0, 0.17), (0.0, 0.0, -0.17)):
        parts.append(
            tube([(0, 0, 0), (-0.3 * spoke[1], spoke[1], spoke[2])], 0.014, Part.TRIM, 8).moved(
                *centre
            )
        )
    return parts


def engine(look: Look) -> list[Mesh]:
    """What stands under the bonnet; made only when it is open."""
    if look.opened != "engine":
        return []
    measures = look.measures
    x, y = measures.axles[1], measures.nose - 0.06
    parts = [
        box((0.46, 0.30, 0.62), Part.DASH, 0.2).moved(x - 0.05, y - 0.02, 0.05),
        box((0.36, 0.05, 0.50), Part.HUB, 0.2).moved(x - 0.05, y + 0.14, 0.05),
        box((0.26, 0.20, 0.20), Part.TRIM, 0.15).moved(x - 0.12, y + 0.02, -0.50),
        box((0.25, 0.22, 0.30), Part.DASH, 0.3).moved(x + 0.05, y + 0.0, 0.52),
        box((0.16, 0.18, 0.16), Part.LABEL, 0.4).moved(x + 0.28, y + 0.02, -0.45),
        box((0.10, 0.14, 0.12), Part.LABEL, 0.5).moved(x - 0.34, y + 0.05, -0.36),
        box((0.06, 0.32, 1.05), Part.METAL, 0.2).moved(measures.half - 0.26, y - 0.12, 0),
        sheet(
            [
                (x - 0.55, y - 0.22, -0.75),
                (x - 0.55, y - 0.22, 0.75),
                (x + 0.6, y - 0.22, 0.75),
                (x + 0.6, y - 0.22, -0.75),
            ],
            Part.LINER,
            6,
        ),
        tube(
            [
                (x + 0.2, y + 0.10, 0.45),
                (x + 0.32, y + 0.13, 0.2),
                (x + 0.34, y + 0.10, -0.1),
                (x + 0.2, y + 0.12, -0.2),
            ],
            0.034,
            Part.TRIM,
        ),
        tube(
            [(x - 0.3, y + 0.1, 0.5), (x - 0.2, y + 0.17, 0.4), (x + 0.1, y + 0.16, 0.42)],
            0.020,
            Part.TRIM,
        ),
        tube(
            [
                (x - 0.35, y + 0.07, -0.3),
                (x - 0.15, y + 0.16, -0.22),
                (x + 0.15, y + 0.13, -0.3),
                (x + 0.3, y, -0.4),
            ],
            0.013,
            Part.RUBBER,
        ),
    ]
    caps = [(x - 0.34, y + 0.13, -0.36), (x + 0.05, y + 0.175, 0.18), (x + 0.28, y + 0.12, -0.45)]
    parts += [box((0.07, 0.03, 0.07), Part.TRIM, 0.6).moved(*cap) for cap in caps]
    return parts


def _leaned(mesh: Mesh, angle: float) -> Mesh:
    c, s = np.cos(angle), np.sin(angle)
    return mesh.turned(((c, -s, 0), (s, c, 0), (0, 0, 1)))


def below(look: Look) -> list[Mesh]:
    """Exhaust, tank, subframes, arms and shields, as the line camera in the floor sees them."""
    measures = look.measures
    rear, front = measures.axles
    y = measures.clearance - 0.012
    parts = [
        tube(
            [
                (front - 0.3, y, 0.10),
                (0.2, y, 0.12),
                (-0.4, y, 0.20),
                (rear + 0.25, y, 0.30),
                (-measures.half + 0.45, y, 0.45),
            ],
            0.035,
            Part.METAL,
        ),
        box((0.62, 0.13, 0.26), Part.METAL, 0.35).moved(-0.1, y, 0.16),
        box((0.26, 0.12, 0.80), Part.METAL, 0.4).moved(-measures.half + 0.48, y + 0.03, 0.05),
        box((0.68, 0.12, 1.05), Part.UNDER, 0.3).moved(rear + 0.55, y + 0.01, -0.20),
        box((0.62, 0.05, 1.05), Part.UNDER, 0.2).moved(front + 0.02, y + 0.02, 0),
        box((0.20, 0.08, 1.20), Part.METAL, 0.3).moved(front, y + 0.02, 0),
        box((0.20, 0.08, 1.15), Part.METAL, 0.3).moved(rear, y + 0.02, 0),
    ]
    for side in (-1, 1):
        for axle in (rear, front):
            parts += [
                tube(
                    [(axle + 0.28, y, side * 0.36), (axle, y - 0.02, side * 0.66)],
                    0.028,
                    Part.METAL,
                    8,
                ),
                tube(
                    [(axle - 0.24, y, side * 0.36), (axle, y - 0.02, side * 0.66)],
                    0.028,
                    Part.METAL,
                    8,
                ),
            ]
        parts.append(
            box((measures.wheelbase - 0.9, 0.05, 0.10), Part.UNDER, 0.3).moved(
                (rear + front) / 2, y + 0.01, side * 0.62
            )
        )
        parts.append(
            box((0.9, 0.03, 0.34), Part.UNDER, 0.2).moved((rear + front) / 2 + 0.1, y, side * 0.40)
        )
    return [joined(parts)]
