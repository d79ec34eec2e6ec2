"""`refit battery simulate` and `grade`: from a fault that was put in to the grade it leads to."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from refit.battery.records import read_record
from refit.battery.traces import read_trace
from refit.main import app


def run(*words: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["battery", *map(str, words)])
    return result.exit_code, result.stdout, result.stderr


def simulated(out: Path, *more: str, protocol: str = "quick", seed: int = 6) -> dict[str, Any]:
    code, text, error = run(
        "simulate", "--seed", str(seed), "--protocol", protocol, *more, "--out", out, "--json"
    )
    assert code == 0, error
    found: dict[str, Any] = json.loads(text)
    return found


@pytest.fixture(scope="module")
def weak(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A pack of seed 7 with a weak module 7, quickly qualified: the folder and what was told."""
    folder = tmp_path_factory.mktemp("weak")
    return folder, simulated(folder, "--fault", "weak-module=7", seed=7)


def test_a_weak_module_is_named_and_exchanged(weak: tuple[Path, dict[str, Any]]) -> None:
    folder, told = weak
    assert told["weak_modules"] == told["truth"]["weak_modules"] == [7]
    assert told["grade"] == "C" and told["simulated"] is True
    assert abs(told["soh_pct"] - told["truth"]["soh_pct"]) <= told["u95_pct"] < 5
    order = (folder / "repair.txt").read_text()
    assert "[ 7]" in order and "exchange module  7 (cells 49 to 56)" in order
    assert order.startswith("SIMULATED PACK") and len(order.splitlines()) < 60
    assert json.loads((folder / "truth.json").read_text()) == told["truth"]


def test_the_trace_has_the_names_of_the_format_and_is_read_again(
    weak: tuple[Path, dict[str, Any]],
) -> None:
    folder, _ = weak
    path = folder / "trace.csv"
    head = path.read_text().partition("\n")[0].split(",")
    assert head[:5] == [
        "Test Time / s", "Voltage / V", "Current / A", "Step", "Temperature / degC",
    ]  # fmt: skip
    assert head[5:] == [f"cell_{number}" for number in range(1, 97)]
    trace = read_trace(path)
    assert trace.cells_v is not None and trace.cells == 96
    summed = trace.cells_v.sum(axis=1)
    whole = np.isfinite(summed)
    assert summed[whole] == pytest.approx(trace.voltage_v[whole], abs=0.5)
    assert float(trace.current_a.max()) > 50 and float(trace.current_a.min()) < -100
    record = read_record(folder / "record.json")
    assert record.trace_sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_same_seed_makes_the_same_record(tmp_path: Path) -> None:
    told = [simulated(tmp_path / name, protocol="pulse", seed=7) for name in ("one", "two")]
    assert told[0] == told[1]
    records = [(tmp_path / name / "record.json").read_bytes() for name in ("one", "two")]
    assert records[0] == records[1]
    assert simulated(tmp_path / "other", protocol="pulse", seed=8) != told[0]


def test_the_grade_is_found_again_from_the_record_alone(
    weak: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    folder, told = weak
    code, text, _ = run("grade", folder / "record.json", "--json")
    found = json.loads(text)
    assert code == 0 and found["grade"] == told["grade"] == "C"
    assert found["modules_to_exchange"] == [7] and found["soh_pct"] == pytest.approx(
        told["soh_pct"], abs=1e-3
    )
    assert all(rule["source"] and rule["id"] for rule in found["rules"])
    code, text, _ = run("grade", folder / "record.json", "--order", tmp_path / "order.txt")
    assert code == 0 and "weak modules: 7" in text
    assert (tmp_path / "order.txt").read_text() == (folder / "repair.txt").read_text()


def changed(record: Path, out: Path, **gate: Any) -> Path:
    """The record with another isolation gate, its own grade left as it was."""
    plain = json.loads(record.read_text())
    for one in plain["gates"]:
        if one["gate"] == "isolation_dc":
            one.update(gate)
    path = out / "changed.json"
    path.write_text(json.dumps(plain))
    return path


@pytest.mark.parametrize(
    ("gate", "grade"),
    [
        ({"value": 40.0}, "D"),
        ({"verdict": "fail"}, "D"),
        ({"value": 100.1, "u95": 1.0}, "HOLD"),
        ({"value": None}, "HOLD"),
        ({"verdict": "not_decidable"}, "HOLD"),
        ({"gate": "something_else"}, "HOLD"),
    ],
)
def test_a_gate_overrides_whatever_the_record_says_of_its_grade(
    weak: tuple[Path, dict[str, Any]], tmp_path: Path, gate: dict[str, Any], grade: str
) -> None:
    path = changed(weak[0] / "record.json", tmp_path, **gate)
    code, text, _ = run("grade", path, "--json")
    found = json.loads(text)
    assert code == 0 and found["grade"] == grade and found["next_test"]
    code, _, error = run("grade", path, "--order", tmp_path / "order.txt")
    assert code == 2 and "has no modules to exchange" in error


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "not JSON"),
        ("[]", "a JSON object"),
        ('{"kind": "battery.qualification"}', "Field required"),
        ('{"soh": NaN}', "NaN is no number"),
        ("\x80", "no battery.qualification"),
    ],
)
def test_a_record_that_is_none_is_refused(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "record.json"
    path.write_text('{"kind": "x"}' if text == "\x80" else text)
    code, _, error = run("grade", path)
    assert code == 2 and told in error
    assert run("grade", tmp_path / "none.json")[0] == 2


@pytest.mark.parametrize(
    ("fault", "grade", "stopped"),
    [
        ("isolation-leak", "D", ["isolation"]),
        ("stuck-contactor", "HOLD", ["contactor_not_proven_open"]),
        ("runaway=3", "HOLD", ["temperature_spread"]),
        ("current-drift=0.6", "HOLD", None),
    ],
)
def test_a_fault_that_is_not_safe_never_passes(
    tmp_path: Path, fault: str, grade: str, stopped: list[str] | None
) -> None:
    told = simulated(tmp_path, "--fault", fault)
    assert told["grade"] == grade and told["next_test"]
    assert not (tmp_path / "repair.txt").exists()
    if stopped is not None:
        assert set(stopped) <= set(told["stopped_by"]) and told["soh_pct"] is None


def test_faults_that_are_no_danger_are_told_and_the_health_is_right(tmp_path: Path) -> None:
    faults = ("--fault", "lying-bms=15", "--fault", "negative-code", "--fault", "joint=4")
    told = simulated(tmp_path, *faults)
    assert abs(told["soh_pct"] - told["truth"]["soh_pct"]) <= told["u95_pct"]
    record = read_record(tmp_path / "record.json")
    assert record.bms.reasons == ("bms_disagrees",)
    assert sum(cell.q_ah is None for cell in record.cells) == 3
    line = (tmp_path / "trace.csv").read_text().splitlines()[1]
    assert sum(float(one) < 0 for one in line.split(",")[5:]) == 3
    assert told["grade"] == "C" and told["joint_modules"] == [4] and told["weak_modules"] == []


def test_a_screen_of_minutes_knows_no_health_and_asks_for_the_quick_test(tmp_path: Path) -> None:
    told = simulated(tmp_path, protocol="pulse")
    assert told["soh_pct"] is None and told["u95_pct"] is None
    assert told["grade"] == "HOLD" and told["next_test"] == "quick"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--pack", "zoe"], "no pack 'zoe'; known are ze40, ze50, zoe22"),
        (["--protocol", "fast"], "no protocol 'fast'; known are full, quick, pulse"),
        (["--fault", "weak-module=13"], "modules are 1 to 12"),
        (["--fault", "hole"], "no fault 'hole'"),
        (["--seed", "-1"], "--seed"),
    ],
)
def test_an_option_that_cannot_be_is_refused(tmp_path: Path, words: list[str], told: str) -> None:
    code, _, error = run("simulate", *words, "--out", tmp_path / "out")
    assert code == 2 and told in error and not (tmp_path / "out").exists()
    (tmp_path / "file").write_text("")
    assert run("simulate", "--out", tmp_path / "file")[0] == 2
