"""The table of assertions is whole, and what it names exists."""

from __future__ import annotations

import ast
import importlib
from collections import Counter
from functools import cache
from pathlib import Path

import pytest
from typer.testing import CliRunner

from refit.conformance import (
    NOT_APPLICABLE,
    NOT_MET,
    PROVEN,
    VERDICTS,
    assertions,
    requirements,
)
from refit.main import app

ROOT = Path(__file__).parents[2]
JUDGED = ("test_the_edge_keeps", "test_the_host_keeps", "test_at_several_servers")


@cache
def named_in(file: str) -> set[str]:
    """The tests of a file."""
    tree = ast.parse((ROOT / file).read_text())
    functions = (n for n in tree.body if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
    return {one.name for one in functions if one.name.startswith("test_")}


def proved() -> set[tuple[str, str]]:
    """(id, test) of every test that says what it proves."""
    found = set()
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        if "@proves(" in path.read_text():
            file = str(path.relative_to(ROOT))
            module = importlib.import_module(file.removesuffix(".py").replace("/", "."))
            for name in named_in(file):
                ids = getattr(getattr(module, name), "proves", ())
                found |= {(id, f"{file}::{name}") for id in ids}
    return found


def test_there_are_as_many_as_the_specification_has() -> None:
    listed = assertions()
    assert len({one.id for one in listed}) == len(listed) == 299 - 11
    assert Counter(one.actor for one in listed) == {"E": 191, "H": 88, "EH": 9}
    assert [one.number for one in requirements()] == list(range(1, 42))


def test_none_is_untested_and_what_is_not_proven_says_why() -> None:
    for one in assertions():
        assert one.verdict in VERDICTS, one.id
        assert one.verdict != PROVEN or one.tests, one.id
        assert one.verdict != NOT_APPLICABLE or (one.because and not one.tests), one.id
        assert one.verdict != NOT_MET or one.because, one.id
    assert all(one.tests for one in requirements())


NAMED = sorted({name for one in (*assertions(), *requirements()) for name in one.tests})


@pytest.mark.parametrize("name", NAMED)
def test_every_test_that_is_named_exists(name: str) -> None:
    file, _, test = name.partition("::")
    assert test in named_in(file)


def test_tests_and_table_name_each_other() -> None:
    said = proved()
    known = {
        (one.id, name)
        for one in assertions()
        for name in one.tests
        if name.partition("::")[2] not in JUDGED
    }
    ours = {(f"requirement-{one.number}", name) for one in requirements() for name in one.tests}
    assert {pair for pair in said if pair[0].startswith("tck-id-")} == known
    assert {pair for pair in said if not pair[0].startswith("tck-id-")} <= ours


def test_the_command_prints_and_filters() -> None:
    def said(*words: str) -> str:
        result = CliRunner().invoke(app, ["sparkplug-report", *words])
        assert result.exit_code == 0, result.output
        return result.output

    assert "288 of 288 assertions: " in said()
    assert "not met        tck-id-payloads-metric-datatype" in said("--verdict", "not-met")
    assert "tck-id-topics-ndeath-seq (MUST)" in said("ndeath-seq", "--actor", "edge")
    assert said("ndeath-seq", "--actor", "host").startswith("0 of 288")


@pytest.mark.parametrize("words", [["--verdict", "maybe"], ["--actor", "broker"]])
def test_the_command_says_what_it_knows(words: list[str]) -> None:
    result = CliRunner().invoke(app, ["sparkplug-report", *words])
    assert result.exit_code == 2
    assert "known are" in result.output
