"""Does a set of pictures go round the vehicle? Angles from names or numbers, what is missing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import PurePath
from typing import Literal

GAP_STEPS_MAX = 1.5
PLAIN_STEPS = (5.0, 10.0, 15.0, 20.0, 22.5, 30.0, 45.0)
_ANGLE = re.compile(r"(?<![\d.])(\d{1,3}\.\d+)(?!.*\d\.\d)")
_NUMBER = re.compile(r"(\d+)(?!.*\d)")

Source = Literal["manifest", "names", "index"]


@dataclass(frozen=True)
class Coverage:
    """Whether the circle is covered: None where how many there should be is not known.

    `missing` are the planned angles without a picture; `largest_gap_deg` None without angles.
    """

    complete: bool | None
    largest_gap_deg: float | None
    missing: tuple[float, ...]


def angle_in(name: str) -> float | None:
    """The angle that a name like `spin_003_030.0.jpg` says; None when it says none below 360."""
    found = _ANGLE.search(PurePath(name).stem)
    angle = float(found[1]) if found else None
    return angle if angle is not None and angle < 360 else None


def number_in(name: str) -> int | None:
    """The last number in a name like `DSC_0042.jpg`."""
    found = _NUMBER.search(PurePath(name).stem)
    return int(found[1]) if found else None


def angles_by_number(numbers: Sequence[int], expected: int) -> list[float] | None:
    """Angles of pictures that are numbered in the order of the turn; None when too many are there.

    The first number is 0 where a 0 is there, 1 where a 1 is, else the lowest that there is.
    """
    first = 0 if 0 in numbers else 1 if 1 in numbers else min(numbers)
    if max(numbers) - first >= expected:
        return None
    return [(number - first) * 360 / expected for number in numbers]


def coverage(angles: Sequence[float], expected: int | None) -> Coverage:
    """Judge the closed circle of known angles: no gap is wider than one and a half steps."""
    if not angles:
        return Coverage(False, None, ())
    around = sorted(angle % 360 for angle in angles)
    gaps = [after - before for before, after in pairwise([*around, around[0] + 360])]
    step = 360 / expected if expected else _step(gaps)
    missing = [
        round((start + step * (i + 1)) % 360, 1)
        for start, gap in zip(around, gaps, strict=True)
        if gap > GAP_STEPS_MAX * step
        for i in range(round(gap / step) - 1)
    ]
    widest = max(gaps)
    return Coverage(widest <= GAP_STEPS_MAX * step, round(widest, 3), tuple(sorted(missing)))


def planned_angles(angles: Sequence[float], expected: int) -> list[float]:
    """For each angle the nearest of `expected` even steps, which begin where most angles lie."""
    step = 360 / expected
    offs = sorted((angle + step / 2) % step - step / 2 for angle in angles)
    start = offs[len(offs) // 2]
    return [(round((angle - start) / step) * step + start) % 360 for angle in angles]


def _step(gaps: Sequence[float]) -> float:
    """The usual step of angles, hero angles between them left out of account."""
    usual = sorted(gap for gap in gaps if gap > 0.5) or [360.0]
    middle = usual[len(usual) // 2]
    return min(PLAIN_STEPS, key=lambda plain: abs(plain - middle)) if middle <= 50 else middle
