"""The road against an OPC UA server that is not ours: found by `refit browse`, all compared.

The server is node-opcua (tests/node/opcua_server.js): all widths of integers, texts, arrays, units,
statuses, a thousand nodes. It is killed and comes back with another order of namespaces and fewer
nodes, the agent is killed, the server shuts down in order; then everything that it said is looked
for in the store.
"""

from __future__ import annotations

import csv
import json
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from plant.stores.factory import open_store
from refit.accounts import EVER
from refit.chaos.spans import gaps
from tests.servers import CACHE, free_port, until
from tests.servers.node import NodeProgram
from tests.system.commands import Watched, refit
from tests.system.foreign import compare, offers
from wire.site import Site, load

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]
READY_S = 90.0
AXES = 100  # of ten variables each
SITE = """
[site]
name = "foreign"
[broker]
port = {broker}
[historian]
http = {historian}
[[agent]]
name = "pc-1"
http = {agent}
[[station]]
name = "plant-1"
kind = "device"
agent = "pc-1"
tags = "plant.csv"
opcua = {{ url = "{url}" }}
"""


class Foreign:
    """The server, its truth, and the folder in which all of it lies."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, free_port()
        self.url = f"opc.tcp://127.0.0.1:{self.port}"
        self.truth = folder / "truth.jsonl"
        self.starts = 0
        self.program: NodeProgram | None = None

    def start(self, axes: int = AXES) -> None:
        """Start it; each time there is one more namespace before its own."""
        words: list[Any] = [self.port, self.truth, self.folder / "pki", self.starts, axes]
        log = self.folder / "foreign.log"
        self.program = NodeProgram(CACHE, "opcua_server.js", *words, log=log).start()
        self.starts += 1

    def last_ms(self) -> int:
        """The time of the last value that was offered."""
        return max(lines[-1]["ms"] for lines in offers(self.truth).values())


@pytest.fixture
def foreign(tmp_path: Path) -> Iterator[Foreign]:
    server = Foreign(tmp_path)
    server.start()
    yield server
    if server.program is not None:
        server.program.kill()


def browsed(foreign: Foreign) -> dict[str, dict[str, str]]:
    """The rows that `refit browse` writes, by name; it leaves out exactly what cannot be a tag."""
    table, skipped = foreign.folder / "plant.csv", foreign.folder / "skipped.csv"
    done = refit("browse", foreign.url, "--root", "Plant", "--to", table, "--skipped", skipped)
    # The root's own namespace is not that of the path: it must be said.
    assert done.returncode == 1 and "no node 'Plant'" in done.stderr
    root = "nsu=urn:foreign:plant;Plant"
    done = refit("browse", foreign.url, "--root", root, "--to", table, "--skipped", skipped)
    assert done.returncode == 0, done.stderr
    reasons = {row["path"]: row["reason"] for row in rows_of(skipped)}
    described = [path for path, reason in reasons.items() if "describes" in reason]
    assert {path: reason for path, reason in reasons.items() if path not in described} == {
        "Texts/Bytes": "ByteString is no type of a tag",
        "Arrays/Words": "an array of String",
        "Odd/Structure": "a structure is no type of a tag",
        "Odd/WriteOnly": "not readable with this account",
    }
    return {row["name"]: row for row in rows_of(table)}


def rows_of(file: Path) -> list[dict[str, str]]:
    """The rows of a CSV by its header."""
    return list(csv.DictReader(file.read_text().splitlines()))


def check_rows(rows: dict[str, dict[str, str]]) -> None:
    """What the server says of its variables is in the table."""
    assert len(rows) == 10 * AXES + 38
    assert all(row["address"].startswith("nsu=urn:foreign:plant;s=") for row in rows.values())
    widths = {name: row["type"] for name, row in rows.items() if name.startswith("widths_")}
    assert sorted(widths.values()) == ["bool", "float", "float", *["int"] * 8]
    temperature = rows["analog_temperature"]
    assert [temperature[key] for key in ("type", "unit", "low", "high", "doc")] == [
        "float", "°C", "-5", "105", "Temperature of the bath",
    ]  # fmt: skip
    assert rows["arrays_matrix"]["type"] == "float[6]"
    assert rows["arrays_open"]["type"] == "float[3]"
    assert rows["arrays_bits"]["type"] == "int[2]"
    assert rows["odd_any"]["type"] == "float"
    assert rows["discrete_door"]["doc"].endswith("1 = Shut, 5 = Ajar, 9 = Wide")
    assert rows["odd_semicolon_and_signs"]["address"].endswith("s=Odd.Semicolon; and=signs")


def stored(site: Site) -> tuple[int, int, int]:
    """How many tags and samples there are, and the time of the newest."""
    query = """SELECT count(DISTINCT name), count(*), max(time) FROM sample
        JOIN series ON series.id = sample.series WHERE measurement = 'plant-1'"""
    try:
        with closing(sqlite3.connect(f"file:{site.store.path}?mode=ro", uri=True)) as store:
            tags, count, newest = store.execute(query).fetchone()
            return int(tags), int(count), int(newest or 0)
    except sqlite3.OperationalError:
        return 0, 0, 0


def first_times(site: Site) -> dict[str, int]:
    """From when on each tag was listened to."""
    with closing(open_store(site.store)) as store:
        return {
            tag.name: int(store.range("plant-1", tag.name, -EVER, EVER).time[0])
            for tag in site.station("plant-1").declaration.tags
        }


def flow(foreign: Foreign, site: Site, what: str) -> None:
    """Wait until what the server says from now on arrives."""
    then = foreign.last_ms()
    until(lambda: stored(site)[2] > then + 2000, f"values flow {what}", READY_S)


def test_every_value_of_a_foreign_server_is_in_the_store(foreign: Foreign, tmp_path: Path) -> None:
    rows = browsed(foreign)
    check_rows(rows)
    ports = {name: free_port() for name in ("broker", "historian", "agent")}
    file = tmp_path / "site.toml"
    file.write_text(SITE.format(url=foreign.url, **ports))
    assert refit("check", file).returncode == 0
    site = load(file)
    assert foreign.program is not None
    with ExitStack() as stack, (tmp_path / "log").open("wb") as log:

        def start(*words: str) -> Watched:
            watched = Watched(words[0], "--site", file, *words[1:], stdout=log, stderr=log)
            return stack.enter_context(watched)

        historian, agent = start("historian"), start("agent", "--name", "pc-1")
        until(lambda: stored(site)[0] == len(rows), "every tag has a value", READY_S)
        flow(foreign, site, "at first")
        looked = refit("check", file, "--live", "--json")
        assert looked.returncode == 0, looked.stdout
        differs = {one["problem"] for one in json.loads(looked.stdout)[0]["findings"]}
        assert differs <= {"bad now"}, looked.stdout
        foreign.program.kill()
        foreign.start(axes=AXES - 1)  # the nodes of one are gone
        flow(foreign, site, "after the server was killed")
        agent.process.kill()
        until(agent.ended, "the agent is gone", READY_S)
        agent = start("agent", "--name", "pc-1")
        flow(foreign, site, "after the agent was killed")
        foreign.program.quit()
        foreign.start()
        flow(foreign, site, "after the server was shut down")
        foreign.program.tell("hold")
        last = foreign.last_ms()
        until(lambda: stored(site)[2] == last, "the last value is stored", READY_S)
        for run in (agent, historian):
            run.process.send_signal(signal.SIGTERM)
            until(run.ended, "it ends", READY_S)
            assert run.process.returncode == 0
    spans = gaps(site)
    with closing(open_store(site.store)) as store:
        found = compare(site.station("plant-1"), foreign.truth, store, spans, first_times(site))
    print(found, spans)
    assert found.wrong == []
    assert found.acknowledged > 10 * AXES * 5
    # The subscription outlived the agent that was killed, and nothing of it is missing.
    assert {span.reason for span in spans} == {"link down"}
    assert found.stored > 10 * AXES * 5
