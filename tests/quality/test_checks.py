"""The check of a car: its points, who may make it, what it shows, and the commands for it."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as some
from typer.testing import CliRunner

from plant.ledger import open_ledger
from plant.making import plant_record
from plant.quality import check_plan
from refit.main import app
from stations.quality.check_plan import CheckPlanUnusable, parse_check_plan
from stations.quality.checking import CheckRefused, check_of
from stations.quality.figures import Ratio, figures, rolled
from stations.quality.independence import free, objections
from stations.quality.records import Answer, Check, RepairOperation
from stations.records import Record
from tests.plant.records import HandClock
from tests.plant.records import record as any_record
from wire.site import load

PLAN = check_plan()
TEXT = (files("stations.quality") / "check_plans/refit-80.toml").read_text()
PHOTO = "a" * 64
VISIT = "v-2026-000007"


def answers(**changes: dict[str, Any]) -> list[Answer]:
    """A whole check without a defect, but for some points."""
    found = []
    for point in PLAN.points:
        said: dict[str, Any] = {"point": point.id, "outcome": "ok"}
        if point.photo:
            said["photos"] = (PHOTO,)
        found.append(Answer(**said | changes.get(point.id.replace("-", "_"), {})))
    return found


def checked(first: bool = True, **changes: dict[str, Any]) -> Check:
    return check_of(PLAN, VISIT, "qc-1", "some-record", answers(**changes), first)


def test_the_plan_has_80_points_in_four_blocks_in_both_languages() -> None:
    assert len(PLAN.points) == 80
    assert PLAN.blocks == ("mechanics", "body", "paint and cosmetics", "photo")
    assert {point.block for point in PLAN.points} == set(PLAN.blocks)
    assert {point.severity for point in PLAN.points} == {"A", "B", "C"}
    assert all(point.text["en"] != point.text["fr"] for point in PLAN.points)
    assert all(point.photo for point in PLAN.points if point.id.startswith("photo-") and
               point.id not in ("photo-plates-masked", "photo-equipment"))  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('id = "oil-level"', 'id = "engine-start"', "engine-start: 2 points have this id"),
        ('block = "body"', 'block = "bodies"', "'bodies' is none of mechanics"),
        ('class = "A"', 'class = "D"', "class: 'D' is none of A, B, C"),
        ("photo = false", 'photo = "no"', "photo: true or false"),
        ("fr = \"Niveau d'huile", "de = \"Niveau d'huile", "text: missing in fr"),
        ("A = 100", "A = 1", "A is the most severe class"),
        ("A = 100", "A = -100", "whole numbers from 0"),
        ("A = 100\n", "", "weights: needed are A, B, C"),
        ("version = 1", 'version = "1"', "version: not a whole number"),
        ('name = "refit-80"', "", "name: missing"),
        ('"photo"]', '"photo", "noise"]', "blocks: no point is in noise"),
        ("[weights]", "[wieghts]", "weights: missing"),
        ("[weights]", "[weights", "it is no TOML"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(before: str, after: str, told: str) -> None:
    assert before in TEXT
    with pytest.raises(CheckPlanUnusable, match=told):
        parse_check_plan(TEXT.replace(before, after, 1))


def test_demerits_are_the_weights_of_the_defects() -> None:
    defect = {"outcome": "defect", "note": "seen"}
    found = checked(oil_level=defect, scratches=defect | {"severity": "B"}, dents=defect)
    assert found.defects == {"A": 0, "B": 2, "C": 1}
    assert (found.demerits, found.released) == (110, False)
    assert [one.point for one in found.answers] == [point.id for point in PLAN.points]
    clean = checked()
    assert (clean.demerits, clean.released, clean.defects) == (0, True, {"A": 0, "B": 0, "C": 0})


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"tyres": {"photos": ()}}, "tyres: a photo is required"),
        ({"tyres": {"photos": ("x",)}}, "tyres: a photo is named by its SHA-256"),
        ({"tyres": {"outcome": "defect"}}, "tyres: a defect needs a note"),
        ({"tyres": {"severity": "A"}}, "tyres: a class A, but no defect"),
        ({"tyres": {"outcome": "defect", "note": "n", "severity": "C"}}, "less severe than that"),
        ({"tyres": {"point": "tires"}}, "1 points are not answered: tyres"),
        ({"tyres": {"point": "tires"}}, "tires: no point of refit-80 has this id"),
        ({"tyres": {"point": "oil-level"}}, "oil-level: answered 2 times"),
    ],
)
def test_a_check_that_is_not_whole_is_refused(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(CheckRefused, match=told):
        checked(**changes)
    assert checked(tyres={"outcome": "not_applicable", "photos": ()}).released


def test_figures_have_numerators_and_denominators() -> None:
    defect = {"outcome": "defect", "note": "seen"}
    found = figures(PLAN, [
        checked(), checked(scratches=defect, dents=defect), checked(oil_level=defect, dents=defect),
        checked(first=False, oil_level=defect),
    ])  # fmt: skip
    assert (found.checks, found.units) == (4, 3)
    assert (found.dpu, found.fpy) == (Ratio(4, 3), Ratio(1, 3))
    assert found.blocks["paint and cosmetics"] == Ratio(1, 3)
    assert found.blocks["mechanics"] == Ratio(2, 3)
    assert found.rty == pytest.approx(2 / 9)
    assert found.demerits == Ratio(10 + 10 + 50 + 10, 3)


def test_over_nothing_there_is_no_value() -> None:
    found = figures(PLAN, [])
    assert (found.dpu.value, found.fpy.value, found.rty) == (None, None, None)
    assert found.dpu.said() == {"value": None, "numerator": 0, "denominator": 0}
    assert rolled([]) is None
    assert rolled([Ratio(1, 2), Ratio(0, 0)]) is None
    assert rolled([Ratio(9, 10), Ratio(8, 10)]) == pytest.approx(0.72)


NAMES = some.sampled_from(["op-1", "OP-1", " op-1 ", "op-2", "qc-1", "op-11"])


@given(some.lists(some.tuples(some.sampled_from([VISIT, "v-2026-000008"]), NAMES)), NAMES)
def test_who_has_repaired_a_car_never_checks_it(work: list[tuple[str, str]], name: str) -> None:
    operations = {
        str(n): RepairOperation(visit=visit, operation="o", operator=operator)
        for n, (visit, operator) in enumerate(work)
    }
    has_repaired = any(
        visit == VISIT and operator.strip().lower() == name.strip().lower()
        for visit, operator in work
    )
    assert bool(objections(name, VISIT, operations)) is has_repaired
    assert free([name], VISIT, operations) == ([] if has_repaired else [name])


def test_somebody_without_a_name_checks_nothing() -> None:
    with pytest.raises(ValueError, match="needs a pseudonym"):
        objections("  ", VISIT, {})


def repair(operator: str, operation: str = "brake-pads-front", visit: str = VISIT) -> Record:
    data = RepairOperation(visit=visit, operation=operation, operator=operator)
    return plant_record(
        "repair.operation", "s", "line-1", "repair-1", visit, 1_790_000_000_000, data
    )


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site whose ledger knows a car that op-1 has repaired, and another that op-2 has."""
    file = tmp_path / "site.toml"
    file.write_text('[site]\nname = "s"\n')
    with open_ledger(load(file).ledger, HandClock()) as ledger:
        ledger.append([any_record(7), repair("op-1"), repair("op-2", visit="v-2026-000008")])
    return file


def run(*words: object) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["quality", *map(str, words)])
    return result.exit_code, result.stdout, result.stderr


def test_an_assignment_is_refused_before_anything_is_checked(site: Path) -> None:
    words = ("assign", VISIT, "--site", site)
    code, out, err = run(*words, "--inspector", "OP-1", "--json")
    assert code == 1
    said = orjson.loads(out)
    assert said["assigned"] is False
    assert [one["operation"] for one in said["objections"]] == ["brake-pads-front"]
    assert "OP-1 has repaired the car of v-2026-000007: brake-pads-front (record " in err
    code, out, _ = run(*words, "--inspector", "op-2", "--json")
    assert code == 0, "he has repaired another car"
    assert len(orjson.loads(out)["data"]["operations"]) == 1
    with open_ledger(load(site).ledger, HandClock()) as ledger:
        assert len(ledger.find(kind="quality.assignment")) == 1
    assert run("assign", "v-nowhere", "--site", site, "--inspector", "qc-1")[0] == 2
    assert run(*words, "--inspector", " ")[0] == 2


def test_a_check_from_its_answers_to_the_figures(site: Path, tmp_path: Path) -> None:
    file = tmp_path / "answers.json"
    defect = {"outcome": "defect", "note": "seen"}
    file.write_bytes(orjson.dumps([one.model_dump() for one in answers(oil_level=defect)]))
    words = ("check", VISIT, file, "--site", site, "--inspector", "qc-1")
    code, _, err = run(*words)
    assert code == 2 and "nobody is assigned" in err
    assert run("assign", VISIT, "--site", site, "--inspector", "qc-1")[0] == 0
    assert run("check", VISIT, file, "--site", site, "--inspector", "qc-2")[0] == 2
    code, out, _ = run(*words, "--json")
    said = orjson.loads(out)
    assert (code, said["demerits"], said["released"], said["first"]) == (0, 50, False, True)
    file.write_bytes(orjson.dumps([one.model_dump() for one in answers()]))
    assert orjson.loads(run(*words, "--json")[1])["first"] is False
    found = orjson.loads(run("figures", "--site", site, "--json")[1])
    assert found["dpu"] == {"value": 1.0, "numerator": 1, "denominator": 1}
    assert (found["checks"], found["units"], found["rty"]) == (2, 1, 0.0)
    assert "no value" not in run("figures", "--site", site)[1]
    with open_ledger(load(site).ledger, HandClock()) as ledger:
        ledger.append([repair("qc-1", "polish")])
    code, _, err = run(*words)
    assert code == 1 and "qc-1 has repaired the car of v-2026-000007: polish" in err


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "it is no JSON"),
        ("{}", "write a list"),
        ('[{"point": "tyres"}]', "answer 1: outcome: Field required"),
        ('[{"point": "tyres", "outcome": "fine"}]', "answer 1: outcome: Input should be 'ok'"),
        ('[{"point": "tyres", "outcome": "ok", "x": 1}]', "answer 1: x: Extra inputs"),
        ("[]", "80 points are not answered: engine-start, oil-level"),
    ],
)
def test_answers_that_are_none_are_told(site: Path, tmp_path: Path, text: str, told: str) -> None:
    file = tmp_path / "answers.json"
    file.write_text(text)
    run("assign", VISIT, "--site", site, "--inspector", "qc-1")
    code, out, err = run("check", VISIT, file, "--site", site, "--inspector", "qc-1")
    assert (code, out) == (2, "")
    assert told in err


def test_the_plan_is_shown_in_both_languages() -> None:
    code, out, _ = run("plan", "--lang", "fr", "--json")
    said = orjson.loads(out)
    assert (code, len(said["points"]), said["weights"]["A"]) == (0, 80, 100)
    assert said["points"][0]["text"].startswith("Le moteur démarre")
    assert "Engine starts cold" in run("plan")[1]
    assert run("plan", "--lang", "de")[0] == 2
    assert run("figures", "--site", "nowhere.toml")[0] == 2
