"""The reference pages: those that are made are fresh, those that are written say what is so."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from prometheus_client import generate_latest
from typer.testing import CliRunner

from edge.health import METRICS
from refit import reference
from refit.main import app, of
from refit.reference import commands, metrics, records
from simulators import faults
from stations import kinds

ROOT = Path(__file__).parents[2]
MADE = reference.pages()


@pytest.mark.parametrize("name", sorted(MADE))
def test_a_page_is_what_the_code_makes_of_it(name: str) -> None:
    page = (reference.FOLDER / name).read_text()
    assert page == MADE[name], "run: make reference"


def test_only_what_is_out_of_date_is_written(tmp_path: Path) -> None:
    assert [path.name for path in reference.write(tmp_path)] == list(MADE)
    (tmp_path / "metrics.md").write_text("old")
    assert reference.write(tmp_path) == [tmp_path / "metrics.md"]
    assert reference.write(tmp_path) == []


@pytest.mark.parametrize("name", [name for name, _ in commands.commands(of())])
def test_every_command_is_called_as_the_page_says(name: str) -> None:
    section = commands.page().partition(f"\n## `refit {name}`\n")[2].partition("\n## ")[0]
    result = CliRunner().invoke(app, [*name.split(), "--help"], env={"COLUMNS": "400"})
    assert result.exit_code == 0
    for row in section.splitlines():
        if row.startswith("| `--"):
            assert f"{row.split('`')[1]} " in result.output
    assert section.strip().splitlines()[0] in result.output


def test_the_help_of_fault_names_every_fault() -> None:
    result = CliRunner().invoke(app, ["fault", "--help"], env={"COLUMNS": "400"})
    assert f"--tag): {', '.join(faults.ONE_TAG)}." in result.output
    assert f"station: {', '.join(faults.WHOLE_STATION)}." in result.output


@pytest.mark.parametrize("kind", kinds.names())
def test_every_tag_command_and_state_is_on_its_page(kind: str) -> None:
    page = (reference.FOLDER / f"tags-{kind}.md").read_text()
    station = kinds.find(kind).station
    for member in (*station.tags, *station.commands):
        assert f"| `{member.name}` |" in page
        assert member.doc in page
    for state in (state for tag in station.tags for state in tag.states or ()):
        assert f"| {state.value} | `{state.name}` | {state.doc} |" in page


def test_limits_are_written_out_in_full() -> None:
    assert "| 0 .. 4294967295 |" in (reference.FOLDER / "tags-battery.md").read_text()


def test_every_kind_of_record_that_is_made_is_on_the_page() -> None:
    made = {"gap", "clock_step", "file_lost", "record_too_long"}.union(
        *(records.records_of(kind) for kind in kinds.names())
    )
    made |= set(records.plant_records())
    page = records.page()
    assert {line[5:-1] for line in page.splitlines() if line.startswith("### `")} == made
    drafted = {
        word.value
        for call in _calls("stations", "Draft")
        for word in (one.value for one in call.keywords if one.arg == "kind")
        if isinstance(word, ast.Constant)
    }
    assert {"gap", "studio.session"} < drafted <= made


def test_every_reason_of_a_gap_is_on_the_page() -> None:
    reasons = {
        word.value
        for name, index in (("Gap", 4), ("Lost", 4), ("MachineFault", 1), ("Untrusted", 1))
        for call in _calls("edge", name)
        for word in call.args[index : index + 1]
        if isinstance(word, ast.Constant)
    }
    assert {*reasons, "agent restarted", "link down", "outbox damaged"} == set(records.GAP_REASONS)


def _calls(floor: str, name: str) -> list[ast.Call]:
    return [
        node
        for path in (ROOT / floor).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == name
    ]


def test_every_metric_that_is_exposed_is_on_the_page() -> None:
    page = metrics.page()
    described = [
        *metrics.agent_metrics().described,
        *metrics.historian_metrics().described,
        *metrics.media_metrics().described,
    ]
    for one in described:
        assert f"| `{one.name}` | {one.kind} |" in page
    assert {"agent_link_up", "historian_store_writes_total"} < {one.name for one in described}
    assert set(metrics.HEALTH_DOCS) == {one.name for one in METRICS}


def test_a_metric_is_described_by_the_name_under_which_it_is_exposed() -> None:
    from wire.metrics import Metrics

    made = Metrics()
    made.counter("turns", "Turns made", lambda: 3)
    made.gauges("depth", "Depth", "queue", lambda: {"a": 1})
    text = generate_latest(made.registry).decode()
    assert "\nturns_total 3.0\n" in text
    assert '\ndepth{queue="a"} 1.0\n' in text
    assert [one.name for one in made.described] == ["turns_total", "depth"]
    assert [one.label for one in made.described] == ["", "queue"]
