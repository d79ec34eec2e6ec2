"""`refit battery passport`: of a record, and of files that are none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from refit.battery import app

RECORD: dict[str, Any] = {
    "record_id": "0198f0aa-0000-7000-8000-000000000001", "battery_id": "pack-1",
    "pack_model": "ze40", "serial": "1", "station": "battery-1", "simulated": True,
    "simulated_from": "one cell", "made_at": "2026-11-25T10:00:00Z", "rated_ah": 131.2,
    "rated_wh": 45300.0, "nominal_v": 345.6, "series": 96,
    "original_placing_on_market_date": "2017-05-01", "status_after": "Reused",
    "protocol": {"id": "full@1", "sha256": "0" * 64, "complete": True, "seconds": 30000.0,
                 "stopped_by": []},
    "conditions": {}, "gates": [], "budget": [], "modules": [], "cells": [], "weak_modules": [],
    "joint_modules": [],
    "bms": {"soh_pct": 90.0, "soc_pct": 48.0, "soh_difference": None},
    "results": [
        {"quantity": "capacity_ah", "value": 113.0, "unit": "Ah", "u95": 0.3, "method": "m"},
        {"quantity": "soh_pct", "value": 86.1, "unit": "%", "u95": 0.3, "method": "m"},
        {"quantity": "energy_wh", "value": 39000.0, "unit": "Wh", "u95": 90.0, "method": "C/3"},
        {"quantity": "power_discharge_10s_w", "value": 91000.0, "unit": "W", "u95": 900.0,
         "method": "m", "conditions": {"soc_pct": 50.0}},
        {"quantity": "resistance_increase_pct", "value": 30.0, "unit": "%", "u95": 3.0,
         "method": "m", "valid": False, "reasons": ["voltage_limited"]},
    ],
}  # fmt: skip
VERSION = ["--version", "1.2.1"]


def run(folder: Path, given: Any, *words: str) -> Result:
    file = folder / "record.json"
    file.write_text(given if isinstance(given, str) else json.dumps(given))
    return CliRunner().invoke(app, ["passport", str(file), *words])


def made(folder: Path, given: Any, *words: str) -> dict[str, Any]:
    done = run(folder, given, *words)
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def condition(of: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = of["performance"]["batteryCondition"]
    return found


def why(of: dict[str, Any], field: str) -> list[str]:
    return [one["reason"] for one in of["deviations"] if one["field"].endswith(f".{field}")]


def test_a_vehicle_s_battery(tmp_path: Path) -> None:
    found = made(tmp_path, RECORD, *VERSION)
    assert (found["batteryStatus"], found["recordId"]) == ("Reused", RECORD["record_id"])
    assert found["simulated"] is True
    assert set(condition(found)) == {"stateOfCharge"}
    assert why(found, "stateOfCertifiedEnergy") == ["certified_energy_unknown"]
    assert why(found, "remainingCapacity") == ["forbidden_for_ev"]
    properties = found["performance"]["batteryTechicalProperties"]
    assert properties["minimumVoltage"] == pytest.approx(288.0)
    assert properties["ratedCapacity"] == 131.2


def test_with_a_certified_energy_there_is_soce_and_what_it_is_of_is_told(tmp_path: Path) -> None:
    found = made(tmp_path, RECORD, *VERSION, "--certified-wh", "41000")
    told = condition(found)["stateOfCertifiedEnergy"]["stateOfCertifiedEnergyValue"]
    assert told == pytest.approx(100 * 39 / 41)
    assert why(found, "stateOfCertifiedEnergy") == ["bench_method"]


def test_the_same_battery_as_storage(tmp_path: Path) -> None:
    found = made(tmp_path, {**RECORD, "category": "stationary", "status_after": "Repurposed"})
    assert condition(found)["remainingCapacity"]["remainingCapacityValue"] == 113.0
    assert condition(found)["capacityFade"]["capacityFadeValue"] == pytest.approx(13.9)
    power = condition(found)["remainingPowerCapability"]["remainingPowerCapabilityValue"]
    assert (power["atSoC"], power["powerCapabilityAt"]) == (50.0, 91000.0)
    assert why(found, "internalResistanceIncrease") == ["voltage_limited"]
    assert why(found, "remainingRoundTripEnergyEfficiency") == ["not_measured"]


def test_as_the_ledger_gives_it_with_another_status_and_a_code(tmp_path: Path) -> None:
    code = tmp_path / "code.svg"
    entry = {"id": RECORD["record_id"], "kind": "battery.qualification", "data": RECORD}
    found = made(tmp_path, entry, "--status", "waste", "--qr", str(code))
    assert found["batteryStatus"] == "Waste"
    assert code.read_text().startswith("<?xml")


def test_a_status_that_nobody_said_is_assumed_and_told(tmp_path: Path) -> None:
    found = made(tmp_path, {**RECORD, "status_after": None})
    assert found["batteryStatus"] == "Original"
    assert [one["reason"] for one in found["deviations"] if one["field"] == "batteryStatus"] == [
        "assumed"
    ]


@pytest.mark.parametrize(
    ("given", "words", "said"),
    [
        (RECORD, ["--version", "1.3"], "1.2.0, 1.2.1"),
        (RECORD, ["--status", "new"], "original, reused"),
        (RECORD, ["--certified-wh", "-1"], "must be above 0"),
        (RECORD, ["--qr", "code.gif"], ".svg or .png"),
        (RECORD, ["--qr", "no/such/folder/code.svg"], "No such file"),
        ({"kind": "studio.capture"}, [], "no battery.qualification"),
        ("{", [], "not JSON"),
        ("[1]", [], "a JSON object"),
        ('{"record_id": NaN}', [], "NaN is no number"),
    ],
)
def test_what_is_refused(tmp_path: Path, given: Any, words: list[str], said: str) -> None:
    done = run(tmp_path, given, *words)
    assert done.exit_code == 2
    assert said in done.output.replace("\n", "")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["passport", str(tmp_path / "none.json")])
    assert done.exit_code == 2 and "none.json" in done.output
