"""What is read at the end of a step, while it is still true: isolation, cells, temperatures, names.

A snapshot is kept as plain values in the rules' memory, a result or the reasons why there is none.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from stations.battery import isolation as method
from stations.battery.results import (
    Cells,
    Identity,
    Isolation,
    NotDecidable,
    Temperatures,
)
from stations.battery.states import BatteryState, IsolationState
from stations.battery.station import Battery
from stations.cycle import Cycle, known
from stations.declare import Tag
from stations.judge import Now

S = BatteryState
RESTS = (S.REST.name, S.RELAX.name, S.SETTLE.name)
Seen = Mapping[str, Mapping[str, Any]]
Fact = Isolation | Cells | Temperatures | NotDecidable


def taken(seen: Seen, cycle: Cycle, now: Now) -> dict[str, dict[str, Any]]:
    """What was seen with the end of the step `cycle.state` added."""
    new: dict[str, dict[str, Any]] = {name: dict(value) for name, value in seen.items()}
    new["identity"] = {**new.get("identity", {}), **_named(now)}
    if cycle.state == S.ISOLATION.name:
        new["isolation"] = _plain(_isolation(cycle, now))
    if cycle.state in (S.ISOLATION.name, S.REST.name):
        new["reported"] = _reported(now)
    if cycle.state in RESTS:
        _first(new, "cells", _plain(_cells(cycle, now)))
        _first(new, "temperatures", _plain(_temperatures(cycle, now)))
    if cycle.state == S.SETTLE.name:
        new["temperatures"] = _with_rise(new["temperatures"], _temperatures(cycle, now))
    return new


def isolation(seen: Seen) -> Isolation | NotDecidable:
    """The isolation resistance that was seen."""
    plain = seen.get("isolation", {"not_decidable": ("isolation_not_measured",)})
    if "not_decidable" in plain:
        return NotDecidable.model_validate(plain)
    return Isolation.model_validate(plain)


def cells(seen: Seen) -> Cells | NotDecidable:
    """The cell voltages at the first rest at which they could be read."""
    plain = seen.get("cells", {"not_decidable": ("no_rest",)})
    return (NotDecidable if "not_decidable" in plain else Cells).model_validate(plain)


def temperatures(seen: Seen) -> Temperatures | NotDecidable:
    """The cell temperatures at the first rest at which they could be read."""
    plain = seen.get("temperatures", {"not_decidable": ("no_rest",)})
    return (NotDecidable if "not_decidable" in plain else Temperatures).model_validate(plain)


def identity(seen: Seen) -> Identity:
    """Which pack it is, as far as it was told."""
    return Identity.model_validate(seen.get("identity", {}))


def _plain(fact: Fact) -> dict[str, Any]:
    return fact.model_dump(mode="json")


def _first(seen: dict[str, dict[str, Any]], name: str, plain: dict[str, Any]) -> None:
    """Keep the first that is a result, or else the reason why the first is none."""
    if name not in seen or ("not_decidable" in seen[name] and "not_decidable" not in plain):
        seen[name] = plain


def _named(now: Now) -> dict[str, str]:
    tags: tuple[Tag[str], ...] = (
        Battery.pack_model,
        Battery.pack_serial,
        Battery.bms_serial,
        Battery.protocol,
    )
    told = {tag.name: known(now, tag) for tag in tags}
    return {name: text for name, text in told.items() if text}


def _reported(now: Now) -> dict[str, Any]:
    return {
        "soc_pct": now.get(Battery.reported_soc),
        "soh_pct": now.get(Battery.reported_soh),
        "cycles": now.get(Battery.cycles),
        "events": now.get(Battery.events),
    }


def _isolation(cycle: Cycle, now: Now) -> Isolation | NotDecidable:
    if now.get(Battery.isolation_state) is not IsolationState.VALID:
        return NotDecidable(not_decidable=("isolation_not_valid",))
    if now[Battery.isolation_state].time_ms < cycle.state_since_ms:
        return NotDecidable(not_decidable=("isolation_not_measured_now",))
    volts = [
        now.get(tag)
        for tag in (
            Battery.isolation_bus,
            Battery.isolation_negative,
            Battery.isolation_positive,
            Battery.isolation_loaded,
            Battery.isolation_resistor,
        )
    ]
    nominal = now.get(Battery.nominal_voltage)
    told = [value for value in volts if value is not None and math.isfinite(value)]
    if len(told) < len(volts):
        return NotDecidable(not_decidable=("isolation_voltage_missing",))
    if nominal is None or not nominal > 0:
        return NotDecidable(not_decidable=("nominal_voltage_missing",))
    measured = method.Voltages(*told)
    doubts = method.doubts(measured)
    if doubts:
        return NotDecidable(not_decidable=doubts)
    ohm = method.resistance_ohm(measured)
    return Isolation(
        ohm=ohm,
        ohm_per_v=ohm / nominal,
        nominal_v=nominal,
        reported_ohm=now.get(Battery.isolation_result),
    )


def _resting(tag: Tag[list[float]], cycle: Cycle, now: Now) -> list[float] | str:
    """The array as it was read during the rest that ends now, or why it cannot be used.

    Before the first rest no current has flowed: an array read since the arrival will do there.
    """
    values = now.get(tag)
    if values is None:
        return f"{tag.name}_missing"
    since_ms = cycle.started_ms if cycle.state == S.REST.name else cycle.state_since_ms
    if not since_ms <= now[tag].time_ms <= now.time_ms:
        return f"{tag.name}_not_read_at_rest"
    low, high = tag.low or 0.0, tag.high or math.inf
    if tag is Battery.cell_temperatures:
        # A pack may have fewer sensors than cells; of a voltage, none may be missing.
        values = [value for value in values if not math.isnan(value)]
    if not values or not all(low <= value <= high for value in values):
        return f"{tag.name}_not_believable"
    return values


def _cells(cycle: Cycle, now: Now) -> Cells | NotDecidable:
    values = _resting(Battery.cell_voltages, cycle, now)
    if isinstance(values, str):
        return NotDecidable(not_decidable=(values,))
    low, high = min(values), max(values)
    if low <= 0:
        return NotDecidable(not_decidable=("cell_voltages_not_believable",))
    return Cells(
        resting=cycle.state,
        count=len(values),
        min=low,
        max=high,
        mean=math.fsum(values) / len(values),
        spread=high - low,
        lowest_cell=values.index(low) + 1,
        highest_cell=values.index(high) + 1,
    )


def _temperatures(cycle: Cycle, now: Now) -> Temperatures | NotDecidable:
    values = _resting(Battery.cell_temperatures, cycle, now)
    if isinstance(values, str):
        return NotDecidable(not_decidable=(values,))
    low, high = min(values), max(values)
    return Temperatures(
        count=len(values), min=low, max=high, spread=high - low, ambient=now.get(Battery.ambient)
    )


def _with_rise(first: Mapping[str, Any], last: Temperatures | NotDecidable) -> dict[str, Any]:
    if "not_decidable" in first or isinstance(last, NotDecidable):
        return dict(first)
    return {**first, "rise": last.max - float(first["max"])}
