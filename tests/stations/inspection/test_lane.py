"""The lane's own record is judged too: by what its tags tell, which is less than a session knows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stations import kinds
from stations.inspection.judging.judgement import Judgement
from stations.inspection.judging.output import case_schema
from stations.inspection.records import Report
from stations.kinds import Kind
from stations.samples import build
from stations.watch import Watch
from tests.stations.test_judge import moments
from tests.stations.timeline import FOLDER, load, play
from wire.rule_sets import newest


def ruled() -> Kind:
    kind = kinds.find("inspection")
    assert kind.judge_by is not None
    return replace(kind, judge=kind.judge_by(newest()))


KIND = ruled()


def report(name: str) -> Report:
    case = replace(load(FOLDER / "inspection" / "cases" / f"{name}.toml"), kind=KIND)
    drafts = [one for one in play(case, case.samples, restart=True) if one.kind.endswith("report")]
    return Report.model_validate(drafts[0].data)


def test_a_sound_car_without_papers_is_not_decidable() -> None:
    said = report("petrol_car").judgement
    assert said is not None
    assert (said.result, said.letter, said.rule_set) == ("not_decidable", None, "fr-2026-01")
    open_items = {one.item: one.reason for one in said.not_decidable}
    assert open_items["rbt.service_eff"] == "first_registration_unknown"
    assert open_items["vehicle.gvm_kg"] == "missing"
    assert open_items["tyre.fl.tread_mid"] == "missing"
    judged = {one.item: one for one in said.judged}
    assert judged["rbt.axle1.imbalance"].value == "20" and judged["rbt.axle1.imbalance"].passes
    assert judged["susp.axle1.asym"].limit == "<= 30"
    assert [(one.id, one.state) for one in said.equipment] == [("brakes", "ok")]


def test_wheels_that_do_not_brake_are_critical_whatever_is_unknown() -> None:
    said = report("two_idle_wheels").judgement
    assert said is not None and said.letter == "R"
    assert {"1.2.1.a.3"} <= {one.code for one in said.findings}
    assert not [one for one in said.findings if one.code.startswith("1.2.1.b")]


def test_the_case_of_a_report_keeps_to_the_schema() -> None:
    import jsonschema

    case = report("electric_car").case
    assert case is not None and case["vehicle"] == {"category": "M1", "fuel": "electric"}
    jsonschema.Draft202012Validator(case_schema()).validate(case)


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
    from stations.inspection.judging.judge import Judge
    from stations.inspection.lane_case import case_of, judged
    from stations.inspection.records import Obd
    from wire.rule_sets import rule_set

    nothing = Obd(mil=None, ready=None, dtc_count=None)
    case: dict[str, Any] = case_of("2026-11-25", fuel, {}, nothing, None, None)
    assert judged(case, Judge(rule_set())) is None
