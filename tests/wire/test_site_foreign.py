"""Edge nodes that are not our agents, in a site file."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.wire.test_site import small
from wire.site import examine, load

OVEN = '[[foreign]]\nname = "oven-1"\nedge = "plc-7"\ndevice = "Oven"\n'


def test_a_foreign_device_is_a_station_with_tags(tmp_path: Path) -> None:
    (tmp_path / "oven.csv").write_text("name;metric\ntemperature;Zone 1/Temperature\n\n")
    (oven,) = load(small(tmp_path, OVEN + 'line = "line-1"\ntags = "oven.csv"\n')).foreign
    assert (oven.name, oven.edge, oven.device, oven.line) == ("oven-1", "plc-7", "Oven", "line-1")
    assert oven.names == {"Zone 1/Temperature": "temperature"}


@pytest.mark.parametrize(
    ("csv", "where", "what"),
    [
        ("tag,metric\n", 1, "is no list of tags"),
        ("name,metric\nBig,Zone\n", 2, '"Big,Zone" is no tag and its metric'),
        ("name,metric\na,\n", 2, '"a," is no tag and its metric'),
        ("name,metric\na,X\nb,X\n", 3, "stands there twice"),
        ("name,metric\na,X\na,Y\n", 3, "stands there twice"),
        pytest.param("name,metric\na," + "x" * 200_000, 2, "field larger", id="long"),
    ],
)
def test_a_wrong_list_of_tags_is_said_with_its_row(
    tmp_path: Path, csv: str, where: int, what: str
) -> None:
    (tmp_path / "oven.csv").write_text(csv)
    (problem,) = examine(small(tmp_path, OVEN + 'tags = "oven.csv"\n')).problems
    assert (problem.file.name, problem.line) == ("oven.csv", where) and what in problem.what


def test_what_stands_twice_is_said(tmp_path: Path) -> None:
    text = OVEN + OVEN.replace("oven-1", "oven-2") + OVEN.replace("oven-1", "meter-1")
    found = [one.what for one in examine(small(tmp_path, text)).problems]
    assert sum("is the same device of plc-7" in one for one in found) == 2
    assert any('"meter-1" is the name of a [[station]] too' in one for one in found)


@pytest.mark.parametrize("text", ["foreign = 3", 'foreign = ["a"]', '[foreign]\nname = "a"'])
def test_what_is_no_list_of_tables_is_said(tmp_path: Path, text: str) -> None:
    file = small(tmp_path)
    file.write_text(f"{text}\n{file.read_text()}")
    (problem,) = examine(file).problems
    assert (problem.key, problem.what) == ("foreign", "must be a list of tables")


def test_more_of_them_may_stand_in_an_include(tmp_path: Path) -> None:
    (tmp_path / "more.toml").write_text(OVEN.replace("oven-1", "oven-2").replace("Oven", "Two"))
    file = small(tmp_path, OVEN)
    file.write_text(f'include = ["more.toml"]\n{file.read_text()}')
    assert [one.name for one in load(file).foreign] == ["oven-1", "oven-2"]


def test_an_agent_of_the_site_is_no_foreign_edge_node(tmp_path: Path) -> None:
    (problem,) = examine(small(tmp_path, OVEN.replace("plc-7", "pc-1"))).problems
    assert (problem.key, problem.what) == ("foreign.oven-1.edge", "pc-1 is an agent of this site")


def test_a_list_that_is_not_there_is_said(tmp_path: Path) -> None:
    (problem,) = examine(small(tmp_path, OVEN + 'tags = "none.csv"\n')).problems
    assert "cannot be read" in problem.what
