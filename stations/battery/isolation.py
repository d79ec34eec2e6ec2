"""Isolation resistance of a live bus by voltmeter and known resistor (UN R100, its annex).

Vb is measured between the poles, V1 from the negative and V2 from the positive pole to chassis; the
known resistor Ro then goes beside the larger of the two, which is measured again.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

VOLTS_MIN = 1.0  # below it a voltage divides noise
SUM_TOLERANCE = 0.05  # V1 + V2 against Vb


@dataclass(frozen=True, slots=True)
class Voltages:
    """Vb, V1, V2 and the larger of the latter with Ro beside it, in V; Ro in Ohm."""

    bus: float
    negative: float
    positive: float
    loaded: float
    resistor_ohm: float


def doubts(measured: Voltages) -> tuple[str, ...]:
    """Why these voltages give no verdict; empty when they do."""
    larger = max(measured.negative, measured.positive)
    if not all(value > 0 for value in (measured.bus, larger, measured.loaded)):
        return ("isolation_voltage_missing",)
    if measured.resistor_ohm <= 0:
        return ("isolation_resistor_missing",)
    if min(measured.bus, larger, measured.loaded) < VOLTS_MIN:
        return ("isolation_voltage_near_zero",)
    difference = abs(measured.negative + measured.positive - measured.bus)
    if difference > SUM_TOLERANCE * measured.bus:
        return ("isolation_voltages_disagree",)
    if measured.loaded >= larger:
        return ("isolation_resistor_without_effect",)
    return ()


def resistance_ohm(measured: Voltages) -> float:
    """Ri = Ro x Vb x (1/V' - 1/V): the smaller of the two sides' resistances. No doubts allowed."""
    larger = max(measured.negative, measured.positive)
    return measured.resistor_ohm * measured.bus * (1 / measured.loaded - 1 / larger)


def voltages(bus: float, negative_ohm: float, positive_ohm: float, resistor_ohm: float) -> Voltages:
    """What an ideal voltmeter shows of a bus with these resistances from its poles to chassis."""
    total = negative_ohm + positive_ohm
    negative, positive = bus * negative_ohm / total, bus * positive_ohm / total
    near, far = max(negative_ohm, positive_ohm), min(negative_ohm, positive_ohm)
    beside = near * resistor_ohm / (near + resistor_ohm)
    return Voltages(bus, negative, positive, bus * beside / (beside + far), resistor_ohm)


def u95_ohm(measured: Voltages, limit: float) -> float:
    """Expanded uncertainty of that resistance when every voltage is within +- this part of itself.

    Rectangular: u = part / sqrt(3) for each of Vb, V' and V, which are independent; k = 2.
    """
    larger = max(measured.negative, measured.positive)
    ratio = measured.resistor_ohm * measured.bus
    terms = resistance_ohm(measured), ratio / measured.loaded, ratio / larger
    return 2 * limit / math.sqrt(3) * math.hypot(*terms)
