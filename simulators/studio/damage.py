"""Damages that are placed on a vehicle, and how they look: a scratch, a dent, a broken lamp."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from simulators.studio.body import top_of
from simulators.studio.style import Look

if TYPE_CHECKING:
    from simulators.studio.points import Points


class DamageKind(StrEnum):
    SCRATCH = "scratch"
    DENT = "dent"
    LAMP = "lamp"


PLACES = (
    "front-left-door", "front-right-door", "rear-left-door", "rear-right-door",
    "left-wing", "right-wing", "left-headlamp", "right-headlamp",
)  # fmt: skip


TEXTS = {"scratch": "Scratch, {}", "dent": "Dent, {}", "lamp": "Broken {}"}


@dataclass(frozen=True)
class Injury:
    """One damage: what, the name of its place, and where (vehicle's axes), with its size (m)."""

    kind: DamageKind
    place: str
    at: tuple[float, float, float]
    normal: tuple[float, float, float]
    size: float
    slope: float


def injury(look: Look, kind: str, place: str, number: int = 0) -> Injury:
    """A damage at a named place of a vehicle. Raises ValueError with what would be right."""
    if kind not in tuple(DamageKind):
        raise ValueError(f"damage {kind!r} is none of {', '.join(DamageKind)}")
    if not place:
        choice = PLACES[6:] if kind == DamageKind.LAMP else PLACES[:6]
        place = random.Random(f"place {look.seed} {number}").choice(choice)
    if place not in PLACES:
        raise ValueError(f"place {place!r} is none of {', '.join(PLACES)}")
    if (kind == DamageKind.LAMP) != place.endswith("lamp"):
        raise ValueError(
            f"a damage of kind {kind!r} cannot be at {place!r}: lamps break, panels do not"
        )
    rng = random.Random(f"damage {look.seed} {number} {kind} {place}")
    measures = look.measures
    side = -1.0 if "left" in place else 1.0
    half = measures.width / 2
    seams = measures.seams
    middle = seams[1]
    if place.endswith("headlamp"):
        at = (measures.half - 0.14, measures.nose + 0.11, side * half * 0.80)
        return Injury(
            DamageKind(kind), place, at, (0.9, 0.1, side * 0.42), 0.13, rng.uniform(-0.3, 0.3)
        )
    if place.endswith("wing"):
        x = (measures.axles[1] + measures.arch + seams[0]) / 2
    elif place.startswith("front"):
        x = (seams[0] + middle) / 2
    else:
        x = ((middle + seams[2]) / 2) if len(seams) > 2 else middle - 0.35
    y = 0.62 * float(top_of(measures, np.array(x))) + rng.uniform(-0.02, 0.05)
    size = rng.uniform(0.14, 0.24) if kind == DamageKind.SCRATCH else rng.uniform(0.07, 0.11)
    return Injury(
        DamageKind(kind),
        place,
        (x, y, side * half * 0.985),
        (0.0, 0.05, side),
        size,
        rng.uniform(-0.4, 0.4),
    )


def spoil(p: Points, injuries: tuple[Injury, ...]) -> None:
    """Put the damages on points of the shell."""
    for one in injuries:
        away = p.at - np.float32(one.at)
        near = (np.abs(away) < 0.5).all(1) & (p.at[:, 2] * one.at[2] > 0)
        if not near.any():
            continue
        match one.kind:
            case DamageKind.SCRATCH:
                _scratch(p, away, near, one)
            case DamageKind.DENT:
                _dent(p, away, near, one)
            case DamageKind.LAMP:
                _lamp(p, away, near, one)


def _scratch(p: Points, away: np.ndarray, near: np.ndarray, one: Injury) -> None:
    for shift, reach in ((0.0, 1.0), (0.016, 0.7), (-0.013, 0.5)):
        course = away[:, 1] - one.slope * away[:, 0] - shift - 0.012 * np.sin(away[:, 0] * 31)
        along = np.clip(1 - np.abs(away[:, 0]) / (one.size * reach), 0, 1) ** 0.3
        width = np.maximum(p.pixel, 0.006)
        cover = (
            np.clip(1.2 - np.abs(course) / width, 0, 1)
            * along
            * near
            * np.minimum(1, 0.009 / p.pixel)
        )
        p.put(cover.astype(np.float32), (0.62, 0.62, 0.60), 0.02, 0.6)
        p.put((cover > 0.75).astype(np.float32) * 0.5, (0.10, 0.10, 0.10), 0.02, 0.6)


def _dent(p: Points, away: np.ndarray, near: np.ndarray, one: Injury) -> None:
    u, v = away[:, 0] / one.size, away[:, 1] / (one.size * 0.75)
    depth = np.exp(-(u * u + v * v)) * near
    p.normal[:, 0] += (1.5 * u * depth).astype(np.float32)
    p.normal[:, 1] += (1.5 * v * depth).astype(np.float32)
    p.normal /= np.sqrt((p.normal**2).sum(1, keepdims=True))
    p.albedo *= (1 - 0.25 * depth)[:, None].astype(np.float32)


def _lamp(p: Points, away: np.ndarray, near: np.ndarray, one: Injury) -> None:
    radius = np.hypot(away[:, 1], away[:, 2])
    angle = np.arctan2(away[:, 1], away[:, 2])
    ragged = one.size * (
        0.52 + 0.10 * np.sin(angle * 5 + one.slope * 9) + 0.07 * np.sin(angle * 11)
    )
    hole = np.clip(0.5 - (radius - ragged) / p.pixel, 0, 1) * near
    p.put(hole.astype(np.float32), (0.006, 0.006, 0.006), 0.01, 0.7)
    cracks = np.clip(
        1 - np.abs(np.sin(angle * 3.5 + one.slope * 5)) * radius / np.maximum(p.pixel, 0.004), 0, 1
    )
    cracks *= np.clip(1 - radius / (one.size * 1.3), 0, 1) ** 0.5 * near
    p.put(cracks.astype(np.float32) * 0.9, (0.75, 0.75, 0.75), 0.05, 0.3)
