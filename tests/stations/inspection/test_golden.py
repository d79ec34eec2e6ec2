"""The golden cases of the judgement: a case as JSON, what must come out of it beside it."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from stations.inspection.judging.judge import Judge
from stations.inspection.judging.output import as_json, case_schema
from stations.inspection.judging.parsing import parse
from wire.rule_sets import FOLDER, rule_set

CASES = sorted((FOLDER.parent / "cases").glob("*.json"))
KEYS = {"result", "letter", "valid_until", "findings", "not_decidable", "rule_set"}
FINDING = {"code", "severity", "value", "limit", "unit", "rule", "source", "location", "photo"}


def exact(text: str) -> Any:
    return json.loads(text, parse_float=Decimal, parse_int=Decimal)


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_case_gives_what_is_expected(path: Path) -> None:
    expected = exact((path.parent / "expected" / path.name).read_text())
    said = exact(as_json(Judge(rule_set()).judge(parse(path.read_bytes()))))
    assert set(said) == KEYS and all(set(one) == FINDING for one in said["findings"])
    findings = [[f["code"], f["value"], f["limit"], f["location"]] for f in said["findings"]]
    got = {
        "result": said["result"],
        "letter": said["letter"],
        "valid_until": said["valid_until"],
        "findings": findings,
        "not_decidable": [[one["item"], one["reason"]] for one in said["not_decidable"]],
    }
    assert got == expected
    assert all(str(one["severity"].real) == one["code"][-1] for one in said["findings"])


def test_there_are_many_cases_and_each_is_expected() -> None:
    assert len(CASES) >= 30
    expected = (FOLDER.parent / "cases" / "expected").glob("*.json")
    assert {path.name for path in expected} == {path.name for path in CASES}


def test_every_case_keeps_to_the_schema() -> None:
    schema = case_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for path in CASES:
        validator.validate(json.loads(path.read_text()))
