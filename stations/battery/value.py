"""A result of an evaluation: never a bare number, and absent rather than wrong."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Value:
    """A quantity with its expanded uncertainty (k = 2), how many data made it, and how.

    `value` is None when there is none; `reasons` are codes that say why, or what to bear in mind;
    `conditions` are temperature, state of charge, direction, rest, as numbers or words.
    """

    value: float | None
    unit: str
    u95: float | None
    n: int
    method: str
    valid: bool = True
    reasons: tuple[str, ...] = ()
    conditions: Mapping[str, float | str | None] = field(default_factory=dict)


def absent(unit: str, method: str, *reasons: str, n: int = 0) -> Value:
    """There is no value, for these reasons."""
    return Value(None, unit, None, n, method, False, reasons)


@dataclass(frozen=True, slots=True)
class Term:
    """A line of an uncertainty budget: a standard uncertainty and what it is assumed from."""

    term: str
    u: float
    assumption: str


def combined(terms: Sequence[Term]) -> float:
    """Standard uncertainty of independent terms together."""
    return math.sqrt(sum(one.u**2 for one in terms))


def rectangular(limit: float) -> float:
    """Standard uncertainty of a value that lies anywhere within +- limit."""
    return abs(limit) / math.sqrt(3)
