"""How well a process keeps within its limits: Cp and Cpk, Pp and Ppk, each with its interval.

Cp and Cpk use the standard deviation within (from the moving ranges): what the process could do
while nothing changes. Pp and Ppk use the standard deviation of all values: what it did (ISO
22514-2). The interval of Cp and Pp is that of a variance (chi-square); that of Cpk and Ppk the
usual approximation, index -+ z sqrt(1 / (9 n) + index^2 / (2 f)) with f degrees of freedom
(Bissell 1990).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

from stations.quality.charts import D2, D3
from stations.quality.chi_square import quantile

CONFIDENCE = 0.95
VALUES_MIN = 3


@dataclass(frozen=True, slots=True)
class Index:
    """One index with its two-sided interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Capability:
    """Indices of a process; cp and pp need both limits. `reason` is a code where there are none."""

    lsl: float | None
    usl: float | None
    confidence: float
    mean: float
    sigma_within: float
    sigma_overall: float
    cp: Index | None = None
    cpk: Index | None = None
    pp: Index | None = None
    ppk: Index | None = None
    reason: str = ""


def capability(
    values: Sequence[float], sigma_within: float, lsl: float | None, usl: float | None,
    confidence: float = CONFIDENCE,
) -> Capability:  # fmt: skip
    """The indices of values in their order. ValueError for limits that are none."""
    if lsl is None and usl is None:
        raise ValueError("neither a lower nor an upper limit is given")
    if lsl is not None and usl is not None and lsl >= usl:
        raise ValueError(f"the lower limit {lsl:g} is not below the upper limit {usl:g}")
    count = len(values)
    mean = sum(values) / count
    overall = math.sqrt(sum((one - mean) ** 2 for one in values) / (count - 1))
    known = Capability(lsl, usl, confidence, mean, sigma_within, overall)
    if count < VALUES_MIN:
        return _without(known, "too_few_values")
    if sigma_within <= 0 or overall <= 0:
        return _without(known, "no_spread")
    within = moving_range_freedom(count)
    return Capability(
        lsl, usl, confidence, mean, sigma_within, overall,
        cp=_spread_index(lsl, usl, sigma_within, within, confidence),
        cpk=_nearest_index(lsl, usl, mean, sigma_within, count, within, confidence),
        pp=_spread_index(lsl, usl, overall, count - 1, confidence),
        ppk=_nearest_index(lsl, usl, mean, overall, count, count - 1, confidence),
    )  # fmt: skip


def moving_range_freedom(count: int) -> float:
    """Degrees of freedom of a standard deviation from the moving ranges of so many values.

    Neighbouring ranges share a value: X1 - X2 and X2 - X3 have the correlation -1/2, so that
    E|U||V| = (4 / pi) (sqrt(3) / 2 + asin(1 / 2) / 2) in variances of X. From the variance of the
    mean range follows f, as the variance of a standard deviation of f degrees is about 1 / (2 f).
    """
    shared = 4 / math.pi * (math.sqrt(3) / 2 + math.asin(0.5) / 2) - D2**2
    ranges = count - 1
    variance = (ranges * D3**2 + 2 * (ranges - 1) * shared) / ranges**2
    return D2**2 / (2 * variance)


def _without(known: Capability, reason: str) -> Capability:
    return Capability(
        known.lsl, known.usl, known.confidence, known.mean, known.sigma_within,
        known.sigma_overall, reason=reason,
    )  # fmt: skip


def _spread_index(
    lsl: float | None, usl: float | None, sigma: float, freedom: float, confidence: float
) -> Index | None:
    if lsl is None or usl is None:
        return None
    value = (usl - lsl) / (6 * sigma)
    tail = (1 - confidence) / 2
    low, high = (math.sqrt(quantile(share, freedom) / freedom) for share in (tail, 1 - tail))
    return Index(value, value * low, value * high)


def _nearest_index(
    lsl: float | None, usl: float | None, mean: float, sigma: float,
    count: int, freedom: float, confidence: float,
) -> Index:  # fmt: skip
    distances = [usl - mean] if usl is not None else []
    distances += [mean - lsl] if lsl is not None else []
    value = min(distances) / (3 * sigma)
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    half = z * math.sqrt(1 / (9 * count) + value**2 / (2 * freedom))
    return Index(value, value - half, value + half)
