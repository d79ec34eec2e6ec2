"""`refit tags KIND --csv`: what a kind declares as a table that loads again, nothing changed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from refit.main import app
from stations import kinds
from stations.declare import Tag
from tests.docs.pages import ROOT
from wire.site import devices

METERS = sorted((ROOT / "config/demo/meters").glob("*.csv"))


def run(*words: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["tags", *words])
    return result.exit_code, result.stdout, result.stderr


def said(tag: Tag[Any]) -> Tag[Any]:
    """The tag as far as a CSV can say it."""
    plain = replace(tag, kind=int if tag.states else tag.kind, stale_ms=0)
    object.__setattr__(plain, "name", tag.name)
    return plain


@pytest.mark.parametrize("name", kinds.names())
def test_every_kind_is_a_device_with_the_same_tags(name: str) -> None:
    station = kinds.find(name).station
    code, out, _ = run(name, "--csv")
    assert code == 0
    device = devices.parse(Path("x.csv"), out)
    assert device.problems == ()
    assert list(device.declaration.tags) == [said(tag) for tag in station.tags]


@pytest.mark.parametrize("path", METERS, ids=lambda path: path.stem)
def test_a_csv_is_itself_again(path: Path, tmp_path: Path) -> None:
    to = tmp_path / "again.csv"
    code, out, err = run(str(path), "--to", str(to))
    assert (code, out) == (0, "")
    before, after = devices.read(path).declaration, devices.read(to)
    assert after.problems == ()
    assert after.declaration.tags == before.tags
    assert err == f"{len(before.tags)} tags in {to}\n"


def test_what_a_csv_cannot_say_is_said() -> None:
    _, _, err = run("battery", "--csv")
    assert "not in a CSV: states are plain numbers: state (BatteryState)" in err
    assert "stale: heartbeat (10000 ms)" in err
    assert "not in a CSV: no commands: start, stop\n" in err


def test_a_file_that_is_there_is_kept(tmp_path: Path) -> None:
    to = tmp_path / "mine.csv"
    to.write_text("mine")
    code, _, err = run("studio", "--csv", "--to", str(to))
    assert code == 2
    assert "is there already" in err
    assert to.read_text() == "mine"


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    code, _, err = run("studio", "--to", str(tmp_path / "gone/a.csv"))
    assert code == 1
    assert "No such file" in err
