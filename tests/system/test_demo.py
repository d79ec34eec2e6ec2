"""`refit demo` as a stranger runs it: what it says of itself is compared with what is on disk."""

from __future__ import annotations

import fcntl
import os
import pty
import re
import struct
import subprocess
import termios
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import pytest

from plant.making import PLACES
from plant.stores.factory import open_store
from plant.stores.store import OWN_MEASUREMENTS
from refit.chaos.reckoning import reckon
from refit.processes import listens
from tests.servers import until
from tests.system.commands import Watched, opened, refit, samples_in
from wire.site import load

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]
STATIONS = ("inspection-1", "battery-1", "studio-1", "energy-meter-1")
CYCLES = {
    "inspection-1": "inspection.report",
    "battery-1": "battery.qualification",
    "studio-1": "studio.session",
}
SOON = dict(CYCLES, **{"studio-1": "studio.state"})  # its first session takes longer than a run
FIRST_S, END_S, RUN_S, PAGE_S = 30.0, 3.0, 120.0, 240.0
WIDTH, HEIGHT = 180, 50
STORE = Path("var/samples.db")
CONTROL_C = b"\x03"


@dataclass
class Demo:
    """A demo that has ended: its folder, what it wrote, and what it left behind."""

    folder: Path
    code: int
    told: dict[str, Any]
    errors: str
    first_s: float
    left: list[str]
    processes: int


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    folder = tmp_path_factory.mktemp("demo")
    words = ("demo", "--for", "15", "--json", "--dir", folder)
    began = time.monotonic()
    with Watched(*words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as run:
        until(
            lambda: run.ended() or samples_in(folder / STORE), "the first sample is stored", FIRST_S
        )
        first_s = time.monotonic() - began
        until(run.ended, "the demo ends by itself", RUN_S)
        out, errors = run.process.communicate()
        told = orjson.loads(out) if out else {}
        left, code = run.left(), run.process.returncode
        yield Demo(folder, code, told, errors.decode(), first_s, left, len(run.seen))


def test_it_is_clean(demo: Demo) -> None:
    assert demo.code == 0, demo.errors
    samples = demo.told["samples"]
    assert set(samples) == {"emitted", "acknowledged", "stored", "lost", "duplicates", "refused"}
    assert (samples["lost"], samples["duplicates"], samples["refused"]) == (0, 0, 0)
    assert samples["emitted"] > 500
    assert samples["stored"] >= samples["emitted"]
    assert set(demo.told["stations"]) == set(STATIONS)
    assert 15 <= demo.told["seconds"] < RUN_S


def test_the_first_sample_is_stored_soon(demo: Demo) -> None:
    print(f"the first sample was stored {demo.first_s:.1f} s after the start")
    assert samples_in(demo.folder / STORE)
    assert demo.first_s < FIRST_S


def test_its_figures_are_those_of_the_store(demo: Demo) -> None:
    query = f"""SELECT station, count(*) FROM sample JOIN series ON series.id = sample.series
        WHERE measurement NOT IN {OWN_MEASUREMENTS} GROUP BY station"""
    with closing(opened(demo.folder / STORE)) as store:
        counted = dict(store.execute(query).fetchall())
    told = {name: one["samples"] for name, one in demo.told["stations"].items()}
    assert told == counted
    assert demo.told["samples"]["stored"] == sum(counted.values())


def test_its_cycles_states_and_hours_are_told(demo: Demo) -> None:
    with closing(opened(demo.folder / "var/ledger.db")) as ledger:
        query = "SELECT station, count(*) FROM entry WHERE kind = ? GROUP BY station"
        recorded = dict(row for kind in CYCLES.values() for row in ledger.execute(query, (kind,)))
    site = load(demo.folder / "site.toml")
    with closing(open_store(site.store)) as store:
        counted = {name: store.count(name, "ok", "station_cycle") for name in recorded}
        states = {name: store.last(name, "online", "station_state").good for name in STATIONS}
        planned = {name: store.last(name, "pbt_s", "station_kpi").good for name in CYCLES}
        line = store.last("", "takt_s", "line_kpi").good
    assert counted == recorded
    assert None not in states.values() and None not in planned.values()
    assert line is not None and line.value == 18.0, "the machines are 20 times as quick"


def test_its_figures_are_those_of_the_machines(demo: Demo) -> None:
    site = load(demo.folder / "site.toml")
    with closing(open_store(site.store)) as store:
        found = reckon(site, demo.folder / "truth.jsonl", store)
    assert (found.lost, found.duplicates, found.told) == (0, 0, 0), found.examples
    assert demo.told["samples"]["emitted"] == found.emitted


def test_its_figures_are_those_of_the_ledger(demo: Demo) -> None:
    with closing(opened(demo.folder / "var/ledger.db")) as ledger:
        counted = dict(ledger.execute("SELECT station, count(*) FROM entry GROUP BY station"))
        counted = {name: count for name, count in counted.items() if name not in PLACES}
        kinds = set(ledger.execute("SELECT station, kind FROM entry").fetchall())
    told = {name: one["records"] for name, one in demo.told["stations"].items()}
    assert {name: count for name, count in told.items() if count} == counted
    assert demo.told["records"]["made"] == demo.told["records"]["in_ledger"] == sum(told.values())
    assert set(SOON.items()) <= kinds
    assert refit("ledger", "verify", "--site", demo.folder / "site.toml").returncode == 0


def test_it_says_where_its_pages_are_or_that_it_was_too_short(demo: Demo) -> None:
    pages = [Path(one) for one in demo.told["pages"]]
    assert all(one.is_file() and one.is_relative_to(demo.folder) for one in pages)
    assert bool(pages) != ("no pages" in demo.errors), demo.errors


def test_its_reports_are_valid_and_who_repaired_checks_nothing(demo: Demo) -> None:
    reports, site = [Path(one) for one in demo.told["reports"]], demo.folder / "site.toml"
    assert all(one.is_relative_to(demo.folder) for one in reports)
    assert bool(reports) != ("reports: the first takes" in demo.errors), demo.errors
    for one in reports[:2]:
        assert refit("inspection", "verify", one, "--site", site).returncode == 0
    with closing(opened(demo.folder / "var/ledger.db")) as ledger:
        query = "SELECT visit, body FROM entry WHERE kind = ?"
        repairs = [orjson.loads(body) for _, body in ledger.execute(query, ("repair.operation",))]
        checks = [orjson.loads(body) for _, body in ledger.execute(query, ("quality.assignment",))]
    worked = {(one["visit"], one["data"]["operator"]) for one in repairs}
    assigned = {(one["visit"], one["data"]["inspector"]) for one in checks}
    assert not worked & assigned
    assert len(repairs) >= 2 * len(reports)


def test_nothing_of_it_runs_any_more(demo: Demo) -> None:
    # Itself, two for the broker, simulators, cameras, historian, two agents.
    assert demo.processes >= 8
    assert demo.left == []
    site = load(demo.folder / "site.toml")
    ports = [site.broker.port, site.historian.http, *(agent.http for agent in site.agents)]
    url = site.station("studio-1").cameras["floor"].url
    ports += [site.media.port, urlsplit(url or "").port or 0]
    assert not [port for port in ports if listens(port)]


class Terminal:
    """A pseudo terminal: the controlling one of the process that is started in it."""

    def __init__(self) -> None:
        self.ours, self.theirs = pty.openpty()
        fcntl.ioctl(self.ours, termios.TIOCSWINSZ, struct.pack("HHHH", HEIGHT, WIDTH, 0, 0))
        os.set_blocking(self.ours, False)
        self._shown = b""

    def how(self) -> dict[str, Any]:
        """How a process is started that is to have this terminal."""
        streams = dict.fromkeys(("stdin", "stdout", "stderr"), self.theirs)
        take = lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # noqa: E731
        settings = dict(os.environ, TERM="xterm-256color")
        return {**streams, "preexec_fn": take, "start_new_session": True, "env": settings}

    def shown(self) -> str:
        """All that was written so far, without colours and movements of the cursor."""
        with suppress(BlockingIOError, OSError):
            while piece := os.read(self.ours, 65_536):
                self._shown += piece
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self._shown.decode(errors="replace"))

    def type(self, text: bytes) -> None:
        """Press keys."""
        os.write(self.ours, text)

    def close(self) -> None:
        """Give the terminal back."""
        os.close(self.ours)
        os.close(self.theirs)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    made = Terminal()
    yield made
    made.close()


@pytest.mark.timeout(480)
def test_a_table_is_shown_until_control_c(terminal: Terminal, tmp_path: Path) -> None:
    with Watched("demo", "--dir", tmp_path, **terminal.how()) as run:

        def is_shown() -> bool:
            run.look()
            table = terminal.shown()
            assert run.process.poll() is None, table
            return "100 % good" in table and all(name in table for name in STATIONS)

        until(is_shown, "the table shows every station and that one is well", RUN_S)
        until(lambda: page_in(terminal.shown()), "the table shows the page of a vehicle", PAGE_S)
        terminal.type(CONTROL_C)
        began = time.monotonic()
        until(lambda: not run.left() or terminal.shown() is None, "everything has ended", 30)
        took = time.monotonic() - began
        until(run.ended, "the command has ended")
        print(f"everything had ended {took:.1f} s after Ctrl-C")
        assert len(run.seen) >= 8
        assert run.process.returncode == 0, terminal.shown()[-2000:]
        assert took < END_S
        assert "Traceback" not in terminal.shown()
    page = page_in(terminal.shown())
    assert page is not None and page.is_file() and page.is_relative_to(tmp_path)
    visit = page.parent.name
    with closing(opened(tmp_path / "var/ledger.db")) as ledger:
        query = "SELECT kind FROM entry WHERE visit = ? AND station = 'studio-1'"
        kinds = {kind for (kind,) in ledger.execute(query, (visit,))}
    assert "studio.capture" in kinds


def page_in(shown: str) -> Path | None:
    """The newest page that a table names."""
    found = re.findall(r"newest vehicle page[^:]*: (\S+/index\.html)", shown.replace("\r\n", ""))
    return Path(found[-1]) if found else None
