"""What a vehicle looks like: the measures of each body, and what is drawn by the seed."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace
from enum import StrEnum


class BodyStyle(StrEnum):
    """The bodies that the renderer knows."""

    CITY = "city"
    ESTATE = "estate"
    SUV = "suv"
    VAN = "van"


@dataclass(frozen=True)
class Measures:
    """Of one body, in metres; `x` values count from the middle, forward."""

    length: float
    width: float
    height: float
    wheelbase: float
    overhang: float
    wheel: float
    clearance: float
    top: tuple[tuple[float, float], ...]
    """Height of the body below the glass, along x from the tail to the nose."""
    cabin: tuple[float, float, float, float]
    """x of the rear glass below and above, and of the windscreen above and below."""
    windows: tuple[tuple[float, float, float, float], ...]
    """Side windows: x below rear, below front, above front, above rear."""
    seams: tuple[float, ...]
    """x of the door shut lines."""
    cladding: float
    """Height of dark plastic over the ground."""
    rails: bool
    nose: float
    """Height of the foremost point."""
    tail: float
    front_square: float
    rear_square: float
    opened: str = ""
    """What is shown: the engine, the boot, the VIN plate, or nothing of them."""

    @property
    def half(self) -> float:
        return self.length / 2

    @property
    def axles(self) -> tuple[float, float]:
        """x of the rear and of the front axle."""
        front = self.half - self.overhang
        return front - self.wheelbase, front

    @property
    def arch(self) -> float:
        """Radius of the wheel arch."""
        return self.wheel + 0.052


MEASURES = {
    BodyStyle.CITY: Measures(
        3.74, 1.70, 1.49, 2.48, 0.70, 0.300, 0.17,
        ((-1.87, 0.93), (-1.5, 0.99), (-0.6, 0.975), (0.55, 0.945),
         (1.0, 0.915), (1.45, 0.855), (1.75, 0.785), (1.87, 0.75)),
        (-1.80, -1.42, 0.20, 1.10),
        ((-0.60, 0.83, 0.22, -0.55), (-1.28, -0.70, -0.65, -1.16)),
        (0.86, -0.65), 0.0, False, 0.57, 0.68, 4.6, 5.6,
    ),
    BodyStyle.ESTATE: Measures(
        4.68, 1.83, 1.47, 2.79, 0.88, 0.335, 0.155,
        ((-2.34, 0.93), (-1.9, 0.985), (-0.6, 0.955), (0.75, 0.925),
         (1.2, 0.90), (1.75, 0.84), (2.15, 0.765), (2.34, 0.73)),
        (-2.27, -1.72, 0.16, 1.10),
        ((-0.30, 0.80, 0.20, -0.26), (-1.10, -0.40, -0.36, -1.10), (-1.92, -1.20, -1.20, -1.62)),
        (0.90, -0.35, -1.15), 0.0, True, 0.56, 0.68, 4.8, 5.8,
    ),
    BodyStyle.SUV: Measures(
        4.50, 1.88, 1.67, 2.68, 0.89, 0.372, 0.22,
        ((-2.25, 1.03), (-1.8, 1.105), (-0.6, 1.075), (0.65, 1.05),
         (1.2, 1.025), (1.75, 0.985), (2.08, 0.925), (2.25, 0.89)),
        (-2.16, -1.66, 0.10, 0.94),
        ((-0.36, 0.68, 0.14, -0.32), (-1.10, -0.46, -0.42, -1.06), (-1.84, -1.20, -1.16, -1.58)),
        (0.80, -0.41, -1.18), 0.36, True, 0.71, 0.77, 5.2, 6.0,
    ),
    BodyStyle.VAN: Measures(
        4.96, 1.92, 1.93, 3.10, 0.93, 0.335, 0.19,
        ((-2.48, 1.08), (-2.1, 1.14), (-0.6, 1.12), (0.95, 1.08),
         (1.55, 1.04), (2.0, 0.975), (2.32, 0.89), (2.48, 0.84)),
        (-2.45, -2.28, 0.72, 1.72),
        ((0.28, 1.36, 0.76, 0.30), (-0.92, 0.16, 0.18, -0.92), (-2.12, -1.04, -1.04, -2.10)),
        (1.45, 0.22, -0.98), 0.30, False, 0.64, 0.77, 4.8, 8.0,
    ),
}  # fmt: skip

COLOURS = {
    "white": (0.78, 0.79, 0.80),
    "silver": (0.46, 0.48, 0.50),
    "grey": (0.105, 0.112, 0.12),
    "black": (0.010, 0.010, 0.012),
    "red": (0.42, 0.012, 0.016),
    "blue": (0.014, 0.060, 0.26),
    "green": (0.02, 0.085, 0.055),
    "orange": (0.62, 0.13, 0.015),
    "beige": (0.42, 0.36, 0.27),
    "sky": (0.16, 0.33, 0.47),
}
METALLIC = frozenset({"silver", "grey", "blue", "red", "green", "beige"})
LETTERS = "ABCDEFGHJKLMNPQRSTVWXYZ"


@dataclass(frozen=True)
class Look:
    """One vehicle: everything that its pictures depend on."""

    seed: int
    body: BodyStyle
    colour: str
    spokes: int
    double_spokes: bool
    dark_rims: bool
    plate: str
    vin: str
    light_trim: bool
    opened: str = ""

    @property
    def measures(self) -> Measures:
        return replace(MEASURES[self.body], opened=self.opened)

    @classmethod
    def of(cls, seed: int, body: str | None = None, colour: str | None = None) -> Look:
        """The vehicle of a seed; body and colour are drawn unless they are given."""
        rng = random.Random(f"vehicle {seed}")
        drawn_body = rng.choice(list(BodyStyle))
        drawn_colour = rng.choice(sorted(COLOURS))
        spokes, double = rng.choice(((5, True), (5, False), (7, False), (10, False), (6, True)))
        letters = "".join(rng.choice(LETTERS) for _ in range(4))
        plate = f"{letters[:2]}-{rng.randrange(100, 1000)}-{letters[2:]}"
        vin = "VF" + "".join(rng.choice(LETTERS + "0123456789") for _ in range(15))
        if (colour or drawn_colour) not in COLOURS:
            raise ValueError(f"colour {colour!r} is none of {', '.join(COLOURS)}")
        return cls(
            seed, BodyStyle(body) if body else drawn_body, colour or drawn_colour,
            spokes, double, rng.random() < 0.35, plate, vin, rng.random() < 0.3,
        )  # fmt: skip
