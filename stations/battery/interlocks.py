"""Which gates are closed: no current may flow while one is. What cannot be read is closed.

The software requests and records; contactors, interlock and emergency stop belong to the safety
relay, the last limits to the cycler.
"""

from __future__ import annotations

from dataclasses import dataclass

from stations.battery.protocol import Limits

Number = float | None


@dataclass(frozen=True, slots=True)
class Sample:
    """What is known at one time; None is unread, ages are those of the last good answer (s).

    `isolation_ohm_per_v` is the R100 measurement's result, `isolation_u95` its uncertainty.
    Cells and temperatures are the lowest and the highest of all that have a sensor.
    """

    time_s: float
    voltage_v: Number
    current_a: Number
    cell_low_v: Number
    cell_high_v: Number
    cold_degc: Number
    hot_degc: Number
    isolation_ohm_per_v: Number
    isolation_u95: Number
    hvil_closed: bool | None
    stop_clear: bool | None
    contactors_closed: bool | None
    precharge_done: bool | None
    bms_age_s: Number
    cycler_age_s: Number


def closed(limits: Limits, sample: Sample) -> tuple[str, ...]:
    """The gates that are closed at any time, by name; empty when current may flow."""
    found: list[str] = []
    if not _isolated(limits, sample):
        found.append("isolation")
    if sample.hvil_closed is not True:
        found.append("hvil")
    if sample.stop_clear is not True:
        found.append("emergency_stop")
    if sample.contactors_closed is not True or sample.precharge_done is not True:
        found.append("contactors")
    low, high = limits.cell_v
    if not (_within(sample.cell_low_v, low, high) and _within(sample.cell_high_v, low, high)):
        found.append("cell_window")
    if not _within(sample.hot_degc, -40.0, limits.temperature_max_degc):
        found.append("temperature")
    if not _apart(sample.cold_degc, sample.hot_degc, limits.temperature_spread_max_k):
        found.append("temperature_spread")
    if not _within(sample.bms_age_s, 0.0, limits.age_max_s):
        found.append("bms_watchdog")
    if not _within(sample.cycler_age_s, 0.0, limits.age_max_s):
        found.append("cycler_watchdog")
    if not _within(sample.current_a, -limits.current_max_a, limits.current_max_a):
        found.append("current")
    cells_v = sample.voltage_v
    if cells_v is None or not cells_v > limits.link_open_v:
        found.append("pack_voltage")
    return tuple(found)


def closed_at_start(limits: Limits, sample: Sample) -> tuple[str, ...]:
    """Those that are besides looked at before the first current, with the pack at rest."""
    found: list[str] = []
    low, high = limits.start_degc
    if not (_within(sample.cold_degc, low, high) and _within(sample.hot_degc, low, high)):
        found.append("start_temperature")
    if not _apart(sample.cold_degc, sample.hot_degc, limits.start_spread_k):
        found.append("start_temperature_spread")
    if not _apart(sample.cell_low_v, sample.cell_high_v, limits.cell_spread_v):
        found.append("cell_spread")
    return tuple(found)


def proves_open(limits: Limits, sample: Sample) -> bool:
    """Contactors that say open, and no pack voltage behind them: none is stuck."""
    return sample.contactors_closed is False and _within(
        sample.voltage_v, -limits.link_open_v, limits.link_open_v
    )


def _isolated(limits: Limits, sample: Sample) -> bool:
    value, u95 = sample.isolation_ohm_per_v, sample.isolation_u95
    if value is None or u95 is None or not u95 >= 0:
        return False
    return value - u95 >= limits.isolation_ohm_per_v


def _within(value: Number, low: float, high: float) -> bool:
    """Also False for what is no number."""
    return value is not None and low <= value <= high


def _apart(low: Number, high: Number, most: float) -> bool:
    return low is not None and high is not None and -most <= high - low <= most
