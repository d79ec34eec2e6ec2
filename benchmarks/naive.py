"""The plain chain that is measured beside ours, from a folder that NAIVE_CHAIN names.

agent.py ENDPOINT NODES_JSON BROKER: one subscription, one MQTT message (JSON, QoS 1) a value.
historian.py BROKER URL DATABASE: influxdb-client with its own batching into InfluxDB's /write.
The store is a real `influxd` of the 1.x series, from the PATH or as INFLUXD names it; the broker is
Mosquitto without a bound on its queues.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

from benchmarks.chain import Tag, folder_of, wait_for_all
from benchmarks.children import Children
from benchmarks.generator import Generator
from refit.processes import free_ports, listens

CHAIN, STORE = "NAIVE_CHAIN", "INFLUXD"
DATABASE = "bench"
START_S = 60.0
_CONFIG = """\
reporting-disabled = true
bind-address = "127.0.0.1:{rpc}"
[meta]
dir = "{folder}/meta"
[data]
dir = "{folder}/data"
wal-dir = "{folder}/wal"
query-log-enabled = false
[monitor]
store-enabled = false
[http]
bind-address = "127.0.0.1:{http}"
log-enabled = false
"""
_BROKER = """\
listener {port} 127.0.0.1
allow_anonymous true
persistence false
max_queued_messages 0
max_inflight_messages 1000
"""


def missing() -> str:
    """What of the plain chain is not on this machine, in words; "" when all of it is."""
    if not os.environ.get(CHAIN):
        return f"{CHAIN} names no folder with the plain chain"
    if _program(STORE, "influxd") is None:
        return f"no influxd in the PATH, and {STORE} names none"
    if _mosquitto() is None:
        return "no mosquitto on this machine"
    return ""


class Naive:
    """The plain chain for the tags of one generator."""

    def __init__(self, folder: Path, generator: Generator, trace: Path | None = None) -> None:
        self.folder, self.generator, self.trace = folder, generator, trace
        self.children = Children(folder / "logs")
        self.broker, self.http, self._rpc = free_ports(3)

    def __enter__(self) -> Naive:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def end(self) -> None:
        """End every process."""
        for name in [name for name in ("agent", "historian") if name in self.children.children]:
            self.children.end([name], seconds=5.0)
        self.children.end()

    def start(self) -> None:
        """Start every process and return when the first value of every tag is stored."""
        self._start_broker()
        self._start_store()
        chain = Path(os.environ[CHAIN])
        broker = f"127.0.0.1:{self.broker}"
        nodes = self.folder / "nodes.json"
        nodes.write_text(json.dumps([[name, f"ns=1;s={name}"] for name in self.generator.names]))
        tracing = [] if self.trace is None else ["-m", "benchmarks.traced", "script", self.trace]
        historian = [*tracing, chain / "historian.py", broker, f"http://127.0.0.1:{self.http}"]
        self.children.spawn("historian", [sys.executable, *historian, DATABASE])
        # It says nothing when it has subscribed; what is published before that is lost.
        time.sleep(3.0)
        self.children.spawn(
            "agent", [sys.executable, chain / "agent.py", self.generator.url, nodes, broker]
        )
        wait_for_all(self, self.generator, START_S)

    def _start_broker(self) -> None:
        config = self.folder / "mosquitto.conf"
        config.write_text(_BROKER.format(port=self.broker))
        program = _mosquitto()
        assert program is not None
        self.children.spawn("broker", [program, "-c", config])
        self.children.wait_for("the broker", lambda: listens(self.broker), START_S)

    def _start_store(self) -> None:
        config = self.folder / "influxdb.conf"
        folder = folder_of(self.folder, "influxdb")
        config.write_text(_CONFIG.format(folder=folder, http=self.http, rpc=self._rpc))
        program = _program(STORE, "influxd")
        assert program is not None
        self.children.spawn("store", [program, "run", "-config", config])
        self.children.wait_for("the store", lambda: listens(self.http), START_S)
        self._ask(f"CREATE DATABASE {DATABASE}", post=True)

    def highest(self, tag: str) -> float:
        """The newest stored value of a tag; -1 when there is none."""
        for series in self._ask(f"SELECT last(value) FROM plant WHERE \"tag\" = '{tag}'"):
            return float(series["values"][0][1])
        return -1.0

    def tags(self) -> list[Tag]:
        """What is stored of all tags."""
        where = 'FROM plant WHERE value >= 1 GROUP BY "tag"'
        rows = self._ask(f"SELECT count(value), min(value), max(value) {where}")
        distinct = {
            one["tags"]["tag"]: int(one["values"][0][1])
            for one in self._ask(f"SELECT count(distinct(value)) {where}")
        }
        found = [(one["tags"]["tag"], *one["values"][0][1:]) for one in rows]
        return [
            Tag(name, count, distinct[name], low, high)
            for name, count, low, high in found
            if name in distinct
        ]

    def _ask(self, query: str, *, post: bool = False) -> list[dict[str, Any]]:
        data = urlencode({"db": DATABASE, "q": query})
        url = f"http://127.0.0.1:{self.http}/query"
        try:
            with urlopen(
                url if post else f"{url}?{data}", data.encode() if post else None, timeout=30
            ) as answer:
                found = json.load(answer)["results"][0]
        except (URLError, TimeoutError):
            if post:
                raise
            return []
        series: list[dict[str, Any]] = found.get("series", [])
        return series


def _program(variable: str, usual: str) -> str | None:
    return os.environ.get(variable) or shutil.which(usual)


def _mosquitto() -> str | None:
    path = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
    return path if Path(path).exists() else None
