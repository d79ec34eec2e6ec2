"""Traces from files: what is read, and what is refused, where and what would be right."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from typer.testing import CliRunner

from refit.battery.traces import TraceUnusable, read_trace
from refit.main import app
from stations.battery.trace import Trace
from tests import measured
from tests.stations.battery.cell import FULL, Cell

HEAD = "Test Time / s,Voltage / V,Current / A"
PULSE = [(0.0, 20.0), (-30.0, 30.0), (0.0, 20.0)]


def run(*words: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["battery", *map(str, words)])
    return result.exit_code, result.stdout, result.stderr


def written(path: Path, trace: Trace, head: str = HEAD, more: str = "") -> Path:
    lines = [
        f"{t:g},{v:.4f},{i:g}{more}"
        for t, v, i in zip(trace.time_s, trace.voltage_v, trace.current_a, strict=True)
    ]
    path.write_text("\n".join([head, *lines, ""]))
    return path


def test_what_a_file_says_is_read(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(
        "\ufeffStep,Current / A,Voltage / V,Test Time / s,Temperature / degC,cell_2,cell_1,Note\n"
        'REST,0,7.4,0,21.5,3.8,3.6,"a, b"\nCHARGE,2,7.5,1.5,21.6,-3.8,3.7,\n'
    )
    trace = read_trace(path)
    assert trace.cells == 2 and list(trace.time_s) == [0, 1.5] and list(trace.current_a) == [0, 2]
    assert trace.step is not None and list(trace.step) == [0, 1]
    assert trace.temperature_degc is not None and list(trace.temperature_degc) == [21.5, 21.6]
    assert trace.cells_v is not None and list(trace.cells_v[0]) == [3.6, 3.8]
    assert np.isnan(trace.cells_v[1, 1]), "a balancing cell is written as a negative voltage"


def test_cells_may_be_sampled_less_often_than_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"{HEAD},cell_1,cell_2\n0,7.4,0,3.7,3.7\n1,7.4,0,,\n2,7.4,0,3.7,3.7\n")
    cells = read_trace(path).cells_v
    assert cells is not None and list(np.isnan(cells).any(axis=1)) == [False, True, False]
    path.write_text(f"{HEAD},cell_1,cell_2\n0,7.4,0,3.7,3.7\n1,7.4,0,,3.7\n")
    with pytest.raises(TraceUnusable, match="line 3, column `cell_1`: it is empty"):
        read_trace(path)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "it is empty"),
        (HEAD + "\n", "no row after the header"),
        (HEAD + "\n0,3.7,0\n", "1 row after the header: want at least 2"),
        ("Test Time / s,Voltage / mV,Current / A\n0,3700,0\n", "`Voltage / mV`: want"),
        ("Test Time / h,Voltage / V,Current / A\n0,3.7,0\n", "`Test Time / h`: want"),
        ("Test Time / s,Voltage / V,Current / mA\n0,3.7,0\n", "want `Current / A`"),
        (f"{HEAD},Temperature / K\n0,3.7,0,298\n", "`Temperature / K`: want"),
        ("Test Time / s,Current / A\n0,0\n", "no column `Voltage / V`"),
        ("t,V,I\n0,3.7,0\n", "no column `Test Time / s`, `Voltage / V`, `Current / A`"),
        (HEAD.replace(",", ";") + "\n0;3.7;0\n", "parted by `;`"),
        (f"{HEAD},Current / A\n0,3.7,0,0\n", "column `Current / A` is there twice"),
        (f"{HEAD},cell_1,cell_3\n0,7,0,3.5,3.5\n", "no column cell_2"),
        (f"{HEAD},Cell1\n0,3.7,0,3.7\n", "column `Cell1`: want cell_1"),
        (HEAD + "\n0,3.7,0\n2,3.7,0\n1,3.7,0\n", "line 4, column `Test Time / s`: 1 after 2"),
        (HEAD + "\n0,3.7,0\n1,3.7,0\n1,3.7,0\n", "line 4, column `Test Time / s`: 1 after 1"),
        (HEAD + "\n0,3.7,0\n\n1,nan,0\n", "line 4, column `Voltage / V`: `nan`"),
        (HEAD + "\n0,3.7,0\n1,3.7,inf\n", "line 3, column `Current / A`: `inf`"),
        (HEAD + "\n0,3.7,0\n1,,0\n", "line 3, column `Voltage / V`: it is empty"),
        (HEAD + "\n0,3.7,0\n1,x,0\n", "line 3, column `Voltage / V`: `x` is no number"),
        (HEAD + "\n0,3.7,0\n1,3.7\n", "line 3: it has 2 columns"),
        (f"{HEAD},cell_1\n0,3.7,0,3.7\n1,3.7,0,nan\n", "line 3, column `cell_1`: `nan`"),
        (f"{HEAD},cell_1\n0,3.7,0,3700\n1,3.7,0,3700\n", "3700 V cannot be a cell's"),
        (f"{HEAD},Temperature / degC\n0,3.7,0,298\n1,3.7,0,298\n", "298 degC cannot be"),
        (HEAD + "\n0,370,0\n1,370,0\n", "line 2: voltage_implausible: 370 V"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("command", ["capacity", "dcir"])
def test_what_is_refused_is_told(tmp_path: Path, command: str, text: str, told: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(text)
    code, out, err = run(command, path, "--json")
    assert (code, out) == (2, "") and err.startswith(f"refit battery {command}: ")
    assert told in err and "Traceback" not in err


def test_a_file_that_is_no_text_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(b"\xff\xfe\x00\x01")
    assert run("dcir", path)[0] == 2
    assert run("dcir", tmp_path / "none.csv")[0] != 0


@pytest.mark.parametrize(
    "options",
    [
        ("--rated-ah", "0"), ("--rated-ah", "-3"), ("--rated-ah", "nan"), ("--cells", "0"),
        ("--gain-pct", "-1"), ("--offset-a", "nan"), ("--rated-temperature", "300"),
        ("--cells", "2.5"),
    ],
)  # fmt: skip
def test_options_that_cannot_be(tmp_path: Path, options: tuple[str, str]) -> None:
    path = written(tmp_path / "t.csv", Cell().run(FULL, every_s=10.0))
    code, out, _ = run("capacity", path, *options)
    assert (code, out) == (2, "")


def test_cells_that_contradict_the_columns(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", Cell().run(PULSE, soc=0.5), HEAD + ",cell_1", ",3.7")
    code, _, err = run("dcir", path, "--cells", "2")
    assert code == 2 and "--cells 2, but there are 1 columns of cells" in err


def test_capacity_as_json_and_as_tables(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", Cell().run(FULL, every_s=10.0))
    code, out, err = run("capacity", path, "--rated-ah", "33", "--json")
    assert (code, err) == (0, "")
    found = json.loads(out)
    (one,) = found["cycles"]
    assert one["discharge_ah"] == pytest.approx(30.0, rel=1e-6) and one["complete"] is True
    assert one["soh_pct"] == pytest.approx(100 * 30 / 33) and one["temperature_degc"] is None
    assert one["reasons"] == ["temperature_unknown"]
    assert {"gain", "offset", "temperature"} <= {term["term"] for term in found["budget"]}
    total = sum(term["u_ah"] ** 2 for term in found["budget"]) ** 0.5
    assert one["u95_pct"] == pytest.approx(100 * 2 * total / 33)
    code, out, _ = run("capacity", path, "--gain-pct", "0.3")
    assert code == 0 and "+-0.3 %" in out and "30.0000" in out


def test_dcir_as_json_and_as_a_table(tmp_path: Path) -> None:
    path = written(tmp_path / "t.csv", Cell().run(PULSE, soc=0.5, every_s=0.5))
    code, out, _ = run("dcir", path, "--json")
    (one,) = json.loads(out)["pulses"]
    assert code == 0 and one["valid"] and one["soc_pct"] is None and one["reasons"] == []
    assert (one["start_s"], one["direction"], one["current_a"]) == (20.0, "discharge", -30.0)
    assert set(one["r_mohm"]) == {"0.5", "2", "10", "18", "30"}
    assert "discharge" in run("dcir", path)[1]


@measured.needed
@pytest.mark.parametrize("command", ["capacity", "dcir"])
def test_the_file_with_lead_resistance_is_refused(tmp_path: Path, command: str) -> None:
    code, out, err = run(command, measured.converted(measured.SLOW, tmp_path / "t.csv"), "--json")
    assert (code, out) == (2, "") and "lead_resistance" in err


@measured.needed
@pytest.mark.parametrize("name", [measured.ONE_C, measured.HPPC])
def test_a_measured_trace_with_the_wrong_sign_is_refused(tmp_path: Path, name: str) -> None:
    path = measured.converted(name, tmp_path / "t.csv", sign=-1)
    code, _, err = run("capacity", path)
    assert code == 2 and "current_sign" in err


def _swapped(lines: list[str]) -> list[str]:
    return [*lines[:9], lines[10], lines[9], *lines[11:]]


@pytest.mark.parametrize(
    "spoil", [_swapped, lambda rows: [*rows[:5], "nan,3.7,0", *rows[5:]], lambda rows: rows[:1]]
)
def test_a_spoiled_trace_is_refused(
    tmp_path: Path, spoil: Callable[[list[str]], list[str]]
) -> None:
    path = written(tmp_path / "t.csv", Cell().run(PULSE, soc=0.5))
    path.write_text("\n".join(spoil(path.read_text().splitlines())))
    assert run("dcir", path)[0] == 2


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(text=some.text(some.sampled_from("0123456789.,-+eEnaif \n\"';"), max_size=60))
def test_no_text_is_a_traceback(tmp_path: Path, text: str) -> None:
    path = tmp_path / "t.csv"
    path.write_text(f"{HEAD}\n{text}")
    try:
        trace = read_trace(path)
    except TraceUnusable as error:
        assert str(error).startswith(str(path))
    else:
        assert np.isfinite([trace.time_s, trace.voltage_v, trace.current_a]).all()
