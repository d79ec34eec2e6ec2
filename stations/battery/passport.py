"""The battery passport's performance part, as the BatteryPass model 1.2.0 or 1.2.1 spells it.

What is said follows the law first (Regulation (EU) 2023/1542, Annex VII Part A and Annex XIII 4):
the state of health of an electric vehicle's battery is its state of certified energy and nothing
else, that of stationary storage the five other quantities. The model requires all fields of all
batteries; what is left out for the law's sake, or because nobody measured it, is a deviation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from stations.battery.data import table

VERSIONS = ("1.2.0", "1.2.1")
EV, STATIONARY = "ev", "stationary"
CATEGORIES = (EV, STATIONARY)
STATUSES = {
    "original": "Original", "reused": "Reused", "repurposed": "Repurposed",
    "remanufactured": "Remanufactured", "waste": "Waste",
}  # fmt: skip
# The properties of the pack: our name, the model's key, the factor from our unit to the model's.
RATED = (
    ("rated_ah", "ratedCapacity", 1.0),
    ("rated_wh", "ratedEnergy", 1e-3),
    ("nominal_v", "nominalVoltage", 1.0),
    ("voltage_min_v", "minimumVoltage", 1.0),
    ("voltage_max_v", "maximumVoltage", 1.0),
    ("power_rated_w", "ratedMaximumPower", 1e-3),
)
MISSPELT = "batteryTechicalProperties"  # in both versions
FADE_DEFECT = "the model's formula is (1 - X) / X_BOL; written is 100 (1 - X / X_BOL)"


class Unfit(ValueError):
    """No passport can be made of this: the message says what is missing or wrong."""


@dataclass(frozen=True, slots=True)
class Known:
    """A quantity for the passport: its number (or words), when it was found, and for what part.

    `at_soc_pct` belongs to a power, `component` (pack, module, cell) to a resistance.
    """

    value: float | str
    updated: str
    at_soc_pct: float | None = None
    component: str = "pack"


@dataclass(frozen=True, slots=True)
class Deviation:
    """Where the document is not as the model asks, and why."""

    field: str
    reason: str
    text: str


@dataclass(frozen=True, slots=True)
class Battery:
    """What a passport says of one battery, by our own names (`data/battery_pass.toml`).

    `condition` holds the quantities that were found, `absent` why others were not;
    `begin_of_life` the power (W) and the efficiency (%) of the new battery where known;
    `notes` what else the reader must know.
    """

    battery_id: str
    category: str
    status: str
    placed_on_market: str | None
    rated: Mapping[str, float]
    condition: Mapping[str, Sequence[Known]]
    absent: Mapping[str, str] = field(default_factory=dict)
    begin_of_life: Mapping[str, float] = field(default_factory=dict)
    notes: tuple[Deviation, ...] = ()


def passport(battery: Battery, version: str) -> dict[str, Any]:
    """The document with its deviations; Unfit when the battery cannot have one."""
    _check(battery, version)
    deviations = list(battery.notes)
    condition: dict[str, Any] = {}
    for row in _fields():
        name = str(row["field"])
        reason, text = _left_out(row, battery)
        if reason:
            deviations.append(Deviation(f"batteryCondition.{name}", reason, text))
            continue
        condition[name] = _written(row, battery.condition[row["quantity"]], version)
        if defect := row.get("defect", {}).get(version):
            deviations.append(Deviation(f"batteryCondition.{name}", "model_defect", defect))
    properties = _properties(battery, deviations)
    return {
        "model": {"name": "BatteryPass", "aspect": "PerformanceAndDurability", "version": version},
        "productIdentifier": battery.battery_id,
        "batteryCategory": battery.category,
        "batteryStatus": STATUSES[battery.status],
        "originalPlacingOnMarket": battery.placed_on_market,
        "performance": {MISSPELT: properties, "batteryCondition": condition},
        "deviations": [
            {"field": one.field, "reason": one.reason, "text": one.text} for one in deviations
        ],
    }


def _check(battery: Battery, version: str) -> None:
    for what, given, known in (
        ("model version", version, VERSIONS),
        ("category", battery.category, CATEGORIES),
        ("status", battery.status, tuple(STATUSES)),
    ):
        if given not in known:
            raise Unfit(f"the {what} {given!r} is not known; it would be {', '.join(known)}")
    unknown = sorted(set(battery.condition) - {str(row["quantity"]) for row in _fields()})
    if unknown:
        raise Unfit(f"a passport has no place for {', '.join(unknown)}")


def _left_out(row: Mapping[str, Any], battery: Battery) -> tuple[str, str]:
    """Why a field is not written, as a code and in words; two empty texts when it is."""
    quantity = str(row["quantity"])
    if battery.category == EV and row.get("soh"):
        text = "Annex VII Part A: the state of health of an EV battery is its certified energy"
        return "forbidden_for_ev", text
    if row.get("only", battery.category) != battery.category:
        return "only_for_ev", "the certified energy of UN GTR 22 belongs to vehicles"
    if not battery.condition.get(quantity):
        return battery.absent.get(quantity, "not_measured"), "the model requires it"
    return "", ""


def _written(row: Mapping[str, Any], known: Sequence[Known], version: str) -> Any:
    """One field in the shape that the version asks for."""
    if version in row.get("several", ()):
        return [_entity(row, one, version) for one in known]
    return _entity(row, known[-1], version)


def _entity(row: Mapping[str, Any], one: Known, version: str) -> Any:
    key = row["value"][version]
    if not key:
        return one.value
    number: Any = one.value
    if row["quantity"] == "remaining_power":
        number = {"atSoC": one.at_soc_pct, "powerCapabilityAt": one.value,
                  "rPCLastUpdated": one.updated}  # fmt: skip
    made: dict[str, Any] = {key: number}
    if version not in row.get("undated", ()):
        made["lastUpdate"] = one.updated
    if row["quantity"] == "resistance_increase":
        made["batteryComponent"] = one.component
    return made


def _properties(battery: Battery, deviations: list[Deviation]) -> dict[str, Any]:
    """What the pack is rated for, and the fades that are counted from it."""
    found: dict[str, Any] = {}
    deviations.append(Deviation(MISSPELT, "model_defect", "the model's own spelling is kept"))
    for name, key, factor in RATED:
        if (given := battery.rated.get(name)) is not None:
            found[key] = given * factor
        else:
            deviations.append(Deviation(f"{MISSPELT}.{key}", "not_known", "the model requires it"))
    for quantity, key in (
        ("remaining_power", "powerFade"),
        ("round_trip_efficiency", "roundTripEfficiencyFade"),
    ):
        _fade(battery, quantity, key, found, deviations)
    return found


def _fade(
    battery: Battery, quantity: str, key: str, found: dict[str, Any], deviations: list[Deviation]
) -> None:
    """100 (1 - X / X_BOL) in %, where X and the X of the new battery are known."""
    where, now = f"{MISSPELT}.{key}", battery.condition.get(quantity)
    if battery.category == EV:
        deviations.append(Deviation(where, "forbidden_for_ev", "it would tell a state of health"))
        return
    new = battery.begin_of_life.get(quantity)
    if not now or not new:
        deviations.append(Deviation(where, "not_known", "the value of the new battery is not told"))
        return
    found[key] = 100.0 * (1.0 - float(now[-1].value) / new)
    deviations.append(Deviation(where, "model_defect", FADE_DEFECT))


@cache
def _fields() -> tuple[dict[str, Any], ...]:
    return tuple(table("battery_pass")["field"])
