"""`refit export` on the command line: what it writes, what it refuses, and how it ends."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from plant.stores.sqlite import SqliteStore
from refit.exporting.giving import INSTALL
from refit.main import app
from refit.times import text_of
from stations.status import GOOD
from tests.plant.points import T0, Row, points
from tests.wire.test_site import small
from wire.site import load

ROWS: list[Row] = [("angle", T0 + step, GOOD, step / 10) for step in range(50)]
BEGIN = text_of(T0)


@pytest.fixture
def site(tmp_path: Path) -> Path:
    file = small(tmp_path)
    store = SqliteStore(load(file).store.path)
    store.write([points(ROWS), points([("state", T0, GOOD, 1)], station="press-9")])
    store.close()
    return file


def run(site: Path, *words: str) -> tuple[int, str, str]:
    done = CliRunner().invoke(app, ["export", "--site", str(site), *words])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout, done.stderr


def test_csv_goes_to_standard_output(site: Path) -> None:
    code, out, err = run(site, "--from", BEGIN, "--until", text_of(T0 + 2), "--tag", "angle")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "time,station,tag,value,unit,quality,status",
        f"{text_of(T0)},studio-1,angle,0.0,,Good,0",
        f"{text_of(T0 + 1)},studio-1,angle,0.1,,Good,0",
    ]


@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
def test_the_ending_of_the_file_is_the_format(site: Path, name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    code, out, err = run(site, "--from", BEGIN, "--to", str(path))
    assert (code, out) == (0, "")
    assert "51 rows written to" in err
    assert path.read_bytes().startswith(b"PAR1" if name.endswith("parquet") else b"time,")


def test_stations_are_chosen_by_patterns(site: Path) -> None:
    code, out, _ = run(site, "--from", BEGIN, "--station", "press-*")
    assert code == 0
    assert out.splitlines()[1:] == [f"{text_of(T0)},press-9,state,1,,Good,0"]


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("--from", "2001-01-01", "--until", "2001-01-02"), 1, "no samples from 2001-01-01T00:00"),
        (("--station", "meter-1"), 1, "no samples from"),
        (("--station", "presss-9"), 2, "did you mean press-9?"),
        (("--tag", "angel"), 2, "did you mean angle?"),
        (("--measurement", "station_sate"), 2, 'no measurement fits "station_sate"'),
        (("--from", "soon"), 2, '"soon" is no time: write "2026-11-01"'),
        (("--every", "often"), 2, '"often" is no duration'),
        (("--zone", "Mars"), 2, 'no time zone "Mars"'),
        (("--from", "2026-01-02", "--until", "2026-01-01"), 2, "is not before"),
        (("--format", "xlsx"), 2, "known are csv, parquet"),
        (("--format", "parquet"), 2, "name a file by --to"),
    ],
)
def test_what_cannot_be_is_said(site: Path, words: tuple[str, ...], code: int, told: str) -> None:
    found, out, err = run(site, *words)
    assert (found, out) == (code, "")
    assert told in err


def test_nothing_leaves_no_file(site: Path, tmp_path: Path) -> None:
    path = tmp_path / "out.parquet"
    code, _, _ = run(site, "--until", "2001-01-01", "--from", "2000-01-01", "--to", str(path))
    assert code == 1
    assert not list(tmp_path.glob("*parquet*"))


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    code, _, err = run(small(tmp_path))
    assert code == 2
    assert "there is no store at" in err
    assert not (tmp_path / "var").exists()


def test_without_pyarrow_it_says_how_to_install_it(
    site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    code, _, err = run(site, "--to", str(tmp_path / "out.parquet"))
    assert code == 2
    assert INSTALL in err
