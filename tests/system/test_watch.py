"""`refit watch` of a real plant: what it shows is what is stored, and nobody notices it."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import closing
from typing import Any
from urllib.request import urlopen

import psutil
import pytest

from refit.chaos.plant import SmallPlant
from refit.status_words import words
from refit.times import text_of
from refit.watching.board import NO_VALUE
from refit.watching.client import url_of
from tests.servers import until
from tests.system.commands import refit
from tests.terminal import DEADLINE_S, Terminal

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SmallPlant]:
    with SmallPlant(tmp_path_factory.mktemp("plant"), seed=4) as running:
        yield running


def births(plant: SmallPlant) -> str:
    """The historian's count of the births that it has asked for."""
    with urlopen(f"{url_of(plant.site)}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    return "\n".join(line for line in lines if line.startswith("historian_rebirths_total"))


def test_the_live_table_is_worked_by_keys_and_leaves_the_terminal_as_it_was(
    plant: SmallPlant,
) -> None:
    before = births(plant)
    with Terminal("watch", "--site", str(plant.file), "--every", "0.2") as terminal:
        terminal.wait_for("site small, 3 of 3 stations online")
        process = psutil.Process(terminal.process.pid)
        spoken_to = {one.raddr.port for one in process.net_connections("tcp") if one.raddr}
        assert spoken_to <= {plant.site.historian.http}, "it speaks to the historian's HTTP alone"
        terminal.press("/studio angle")
        terminal.wait_for("filter: studio angle")
        terminal.press("\r")
        terminal.wait_for("filter 'studio angle'")
        terminal.press("\x1b[6~s?")
        terminal.wait_for("the other way round")
        terminal.press(" ")
        terminal.press(" ")
        terminal.wait_for("PAUSED")
        terminal.press("q")
        until(lambda: terminal.ended() is not None, "it ends", DEADLINE_S)
        assert terminal.ended() == 0
        assert termios.tcgetattr(terminal.its) == terminal.before
    assert births(plant) == before


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_the_terminal_as_it_was(plant: SmallPlant, number: int) -> None:
    with Terminal("watch", "--url", url_of(plant.site)) as terminal:
        terminal.wait_for("site small")
        terminal.process.send_signal(number)
        until(lambda: terminal.ended() is not None, "it ends", DEADLINE_S)
        assert termios.tcgetattr(terminal.its) == terminal.before


def test_a_historian_that_is_away_leaves_the_last_values(plant: SmallPlant) -> None:
    with Terminal("watch", "--site", str(plant.file), "--every", "0.2") as terminal:
        terminal.wait_for("press-1")
        plant.kill("historian")
        terminal.wait_for("no answer from the historian")
        terminal.wait_for("the values are the last ones")
        terminal.wait_for("force_01")
        plant.start("historian")
        plant.wait_for_values()
        terminal.press("s")
        terminal.wait_for("3 of 3 stations online")
        terminal.press("q")
        until(lambda: terminal.ended() == 0, "it ends", DEADLINE_S)


def test_what_is_shown_is_what_is_stored(plant: SmallPlant) -> None:
    plant.drain()
    shown = refit("watch", "--site", plant.file, "--once", "--json")
    assert (shown.returncode, shown.stderr) == (0, "")
    rows = [json.loads(line) for line in shown.stdout.splitlines()]
    tags = {(one.name, tag.name): tag for one in plant.site.stations for tag in one.declared.tags}
    assert {(row["station"], row["tag"]) for row in rows} == set(tags)
    with plant.store() as store:
        for row in rows:
            stored = store.last(row["station"], row["tag"]).latest
            if stored is None:
                assert row["quality"] == NO_VALUE
                continue
            wanted: dict[str, Any] = {
                "station": row["station"], "tag": row["tag"], "time": text_of(stored.time_ms),
                "value": stored.value, "unit": tags[row["station"], row["tag"]].unit,
                "quality": words(stored.status), "status": stored.status,
            }  # fmt: skip
            assert row == wanted
    table = refit("watch", "--site", plant.file, "--filter", "force_01")
    assert "press-1" in table.stdout and "meter-1" not in table.stdout
    unknown = refit("watch", "--site", plant.file, "--once", "--station", "pres-1")
    assert unknown.returncode == 2
    assert "known are press-1, meter-1, studio-1" in unknown.stderr


def test_what_is_exported_is_what_is_stored(plant: SmallPlant) -> None:
    target = plant.folder / "all.csv"
    done = refit("export", "--site", plant.file, "--from", "-1d", "--to", target)
    assert done.returncode == 0, done.stderr
    with target.open(newline="") as file:
        rows = list(csv.DictReader(file))
    with plant.store() as store:
        assert len(rows) == store.count() > 1_000
        last = {(row["station"], row["tag"]): row for row in rows}
        for (station, tag), row in last.items():
            stored = store.last(station, tag).latest
            assert stored is not None
            assert (row["time"], row["quality"]) == (text_of(stored.time_ms), words(stored.status))
            if isinstance(stored.value, float):
                assert float(row["value"]) == stored.value


def test_watch_knows_no_mqtt() -> None:
    code = (
        "import sys, refit.main, refit.watching.live, refit.watching.client\n"
        "print([name for name in sys.modules if 'mqtt' in name or 'wire.sparkplug' in name])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


def test_an_agent_is_no_historian(plant: SmallPlant) -> None:
    done = refit("watch", "--url", f"127.0.0.1:{plant.ports['agent']}", "--once")
    assert done.returncode == 1
    assert "there is no historian of Refit" in done.stderr
    with closing(urlopen(url_of(plant.site) + "/healthz", timeout=5)) as answer:
        assert json.loads(answer.read())["ok"]
