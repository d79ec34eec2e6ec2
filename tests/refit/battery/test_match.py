"""`refit battery match`: a stock is read strictly, a set is told with its spread."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from refit.main import app
from tests.stations.battery.test_matching import stock_of

HEAD = "module,q_ah,r10_mohm,k_sd_mv_per_day,ocv_v"


def run(*words: str | Path) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, ["battery", "match", *map(str, words)])
    return result.exit_code, result.stdout, result.stderr


def written(path: Path, *lines: str, head: str = HEAD) -> Path:
    path.write_text("\n".join([head, *lines, ""]))
    return path


def test_a_set_is_found_and_told_with_its_spread(tmp_path: Path) -> None:
    lines = [
        f"{m.module},{m.q_ah},{m.r10_mohm},{m.k_sd_mv_per_day},{m.ocv_v}"
        for m in stock_of(3, 60, 0.6)
    ]
    stock = written(tmp_path / "stock.csv", *lines)
    code, out, _ = run(stock, "--count", "12", "--json")
    found = json.loads(out)
    assert code == 0 and len(set(found["modules"])) == 12
    assert found["spread"]["q_pct"] <= 3 and found["spread"]["ocv_mv"] <= 10
    assert found["lower_bound"] <= found["cost"] and found["cost_at_most_times_best"] == 7
    code, out, _ = run(stock)
    assert code == 0 and "no set costs less than" in out and found["modules"][0] in out


def test_without_a_set_it_ends_with_1_and_says_why(tmp_path: Path) -> None:
    stock = written(tmp_path / "s.csv", "a,100,4,1,3.7", "b,110,4,1,3.7")
    code, out, _ = run(stock, "--count", "2", "--json")
    assert code == 1 and json.loads(out)["reasons"] == ["no_set_within_limits"]
    code, out, _ = run(stock)
    assert code == 1 and "stock_too_small" in out


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ([], "0 modules"),
        (["a,100,4,1"], "line 2: 4 cells"),
        (["a,x,4,1,3.7"], "line 2, q_ah: 'x' is no number"),
        (["a,nan,4,1,3.7"], "line 2, q_ah: nan cannot be"),
        (["a,100,4,1,3700"], "line 2, ocv_v: 3700 cannot be"),
        (["a,100,0,1,3.7"], "line 2, r10_mohm: 0 cannot be"),
        (["a,100,4,1,3.7", "a,100,4,1,3.7"], "line 3: module 'a' is there twice"),
        ([",100,4,1,3.7"], "the module has no name"),
    ],
)
def test_a_stock_that_cannot_be_is_refused(tmp_path: Path, lines: list[str], told: str) -> None:
    code, _, error = run(written(tmp_path / "s.csv", *lines))
    assert code == 2 and told in error


def test_a_column_that_is_missing_is_named(tmp_path: Path) -> None:
    code, _, error = run(written(tmp_path / "s.csv", "a,1", head="module,q_ah"))
    assert code == 2 and "no column r10_mohm, k_sd_mv_per_day, ocv_v" in error
    assert run(tmp_path / "none.csv")[0] == 1
