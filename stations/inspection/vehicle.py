"""What the benches will find on one vehicle: drawn once when it arrives, bent by its health."""

from __future__ import annotations

import random
from dataclasses import dataclass

from stations.model import Vehicle

GRAVITY = 9.81
FRONT_SHARE = 0.6

Wheels = tuple[float, float, float, float]  # front left, front right, rear left, rear right


@dataclass(frozen=True, slots=True)
class Truth:
    """The values that the benches of the lane settle on. Forces in N, weights in kg."""

    fuel: str
    weights: Wheels
    forces: Wheels
    drag: Wheels
    ovality: Wheels
    parking: tuple[float, float]
    slip: tuple[float, float]
    suspension: Wheels
    lamp_height_mm: float
    target_dip: float
    dip: tuple[float, float]
    intensity: tuple[float, float]
    co_idle: float
    co_fast: float
    lambda_ratio: float
    hc: float
    opacity: float
    dtc_count: int
    ready: bool
    continuity_mohm: float


def draw(vehicle: Vehicle, rng: random.Random) -> Truth:
    """A vehicle's true values; wear, the lack of health, weakens and unbalances them."""
    wear = 1.0 - min(max(vehicle.health, 0.0), 1.0)
    fuel = "electric" if vehicle.electric else rng.choice(("petrol", "petrol", "diesel"))
    axles = (vehicle.mass_kg * FRONT_SHARE, vehicle.mass_kg * (1 - FRONT_SHARE))
    weights = _sides(axles, [rng.uniform(-0.02, 0.02) for _ in axles])
    grip = 0.80 - 0.55 * wear
    braked = tuple(grip * GRAVITY * axle for axle in axles)
    forces = _sides(braked, [wear * rng.uniform(-0.5, 0.5) for _ in axles])
    park = (0.26 - 0.17 * wear) * GRAVITY * vehicle.mass_kg / 2
    uneven = wear * rng.uniform(-0.3, 0.3)
    suspension = [max(82.0 - 75.0 * wear * rng.uniform(0.6, 1.2), 5.0) for _ in range(4)]
    return Truth(
        fuel=fuel,
        weights=weights,
        forces=forces,
        drag=_four([rng.uniform(60, 120) + 150 * wear * rng.random() for _ in range(4)], 0),
        ovality=_four([rng.uniform(1, 4) + 30 * wear * rng.random() for _ in range(4)], 1),
        parking=(round(park * (1 + uneven), 0), round(park * (1 - uneven), 0)),
        slip=_pair([wear * rng.uniform(-14, 14) for _ in range(2)], 1),
        suspension=_four(suspension, 1),
        lamp_height_mm=round(rng.uniform(600, 720), 0),
        target_dip=rng.choice((1.0, 1.1, 1.2)),
        dip=_pair([1.1 + wear * rng.uniform(-2.0, 2.0) for _ in range(2)], 2),
        intensity=_pair([45.0 * (1 - 0.7 * wear * rng.random()) for _ in range(2)], 1),
        co_idle=round(0.03 + 0.9 * wear**2 * rng.uniform(0.5, 1), 3),
        co_fast=round(0.02 + 0.6 * wear**2 * rng.uniform(0.5, 1), 3),
        lambda_ratio=round(1.0 + 0.06 * wear * rng.uniform(-1, 1), 3),
        hc=round(15 + 400 * wear**2, 0),
        opacity=round(0.15 + 2.5 * wear**2, 2),
        dtc_count=round(max(wear - 0.6, 0) * 10),
        ready=wear < 0.8,
        continuity_mohm=round(12 + 120 * wear * rng.uniform(0.5, 1), 1),
    )


def _sides(axles: tuple[float, ...], uneven: list[float]) -> Wheels:
    front, rear = (axle / 2 for axle in axles)
    return (
        round(front * (1 + uneven[0]), 0),
        round(front * (1 - uneven[0]), 0),
        round(rear * (1 + uneven[1]), 0),
        round(rear * (1 - uneven[1]), 0),
    )


def _four(values: list[float], digits: int) -> Wheels:
    first, second, third, fourth = (round(value, digits) for value in values)
    return first, second, third, fourth


def _pair(values: list[float], digits: int) -> tuple[float, float]:
    left, right = (round(value, digits) for value in values)
    return left, right
