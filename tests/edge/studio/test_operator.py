"""The operator's command at the station PC."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from edge.studio import operator
from refit.main import app
from tests.edge.studio.test_plans import CAPTURE, FLOOR, RING, site

RUN = CliRunner()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    site(tmp_path, CAPTURE + RING + FLOOR)
    made = tmp_path / "var/pc.studio/studio-1/operator"
    made.mkdir(parents=True)
    return made


def run(folder: Path, *words: str) -> tuple[int, str]:
    file = folder.parents[3] / "site.toml"
    ran = RUN.invoke(app, ["studio", "operator", "studio-1", "--site", str(file), *words])
    return ran.exit_code, ran.output


ASKS = operator.Asks(
    capture="v-1-1",
    visit="v-1",
    about=("blurred.spin_003",),
    failed=(operator.Failed(name="spin_003", file=Path("ring_4.jpg"), reasons=("blurred",)),),
)


def test_the_operator_sees_what_failed_and_answers(folder: Path) -> None:
    assert run(folder) == (1, "studio-1 asks nothing\n")
    operator.ask(folder, ASKS)
    code, text = run(folder)
    assert code == 0 and "spin_003: blurred: ring_4.jpg" in text
    assert operator.Asks.model_validate_json(run(folder, "--json")[1]) == ASKS
    assert run(folder, "--go-on", "the hall closes")[0] == 0
    choice = operator.answered(folder)
    assert choice == operator.Choice(capture="v-1-1", choice="go_on", why="the hall closes")
    assert operator.answered(folder) is None
    assert run(folder, "--again")[0] == 0
    assert operator.answered(folder) == operator.Choice(capture="v-1-1", choice="again")


def test_two_answers_or_an_unknown_studio_are_refused(folder: Path) -> None:
    operator.ask(folder, ASKS)
    assert run(folder, "--again", "--wrong-vehicle")[0] == 2
    (folder / operator.CHOICE).write_text("no answer")
    assert operator.answered(folder) is None
    (folder / operator.ASKS).write_text("{}")
    assert run(folder)[0] == 2
