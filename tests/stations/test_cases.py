"""Every kind's golden cases, through the same machinery as the agent."""

from pathlib import Path

import pytest

from stations import kinds
from tests.stations.timeline import FOLDER, case_files, compare, load, play


def name(path: Path) -> str:
    return f"{path.parent.parent.name}/{path.stem}"


@pytest.mark.parametrize("path", case_files(), ids=name)
def test_golden_case(path: Path) -> None:
    case = load(path)
    compare(case, play(case, case.samples))


@pytest.mark.parametrize("path", case_files(), ids=name)
def test_golden_case_with_a_restart_at_every_moment(path: Path) -> None:
    case = load(path)
    assert play(case, case.samples, restart=True) == play(case, case.samples)


@pytest.mark.parametrize("kind", kinds.names())
def test_every_kind_has_golden_cases(kind: str) -> None:
    assert [path for path in case_files() if path.parent.parent.name == kind]


@pytest.mark.parametrize("kind", kinds.names())
def test_every_kind_has_its_page(kind: str) -> None:
    assert len((FOLDER / kind / "README.md").read_text().splitlines()) > 20


def broken(tmp_path: Path, text: str) -> Path:
    folder = tmp_path / "studio" / "cases"
    folder.mkdir(parents=True)
    path = folder / "broken.toml"
    path.write_text(text)
    return path


GOOD = """
start = "2026-11-22T08:00:00Z"
timeline = [{ s = 0, state = "EMPTY", visit = "" }]
[[record]]
kind = "studio.state"
s = 0
data = { to = "EMPTY" }
"""


def test_a_small_case_passes(tmp_path: Path) -> None:
    case = load(broken(tmp_path, GOOD))
    compare(case, play(case, case.samples))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('to = "EMPTY"', 'to = "LOADING"'),
        ('to = "EMPTY"', 'too = "EMPTY"'),
        ("s = 0\ndata", "s = 1\ndata"),
        ('kind = "studio.state"', 'kind = "studio.session"'),
        ('{ to = "EMPTY" }', '{ to = "EMPTY" }\nvisit = "v-1"'),
        ('{ to = "EMPTY" }', '{ to = "EMPTY" }\nnone = ["to"]'),
    ],
)
def test_a_wrong_expectation_fails(tmp_path: Path, old: str, new: str) -> None:
    assert old in GOOD
    case = load(broken(tmp_path, GOOD.replace(old, new)))
    with pytest.raises(AssertionError):
        compare(case, play(case, case.samples))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('visit = ""', 'vist = ""'),
        ('state = "EMPTY"', 'state = "EMTPY"'),
        ('kind = "studio', 'kin = "studio'),
        ("timeline", "time_line"),
    ],
)
def test_a_name_that_does_not_exist_is_an_error(tmp_path: Path, old: str, new: str) -> None:
    with pytest.raises(KeyError):
        load(broken(tmp_path, GOOD.replace(old, new)))
