"""Tutorials and how-tos do what they say, and show what they say that they show."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.checkout import developed, environment
from tests.docs.pages import ROOT, Reader, blocks, installed

TUTORIALS = sorted((ROOT / "docs/tutorials").glob("*.md"))
LOGS = ROOT / "docs/how-to/read-the-logs.md"
# They have tests of their own.
SERVED = ("influxdb.md", "postgresql.md", "secure-the-broker.md")
WITH_SERVERS = {ROOT / "docs/how-to" / name for name in SERVED}
# They start programs of ours.
STARTING = [
    ROOT / "docs/how-to" / name for name in ("put-a-plc-on-the-line.md", "trust-an-opcua-server.md")
]
HOW_TOS = sorted(set((ROOT / "docs/how-to").glob("*.md")) - {LOGS, *STARTING} - WITH_SERVERS)


@pytest.mark.system
@pytest.mark.timeout(180)
@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_a_tutorial_does_what_it_says(page: Path, tmp_path: Path) -> None:
    if page.stem == "a-new-kind":
        checkout = developed(tmp_path)
        Reader(page, tmp_path, environment(checkout)).follow(checkout)
        return
    Reader(page, tmp_path).follow(installed(tmp_path))
    if page.stem == "first-station":
        _read_the_logs(tmp_path, tmp_path / "first-station")


def _read_the_logs(home: Path, folder: Path) -> None:
    """The how-to about logs is about those that the first tutorial leaves behind."""
    Reader(LOGS, home).follow(folder)
    lines = [json.loads(line) for line in (folder / "agent.log").read_text().splitlines()]
    for line in lines:
        assert {"event", "level", "logger", "timestamp", "process"} <= set(line)
    for block in (one for one in blocks(LOGS) if one.kind == "json"):
        assert _timeless(json.loads(block.text)) in [_timeless(line) for line in lines]


def _timeless(line: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in line.items() if key != "timestamp"}


@pytest.mark.system
@pytest.mark.timeout(180)
@pytest.mark.parametrize("page", STARTING, ids=lambda page: page.stem)
def test_a_how_to_that_starts_programs_does_what_it_says(page: Path, tmp_path: Path) -> None:
    Reader(page, tmp_path).follow(tmp_path)


@pytest.mark.parametrize("page", HOW_TOS, ids=lambda page: page.stem)
def test_a_how_to_does_what_it_says(page: Path, tmp_path: Path) -> None:
    Reader(page, tmp_path).follow(tmp_path)
