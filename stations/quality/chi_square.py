"""The chi-square distribution: its quantiles, which the standard library does not have.

The distribution function is the regularized incomplete gamma function P(f / 2, x / 2): its series
below the mode, and above it Lentz's continued fraction of Q (Abramowitz and Stegun, 6.5.29 and
6.5.31).
"""

from __future__ import annotations

import math
from functools import lru_cache

ROUNDS_MAX = 100_000
PRECISE = 1e-15
TINY = 1e-300


def share_below(x: float, freedom: float) -> float:
    """The probability of a value of at most x."""
    if x <= 0:
        return 0.0
    a, half = freedom / 2, x / 2
    scale = math.exp(a * math.log(half) - half - math.lgamma(a))
    if half < a + 1:
        return min(1.0, scale * _series(a, half))
    return max(0.0, 1 - scale * _fraction(a, half))


@lru_cache(maxsize=1024)
def quantile(share: float, freedom: float) -> float:
    """The value below which a share lies, 0 < share < 1. ValueError for other arguments."""
    if not 0 < share < 1 or not freedom > 0:
        raise ValueError(f"no quantile of {share} with {freedom} degrees of freedom")
    low, high = 0.0, freedom + 1
    while share_below(high, freedom) < share:
        low, high = high, high * 2
    while high - low > PRECISE * high and low < (middle := (low + high) / 2) < high:
        if share_below(middle, freedom) < share:
            low = middle
        else:
            high = middle
    return (low + high) / 2


def _series(a: float, x: float) -> float:
    term = total = 1 / a
    for step in range(1, ROUNDS_MAX):
        term *= x / (a + step)
        total += term
        if term < total * PRECISE:
            break
    return total


def _fraction(a: float, x: float) -> float:
    below = x + 1 - a
    c, d = 1 / TINY, 1 / below
    found = d
    for step in range(1, ROUNDS_MAX):
        numerator = -step * (step - a)
        below += 2
        d = 1 / _off_zero(numerator * d + below)
        c = _off_zero(below + numerator / c)
        found *= c * d
        if abs(c * d - 1) < PRECISE:
            break
    return found


def _off_zero(value: float) -> float:
    return value if abs(value) > TINY else TINY
