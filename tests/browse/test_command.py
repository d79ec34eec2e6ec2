"""What `refit browse` says before it asks any machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from refit.main import app

URL = "opc.tcp://127.0.0.1:1"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("http://127.0.0.1",), "begin it with"),
        (("opc.tcp://",), "names no host"),
        ((URL, "--type", "double"), "is no type of a tag"),
        ((URL, "--security", "Basic256"), "did you mean Basic256Sha256?"),
        ((URL, "--regex", "["), "no regular expression"),
        ((URL, "--password-file", "a", "--password-env", "B"), "give one of the two"),
        (("http://127.0.0.1:1",), "begin it with"),
        (("modbus://127.0.0.1:1", "--units", "250-300"), "no unit is 300"),
        (("modbus://127.0.0.1:1", "--by-path"), "--by-path is not for such a machine"),
    ],
)  # fmt: skip
def test_a_mistake_is_said_and_ends_with_2(words: tuple[str, ...], said: str) -> None:
    done = CliRunner().invoke(app, ["browse", *words])
    assert done.exit_code == 2
    assert said in done.stderr


def test_a_file_that_is_there_is_not_replaced(tmp_path: Path) -> None:
    file = tmp_path / "tags.csv"
    file.write_text("mine")
    done = CliRunner().invoke(app, ["browse", URL, "--to", str(file)])
    assert done.exit_code == 2 and "--force replaces it" in done.stderr
    done = CliRunner().invoke(app, ["browse", URL, "--to", str(file), "--force"])
    assert (
        done.exit_code == 1
        and "connection refused: is it on, are address and port right?" in done.stderr
    )
    assert file.read_text() == "mine"
