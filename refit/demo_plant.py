"""The demo's plant: a copy of its site file with free ports, its processes, and the final count."""

from __future__ import annotations

import re
import sys
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from plant.dead_letters import DeadLetters
from plant.ledger import Entry, Ledger, LedgerError, open_ledger
from plant.making import PLACES
from plant.stores.factory import dead_letters_path, open_store
from refit.accounts import Balance, balance, total
from refit.demo_files import DemoFiles
from refit.demo_operator import DemoOperator
from refit.processes import Processes, free_ports, listens
from refit.watching.client import Away, Client
from simulators.control import stop_models
from wire.clock import SystemClock
from wire.site import Site, load, write_copy
from wire.site.cameras import CameraConfig

DEMO_SITE = Path(__file__).parents[1] / "config" / "demo" / "site.toml"
START_S = 30.0
DRAIN_S = 20.0
FILES_S = 15.0
POLL_S = 0.3
QUIET_POLLS = 3
WAITING = ("backlog_samples", "records_waiting", "files_waiting")
LETTERS_MAX = 1_000_000
CAMERAS = "cameras"
# Small, and of four vehicles that come again, so that a small machine has time for the rest.
SHOOTING = (
    "--size", "480x270", "--scale", "0.1", "--write-s", "0.02", "--vehicles", "7,6,10,0",
    "--nice", "5",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Result:
    """What became of every value and record of a run."""

    seconds: float
    acknowledged: int
    made: int
    in_ledger: int
    records: Counter[str]
    stations: dict[str, tuple[str, Balance]]
    files: Mapping[str, list[str]]

    @property
    def total(self) -> Balance:
        """All stations together."""
        return total(one for _, one in self.stations.values())

    @property
    def is_clean(self) -> bool:
        """True when nothing is lost, doubled or refused and every record is in the ledger."""
        whole = self.total
        is_whole = self.made == self.in_ledger
        return is_whole and not (whole.lost or whole.duplicates or whole.refused)

    def as_json(self) -> dict[str, Any]:
        """The result as one JSON object."""
        whole = self.total
        return {
            "seconds": round(self.seconds, 1),
            "samples": {
                "emitted": whole.emitted,
                "acknowledged": self.acknowledged,
                "stored": whole.stored,
                "lost": whole.lost,
                "duplicates": whole.duplicates,
                "refused": whole.refused,
            },
            "records": {"made": self.made, "in_ledger": self.in_ledger},
            "stations": {
                name: {
                    "kind": kind,
                    "samples": one.stored,
                    "records": self.records[name],
                    "bad": one.bad,
                }
                for name, (kind, one) in self.stations.items()
            },
            **self.files,
        }

    def summary(self) -> str:
        """The result in a few lines for people."""
        whole = self.total
        return (
            f"{whole.emitted} values were offered in {self.seconds:.0f} s, {whole.stored} are"
            f" stored: {whole.lost} lost, {whole.duplicates} doubled, {whole.refused} refused.\n"
            f"{self.made} records were made, {self.in_ledger} are in the ledger."
        )

    def none_made(self) -> str:
        """Of what there is no file, and what to do; empty when there is of everything."""
        none = " and ".join(name for name, made in self.files.items() if not made)
        return none and f"no {none}: the first takes half a minute or more, such as --for 60"


class DemoPlant:
    """Starts everything on entering, ends everything on leaving."""

    def __init__(self, folder: Path, speed: float, seed: int, source: Path | None = None) -> None:
        self.folder = folder.absolute()
        self.truth = self.folder / "truth.jsonl"
        self.processes = Processes(self.folder / "logs")
        self._speed, self._seed = speed, seed
        self._ledger: Ledger | None = None
        source = source or DEMO_SITE
        self.file = self.folder / "site.toml"
        self.site, self.control_port, self._cameras_port = _copy(source, self.file, speed)
        self.files = DemoFiles(self.site, self.folder)
        self.operator = DemoOperator(self.site)

    def __enter__(self) -> DemoPlant:
        try:
            self._start()
        except BaseException:
            self.processes.end()
            raise
        self.files.start()
        self.started = time.monotonic()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.files.stop()
        self.processes.end()
        if self._ledger is not None:
            self._ledger.close()

    def _start(self) -> None:
        start, port = self.processes.start, self.site.broker.port
        start("broker", "broker", "--site", self.file)
        start(
            "simulators", "simulate", "--site", self.file, "--speed", str(self._speed),
            "--seed", str(self._seed), "--log", self.truth, "--control", str(self.control_port),
        )  # fmt: skip
        self.processes.wait_for("the broker", lambda: listens(port), START_S)
        start("historian", "historian", "--site", self.file)
        ready = lambda: listens(self.control_port)  # noqa: E731
        self.processes.wait_for("the simulators", ready, START_S)
        for agent in self.site.agents:
            start(agent.name, "agent", "--site", self.file, "--name", agent.name)
        folders = [one.folder for one in self._cameras if one.folder is not None]
        if folders:  # last: until they are there the table waits, and nothing else does
            self._start_cameras(folders[0])

    @property
    def _cameras(self) -> list[CameraConfig]:
        return [camera for one in self.site.stations for camera in one.cameras.values()]

    def _start_cameras(self, folder: Path) -> None:
        """One process is all simulated cameras: it hears triggers, and is asked for pictures."""
        words = ["--folder", folder, "--port", self._cameras_port, *SHOOTING]
        self.processes.spawn(CAMERAS, [sys.executable, "-m", "simulators.studio", *words])

    def wait(self, seconds: float) -> None:
        """Let the plant run; Ended when one of its processes dies."""
        until = time.monotonic() + seconds
        while (rest := until - time.monotonic()) > 0:
            self.processes.check()
            self.operator.look()
            time.sleep(min(rest, 0.2))

    def health(self, agent: str) -> dict[str, Any] | None:
        """What an agent says of itself; None while it does not answer."""
        scheme = "https" if self.site.http.tls else "http"
        url = f"{scheme}://127.0.0.1:{self.site.agent(agent).http}"
        try:
            return Client(url, self.site.http).health()
        except Away:
            return None

    def last_record(self, station: str) -> Entry | None:
        """The latest record of a station that is in the ledger."""
        try:
            if self._ledger is None:
                self._ledger = open_ledger(self.site.ledger, SystemClock(), create=False)
            found = self._ledger.find(station=station, limit=1)
        except LedgerError:  # the historian has not made it yet
            return None
        return found[0] if found else None

    def finish(self) -> Result:
        """Stop the machines, let everything drain, end all processes, and count."""
        stop_models(self.control_port)
        health = self._drained()
        seconds = time.monotonic() - self.started
        self.files.finish(FILES_S)
        self.end()
        return self._count(seconds, health)

    def end(self) -> None:
        """End the processes, each before what it depends on."""
        running = self.processes.children
        self.processes.end([agent.name for agent in self.site.agents if agent.name in running])
        self.processes.end([name for name in ("historian", "simulators") if name in running])
        self.processes.end()

    def _drained(self) -> list[dict[str, Any]]:
        """Wait until nothing moves any more, DRAIN_S at most; the last health of each agent."""
        until, quiet = time.monotonic() + DRAIN_S, 0
        before: list[Any] = []
        health: list[dict[str, Any]] = []
        while quiet < QUIET_POLLS and time.monotonic() < until:
            time.sleep(POLL_S)
            self.processes.check()
            found = [one for agent in self.site.agents if (one := self.health(agent.name))]
            health = [one["health"] for one in found]
            waiting = sum(one[name] for one in health for name in WAITING)
            busy = [name for one in found for name, it in one["studios"].items() if it["busy"]]
            now = [one["samples"] for one in health]
            quiet = quiet + 1 if now == before and not waiting and not busy else 0
            before = now
        return health

    def _count(self, seconds: float, health: list[dict[str, Any]]) -> Result:
        with closing(open_store(self.site.store)) as store:
            with closing(DeadLetters(dead_letters_path(self.site.store))) as letters:
                refused = Counter(one.refusal.station for one in letters.read(limit=LETTERS_MAX))
            balances = balance(self.site, self.truth, store, refused)
        with open_ledger(self.site.ledger, SystemClock(), create=False) as ledger:
            counts = ledger.counts()
        # Made here of what has come, not sent by an agent.
        records = Counter({name: n for name, n in counts.items() if name not in PLACES})
        kinds = {one.name: one.kind for one in self.site.stations}
        return Result(
            seconds,
            acknowledged=sum(one["acknowledged"] for one in health),
            made=sum(one["records"] for one in health),
            in_ledger=sum(records.values()),
            records=records,
            stations={name: (kinds[name], one) for name, one in balances.items()},
            files=self.files.as_json(),
        )


def _copy(source: Path, target: Path, speed: float) -> tuple[Site, int, int]:
    """A copy of the site with free ports everywhere, and those of two simulators.

    These are the control of the machines, and the cameras. What is planned is as much quicker as
    the machines are.
    """
    site = load(source)
    places: list[tuple[str, ...]] = [("broker", "port"), ("historian", "http"), ("media", "port")]
    places += [("agent", agent.name, "http") for agent in site.agents]
    ports = free_ports(len(places) + 2 + sum(1 + len(one.modbus) for one in site.stations))
    cameras_port, control_port = ports.pop(), ports.pop()
    overrides: dict[tuple[str, ...], Any] = {place: ports.pop() for place in places}
    for line in site.lines:
        if line.takt_ms is not None:
            overrides["line", line.name, "takt"] = _quicker(line.takt_ms, speed)
    for station in site.stations:
        if station.scheme is not None:
            cycle_ms = station.cycle_ms or station.scheme.planned_s * 1000
            overrides["station", station.name, "cycle"] = _quicker(cycle_ms, speed)
        if station.opcua is not None:
            url = f"opc.tcp://127.0.0.1:{ports.pop()}"
            overrides["station", station.name, "opcua", "url"] = url
        for name in station.modbus:
            url = f"tcp://127.0.0.1:{ports.pop()}"
            overrides["station", station.name, "modbus", name, "url"] = url
        for name, camera in station.cameras.items():
            for key, url in (("url", camera.url), ("simulator", camera.simulator)):
                if url is not None:
                    moved = re.sub(r"//[^/]+", f"//127.0.0.1:{cameras_port}", url, count=1)
                    overrides["station", station.name, "cameras", name, key] = moved
    return write_copy(source, target, overrides), control_port, cameras_port


def _quicker(duration_ms: float, speed: float) -> str:
    return f"{max(round(duration_ms / speed), 1)} ms"
