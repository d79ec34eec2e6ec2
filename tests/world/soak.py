"""Weeks of the small world with faults every day: nothing that only grows.

By hand: `python -m tests.world.soak --days 30`. So that weeks cost minutes, the machines change
every few minutes and what the programs do while nothing happens is done more rarely than in truth
(`Rhythm`); everything else is as in the short runs. At the end of each day all is mended, what was
acknowledged that day is looked up among what was committed, and what the process holds is noted.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import os
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, astuple, dataclass, fields
from pathlib import Path
from random import Random

import edge.publish
import plant.historian
from edge.intake import Intake
from plant.dead_letters import DeadLetters
from plant.stores.aging import Aging
from plant.stores.sqlite import SqliteStore
from tests.world.clock import virtual_time
from tests.world.kinds import KINDS, Now
from tests.world.operations import Disk, Operations
from tests.world.plans import OPERATIONS
from tests.world.play import scratch, silence
from tests.world.small import SmallWorld
from tests.world.small_parts import SmallNet
from tests.world.small_site import AGENT

DAY_S = 86_400.0
CHANGE_S = (300.0, 900.0)
POLL_S = 600.0
FAULTS_A_DAY = 12
LASTS_S_MAX = 1_800.0
KEEP_DAYS = 2
LETTERS_MAX = 40  # in truth 100,000, which these days do not bring
PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class Rhythm:
    """How often the idle programs look around here, in seconds."""

    TICK_S = 60.0  # in truth 1 s: stale values, bounds of the outbox
    IDLE_S = 30.0  # in truth 0.5 s: the publisher without anything to send
    TURN_S = 4.0  # in truth 0.05 s: the historian
    KEEPALIVE_S = 60  # in truth 15
    BEAT_S = 900.0  # in truth 30 s: its own points


@dataclass(frozen=True)
class Held:
    """What is held at the end of a day; bytes are of files, `rss_kib` is of this process."""

    rss_kib: int
    objects: int
    tasks: int
    threads: int
    files: int
    outbox: int
    store: int
    letters: int
    letter_bytes: int
    ledger: int

    @classmethod
    def now(cls, folder: Path) -> Held:
        """Count everything."""
        gc.collect()
        rss = int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES // 1024
        for name in ("samples", "dead"):
            with closing(sqlite3.connect(folder / f"{name}.db")) as database:
                # Else its log is most of its size.
                database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        with closing(sqlite3.connect(folder / "dead.db")) as dead:
            letters = int(dead.execute("SELECT count(*) FROM letter").fetchone()[0])
        sizes = [
            sum(file.stat().st_size for file in folder.glob(f"{name}.db*"))
            for name in (AGENT, "samples", "dead", "ledger")
        ]
        open_files = len(list(Path("/proc/self/fd").iterdir()))
        counts = (len(gc.get_objects()), len(asyncio.all_tasks()), threading.active_count())
        outbox, store, letter_bytes, ledger = sizes
        return cls(rss, *counts, open_files, outbox, store, letters, letter_bytes, ledger)


# How much of each may be more in the end than after the warm-up, as a share and as a number.
MORE_MAX = {
    "rss_kib": (0.03, 2_048), "objects": (0.02, 3_000), "tasks": (0.0, 4), "threads": (0.0, 2),
    "files": (0.0, 4), "outbox": (0.0, 262_144), "store": (0.1, 262_144),
    "letter_bytes": (0.0, 65_536),
}  # fmt: skip


class SoakWorld(SmallWorld):
    """A small world that lives for days."""

    def __init__(self, net: SmallNet, folder: Path, seed: int, disk: Disk, days: int) -> None:
        super().__init__(net, folder, seed, disk)
        self.days, self.seed = days, seed
        self.held: list[Held] = []
        self.acknowledged = 0
        self.wrong: list[str] = []
        self.hit = 0
        broker = self.site.broker.model_copy(update={"keepalive_s": Rhythm.KEEPALIVE_S})
        site = self.site.model_copy(update={"broker": broker})
        self.site = self.agent.site = self.historian.site = site
        self.historian.turn_s = Rhythm.TURN_S
        for machine in self.machines:
            machine.change_s, machine.poll_s = CHANGE_S, POLL_S
        keep_ms = int(KEEP_DAYS * DAY_S * 1000)
        SqliteStore.__init__(self.store, folder / "samples.db", aging=Aging(keep_ms))
        DeadLetters.__init__(self.historian.letters, folder / "dead.db", LETTERS_MAX)

    async def live(self, world: SmallWorld) -> None:
        """Day after day."""
        for day in range(self.days):
            ends_s = self.net.time() + DAY_S
            rng = Random(f"{self.seed}/{day}")
            due = sorted(rng.uniform(0, DAY_S * 0.8) for _ in range(FAULTS_A_DAY))
            for after_s in due:
                await asyncio.sleep(max(0.0, ends_s - DAY_S + after_s - self.net.time()))
                self._break(rng)
            await asyncio.sleep(ends_s - 1_800 - self.net.time())
            await self._settle()
            await self.until(self.is_delivered, "the day is delivered")
            await asyncio.sleep(ends_s - self.net.time())
            self._look()
            self._is_settling = False

    def _break(self, rng: Random) -> None:
        kind = rng.choice([one for one in KINDS.values() if not one.gives_up])
        point = rng.choice(kind.points)
        lasts_s = LASTS_S_MAX * rng.random() ** 2

        def broken(subject: object) -> None:
            self.hit += 1
            mend = kind.begin(Now(self, subject, rng))
            if mend is not None:
                self.later(lasts_s, mend)

        self.operations.arm(point, rng.randint(1, max(1, OPERATIONS[point] // 4)), broken)

    def _look(self) -> None:
        """Judge the day, forget it, and count what is left."""
        for machine in self.machines:
            for tag in machine.shown:
                parts = self.witness.committed.get((machine.station, tag), [])
                has = {part.row(row) for part in parts for row in range(len(part))}
                rows = [one for one in machine.acknowledged if one.tag == tag and one.value]
                self.acknowledged += len(rows)
                self.wrong += [f"lost: {one}" for one in rows if one.value not in has]
            machine.forget()
        self.wrong += self.witness.wrong[:3]
        # What is on its way at this very moment is no remains.
        self.wrong += [one for one in self._remains() if "inbox" not in one and "way" not in one]
        self.witness.forget()
        self.held.append(Held.now(self.folder))


@contextmanager
def rarely() -> Iterator[None]:
    """Let idle programs look around as `Rhythm` says."""
    tick, idle_s, beat_s = Intake.tick, edge.publish.IDLE_S, plant.historian.HEARTBEAT_S

    async def ticks(self: Intake, every_s: float = Rhythm.TICK_S) -> None:
        await tick(self, Rhythm.TICK_S)

    Intake.tick, edge.publish.IDLE_S = ticks, Rhythm.IDLE_S  # type: ignore[method-assign]
    plant.historian.HEARTBEAT_S = Rhythm.BEAT_S
    try:
        yield
    finally:
        Intake.tick, edge.publish.IDLE_S = tick, idle_s  # type: ignore[method-assign]
        plant.historian.HEARTBEAT_S = beat_s


def soak(days: int, seed: int) -> SoakWorld:
    """Live for so many days; AssertionError when something never gets through."""
    with scratch() as folder:
        net = SmallNet(seed)
        disk = Disk(Operations(), folder / f"{AGENT}.db")
        found: list[SoakWorld] = []

        async def whole() -> None:
            world = SoakWorld(net, folder, seed, disk, days)
            found.append(world)
            await world.run(world.live, lambda: None)

        with silence(), rarely(), disk, virtual_time(net, seed) as runner:
            runner.run(whole())
    return found[0]


def grown(held: list[Held]) -> list[str]:
    """What is more at the end than it was after the warm-up, a third of the time."""
    third = max(1, len(held) // 3)
    problems = []
    for name, (share, more) in MORE_MAX.items():
        before = max(getattr(one, name) for one in held[: third + 1][-third:])
        after = min(getattr(one, name) for one in held[-third:])
        if after > before * (1 + share) + more:
            problems.append(f"{name} grew from {before} to {after} in {len(held)} days")
    if (most := max(one.letters for one in held)) > LETTERS_MAX:
        problems.append(f"{most} dead letters, and the bound is {LETTERS_MAX}")
    return problems


def main(words: list[str]) -> int:
    """Live, print a line for each day, and say what has grown."""
    parser = argparse.ArgumentParser(prog="python -m tests.world.soak", description=__doc__)
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--results", type=Path, help="append the result to this file")
    asked = parser.parse_args(words)
    began_s = time.process_time()
    world = soak(asked.days, asked.seed)
    print("day", *(field.name for field in fields(Held)))
    for day, held in enumerate(world.held, 1):
        print(day, *astuple(held))
    print(f"{world.hit} faults, {world.acknowledged} samples acknowledged,", end=" ")
    print(f"{world.agent.starts} agents, {world.historian.starts} historians,", end=" ")
    print(f"{time.process_time() - began_s:.0f} s of CPU")
    problems = [*world.wrong, *grown(world.held)]
    if asked.results is not None:
        told = {
            "kind": "days", "days": asked.days, "faults": world.hit, "clean": not problems,
            "acknowledged": world.acknowledged, "agents": world.agent.starts,
            "historians": world.historian.starts, "problems": problems,
            "held": [asdict(one) for one in world.held],
        }  # fmt: skip
        with asked.results.open("a", encoding="utf-8") as lines:
            lines.write(json.dumps(told) + "\n")
    print("\n".join(problems) or "flat")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
