"""A small plant of real processes on the loopback, to be killed, frozen and replaced.

One agent, three machines: a press with fast OPC UA tags, a meter over Modbus, and a studio, so that
records are made too. At the usual speed they offer some hundred values a second.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.error import HTTPError
from urllib.request import urlopen

import orjson
import psutil

from plant.stores.factory import open_store
from plant.stores.store import Store
from refit.chaos.small_site import (
    AGENT,
    EMBEDDED,
    FAST,
    STATIONS,
    Size,
    meter_csv,
    press_csv,
    site_text,
)
from refit.chaos.waiting import until
from refit.processes import Processes, free_ports, listens
from simulators.control import stop_models
from wire.site import Site, load

READY_S = 120.0
DRAIN_S = 180.0
QUIET_S = 2.0
USUAL = Size()


class SmallPlant:
    """Starts on entering and ends on leaving; each process can be killed, frozen, started again.

    `broker` is the text of the site's table [broker]; without it the embedded broker is used.
    `store` is the text of [store], `tables` are more tables of the site.
    """

    stations = STATIONS
    fast: Mapping[str, str] = FAST  # by station a tag that changes often

    def __init__(
        self,
        folder: Path,
        seed: int,
        *,
        speed: float = 20.0,
        broker: str | None = None,
        store: str = "",
        tables: str = "",
        size: Size = USUAL,
    ) -> None:
        names = ("broker", "historian", "agent", "press", "meter", "studio", "cabinet", "control")
        self.ports = dict(zip(names, free_ports(len(names)), strict=True))
        self.folder, self.seed, self.speed = folder, seed, speed
        self.embedded = broker is None
        told = EMBEDDED.format(port=self.ports["broker"]) if broker is None else broker
        folder.mkdir(parents=True, exist_ok=True)
        self.write_tags(size)
        self.file = folder / "site.toml"
        self.file.write_text(site_text(self.ports, told, store, self.stations) + tables)
        self.site: Site = load(self.file)
        self.truth = folder / "truth.jsonl"
        self.processes = Processes(folder / "logs")
        self._frozen: dict[str, int] = {}
        self.is_outbox_spoiled = False  # then what was acknowledged may be lost, if it is told
        self.stills: list[tuple[int, int]] = []  # from when to when the agent stood still, ms
        self._lines, self._read_upto = 0, 0

    def write_tags(self, size: Size) -> None:
        """Write the tables of tags that the stations name."""
        (self.folder / "press.csv").write_text(press_csv(size))
        (self.folder / "meter.csv").write_text(meter_csv(size))

    def __enter__(self) -> Self:
        try:
            self.begin()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def begin(self) -> None:
        """Start everything; returns when values of every machine are in the store."""
        if self.embedded:
            self.start("broker")
        self.start("simulators")
        self.wait_for_broker()
        self.start("historian", AGENT)
        self.wait_for_machines()
        self.wait_for_values(since_ms=0)

    def end(self) -> None:
        """End everything, each before what it depends on; what is frozen is let go first."""
        for name in list(self._frozen):
            self.thaw(name)
        running = list(self.processes.children)
        self.processes.end([name for name in (AGENT,) if name in running], seconds=10)
        self.processes.end([name for name in ("historian",) if name in running], seconds=10)
        self.processes.end()

    def start(self, *names: str) -> None:
        """Start processes by name: broker, simulators, historian, pc-1."""
        for name in names:
            self.processes.start(name, *self.words(name))

    def words(self, name: str) -> Sequence[str | Path]:
        """What stands behind `refit` on the command line of a process."""
        site = ("--site", self.file)
        match name:
            case "simulators":
                control = str(self.ports["control"])
                how = ("--speed", str(self.speed), "--seed", str(self.seed))
                return ("simulate", *site, *how, "--log", self.truth, "--control", control)
            case "broker" | "historian":
                return (name, *site)
            case _:
                return ("agent", *site, "--name", name, "--drain", "5")

    def attempt(self, name: str, seconds: float = READY_S) -> tuple[int, str] | None:
        """Start a process that ought to end by itself; its exit code and its words.

        None when it has not ended by then; it is killed.
        """
        file = self.folder / "logs" / f"{name}.attempt.log"
        command = [sys.executable, "-m", "refit.main", *map(str, self.words(name))]
        with file.open("wb") as log:
            child = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        try:
            code = child.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            return None
        return code, file.read_text(errors="replace")

    def kill(self, name: str) -> int:
        """SIGKILL to a process and what it started itself; the time at which it was gone, ms."""
        child = self.processes.children.pop(name)
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        self._go_on(name)
        return round(time.time() * 1000)

    def freeze(self, name: str) -> None:
        """SIGSTOP to a process and what it started itself."""
        os.killpg(self.processes.children[name].pid, signal.SIGSTOP)
        self._frozen[name] = round(time.time() * 1000)

    def thaw(self, name: str) -> None:
        """Let a frozen process go on."""
        os.killpg(self.processes.children[name].pid, signal.SIGCONT)
        self._go_on(name)

    def _go_on(self, name: str) -> None:
        since_ms = self._frozen.pop(name, None)
        if since_ms is not None and name == AGENT:
            self.stills.append((since_ms, round(time.time() * 1000)))

    @contextmanager
    def locked(self, file: Path) -> Iterator[None]:
        """Keep everybody else from writing to a SQLite file."""
        with closing(sqlite3.connect(file, isolation_level=None, timeout=READY_S)) as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                yield
            finally:
                database.execute("ROLLBACK")

    @property
    def outbox(self) -> Path:
        """The file of the agent's outbox."""
        return self.site.outbox.folder / f"{AGENT}.db"

    def wait_for_machines(self) -> None:
        """Wait until the machines serve."""
        control = self.ports["control"]
        self.processes.wait_for("the simulators", lambda: listens(control), READY_S)

    def wait_for_broker(self, *, gone: bool = False) -> None:
        """Wait until the broker's port is open; or, after a kill, until it is free."""
        port = self.site.broker.port
        what = "the broker's port is free" if gone else "the broker listens"
        until(lambda: listens(port) is not gone, what, READY_S)

    def offered(self) -> int:
        """How many events the machines have logged."""
        with self.truth.open("rb") as file:
            file.seek(self._read_upto)
            fresh = file.read()
        self._read_upto += len(fresh)
        self._lines += fresh.count(b"\n")
        return self._lines

    def wait_for_events(self, count: int) -> None:
        """Wait until the machines have logged so many more events."""
        wanted = self.offered() + count
        until(lambda: self.offered() >= wanted, f"{count} more events are logged", READY_S)

    def wait_for_values(self, since_ms: int | None = None) -> None:
        """Wait until values that are newer than this (default: than now) are in the store."""
        then = round(time.time() * 1000) if since_ms is None else since_ms

        def is_newer() -> bool:
            self.processes.check()
            return self.is_live(then)

        until(is_newer, "values of each machine are stored", READY_S)
        self.processes.check()

    def is_live(self, since_ms: int) -> bool:
        """Whether values of every machine that are newer than this are in the store."""
        with suppress(sqlite3.OperationalError):  # not there yet, or locked by a test
            return all(newest(self.site.store.path, *one) > since_ms for one in self.fast.items())
        return False

    def store(self) -> closing[Store]:
        """The store, to be read."""
        return closing(open_store(self.site.store))

    def health(self, process: str) -> dict[str, Any] | None:
        """What /healthz of `agent` or `historian` says; None while it does not answer."""
        try:
            with urlopen(f"http://127.0.0.1:{self.ports[process]}/healthz", timeout=5) as answer:
                body = answer.read()
        except HTTPError as error:
            body = error.read()
        except OSError:
            return None
        found: dict[str, Any] = orjson.loads(body)
        return found

    def log(self, name: str) -> list[dict[str, Any]]:
        """The lines that a process has logged; what is no JSON is `{"event": line}`."""
        file = self.processes.log(name)
        return list(_lines(file)) if file.exists() else []

    def drain(self) -> float:
        """Stop the machines and wait until all that was offered has arrived; seconds it took."""
        self.stop_machines()
        began = time.monotonic()
        quiet = _Quiet(self)
        until(lambda: quiet.is_reached(), "the agent has delivered everything", DRAIN_S)
        return time.monotonic() - began

    def stop_machines(self) -> None:
        """Let nothing change any more; the machines go on answering."""
        stop_models(self.ports["control"])

    def children(self) -> list[psutil.Process]:
        """Every process of this plant, and what these have started."""
        found = []
        for child in self.processes.children.values():
            with suppress(psutil.NoSuchProcess):
                process = psutil.Process(child.pid)
                found += [process, *process.children(recursive=True)]
        return found


def newest(store: Path, station: str, tag: str) -> int:
    """The time of the newest sample of a tag, ms; 0 when there is none."""
    query = "SELECT max(time) FROM sample JOIN series ON id = series WHERE station = ? AND name = ?"
    with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as database:
        return int(database.execute(query, (station, tag)).fetchone()[0] or 0)


class _Quiet:
    """True once nothing waits and nothing new has come for QUIET_S."""

    def __init__(self, plant: SmallPlant) -> None:
        self.plant = plant
        self.seen: tuple[int, int] | None = None
        self.since_s = time.monotonic()

    def is_reached(self) -> bool:
        self.plant.processes.check()
        said = self.plant.health("agent")
        health = None if said is None else said.get("health")  # none while it is too busy
        waits = health is None or health["backlog_samples"] or health["records_waiting"]
        now = None if health is None or waits else (health["samples"], health["records"])
        if now is None or now != self.seen:
            self.seen, self.since_s = now, time.monotonic()
        return time.monotonic() - self.since_s > QUIET_S


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    for line in file.read_text(errors="replace").splitlines():
        try:
            told = orjson.loads(line)
        except orjson.JSONDecodeError:
            told = line
        yield told if isinstance(told, dict) else {"event": line}
