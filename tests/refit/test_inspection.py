"""`refit inspection judge` and `rules`, as a person or a program calls them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from refit.main import app
from wire.rule_sets import FOLDER

CASES = FOLDER.parent / "cases"


def run(*words: str | Path, given: str | None = None) -> Any:
    return CliRunner().invoke(app, ["inspection", *map(str, words)], input=given)


def changed(tmp_path: Path, change: Any) -> Path:
    case = json.loads((CASES / "petrol_in_order.json").read_text())
    change(case)
    path = tmp_path / "case.json"
    path.write_text(json.dumps(case))
    return path


def test_a_case_is_judged_as_one_json_object() -> None:
    ran = run("judge", CASES / "petrol_in_order.json", "--json")
    assert ran.exit_code == 0 and ran.stderr == ""
    said = json.loads(ran.stdout)
    assert (said["result"], said["letter"], said["valid_until"]) == ("ok", "A", "2028-11-25")
    assert list(said) == [
        "result", "letter", "valid_until", "findings", "not_decidable", "rule_set",
    ]  # fmt: skip


def test_a_case_may_come_by_the_input_and_r_is_judged_too() -> None:
    text = (CASES / "worst_severity_wins.json").read_text()
    ran = run("judge", "-", "--json", given=text)
    assert ran.exit_code == 0 and json.loads(ran.stdout)["letter"] == "R"


@pytest.mark.parametrize(
    ("language", "expected"),
    [
        ("en", ["not in order, R: unfavourable", "critical  1.2.1.b.3", "54.17 %, limit 50"]),
        ("fr", ["non conforme, R: défavorable", "critique  1.2.1.b.3", "54.17 %, limite 50 %"]),
    ],
)
def test_people_read_it_in_their_language(language: str, expected: list[str]) -> None:
    ran = run("judge", CASES / "worst_severity_wins.json", "--lang", language)
    assert ran.exit_code == 0
    assert [one for one in expected if one not in ran.stdout] == []


def test_a_case_without_equipment_is_judged_and_that_is_said(tmp_path: Path) -> None:
    ran = run("judge", changed(tmp_path, lambda case: case.pop("equipment")), "--json")
    assert ran.exit_code == 0 and json.loads(ran.stdout)["letter"] == "A"
    assert "no equipment is named" in ran.stderr


def test_a_vehicle_that_nobody_has_looked_at_does_not_pass(tmp_path: Path) -> None:
    said = json.loads(
        run("judge", changed(tmp_path, lambda case: case.pop("visual")), "--json").stdout
    )
    assert (said["result"], said["letter"]) == ("not_decidable", None)
    assert said["not_decidable"] == [{"item": "visual", "reason": "missing"}]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda c: c["measurements"].update({"rbt.axle1.force": {"value": 1, "unit": "N"}}),
         ["measurements.rbt.axle1.force: there is no such item: did you mean"]),
        (lambda c: c["measurements"]["slip.axle1.slip"].update(unit="mm"),
         ["measurements.slip.axle1.slip: unit 'mm': for this item write one of m/km, mm/m"]),
        (lambda c: c["measurements"]["slip.axle1.slip"].pop("unit"), ["unit: it is missing"]),
        (lambda c: c["measurements"]["slip.axle1.slip"].update(value="2"), ["write a number"]),
        (lambda c: c["measurements"]["obd.mil"].update(value=0), ["write true or false"]),
        (lambda c: c["visual"].append({"code": "9.9.9.z.9"}), ["visual.0", "is no code"]),
        (lambda c: c["visual"].append({"code": "5.2.3.z.3"}), ["there is no code 5.2.3.z.3"]),
        (lambda c: c["visual"].append({"code": "1.2.1.a.1"}), ["1.2.1.a.2, 1.2.1.a.3"]),
        (lambda c: c["visual"].append({"code": "5.2.3.d.3"}), ["needs a location [Loc.]"]),
        (lambda c: c["visual"].append({"code": "0.6.1.c.1"}), ["replaced by 0.6.1.c.2"]),
        (lambda c: c["vehicle"].update(fuel="coal"), ["vehicle.fuel", "petrol, petrol-hybrid"]),
        (lambda c: c["vehicle"].update(category="M3"), ["vehicle.category", "M1, N1"]),
        (lambda c: c["vehicle"].update(colour="red"), ["vehicle.colour: there is no such key"]),
        (lambda c: c["vehicle"].update(first_registration="2031-01-01"), ["is after the test"]),
        (lambda c: c["vehicle"].update(gvm_kg=-1), ["vehicle.gvm_kg"]),
        (lambda c: c["vehicle"].update(gvm_kg="1780"), ["vehicle.gvm_kg: write a number"]),
        (lambda c: c["vehicle"].update(steered_axles=[]), ["steered_axles: write at least one"]),
        (lambda c: c["measurements"].update({"obd.mil": 3}), ["obd.mil: write an object"]),
        (lambda c: c["visual"].append({"code": "5.2.3.d.3", "location": " "}), ["not empty"]),
        (lambda c: c["test"].update(kind="re-inspection", earlier=["2.7.1.a.1"]),
         ["minor findings need no re-inspection"]),
        (lambda c: c["test"].update(date="2024-01-01"), ["is for tests from 2026-01-01"]),
        (lambda c: c["test"].update(date="soon"), ["write a day as YYYY-MM-DD"]),
        (lambda c: c["test"].update(kind="re-inspection"), ["a re-inspection needs the codes"]),
        (lambda c: c["test"].update(kind="re-inspection", earlier=["1.2.2.a.2"],
                                    earlier_date="2026-09-24"), ["a full test is due"]),
        (lambda c: c.pop("measurements"), ["measurements: it is missing"]),
        (lambda c: c["equipment"]["gas-1"].update(kind="toaster"), ["no kind 'toaster'"]),
        (lambda c: c.update(decisions=[{"item": "gas.lambda", "outcome": "pass",
                                        "reason": "looked good", "inspector": "i"}]),
         ["gas.lambda is not open"]),
    ],
)  # fmt: skip
def test_what_is_wrong_is_refused_with_what_would_be_right(
    tmp_path: Path, change: Any, expected: list[str]
) -> None:
    path = changed(tmp_path, change)
    ran = run("judge", path, "--json")
    assert ran.exit_code == 2 and ran.stdout == ""
    assert str(path) in ran.stderr
    assert [one for one in expected if one not in ran.stderr] == [], ran.stderr


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "no JSON of a case"), ("[1, 2]", "the case"), ("{", "no JSON of a case"),
        ('{"test": 1, "test": 2}', "'test' is there twice"), ("[" * 100_000, "nested too deeply"),
        ('{"measurements": {"obd.mil": {"value": NaN}}}', "NaN is no number"),
        ("1" * 5000, "100 at most"), ("\udcff", "no JSON of a case"),
    ],
)  # fmt: skip
def test_what_is_no_case_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    path = tmp_path / "case.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    ran = run("judge", path)
    assert ran.exit_code == 2 and expected in ran.stderr


def test_files_and_rule_sets_that_are_not_there(tmp_path: Path) -> None:
    assert run("judge", tmp_path / "no.json").exit_code == 2
    ran = run("judge", CASES / "petrol_in_order.json", "--rules", "fr-1900")
    assert ran.exit_code == 2 and "known are fr-2026-01" in ran.stderr
    assert run("rules", "--rules", tmp_path / "no.toml").exit_code == 2
    assert run("rules", "--lang", "xx").exit_code == 2
    assert run("rules", "--item", "flux").exit_code == 2


def test_the_table_shows_sources_marks_and_conflicts() -> None:
    shown = run("rules").stdout
    for one in ("Directive 2014/45/EU Annex I 1.2.2 (memory: verify)", "a DEKRA page", "gravity"):
        assert one in shown
    one_item = run("rules", "--item", "rbt.axle1.imbalance", "--lang", "fr").stdout
    assert "<= 30 %" in one_item and "essieu directeur" in one_item and "lambda" not in one_item
