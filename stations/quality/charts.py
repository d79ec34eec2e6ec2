"""Shewhart charts: individuals and moving range, counts, counts per unit, shares (ISO 7870-2).

The limits are three standard deviations from the centre. The constants of the moving range of two
follow from the normal distribution: E|X1 - X2| = d2 sigma and its standard deviation d3 sigma with
d2 = 2 / sqrt(pi) and d3 = sqrt(2 - 4 / pi).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from stations.quality.run_rules import Rule, Signal, signals

D2 = 2 / math.sqrt(math.pi)
D3 = math.sqrt(2 - 4 / math.pi)
D4 = 1 + 3 * D3 / D2
SIGMAS = 3.0
POINTS_MIN = 2


class Kind(StrEnum):
    """Which chart: measured values (imr), or counts: c, u (per unit), p (share of units)."""

    IMR = "imr"
    C = "c"
    U = "u"
    P = "p"


class ChartRefused(ValueError):
    """Values that make no such chart; the message says why, `at` which value, where it is one."""

    def __init__(self, what: str, at: int | None = None, column: str = "value") -> None:
        super().__init__(what)
        self.at, self.column = at, column


@dataclass(frozen=True, slots=True)
class Line:
    """One chart: its points, and for each of them the limits. `lcl` None: there is none below 0.

    `first`: the index of the sample of the first point; a moving range begins at the second.
    """

    name: str
    points: tuple[float, ...]
    centre: float
    sigma: tuple[float, ...]
    lcl: tuple[float, ...]
    ucl: tuple[float, ...]
    signals: tuple[Signal, ...]
    first: int = 0


@dataclass(frozen=True, slots=True)
class Chart:
    """The lines of a chart (two for imr), and the standard deviation within, where there is one."""

    kind: Kind
    lines: tuple[Line, ...]
    sigma_within: float | None


def chart(
    kind: Kind, values: Sequence[float], sizes: Sequence[float] | None, rules: Sequence[Rule]
) -> Chart:
    """The chart of values in their order; `sizes` are needed for u and p. ChartRefused."""
    if len(values) < POINTS_MIN:
        raise ChartRefused(f"{len(values)} values: a chart needs {POINTS_MIN}")
    if kind is Kind.IMR:
        return _individuals(values, rules)
    _check_counts(kind, values, sizes)
    if kind is Kind.C:
        centre = sum(values) / len(values)
        spread = [math.sqrt(centre)] * len(values)
        return _counted(kind, values, centre, spread, math.inf, rules)
    assert sizes is not None
    centre = sum(values) / sum(sizes)
    variance = centre if kind is Kind.U else centre * (1 - centre)
    spread = [math.sqrt(variance / size) for size in sizes]
    points = [value / size for value, size in zip(values, sizes, strict=True)]
    return _counted(kind, points, centre, spread, math.inf if kind is Kind.U else 1.0, rules)


def _individuals(values: Sequence[float], rules: Sequence[Rule]) -> Chart:
    ranges = [abs(after - before) for before, after in pairwise(values)]
    mean_range = sum(ranges) / len(ranges)
    sigma = mean_range / D2
    centre = sum(values) / len(values)
    low, high = centre - SIGMAS * sigma, centre + SIGMAS * sigma
    individuals = _line("i", values, centre, [sigma] * len(values), low, high, rules)
    spread = [D3 * sigma] * len(ranges)
    moving = _line("mr", ranges, mean_range, spread, 0.0, D4 * mean_range, rules, first=1)
    return Chart(Kind.IMR, (individuals, moving), sigma)


def _line(
    name: str, points: Sequence[float], centre: float, sigma: Sequence[float],
    low: float, high: float, rules: Sequence[Rule], first: int = 0,
) -> Line:  # fmt: skip
    found = _signals(points, centre, sigma, rules, name)
    lcl, ucl = (low,) * len(points), (high,) * len(points)
    return Line(name, tuple(points), centre, tuple(sigma), lcl, ucl, tuple(found), first)


def _counted(
    kind: Kind, points: Sequence[float], centre: float, sigma: Sequence[float],
    high: float, rules: Sequence[Rule],
) -> Chart:  # fmt: skip
    lcl = tuple(max(0.0, centre - SIGMAS * one) for one in sigma)
    ucl = tuple(min(high, centre + SIGMAS * one) for one in sigma)
    found = _signals(points, centre, sigma, rules, kind.value)
    line = Line(kind.value, tuple(points), centre, tuple(sigma), lcl, ucl, tuple(found))
    return Chart(kind, (line,), None)


def _signals(
    points: Sequence[float], centre: float, sigma: Sequence[float], rules: Sequence[Rule], name: str
) -> list[Signal]:
    """What the rules find; nothing where no point varies, whose limits are the centre."""
    if not all(spread > 0 for spread in sigma):
        return []
    standard = [(point - centre) / spread for point, spread in zip(points, sigma, strict=True)]
    return signals(standard, rules, name)


def _check_counts(kind: Kind, values: Sequence[float], sizes: Sequence[float] | None) -> None:
    for at, value in enumerate(values):
        if value < 0 or value != int(value):
            raise ChartRefused(f"{value:g} is no count: a {kind} chart counts 0, 1, 2 ...", at)
    if kind is Kind.C:
        return
    if sizes is None:
        raise ChartRefused(f"a {kind} chart needs a size for each sample", None, "size")
    for at, (value, size) in enumerate(zip(values, sizes, strict=True)):
        if size <= 0:
            raise ChartRefused(f"{size:g}: a sample has a size above 0", at, "size")
        if kind is Kind.P and size != int(size):
            raise ChartRefused(f"{size:g} is no number of units", at, "size")
        if kind is Kind.P and value > size:
            raise ChartRefused(f"{value:g} of {size:g} units", at)
