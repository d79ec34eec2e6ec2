"""The commands of the README: those that end by themselves are run, the others are known."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from refit.main import app
from tests.docs.pages import ROOT, blocks

PAGE = ROOT / "README.md"
LINES = [
    shlex.split(line, comments=True)
    for block in blocks(PAGE)
    if block.kind == "sh"
    for line in block.text.splitlines()
]
MAKE = [words[1] for words in LINES if words[0] == "make"]
COMMANDS = [words[1:] for words in LINES if words[0] == ".venv/bin/refit"]
SHORT = {"20": "5"}


def test_every_line_is_one_of_these() -> None:
    assert len(LINES) == len(MAKE) + len(COMMANDS)
    assert {"demo", "test"} <= set(MAKE)
    assert {words[0] for words in COMMANDS} >= {"demo", "check", "simulate", "historian", "agent"}


@pytest.mark.parametrize("target", sorted({*MAKE, *re.findall(r"`make (\w+)`", PAGE.read_text())}))
def test_every_target_of_make_is_there(target: str) -> None:
    done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: words[0])
def test_every_command_takes_what_it_is_given(words: list[str]) -> None:
    done = CliRunner().invoke(app, [*words, "--help"])
    assert done.exit_code == 0, done.output
    assert CliRunner().invoke(app, [*words, "--no-such-thing", "--help"]).exit_code == 2


def test_the_site_is_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "config/demo", tmp_path / "my")
    monkeypatch.chdir(tmp_path)
    words = next(words for words in COMMANDS if words[0] == "check")
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output


@pytest.mark.system
def test_the_demo_ends_by_itself_and_its_truth_log_is_as_the_page_says(tmp_path: Path) -> None:
    words = next(words for words in COMMANDS if words[0] == "demo")
    short = [SHORT.get(word, word) for word in words]
    done = subprocess.run(
        [sys.executable, "-m", "refit.main", *short, "--dir", str(tmp_path)],
        capture_output=True, text=True, timeout=55,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    result = json.loads(done.stdout)
    assert result["samples"]["lost"] == result["samples"]["duplicates"] == 0
    assert result["samples"]["emitted"] > 0
    _compare(tmp_path / "truth.jsonl")


def _compare(log: Path) -> None:
    """Every event has the fields of the page, all of them but those that are sometimes there."""
    page = (ROOT / "docs/reference/truth-log.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (.*?) \|", page, re.MULTILINE)
    fields = {event: set(re.findall(r"`(\w+)`", listed)) for event, listed in rows}
    seen = set()
    for line in log.read_text().splitlines():
        event = json.loads(line)
        wanted = {"n", "event", "station"} | fields[event["event"]]
        seen.add(event["event"])
        assert wanted - {"late_ms"} <= set(event) <= wanted, line
    assert {"change", "item", "write", "ack", "read"} <= seen
