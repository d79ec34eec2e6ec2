"""Measured values and what follows from them by arithmetic alone. Nothing is judged here.

A missing value is never zero: it gives `NotDecidable` with the reason, and so does everything that
would have been computed from it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from stations.cycle import Ended
from stations.declare import Tag
from stations.inspection.records import Measurement
from stations.inspection.station import InspectionState
from stations.judge import Missing, Now

GRAVITY_M_S2 = 9.81
FORCE_MIN_N = 300.0  # a design figure: below it two idling wheels would look unbalanced
MASS_MIN_KG = 200.0  # a design figure: no car is lighter, the scales have not weighed
WHEELS = ("front_left", "front_right", "rear_left", "rear_right")


@dataclass(frozen=True, slots=True)
class Bench:
    """Where a result comes from: the state that brings it and the bench's word that it did."""

    state: InspectionState
    measured: Tag[bool]


def undecidable(unit: str, reason: str) -> Measurement:
    """There is no value, and why."""
    return Measurement(value=None, unit=unit, result="NotDecidable", reason=reason)


def read(bench: Bench, tag: Tag[float], ended: Ended, now: Now) -> Measurement:
    """A bench's result, when it is of this vehicle, Good and believable."""
    why = _absent(bench, tag, ended, now)
    if why is not None:
        return undecidable(tag.unit, why)
    value = now.get(tag)
    return _believable(tag, value)


def read_wheels(
    bench: Bench, tag: Tag[list[float]], ended: Ended, now: Now
) -> dict[str, Measurement]:
    """A result per wheel, by the wheel's name."""
    why = _absent(bench, tag, ended, now)
    values = now.get(tag)
    if why is None and (values is None or len(values) != len(WHEELS)):
        why = "bad_quality"
    if why is not None or values is None:
        return {wheel: undecidable(tag.unit, why or "bad_quality") for wheel in WHEELS}
    return {wheel: _believable(tag, value) for wheel, value in zip(WHEELS, values, strict=True)}


def imbalance(left: Measurement, right: Measurement) -> Measurement:
    """Difference of the two wheel forces over the larger one, in % (JORFARTI000001408389).

    Not decidable when the larger force is below FORCE_MIN_N.
    """
    if left.value is None or right.value is None:
        return _because(left, right)
    larger, smaller = max(left.value, right.value), min(left.value, right.value)
    if larger < FORCE_MIN_N:
        return undecidable("%", "force_too_small")
    return Measurement(value=100 * (larger - smaller) / larger, unit="%")


def asymmetry(left: Measurement, right: Measurement) -> Measurement:
    """Difference of two efficiencies of an axle over the larger one, in %.

    The order (JORFARTI000024313092) names the difference and not what it is related to; the larger
    value is taken, as for the forces. That is an assumption.
    """
    if left.value is None or right.value is None:
        return _because(left, right)
    larger, smaller = max(left.value, right.value), min(left.value, right.value)
    if larger <= 0:
        return undecidable("%", "not_believable")
    return Measurement(value=100 * (larger - smaller) / larger, unit="%")


def efficiency(forces: Sequence[Measurement], weights: Sequence[Measurement]) -> Measurement:
    """Sum of the forces over the weight of the weighed mass, in % (Directive 2014/45/EU, 1.2.2).

    Which mass the law means, weighed or permitted, is open: the weighed one is taken.
    """
    newtons = [force.value for force in forces if force.value is not None]
    kilograms = [weight.value for weight in weights if weight.value is not None]
    if len(newtons) != len(forces) or len(kilograms) != len(weights):
        return _because(*forces, *weights)
    if sum(kilograms) < MASS_MIN_KG:
        return undecidable("%", "weight_too_small")
    return Measurement(value=100 * sum(newtons) / (GRAVITY_M_S2 * sum(kilograms)), unit="%")


def _because(*parts: Measurement) -> Measurement:
    reasons = [part.reason for part in parts if part.value is None and part.reason]
    return undecidable("%", reasons[0] if reasons else "not_measured")


def _absent(bench: Bench, tag: Tag[Any], ended: Ended, now: Now) -> str | None:
    if not ended.entered(bench.state):
        return "not_seen"
    measured = now.get(bench.measured)
    if measured is None:
        return _quality(bench.measured, now)
    if not measured:
        return "not_measured"
    return None if now.get(tag) is not None else _quality(tag, now)


def _quality(tag: Tag[Any], now: Now) -> str:
    try:
        reading = now[tag]
    except (Missing, ValueError):
        return "bad_quality" if tag.name in now.readings else "not_measured"
    return "not_measured" if reading.is_good else "bad_quality"


def _believable(tag: Tag[Any], value: float | None) -> Measurement:
    if value is None:
        return undecidable(tag.unit, "bad_quality")
    low = tag.low if tag.low is not None else value
    high = tag.high if tag.high is not None else value
    if not low <= value <= high:
        return undecidable(tag.unit, "not_believable")
    return Measurement(value=float(value), unit=tag.unit)
