"""The commands calibrate, screen and partial on files, and what they refuse."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from tests import measured
from tests.refit.battery.test_traces import HEAD, run, written
from tests.stations.battery.cell import Cell, ocv
from tests.stations.battery.test_screen import made

Rows = list[list[object]]


def table(path: Path, cells: int = 24, seed: int = 0, chemistry: str = "X") -> Path:
    """A table of made-up cells with all columns."""
    volts, soh, group = made(cells, seed=seed)
    header = ["row", "group", "chemistry", "q_nominal_ah", *(f"u{n + 1}" for n in range(7))]
    with path.open("w", newline="") as file:
        out = csv.writer(file)
        out.writerow([*header, "soh_pct"])
        for at, (row, true, cell) in enumerate(zip(volts, soh, group, strict=True)):
            out.writerow([at, f"c{cell}", chemistry, 10, *(f"{one:.5f}" for one in row), true])
    return path


def rows_of(path: Path) -> list[list[str]]:
    """What stands in a table."""
    return list(csv.reader(path.read_text().splitlines()))


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    out = folder / "model.json"
    code, told, err = run("calibrate", table(folder / "t.csv", 40), "--out", out, "--json")
    assert code == 0, err
    assert json.loads(told)["chemistries"]["X"]["cells"] == 40
    return out


def test_what_is_screened_is_in_the_order_of_the_rows(tmp_path: Path, model: Path) -> None:
    asked = table(tmp_path / "t.csv", 10, seed=1)
    lines = asked.read_text().splitlines()
    asked.write_text("\n".join([lines[0], *reversed(lines[1:]), lines[1].replace("X", "LFP")]))
    code, out, err = run("screen", asked, "--model", model, "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert [one["row"] for one in found] == [*range(39, -1, -1), 0]
    assert found[-1] == {
        "row": 0, "soh_pct": None, "low_pct": None, "high_pct": None, "abstain": True,
        "reason": "out_of_domain",
    }  # fmt: skip
    said = [one for one in found if not one["abstain"]]
    assert len(said) > 30 and all(one["reason"] is None for one in said)
    assert all(one["low_pct"] <= one["soh_pct"] <= one["high_pct"] for one in said)
    code, out, _ = run("screen", asked, "--model", model, "--half-width-max", "0.01", "--json")
    assert all(one["abstain"] and one["soh_pct"] is None for one in json.loads(out))
    assert "of 41 answered" in run("screen", asked, "--model", model)[1]


def test_a_table_to_screen_needs_no_group(tmp_path: Path, model: Path) -> None:
    asked = tmp_path / "t.csv"
    rows = rows_of(table(asked, 3))
    asked.write_text("\n".join(",".join([row[0], *row[2:-1]]) for row in rows))
    assert run("screen", asked, "--model", model)[0] == 0


def test_fewer_than_twenty_cells_are_refused(tmp_path: Path) -> None:
    out = tmp_path / "m.json"
    code, _, err = run("calibrate", table(tmp_path / "t.csv", 19), "--out", out)
    assert code == 2 and "19 physical cells" in err and "at least 20" in err and not out.exists()


def _cell(rows: Rows, column: str, value: object) -> Rows:
    rows[3][rows[0].index(column)] = value
    return rows


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda rows: _cell(rows, "u3", "nan"), "line 4, column `u3`: `nan`"),
        (lambda rows: _cell(rows, "u3", ""), "line 4, column `u3`: it is empty"),
        (lambda rows: _cell(rows, "u3", "3512"), "`3512`: want a number from 0.5 to 5.5 V"),
        (lambda rows: _cell(rows, "group", ""), "column `group`: it is empty"),
        (lambda rows: _cell(rows, "soh_pct", "-4"), "line 4, column `soh_pct`"),
        (lambda rows: _cell(rows, "q_nominal_ah", "0"), "line 4, column `q_nominal_ah`"),
        (lambda rows: rows[:1], "no row after the header"),
        (lambda rows: [row[1:] for row in rows], "no column `row`"),
        (lambda rows: [row[:-1] for row in rows], "no column `soh_pct`"),
        (lambda rows: [row[:4] + row[5:] for row in rows], "no column `u1`"),
        (lambda rows: [[*row, row[5]] for row in rows], "is there twice"),
        (lambda rows: [], "no column"),
        (
            lambda rows: [rows[0], *([*row[:-1], float(str(row[-1])) / 100] for row in rows[1:])],
            "number from 1 to 130 %",
        ),
    ],
)
def test_a_table_that_is_refused(tmp_path: Path, spoil, told: str) -> None:  # type: ignore[no-untyped-def]
    path = table(tmp_path / "t.csv", 21)
    rows: Rows = [list(row) for row in rows_of(path)]
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(spoil(rows))
    code, out, err = run("calibrate", path, "--out", tmp_path / "m.json")
    assert (code, out) == (2, "") and told in err and not (tmp_path / "m.json").exists()


@pytest.mark.parametrize(
    "text", ["", "{}", "[1]", "null", '{"kind": "refit.battery.screen", "version": 9}', "\x00"]
)
def test_a_model_that_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "m.json").write_text(text)
    code, _, err = run("screen", table(tmp_path / "t.csv", 3), "--model", tmp_path / "m.json")
    assert code == 2 and "no model of `refit battery calibrate`" in err


@pytest.mark.parametrize("damage", ["volts", "soh_pct", "group", "shape", "q_nominal_ah"])
def test_a_damaged_model_is_refused(tmp_path: Path, model: Path, damage: str) -> None:
    found = json.loads(model.read_text())
    found["chemistries"]["X"][damage] = [[3.2, None]]
    (tmp_path / "m.json").write_text(json.dumps(found))
    code, _, err = run("screen", table(tmp_path / "t.csv", 3), "--model", tmp_path / "m.json")
    assert code == 2 and "no model" in err


def test_rows_with_another_number_of_voltages(tmp_path: Path, model: Path) -> None:
    path = table(tmp_path / "t.csv", 3)
    rows = rows_of(path)
    path.write_text("\n".join(",".join([*row[:10], row[11]]) for row in rows))
    code, _, err = run("screen", path, "--model", model)
    assert code == 2 and "6 voltages in a row" in err


def curve(path: Path, soc: str = "SOC / %", rows: str = "") -> Path:
    lines = [f"{at},{float(ocv(at / 100)):.4f}" for at in range(0, 101, 2)]
    path.write_text("\n".join([f"{soc},Voltage / V", rows or "\n".join(lines), ""]))
    return path


def test_partial_as_json_and_in_words(tmp_path: Path) -> None:
    plan = [(0.0, 1800.0), (10.0, 5400.0), (0.0, 1800.0)]
    trace = Cell(cells=4).run(plan, soc=0.3, every_s=10.0)
    path = written(tmp_path / "t.csv", trace, HEAD + ",Temperature / degC", ",25.0")
    words = ("partial", path, "--ocv", curve(tmp_path / "ocv.csv"), "--cells", "4")
    code, out, err = run(*words, "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    assert found["capacity_ah"] == pytest.approx(30.0, rel=0.01) and found["valid"] is True
    assert found["moved_ah"] == pytest.approx(15.0) and found["window_pct"] > 45
    assert 0 < found["u95_ah"] < 0.05 * found["capacity_ah"]
    code, out, _ = run(*words, "--u95-max-pct", "1", "--json")
    strict = json.loads(out)
    assert code == 0 and not strict["valid"] and "window_too_small" in strict["reasons"]
    assert "valid" in run(*words)[1]


@pytest.mark.parametrize(
    ("soc", "rows", "told"),
    [
        ("SOC", "", "want `SOC / %`"),
        ("SOC / 1", "", "column `SOC / 1`: want `SOC / %`"),
        ("SOC / %", "0,3.0\n50,3.7\n100,3.6", "must rise"),
        ("SOC / %", "0,3.0\n0.5,3.7\n1,4.2", "parts of 1"),
        ("SOC / %", "0,3000\n100,4200", "line 2, column `Voltage / V`: `3000`"),
        ("SOC / %", "0,3.0\n100,", "line 3, column `Voltage / V`"),
        ("SOC / %", "50,3.6", "at least two"),
    ],
)
def test_a_curve_that_is_refused(tmp_path: Path, soc: str, rows: str, told: str) -> None:
    path = written(tmp_path / "t.csv", Cell().run([(0.0, 60.0), (10.0, 60.0)], soc=0.3))
    code, out, err = run("partial", path, "--ocv", curve(tmp_path / "ocv.csv", soc, rows))
    assert (code, out) == (2, "") and told in err


@measured.needed
def test_retired_cells_by_file(tmp_path: Path) -> None:
    """Both chemistries in one table; every fifth cell of each is asked about."""
    header = ["row", "group", "chemistry", "q_nominal_ah", *(f"u{n}" for n in range(1, 22))]
    old: Rows = [[*header, "soh_pct"]]
    new: Rows = [header]
    truth = []
    for name in ("LMO", "NMC"):
        cells = measured.retired(name)
        for at, (cell, volts) in enumerate(zip(cells.cell, cells.volts, strict=True)):
            line = [f"{name}-{at}", cell, name, cells.rated_ah, *volts]
            if cell % 5 == 4:
                new.append(line)
                truth.append(cells.soh_pct[at])
            else:
                old.append([*line, cells.soh_pct[at]])
    paths = [tmp_path / "old.csv", tmp_path / "new.csv"]
    for path, rows in zip(paths, (old, new), strict=True):
        with path.open("w", newline="") as file:
            csv.writer(file).writerows(rows)
    code, _, err = run("calibrate", paths[0], "--out", tmp_path / "m.json")
    assert code == 0, err
    code, out, _ = run("screen", paths[1], "--model", tmp_path / "m.json", "--json")
    pairs = zip(json.loads(out), truth, strict=True)
    said = [(one, soh) for one, soh in pairs if not one["abstain"]]
    assert code == 0 and len(said) > 0.5 * len(truth)
    assert np.mean([abs(one["soh_pct"] - soh) for one, soh in said]) <= 1.5
