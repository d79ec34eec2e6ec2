"""The passport of a battery in both versions of the model: what the law forbids is not in it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from stations.battery.data import table
from stations.battery.passport import STATUSES, VERSIONS, Battery, Known, Unfit, passport

WHEN = "2026-11-25T10:00:00Z"
STATE_OF_HEALTH = {
    "capacityFade", "remainingCapacity", "remainingPowerCapability", "evolutionOfSelfDischarge",
    "currentSelfDischargingRate", "internalResistanceIncrease",
    "remainingRoundTripEnergyEfficiency",
}  # fmt: skip
REQUIRED = STATE_OF_HEALTH | {
    "energyThroughput", "capacityThroughput", "numberOfFullCycles", "stateOfCertifiedEnergy",
    "remainingEnergy", "negativeEvents", "temperatureInformation", "stateOfCharge",
}  # fmt: skip
CONDITION = {
    "energy_throughput": [Known(41_000.0, WHEN)],
    "capacity_throughput": [Known(118_000.0, WHEN)],
    "full_cycles": [Known(900, WHEN)],
    "state_of_certified_energy": [Known(86.0, WHEN)],
    "remaining_energy": [Known(35.2, WHEN)],
    "capacity_fade": [Known(13.5, WHEN)],
    "remaining_capacity": [Known(113.5, WHEN)],
    "remaining_power": [Known(90_000.0, WHEN, at_soc_pct=80), Known(70_000.0, WHEN, at_soc_pct=20)],
    "self_discharge_evolution": [Known(4.0, WHEN)],
    "self_discharge_rate": [Known(2.1, WHEN)],
    "resistance_increase": [Known(31.0, WHEN), Known(35.0, WHEN, component="module")],
    "round_trip_efficiency": [Known(93.1, WHEN)],
    "state_of_charge": [Known(48.0, WHEN)],
    "negative_events": [Known("flood", WHEN)],
}
RATED = {"rated_ah": 131.2, "rated_wh": 45_300.0, "nominal_v": 345.6, "voltage_min_v": 240.0}
WHOLE = Battery("pack-1", "stationary", "repurposed", "2017-05-01", RATED, CONDITION)
VEHICLE = replace(WHOLE, category="ev", status="reused")
BOTH = pytest.mark.parametrize("version", VERSIONS)


def condition(document: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = document["performance"]["batteryCondition"]
    return found


def reasons(document: dict[str, Any]) -> dict[str, str]:
    return {
        one["field"].removeprefix("batteryCondition."): one["reason"]
        for one in document["deviations"] if one["reason"] != "model_defect"
    }  # fmt: skip


@BOTH
def test_a_vehicle_s_state_of_health_is_its_certified_energy_alone(version: str) -> None:
    made = passport(VEHICLE, version)
    assert not STATE_OF_HEALTH & set(condition(made))
    assert condition(made)["stateOfCertifiedEnergy"]["stateOfCertifiedEnergyValue"] == 86.0
    assert {key for key, why in reasons(made).items() if why == "forbidden_for_ev"} >= (
        STATE_OF_HEALTH
    )
    properties = made["performance"]["batteryTechicalProperties"]
    assert "powerFade" not in properties and "roundTripEfficiencyFade" not in properties


@BOTH
def test_storage_has_the_five_quantities_and_no_certified_energy(version: str) -> None:
    made = passport(WHOLE, version)
    assert set(condition(made)) >= STATE_OF_HEALTH
    assert not {"stateOfCertifiedEnergy", "remainingEnergy"} & set(condition(made))


@BOTH
@pytest.mark.parametrize("category", ["ev", "stationary"])
def test_every_field_is_written_or_its_absence_is_a_deviation(version: str, category: str) -> None:
    for known in (CONDITION, {}):
        made = passport(replace(WHOLE, category=category, condition=known), version)
        written, left_out = set(condition(made)), set(reasons(made)) & REQUIRED
        assert written | left_out == REQUIRED
        assert not written & left_out


def test_the_two_versions_differ_where_the_model_does() -> None:
    old, new = (condition(passport(WHOLE, version)) for version in VERSIONS)
    assert old["energyThroughput"] == 41_000.0
    assert new["energyThroughput"] == {"energyThroughputValue": 41_000.0, "lastUpdate": WHEN}
    assert old["currentSelfDischargingRate"] == {
        "currentSelfDischargingRateEntity": 2.1, "lastUpdate": WHEN
    }  # fmt: skip
    assert new["currentSelfDischargingRate"]["currentSelfDischargingRateValue"] == 2.1
    assert old["evolutionOfSelfDischarge"] == {"evolutionOfSelfDischargeEntityValue": 4.0}
    assert new["evolutionOfSelfDischarge"]["evolutionOfSelfDischargeValue"] == 4.0
    assert [one["remainingPowerCapabilityValue"]["atSoC"] for one in (
        old["remainingPowerCapability"])] == [80, 20]  # fmt: skip
    assert new["remainingPowerCapability"]["remainingPowerCapabilityValue"] == {
        "atSoC": 20, "powerCapabilityAt": 70_000.0, "rPCLastUpdated": WHEN
    }  # fmt: skip
    energy = [condition(passport(VEHICLE, one))["remainingEnergy"] for one in VERSIONS]
    assert [set(one) for one in energy] == [
        {"remainingEnergyalue", "lastUpdate"}, {"remainingEnergyValue", "lastUpdate"}
    ]  # fmt: skip
    assert [one["batteryComponent"] for one in new["internalResistanceIncrease"]] == [
        "pack", "module"
    ]  # fmt: skip


@BOTH
def test_fades_are_counted_rightly_and_not_as_the_model_writes_them(version: str) -> None:
    known = {"remaining_power": 100_000.0, "round_trip_efficiency": 95.0}
    made = passport(replace(WHOLE, begin_of_life=known), version)["performance"]
    properties = made["batteryTechicalProperties"]
    assert properties["powerFade"] == pytest.approx(30.0)
    assert properties["roundTripEfficiencyFade"] == pytest.approx(2.0)
    assert properties["ratedEnergy"] == pytest.approx(45.3)


@BOTH
def test_the_model_s_mistakes_are_told(version: str) -> None:
    told = {one["field"] for one in passport(WHOLE, version)["deviations"]
            if one["reason"] == "model_defect"}  # fmt: skip
    assert {"batteryTechicalProperties", "batteryCondition.remainingCapacity"} <= told
    is_misspelt = "batteryCondition.currentSelfDischargingRate" in told
    assert is_misspelt == (version == "1.2.0")


def test_why_a_quantity_is_absent_is_passed_on() -> None:
    given = replace(VEHICLE, condition={}, absent={
        "state_of_certified_energy": "certified_energy_unknown"})  # fmt: skip
    assert reasons(passport(given, "1.2.1"))["stateOfCertifiedEnergy"] == "certified_energy_unknown"


@pytest.mark.parametrize("status", STATUSES)
def test_the_status_is_written_as_the_model_does_and_the_date_is_carried(status: str) -> None:
    made = passport(replace(WHOLE, status=status), "1.2.1")
    assert made["batteryStatus"] == status.capitalize()
    assert made["originalPlacingOnMarket"] == "2017-05-01"


@pytest.mark.parametrize(
    ("wrong", "version", "said"),
    [
        (WHOLE, "1.3.0", "1.2.0, 1.2.1"),
        (replace(WHOLE, status="new"), "1.2.1", "the status 'new'"),
        (replace(WHOLE, category="lmt"), "1.2.1", "the category 'lmt'"),
        (replace(WHOLE, condition={"soh": [Known(1.0, WHEN)]}), "1.2.1", "no place for soh"),
    ],
)
def test_what_cannot_have_a_passport_is_refused(wrong: Battery, version: str, said: str) -> None:
    with pytest.raises(Unfit, match=said):
        passport(wrong, version)


def test_every_field_of_the_table_is_one_of_the_model_s() -> None:
    rows = table("battery_pass")["field"]
    assert {row["field"] for row in rows} == REQUIRED
    assert all(set(row["value"]) == set(VERSIONS) for row in rows)
