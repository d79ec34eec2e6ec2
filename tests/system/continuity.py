"""An agent beside an OPC UA server of other makers, killed again and again: what is left out?

No broker and no historian: whatever the agent has read lies in its outbox, and is held against the
server's own log. By hand: `python -m tests.system.continuity --kills 10 --away 60 --forget`.
"""

from __future__ import annotations

import argparse
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast
from urllib.error import HTTPError
from urllib.request import urlopen

import orjson

from edge.outbox import Outbox
from edge.trust.folder import TrustList
from plant.stores.store import Store
from refit.chaos.spans import Span
from stations.samples import EMPTY, Samples, concat
from tests.servers import CACHE, free_port, until
from tests.servers.node import NodeProgram
from tests.system.commands import Watched
from tests.system.foreign import Comparison, compare, offers
from wire.site import load

READY_S = 90.0
URI = "urn:foreign:plant"
AXIS = {
    "Position": "float", "Speed": "float", "Count": "int", "Error": "int", "Load": "int",
    "Running": "bool", "Program": "text",
}  # fmt: skip
SITE = """
[site]
name = "foreign"
[broker]
port = {broker}
[outbox]
folder = "outbox"
[[agent]]
name = "pc-1"
http = {agent}
[[station]]
name = "plant-1"
kind = "device"
agent = "pc-1"
tags = "plant.csv"
[station.opcua]
url = "{url}"
{more}
"""


@dataclass
class Read:
    """What an outbox holds, as a store that is asked for ranges."""

    samples: dict[str, Samples] = field(default_factory=dict)
    spans: list[Span] = field(default_factory=list)

    def range(self, station: str, tag: str, begin: int, end: int) -> Samples:
        """All that there is of a tag."""
        return self.samples.get(tag, EMPTY)


class Chain:
    """The server, the agent's site, and one agent after another on the same outbox."""

    def __init__(
        self, folder: Path, *, kept: int = 0, axes: int = 3, turns: int = 1, more: str = ""
    ) -> None:
        self.folder, self.port = folder, free_port()
        self.truth = folder / "truth.jsonl"
        self.words = [self.port, self.truth, folder / "pki", 0, axes, kept, turns]
        self.program = NodeProgram(CACHE, "opcua_server.js", *self.words, log=folder / "foreign")
        names = [(axis, name) for axis in range(axes) for name in AXIS]
        rows = [
            f"a{axis}_{name.lower()},nsu={URI};s=Axis{axis}.{name},{AXIS[name]}"
            for axis, name in names
        ]
        (folder / "plant.csv").write_text("\n".join(["name,address,type", *rows, ""]))
        url = f"opc.tcp://127.0.0.1:{self.port}"
        ports = {"broker": free_port(), "agent": free_port()}
        file = folder / "site.toml"
        file.write_text(SITE.format(url=url, more=more, **ports))
        self.file, self.site = file, load(file)
        self.outbox = self.site.outbox.folder / "pc-1.db"

    @contextmanager
    def agent(self) -> Iterator[Watched]:
        """A running agent; killed at the end if it still runs."""
        with (self.folder / "agent.log").open("ab") as log:
            words = ("agent", "--site", self.file, "--name", "pc-1")
            with Watched(*words, stdout=log, stderr=log) as agent:
                yield agent

    def newest(self) -> int:
        """The time of the newest sample in the outbox, ms; 0 when there is none."""
        try:
            with closing(sqlite3.connect(f"file:{self.outbox}?mode=ro", uri=True)) as database:
                found = database.execute("SELECT max(last_ms) FROM batch").fetchone()[0]
                return int(found or 0)
        except sqlite3.OperationalError:
            return 0

    def last_ms(self) -> int:
        """The time of the last value that the server has offered."""
        return max(lines[-1]["ms"] for lines in offers(self.truth).values())

    def trust(self) -> None:
        """Accept the server's certificate once the agent has been shown it."""
        trust = TrustList(self.site.pki_of("pc-1"))
        until(trust.rejected, "the certificate was shown", READY_S)
        trust.accept(trust.rejected()[0].facts.sha256)

    def flows(self) -> None:
        """Wait until a value that is offered from now on is in the outbox."""
        then = round(time.time() * 1000)
        until(lambda: self.newest() > then, "values flow", READY_S)

    def caught_up(self) -> None:
        """Wait until the last value that was offered is in the outbox."""
        last = self.last_ms()
        until(lambda: self.newest() == last, "the last value is there", READY_S)

    def offers_more(self, turns: int) -> None:
        """Wait until the server has offered each value so many times more."""
        fewest = min(map(len, offers(self.truth).values()))
        enough = fewest + turns
        until(lambda: min(map(len, offers(self.truth).values())) >= enough, "more values", READY_S)

    def kill(self, agent: Watched) -> None:
        """SIGKILL."""
        agent.process.kill()
        until(agent.ended, "the agent is gone", READY_S)

    def stop(self, agent: Watched) -> None:
        """SIGTERM, and wait for the end."""
        agent.process.terminate()
        until(agent.ended, "the agent has ended", READY_S)

    def counters(self) -> dict[str, int]:
        """What the agent has counted of its link to the server."""
        (agent,) = self.site.agents
        try:
            with urlopen(f"http://127.0.0.1:{agent.http}/healthz", timeout=READY_S) as answer:
                body = answer.read()
        except HTTPError as error:  # there is no broker
            body = error.read()
        found: dict[str, int] = orjson.loads(body)["links"]["plant-1/opcua"]["counters"]
        return found

    def read(self) -> Read:
        """What the outbox holds; only while no agent runs."""
        found = Read()
        outbox = Outbox(self.outbox)
        try:
            batches, lost = outbox.waiting(1 << 60, set(), 1 << 30)  # type: ignore[arg-type]
            assert not lost
            names = {number: name for number, (_, name, _) in outbox.all_tags().items()}
            parts: dict[str, list[Samples]] = {}
            for batch in batches:
                for number in set(batch.samples.tag.tolist()):
                    mine = batch.samples[batch.samples.tag == number]
                    parts.setdefault(names[number], []).append(mine)
            found.samples = {name: concat(listed) for name, listed in parts.items()}
            found.spans = [_span(orjson.loads(body)) for _, body in outbox.records(1 << 30)]
        finally:
            outbox.close()
        return found

    def compare(self, read: Read) -> Comparison:
        """Every value that was offered since the first was read: there, or said to be missing."""
        since = {name: int(samples.time[0]) for name, samples in read.samples.items()}
        station = self.site.station("plant-1")
        return compare(station, self.truth, cast(Store, read), read.spans, since)


def _span(record: Mapping[str, Any]) -> Span:
    assert record["kind"] == "gap", record
    data = record["data"]
    began, ended = (
        round(datetime.fromisoformat(data[key]).timestamp() * 1000) for key in ("began", "ended")
    )
    return Span(
        record["station"], data["connection"], frozenset(data["tags"]), began, ended, data["reason"]
    )


def pause(seconds: float) -> None:
    """Let time pass in which no agent runs."""
    end = time.monotonic() + seconds
    until(lambda: time.monotonic() >= end, "the pause is over", seconds + READY_S)


def rising(read: Read) -> bool:
    """Whether the times of every tag rise strictly: nothing twice, nothing before its time."""
    return all((samples.time[1:] > samples.time[:-1]).all() for samples in read.samples.values())


def main() -> None:
    """Kill an agent again and again, and say what is missing afterwards."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--away", type=float, default=0.0, help="seconds between kill and start")
    parser.add_argument("--forget", action="store_true", help="the server drops the subscription")
    parser.add_argument("--kept", type=int, default=100_000, help="values of history by tag")
    wanted = parser.parse_args()
    with TemporaryDirectory() as folder:
        chain = Chain(Path(folder), kept=wanted.kept)
        with chain.program:
            for _ in range(wanted.kills):
                with chain.agent() as agent:
                    chain.flows()
                    chain.kill(agent)
                if wanted.forget:
                    chain.program.tell("forget")
                pause(wanted.away)
            with chain.agent() as agent:
                chain.flows()
                chain.program.tell("hold")
                chain.caught_up()
                chain.stop(agent)
            read = chain.read()
            found = chain.compare(read)
        seconds = sum(span.to_ms - span.from_ms for span in read.spans) / 1000
        print(f"{wanted}: {found.offered} offered, {found.acknowledged} acknowledged,")
        print(
            f"{len(found.wrong)} wrong, {found.told} missing in {len(read.spans)} gaps of together"
        )
        print(f"{seconds:.3f} s; times rise: {rising(read)}; {found.wrong[:3]}")
        print((Path(folder) / "agent.log").read_text()[-3000:])


if __name__ == "__main__":
    main()
