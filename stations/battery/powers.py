"""Resistance and power of a pack from its pulses, by the names of the record."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from stations.battery.cell import PackSpec
from stations.battery.dcir import Pulse
from stations.battery.trace import Trace
from stations.battery.value import Value, absent, rectangular

RESISTANCE_K = 2500.0  # R(T) = R(25 degC) exp(k (1/T - 1/298.15))
MODEL_PART = 0.3  # of a correction by that model, as its limit
SOC_PART = 0.04  # of R10: what the state of charge of the pulse may do to it


def resistances(
    pulses: Sequence[Pulse],
    new_r10: Mapping[float, float],
    spec: PackSpec,
    trace: Trace,
) -> dict[str, Value]:
    """R10 by direction at the pulse nearest to half charge, what it is above new, and power."""
    found: dict[str, Value] = {}
    names = {"discharge": "r10_discharge_mohm", "charge": "r10_charge_mohm"}
    powers = {"discharge": "power_discharge_10s_w", "charge": "power_charge_10s_w"}
    increase = absent("%", "R10 over a new pack's", "no_pulse")
    for direction, name in names.items():
        own = [one for one in pulses if one.direction == direction and one.valid]
        own = [one for one in own if "10" in one.r_mohm]
        if not own:
            found[name] = absent("mOhm", "DCIR 10 s", "no_pulse")
            found[powers[direction]] = absent("W", "DCIR 10 s", "no_pulse")
            continue
        pulse = min(own, key=lambda one: abs((one.soc_pct or 50.0) - 50.0))
        r10, u95 = pulse.r_mohm["10"], pulse.u95_mohm["10"]
        conditions: dict[str, float | str | None] = {
            "direction": direction, "soc_pct": pulse.soc_pct, "seconds": 10.0,
            "temperature_degc": pulse.temperature_degc,
        }  # fmt: skip
        found[name] = Value(r10, "mOhm", u95, 1, "DCIR 10 s", True, (), conditions)
        ocv = float(trace.voltage_v[pulse.rest_row])
        low, high = (spec.series * one for one in spec.cell_v)
        watts = low * (ocv - low) if direction == "discharge" else high * (high - ocv)
        power = watts / (r10 / 1000)
        found[powers[direction]] = Value(
            power, "W", power * u95 / r10, 1, "window, OCV and R10", True, (), conditions
        )
        if direction == "discharge":
            increase = _increase(pulse, r10, u95, 1000 * new_r10[pulse.start_s])
            found["ocv_v"] = Value(ocv, "V", 0.25, 1, "last row of a rest", True, (), conditions)
    return found | {"resistance_increase_pct": increase}


def _increase(pulse: Pulse, r10: float, u95: float, new: float) -> Value:
    """Above a new pack's, both at 25 degC by the model's own temperature dependence."""
    degc = pulse.temperature_degc
    kelvin = 298.15 if degc is None else degc + 273.15
    factor = math.exp(-RESISTANCE_K * (1 / kelvin - 1 / 298.15))
    at_25 = r10 * factor
    model = 2 * rectangular(MODEL_PART * (factor - 1) * r10)
    place = 2 * rectangular(SOC_PART * at_25)
    total = math.hypot(u95, model, place)
    reasons = ("temperature_unknown",) if degc is None else ()
    return Value(
        100 * (at_25 / new - 1), "%", 100 * total / new, 1, "R10 over a new pack's, at 25 degC",
        degc is not None, reasons, {"soc_pct": pulse.soc_pct, "temperature_degc": degc},
    )  # fmt: skip
