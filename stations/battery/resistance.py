"""What a direct-current resistance is: one definition for the live station and for traces.

R_t = (V(t0-) - V(t0 + t)) / (I(t0-) - I(t0 + t)) with measured currents.
"""

from __future__ import annotations

import math

from stations.battery.limits import DCIR_SECONDS

SECONDS = DCIR_SECONDS
LIMITED = 0.95  # a current that has fallen below this part of its peak was limited


def ohm(volts_before: float, volts: float, amperes_before: float, amperes: float) -> float | None:
    """The resistance; None when the current has not changed or the voltage went against it."""
    change = amperes_before - amperes
    if change == 0 or (volts_before - volts) * change <= 0:
        return None
    return (volts_before - volts) / change


def quantisation_u95(lsb_v: float, amperes: float) -> float:
    """U (k = 2) of a resistance from two voltages of this resolution, in Ohm."""
    return 2 * lsb_v / math.sqrt(6) / abs(amperes)


def name(seconds: float) -> str:
    """How a time is written as a key: 0.5, 2, 10."""
    return f"{seconds:g}"
