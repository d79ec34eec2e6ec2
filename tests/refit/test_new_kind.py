"""`refit new kind`: what it writes is whole, and passes every test that a kind must pass."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from refit.main import app
from refit.new_kind import NewKind, NoKind, make
from tests.checkout import ROOT, copied, environment

KINDS = ("wash", "ab", "paint_booth", "abcdefghijklmnopqrst")
Run = Callable[..., str]


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkout with new kinds: in the middle of the alphabet, short, of two words, long."""
    there = copied(tmp_path_factory.mktemp("checkout"))
    for name in KINDS:
        make(name, there)
    return there


@pytest.fixture
def run(checkout: Path) -> Run:
    """Runs a command in the checkout; what it shows."""

    def run(*words: str) -> str:
        done = subprocess.run(
            words, cwd=checkout, env=environment(checkout), capture_output=True, text=True,
            timeout=120, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


@pytest.mark.timeout(180)
def test_a_new_kind_passes_every_test_of_a_kind(run: Run) -> None:
    run(sys.executable, "-m", "refit.reference")
    tests = ("tests/stations", "tests/docs", "tests/refit/test_commands.py")
    chosen = ("-k", "wash and not tutorial", "-p", "no:cacheprovider")
    shown = run(sys.executable, "-m", "pytest", "-q", *tests, *chosen)
    # The golden cases twice, the folder's own tests, the page, the reference, the commands.
    assert int(shown.rpartition(" passed")[0].split()[-1]) > 15, shown
    run(sys.executable, "-m", "pytest", "-q", "tests/stations", "-k", "abcdefghijklmnopqrst or ab")


@pytest.mark.timeout(300)
def test_a_new_kind_is_formatted_linted_and_typed(run: Run, checkout: Path) -> None:
    folders = [f"{room}/{name}" for room in ("stations", "tests/stations") for name in KINDS]
    run("ruff", "format", "--check", *folders)
    run("ruff", "check", *folders)
    # One is enough for the types, and the cache of this checkout makes it quick.
    cache = ("--cache-dir", str(ROOT / ".mypy_cache"))
    run(sys.executable, "-m", "mypy", "--strict", *cache, "stations/paint_booth")


def test_a_new_kind_is_shown_by_the_commands(run: Run) -> None:
    shown = run(sys.executable, "-m", "refit.main", "tags", "paint_booth")
    assert "temperature" in shown and "PaintBoothState" in shown and "ARRIVING" in shown
    assert "energy_kwh" in run(sys.executable, "-m", "refit.main", "schema", "paint_booth")


def test_the_text_speaks_of_the_kind_and_nothing_is_left_open() -> None:
    files = NewKind("paint_booth").files()
    assert Path("tests/stations/paint_booth/test_paint_booth.py") in files
    assert files[Path("stations/paint_booth/__init__.py")] == '"""The paint booth station."""\n'
    assert files[Path("stations/paint_booth/README.md")].startswith("# Paint booth\n")
    for path, text in files.items():
        assert "$" not in text, path
        assert not text or text.endswith("\n"), path


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("Wash", 'write "wash"'),
        ("paint booth", 'write "paint_booth"'),
        ("2wash", 'write "wash"'),
        ("a__b", "single underscores"),
        ("w", "2 to 20"),
        ("a" * 21, "2 to 20"),
        ("lambda", "a word of Python"),
        ("match", "a word of Python"),
        ("device", "is taken"),
        ("station_state", "is taken"),
        ("studio", "is one of battery"),
        ("samples", "stations/samples.py is there already"),
    ],
)
def test_a_name_that_cannot_be_is_refused_with_what_would_be_right(name: str, why: str) -> None:
    before = sorted((ROOT / "stations").iterdir())
    with pytest.raises(NoKind, match=why):
        make(name, ROOT)
    assert sorted((ROOT / "stations").iterdir()) == before


def test_a_kind_is_not_written_twice(checkout: Path) -> None:
    with pytest.raises(NoKind, match="stations/wash is there already"):
        make("wash", checkout)


def test_outside_of_a_checkout_it_says_where_it_belongs(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["new", "kind", "wash", "--to", str(tmp_path)])
    assert done.exit_code == 2
    assert "no checkout of Refit" in done.stderr and "--to" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_it_says_what_it_wrote_and_what_to_do_next(tmp_path: Path) -> None:
    (tmp_path / "stations").mkdir()
    (tmp_path / "stations/declare.py").touch()
    done = CliRunner().invoke(app, ["new", "kind", "wash", "--to", str(tmp_path)])
    assert done.exit_code == 0, done.stderr
    for line in done.stdout.splitlines()[: len(NewKind("wash").files())]:
        assert (tmp_path / line).is_file()
    assert "make reference" in done.stdout
