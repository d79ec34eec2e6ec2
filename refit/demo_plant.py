"""The demo's plant: a copy of its site file with free ports, its processes, and the final count."""

from __future__ import annotations

import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from plant.dead_letters import DeadLetters
from plant.ledger import Entry, Ledger, LedgerError, open_ledger
from plant.stores.factory import dead_letters_path, open_store
from refit.accounts import Balance, balance, total
from refit.processes import Processes, free_ports, listens
from refit.watching.client import Away, Client
from simulators.control import stop_models
from wire.clock import SystemClock
from wire.site import Site, load, write_copy

DEMO_SITE = Path(__file__).parents[1] / "config" / "demo" / "site.toml"
START_S = 30.0
DRAIN_S = 10.0
POLL_S = 0.3
QUIET_POLLS = 3
LETTERS_MAX = 1_000_000


@dataclass(frozen=True, slots=True)
class Result:
    """What became of every value and record of a run."""

    seconds: float
    acknowledged: int
    made: int
    in_ledger: int
    records: Counter[str]
    stations: dict[str, tuple[str, Balance]]

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
        }

    def summary(self) -> str:
        """The result in a few lines for people."""
        whole = self.total
        return (
            f"{whole.emitted} values were offered in {self.seconds:.0f} s, {whole.stored} are"
            f" stored: {whole.lost} lost, {whole.duplicates} doubled, {whole.refused} refused.\n"
            f"{self.made} records were made, {self.in_ledger} are in the ledger."
        )


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
        self.site, self.control_port = _copy(source, self.file, speed)

    def __enter__(self) -> DemoPlant:
        try:
            self._start()
        except BaseException:
            self.processes.end()
            raise
        self.started = time.monotonic()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
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

    def wait(self, seconds: float) -> None:
        """Let the plant run; Ended when one of its processes dies."""
        until = time.monotonic() + seconds
        while (rest := until - time.monotonic()) > 0:
            self.processes.check()
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
            found = [self.health(agent.name) for agent in self.site.agents]
            health = [one["health"] for one in found if one is not None]
            waiting = sum(one["backlog_samples"] + one["records_waiting"] for one in health)
            now = [one["samples"] for one in health]
            quiet = quiet + 1 if now == before and not waiting else 0
            before = now
        return health

    def _count(self, seconds: float, health: list[dict[str, Any]]) -> Result:
        with closing(open_store(self.site.store)) as store:
            with closing(DeadLetters(dead_letters_path(self.site.store))) as letters:
                refused = Counter(one.refusal.station for one in letters.read(limit=LETTERS_MAX))
            balances = balance(self.site, self.truth, store, refused)
        with open_ledger(self.site.ledger, SystemClock(), create=False) as ledger:
            records = Counter(ledger.counts())
        kinds = {one.name: one.kind for one in self.site.stations}
        return Result(
            seconds,
            acknowledged=sum(one["acknowledged"] for one in health),
            made=sum(one["records"] for one in health),
            in_ledger=sum(records.values()),
            records=records,
            stations={name: (kinds[name], one) for name, one in balances.items()},
        )


def _copy(source: Path, target: Path, speed: float) -> tuple[Site, int]:
    """A copy of the site with free ports everywhere, and one more for the simulators' control.

    What is planned is as much quicker as the machines are.
    """
    site = load(source)
    places: list[tuple[str, ...]] = [("broker", "port"), ("historian", "http")]
    places += [("agent", agent.name, "http") for agent in site.agents]
    ports = free_ports(len(places) + 1 + sum(1 + len(one.modbus) for one in site.stations))
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
    return write_copy(source, target, overrides), ports.pop()


def _quicker(duration_ms: float, speed: float) -> str:
    return f"{max(round(duration_ms / speed), 1)} ms"
