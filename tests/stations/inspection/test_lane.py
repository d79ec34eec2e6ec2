"""The lane's own record is judged too, by what its tags tell: less than a session knows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jsonschema
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stations import kinds
from stations.inspection.judging.judge import Judge
from stations.inspection.judging.judgement import Judgement
from stations.inspection.judging.output import case_schema
from stations.inspection.lane_case import case_of, judged
from stations.inspection.records import Measurement, Obd, Report
from stations.kinds import Kind
from stations.samples import build
from stations.watch import Watch
from tests.stations.test_judge import moments
from tests.stations.timeline import FOLDER, load, play
from wire.rule_sets import newest, rule_set


def ruled() -> Kind:
    kind = kinds.find("inspection")
    assert kind.judge_by is not None
    return replace(kind, judge=kind.judge_by(newest()))


KIND = ruled()


def report(name: str) -> Report:
    played = replace(load(FOLDER / "inspection" / "cases" / f"{name}.toml"), kind=KIND)
    drafts = [
        one for one in play(played, played.samples, restart=True) if one.kind.endswith("report")
    ]
    return Report.model_validate(drafts[0].data)


def test_a_sound_car_without_papers_is_not_decidable() -> None:
    said = report("petrol_car").judgement
    assert said is not None
    assert (said.result, said.letter, said.rule_set) == ("not_decidable", None, "fr-2026-01")
    open_items = {one.item: one.reason for one in said.not_decidable}
    assert open_items["rbt.service_eff"] == "first_registration_unknown"
    assert open_items["vehicle.gvm_kg"] == "missing"
    assert open_items["tyre.fl.tread_mid"] == "missing"
    rows = {one.item: one for one in said.judged}
    assert rows["rbt.axle1.imbalance"].value == "20" and rows["rbt.axle1.imbalance"].passes
    assert rows["susp.axle1.asym"].limit == "<= 30"
    assert [(one.id, one.state) for one in said.equipment] == [("brakes", "ok")]


def case(fuel: str, calibrated: str | None, **forces: float) -> dict[str, Any]:
    found = {f"brake.{wheel}": Measurement(value=n, unit="N") for wheel, n in forces.items()}
    nothing = Obd(mil=None, ready=None, dtc_count=None)
    return case_of("2026-11-25", fuel, found, nothing, calibrated, True)


def test_wheels_that_do_not_brake_are_critical_whatever_is_unknown() -> None:
    weak = {"front_left": 3000.0, "front_right": 2100.0, "rear_left": 299.0, "rear_right": 99.5}
    said = judged(case("petrol", "2026-03-02", **weak), Judge(rule_set()))
    assert said is not None and said.letter == "R"
    assert [(one.code, one.location) for one in said.findings] == [
        ("1.2.1.a.3", "axle2.r"), ("1.2.1.a.2", "axle2"),
    ]  # fmt: skip
    unknown = judged(case("petrol", None, **weak), Judge(rule_set()))
    assert unknown is not None and not unknown.findings
    assert {one.state for one in unknown.equipment} == {"calibration_unknown"}


def test_the_case_of_a_report_keeps_to_the_schema() -> None:
    made = report("electric_car").case
    assert made is not None and made["vehicle"] == {"category": "M1", "fuel": "electric"}
    jsonschema.Draft202012Validator(case_schema()).validate(made)


def test_a_report_is_kept_as_it_was_said() -> None:
    found = report("petrol_car")
    stored = orjson.dumps(found.model_dump(mode="json"))
    assert Report.model_validate_json(stored) == found
    assert isinstance(found.judgement, Judgement)


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_no_judgement_raises_whatever_a_machine_says(data: st.DataObject) -> None:
    watch = Watch(KIND, dict(enumerate(KIND.station.tags)))
    for row in data.draw(moments(KIND)):
        for draft in watch.feed(build([row])):
            if draft.kind == "inspection.report":
                Report.model_validate(draft.data)


@pytest.mark.parametrize("fuel", ["", "steam"])
def test_a_fuel_that_nobody_knows_is_not_judged(fuel: str) -> None:
    assert judged(case(fuel, "2026-03-02"), Judge(rule_set())) is None
