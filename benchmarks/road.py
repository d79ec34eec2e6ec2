"""Our own chain on this machine: agent, embedded broker, historian and embedded store."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any

import tomli_w

from benchmarks.chain import Tag, wait_for_all
from benchmarks.children import Children
from benchmarks.generator import Generator
from refit.processes import free_ports, listens
from wire.site import Site, load

START_S = 30.0
FIRST_S = 120.0
AGENT, STATION = "pc-1", "machine-1"
_TAGS = """
SELECT name, count(*), count(DISTINCT value), min(value), max(value) FROM sample
JOIN series ON series.id = sample.series
WHERE station = ?1 AND measurement = ?1 AND value IS NOT 0.0 GROUP BY series
"""
_NEWEST = """
SELECT value FROM sample WHERE series = (
    SELECT id FROM series WHERE station = ?1 AND measurement = ?1 AND name = ?2
) ORDER BY time DESC LIMIT 1
"""


class Road:
    """Everything from the agent to the store for the tags of one generator.

    With `trace` the historian is that of `benchmarks.traced`, which notes there when what is safe.
    """

    def __init__(self, folder: Path, generator: Generator, trace: Path | None = None) -> None:
        self.folder, self.generator, self.trace = folder, generator, trace
        self.children = Children(folder / "logs")
        self.file = folder / "site.toml"
        self.site = _site(self.file, generator)

    def __enter__(self) -> Road:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def end(self) -> None:
        """End every process in the order of the flow."""
        for name in [name for name in ("agent", "historian") if name in self.children.children]:
            self.children.end([name], seconds=10.0)
        self.children.end()

    def start(self) -> None:
        """Start every process and return when the first value of every tag is stored."""
        self.start_plant()
        self.start_agent()
        wait_for_all(self, self.generator, FIRST_S)

    def start_plant(self) -> None:
        """Broker and historian."""
        self.children.start("broker", "broker", "--site", self.file)
        port = self.site.broker.port
        self.children.wait_for("the broker", lambda: listens(port), START_S)
        if self.trace is None:
            self.children.start("historian", "historian", "--site", self.file)
        else:
            command = [sys.executable, "-m", "benchmarks.traced", "historian"]
            self.children.spawn("historian", [*command, self.trace, self.file])
        http = self.site.historian.http
        self.children.wait_for("the historian", lambda: listens(http), START_S)

    def start_agent(self) -> None:
        """The agent."""
        self.children.start("agent", "agent", "--site", self.file, "--name", AGENT)

    def highest(self, tag: str) -> float:
        """The newest stored value of a tag; -1 when there is none."""
        with closing(self._open()) as connection:
            row = connection.execute(_NEWEST, (STATION, tag)).fetchone()
        return -1.0 if row is None or row[0] is None else float(row[0])

    def tags(self) -> list[Tag]:
        """What is stored of all tags."""
        with closing(self._open()) as connection:
            return [Tag(*row) for row in connection.execute(_TAGS, (STATION,))]

    def _open(self) -> sqlite3.Connection:
        path = self.folder / "var" / "samples.db"
        return sqlite3.connect(f"file:{path}?mode=ro", uri=True)


def _site(file: Path, generator: Generator) -> Site:
    """A site file with one agent and one device, and the CSV of its tags."""
    broker, historian = free_ports(2)
    rows = [f"{name},ns=1;s={name},float" for name in generator.names]
    (file.parent / "tags.csv").write_text("name,address,type\n" + "\n".join(rows) + "\n")
    tables: dict[str, Any] = {
        "site": {"name": "bench"},
        "broker": {"url": "embedded", "port": broker},
        "store": {"url": "sqlite:var/samples.db"},
        "historian": {"http": historian},
        "agent": [{"name": AGENT}],
        "station": [
            {
                "name": STATION, "kind": "device", "agent": AGENT, "tags": "tags.csv",
                "opcua": {"url": generator.url},
            }
        ],
    }  # fmt: skip
    file.write_bytes(tomli_w.dumps(tables).encode())
    return load(file)
