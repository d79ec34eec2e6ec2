"""Both ends of a vehicle: lamps, grille, intakes, badges, the shut line of the tailgate."""

from __future__ import annotations

import numpy as np

from simulators.studio.fittings import plate_height
from simulators.studio.points import Points, block, line, under
from simulators.studio.style import BodyStyle, Look


def front(look: Look, p: Points, half: float) -> None:
    """Headlamps that reach round the corner, a grille with slats, an intake, a badge."""
    measures = look.measures
    x, y, z = p.at.T
    ahead = x > measures.half - 0.55
    wide = np.abs(z) / half
    level = measures.nose
    slats = 0.5 + 0.5 * np.sin((y - level) * 2 * np.pi / 0.032)
    grille = block(z, y - level - 0.055, 0.44 * half + 0.10, 0.050, 0.03)
    mesh = under(grille, p.pixel) * ahead
    p.put(mesh, np.stack([0.006 + 0.03 * slats] * 3, 1), 0.03, 0.3)
    p.put(line(grille - 0.006, p.pixel, 0.010) * ahead, (0.10, 0.10, 0.10), 0.55, 0.06)
    middle = (measures.clearance + 0.09 + level - 0.19) / 2
    tall = max((level - 0.19 - measures.clearance - 0.09) / 2, 0.04)
    intake = block(
        z, y - middle, half * (0.62 if look.body is not BodyStyle.VAN else 0.5), tall, 0.035
    )
    comb = 0.5 + 0.5 * np.sin(y * 2 * np.pi / 0.045)
    p.put(under(intake, p.pixel) * ahead, np.stack([0.005 + 0.012 * comb] * 3, 1), 0.02, 0.4)
    fog = block(np.abs(z) - half * 0.79, y - middle - 0.02, 0.075, 0.055, 0.03)
    p.put(under(fog, p.pixel) * ahead, (0.008, 0.008, 0.009), 0.03, 0.3)
    p.put(
        under(np.hypot(np.abs(z) - half * 0.79, y - middle - 0.02) - 0.036, p.pixel) * ahead,
        (0.5, 0.5, 0.52),
        0.3,
        0.05,
    )
    slant = 0.115 * (wide - 0.6)
    lamp = block(
        (np.abs(z) - half * 0.79), y - level - 0.095 - slant, half * 0.23, 0.062 - 0.0 * level, 0.03
    )
    lamp_x = np.where(x > measures.half - 0.50, lamp, 1.0)
    inside = under(lamp_x, p.pixel)
    p.put(inside, (0.16, 0.165, 0.17), 0.10, 0.006)
    for place in (0.70, 0.845):
        round_ = np.hypot(np.abs(z) - half * place, y - level - 0.09 - slant)
        p.put(under(round_ - 0.046, p.pixel) * inside, (0.03, 0.03, 0.035), 0.30, 0.02)
        p.put(
            under(round_ - 0.030, p.pixel) * inside,
            (0.75, 0.77, 0.80),
            0.25,
            0.02,
            (0.25, 0.26, 0.28),
        )
    strip = np.abs(lamp + 0.013) - 0.006
    p.put(
        under(strip, p.pixel) * inside * (y < level + 0.09 + slant),
        (0.8, 0.8, 0.8),
        0.1,
        0.02,
        (0.9, 0.92, 0.95),
    )
    p.put(line(lamp_x, p.pixel, 0.006) * 0.8, (0.01, 0.01, 0.01), 0.02, 0.3)
    badge = np.hypot(z, (y - level - 0.055) * 1.0)
    p.put(under(badge - 0.050, p.pixel) * ahead, (0.2, 0.2, 0.2), 0.6, 0.04)
    p.put(under(np.abs(badge - 0.036) - 0.006, p.pixel) * ahead, (0.02, 0.02, 0.03), 0.1, 0.04)


def rear(look: Look, p: Points, half: float) -> None:
    """Tail lamps, the shut line of the tailgate, reflectors and a dark lower bumper."""
    measures = look.measures
    x, y, z = p.at.T
    behind = x < -measures.half + 0.50
    wide = np.abs(z) / half
    tall = look.body in (BodyStyle.VAN,)
    level = measures.tail + (0.125 if not tall else 0.20)
    lower = under(y - measures.clearance - 0.17, p.pixel) * (x < -measures.half + 0.35)
    p.put(lower, (0.015, 0.015, 0.016), 0.03, 0.4)
    line_y = measures.tail - 0.055
    gate = line(y - line_y, p.pixel, 0.006) * (wide < 0.80) * behind
    gate = np.maximum(
        gate,
        line(np.abs(z) - half * 0.80, p.pixel, 0.006)
        * behind
        * (y > line_y)
        * (p.normal[:, 0] < -0.2),
    )
    p.put(gate * 0.85, (0.004, 0.004, 0.004), 0.01, 0.5)
    height = 0.062 if not tall else 0.11
    lamp = block(
        np.abs(z) - half * 0.83, y - level - 0.03 * (wide - 0.8), half * 0.25, height, 0.03
    )
    lamp = np.where(x < -measures.half + 0.36, lamp, 1.0)
    inside = under(lamp, p.pixel)
    p.put(inside, (0.22, 0.006, 0.008), 0.06, 0.01)
    strip = under(np.abs(lamp + 0.020) - 0.008, p.pixel) * inside
    p.put(strip, (0.55, 0.02, 0.02), 0.06, 0.01, (0.30, 0.01, 0.01))
    white = block(np.abs(z) - half * 0.80, y - level, 0.06, 0.016, 0.01)
    p.put(under(white, p.pixel) * inside, (0.6, 0.58, 0.56), 0.1, 0.02)
    p.put(line(lamp, p.pixel, 0.006) * 0.8, (0.01, 0.01, 0.01), 0.02, 0.3)
    glass = block(np.abs(z) - half * 0.72, y - measures.clearance - 0.22, 0.09, 0.016, 0.01)
    p.put(under(glass, p.pixel) * behind, (0.25, 0.008, 0.008), 0.05, 0.05)
    badge = np.hypot(z, y - measures.tail - 0.185)
    p.put(under(badge - 0.042, p.pixel) * behind, (0.2, 0.2, 0.2), 0.6, 0.04)
    grip = block(z, y - plate_height(measures, "rear") - 0.085, 0.30, 0.014, 0.01)
    p.put(under(grip, p.pixel) * behind, (0.08, 0.08, 0.08), 0.4, 0.06)
