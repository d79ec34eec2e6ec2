"""`refit kpi`: the numbers of the hours in the terminal, from what is stored."""

from __future__ import annotations

import time
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from plant.kpi.facts import Facts
from plant.points import Model
from plant.stores.sqlite import SqliteStore
from refit.main import app
from refit.times import text_of
from stations.kpi import HOUR_MS
from stations.studio.station import StudioState
from tests.plant.kpi.site import MODEL, cycle, received
from tests.wire.test_site import CONFIG
from wire.site import write_copy

RUNNER = CliRunner(env={"COLUMNS": "220"})


@pytest.fixture
def filled(tmp_path: Path) -> tuple[Path, int]:
    """The demo with an hour of its studio in the store, and which it is."""
    copy = write_copy(CONFIG / "demo/site.toml", tmp_path / "site.toml")
    now_ms = int(time.time() * 1000)
    hour = now_ms // HOUR_MS * HOUR_MS - HOUR_MS
    said = [("state", hour, StudioState.TURNING), ("state", hour + 45 * 60_000, StudioState.EMPTY)]
    facts = Facts(copy, Model(copy))
    records = [cycle(hour + minutes * 60_000) for minutes in (5, 10)]
    with closing(SqliteStore(copy.store.path)) as store:
        store.write([MODEL.samples(received(said), now_ms)])
        store.write([one.points for record in records for one in facts.of(record, now_ms)])
    return tmp_path / "site.toml", hour


def cells(output: str, *begin: str) -> list[list[str]]:
    """The rows of the table that begin like this, cell by cell."""
    rows = [[cell.strip() for cell in line.strip("│").split("│")] for line in output.splitlines()]
    return [row for row in rows if row[: len(begin)] == list(begin)]


def test_an_hour_is_a_row(filled: tuple[Path, int]) -> None:
    site, hour = filled
    shown = RUNNER.invoke(app, ["kpi", "--site", str(site), "--hours", "3", "--by-hour"])
    assert shown.exit_code == 0, shown.output
    rows = {row[1]: row[2:] for row in cells(shown.output, "studio-1")}
    assert len(rows) == 3
    assert rows[text_of(hour)[:16]] == [
        "60.0", "45.0", "0.0", "15.0", "0.0", "9.0", "2", "2", "0.750", "0.200", "1.000", "0.150",
    ]  # fmt: skip
    after = rows.get(text_of(hour + HOUR_MS)[:16])
    assert after is not None and (after[6:8], after[9:]) == (["0", "0"], ["", "", ""])


def test_the_sum_is_not_the_mean_of_the_ratios(filled: tuple[Path, int]) -> None:
    site, _ = filled
    shown = RUNNER.invoke(app, ["kpi", "--site", str(site), "--hours", "3", "--line", "line-1"])
    assert shown.exit_code == 0, shown.output
    (row,) = cells(shown.output, "studio-1")
    planned, produced = float(row[1]), float(row[2])
    assert produced == 45.0
    assert float(row[8 + 1]) == pytest.approx(produced / planned, abs=0.001)
    assert {one[0] for one in cells(shown.output)} >= {"inspection-1", "battery-1", "studio-1"}
    assert "planned hours nothing is known of" in shown.output  # of two of the three stations


def test_a_line_that_there_is_not_is_named(filled: tuple[Path, int]) -> None:
    site, _ = filled
    shown = RUNNER.invoke(app, ["kpi", "--site", str(site), "--line", "line-2"])
    assert shown.exit_code == 2
    assert 'no line is named "line-2" (did you mean line-1?)' in shown.output


def test_without_a_store_there_is_nothing_to_show(tmp_path: Path) -> None:
    write_copy(CONFIG / "demo/site.toml", tmp_path / "site.toml")
    shown = RUNNER.invoke(app, ["kpi", "--site", str(tmp_path / "site.toml")])
    assert shown.exit_code == 2
    assert "there is no store" in shown.output
