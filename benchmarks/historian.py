"""How long a sample takes from an agent's publish to the store's disk, and what that costs.

Run: python benchmarks/historian.py [VALUES_A_SECOND ...]
A sender process (one Sparkplug edge node per 1,000 values/s, 100 tags, 10 messages a second each)
publishes through the embedded broker; this process is the historian with the SQLite store. The time
of a sample is that of its publish; the delay is taken when the transaction has returned.
"""

from __future__ import annotations

import asyncio
import contextlib
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np

from plant import process
from plant.broker import start_broker
from plant.stores.sqlite import SqliteStore
from plant.stores.store import OWN_MEASUREMENTS, Points, Refusal
from stations.declare import Node, Station, Tag, Type
from stations.samples import Samples
from tests.plant.agents import RealAgent, now_ms
from wire.clock import SystemClock
from wire.site import Site, load
from wire.sparkplug import births

SECONDS = 15.0
TAGS = 100
MESSAGES_A_SECOND = 10
SITE = '[site]\nname = "plant"\n[broker]\nurl = "mqtt://127.0.0.1:%d"\n'


class TimedStore(SqliteStore):
    """Notes the delay of every sample when its transaction is on disk."""

    delays: list[np.ndarray[Any, Any]]

    def write(self, points: Sequence[Points]) -> list[list[Refusal]]:
        refused = super().write(points)
        now = now_ms()
        for one in points:
            if one.measurement not in OWN_MEASUREMENTS:
                self.delays.append(now - one.samples.time)
        return refused


def send(file: Path, agents: int) -> None:
    """The sender's process: all agents in turn, evenly over a second; prints what was sent."""
    site = load(file)
    bench: Any = type(
        "Bench", (Station,),
        {f"tag_{i}": Tag(float, Node(f"T{i}"), doc="A number.") for i in range(TAGS)},
    )  # fmt: skip
    random = np.random.default_rng(1)
    with ExitStack() as stack:
        senders = []
        for number in range(agents):
            tags = dict(enumerate(bench.tags))
            station = births.Station(f"bench-{number}", "line-1", "bench", tags)
            agent = RealAgent(site.broker, f"pc-{number}", stations=[station], primary="historian")
            senders.append((stack.enter_context(agent), station.name))
        while not all(agent.born for agent, _ in senders):
            time.sleep(0.05)
        began, sent = time.monotonic(), 0
        rounds = int(SECONDS * MESSAGES_A_SECOND)
        for step in range(rounds * agents):
            due = began + step / (MESSAGES_A_SECOND * agents)
            time.sleep(max(0.0, due - time.monotonic()))
            agent, name = senders[step % agents]
            sent += TAGS * agent.send(name, _batch(random), step // agents + 1)
        time.sleep(2)
        print(sent, sum(len(agent.acknowledged) for agent, _ in senders) * TAGS)


def _batch(random: np.random.Generator) -> Samples:
    return Samples(
        np.arange(TAGS, dtype=np.uint32),
        np.full(TAGS, now_ms()),
        np.zeros(TAGS, np.uint32),
        np.full(TAGS, Type.FLOAT, np.uint8),
        (random.random(TAGS) * 100).view(np.uint64),
    )


async def measure(site: Site, agents: int) -> None:
    """One historian while a sender sends; prints one row of the table."""
    stop, delays = asyncio.Event(), []
    TimedStore.delays = delays
    process.open_store = lambda config: TimedStore(config.path)
    serving = asyncio.create_task(process.run(site, SystemClock(), stop))
    command = [sys.executable, __file__, "--send", str(site.file), str(agents)]
    before = resource.getrusage(resource.RUSAGE_SELF)
    sender = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    said, _ = await sender.communicate()
    after = resource.getrusage(resource.RUSAGE_SELF)
    stop.set()
    await serving
    sent, acknowledged = map(int, said.split())
    found = np.concatenate(delays)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    p50, p99 = np.percentile(found, (50, 99))
    print(
        f"| {agents * TAGS * MESSAGES_A_SECOND:,} | {sent:,} | {len(found):,} | {acknowledged:,} "
        f"| {p50:.0f} | {p99:.0f} | {cpu / len(found) * 1e6:.1f} | {after.ru_maxrss // 1024} |",
        flush=True,
    )


def main() -> None:
    rates = [int(one) for one in sys.argv[1:]] or [1_000, 5_000, 10_000]
    print("| values/s | sent | stored | acknowledged | p50 ms | p99 ms | CPU-s/M | RSS MB |")
    print("|---|---|---|---|---|---|---|---|")
    for rate in rates:
        with tempfile.TemporaryDirectory() as folder, start_broker() as broker:
            file = Path(folder) / "site.toml"
            file.write_text(SITE % broker.port)
            asyncio.run(measure(load(file), max(1, rate // (TAGS * MESSAGES_A_SECOND))))


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        if sys.argv[1:2] == ["--send"]:
            send(Path(sys.argv[2]), int(sys.argv[3]))
        else:
            main()
