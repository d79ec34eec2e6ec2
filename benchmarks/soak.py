"""Real processes for hours with a fault a minute: does anything grow that should not?

`python -m benchmarks.soak --minutes 120` starts a small plant, puts one seeded fault a minute on it
(never a kill of what is watched: agent and historian live through all of them), looks every ten
seconds at memory, open files, sockets and threads, and in the end counts every value.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from statistics import fmean

import psutil
from rich.console import Console
from rich.table import Table

from refit.chaos.plant import AGENT, SmallPlant
from refit.chaos.reckoning import reckon
from simulators.control import fault

EVERY_S = 10.0
LEAST_S = 10.0  # between two faults
WARM_UP = 1 / 6  # of the run: modules are loaded, caches and the store's pages have filled
WATCHED = (AGENT, "historian")
MIB = 1 << 20
NAMES = ("memory MiB", "open files", "sockets", "threads")
Look = dict[str, tuple[float, ...]]


def look(plant: SmallPlant) -> Look:
    """What each watched process holds at this moment."""
    found = {}
    for name in WATCHED:
        if name not in plant.processes.children:
            continue
        one = psutil.Process(plant.processes.children[name].pid)
        sockets = len(one.net_connections(kind="inet"))
        memory = one.memory_info().rss / MIB
        found[name] = (memory, float(one.num_fds()), float(sockets), float(one.num_threads()))
    return found


class Faults:
    """One fault at a time, each over within some seconds."""

    def __init__(self, plant: SmallPlant, random: Random) -> None:
        self._plant, self._random = plant, random
        self.counts: dict[str, int] = defaultdict(int)

    def put(self) -> str:
        """Put one and take it away again; its name."""
        kinds: dict[str, Callable[[float], None]] = {
            "broker killed": self._broker,
            "broker frozen": lambda seconds: self._frozen("broker", seconds),
            "historian frozen": lambda seconds: self._frozen("historian", seconds),
            "agent frozen": lambda seconds: self._frozen(AGENT, seconds),
            "machines frozen": lambda seconds: self._frozen("simulators", seconds),
            "store locked": lambda seconds: self._locked(self._plant.site.store.path, seconds),
            "outbox locked": lambda seconds: self._locked(self._plant.outbox, seconds),
            "sessions dropped": lambda seconds: self._machines("drop", 1.0),
            "connections reset": lambda seconds: self._machines("reset", 1.0),
            "machines stall": lambda seconds: self._machines("stall", seconds),
        }
        name = self._random.choice(sorted(kinds))
        kinds[name](self._random.uniform(2.0, 30.0))
        self.counts[name] += 1
        return name

    def _broker(self, seconds: float) -> None:
        self._plant.kill("broker")
        time.sleep(seconds)
        self._plant.wait_for_broker(gone=True)
        self._plant.start("broker")
        self._plant.wait_for_broker()

    def _frozen(self, name: str, seconds: float) -> None:
        self._plant.freeze(name)
        time.sleep(seconds)
        self._plant.thaw(name)

    def _locked(self, file: Path, seconds: float) -> None:
        with self._plant.locked(file):
            time.sleep(seconds)

    def _machines(self, name: str, seconds: float) -> None:
        for station in ("press-1", "meter-1", "studio-1"):
            for_ms = round(1000 * seconds)
            fault(self._plant.ports["control"], station, name, for_ms=for_ms)
        time.sleep(seconds)


@contextmanager
def looking(plant: SmallPlant, out: Path) -> Iterator[list[tuple[float, Look]]]:
    """Look every EVERY_S from a thread; each look is also a line of `out`."""
    looks: list[tuple[float, Look]] = []
    ended, began = threading.Event(), time.monotonic()

    def run() -> None:
        with out.open("w") as file:
            while not ended.wait(EVERY_S):
                looks.append((time.monotonic() - began, look(plant)))
                file.write(json.dumps(looks[-1]) + "\n")
                file.flush()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield looks
    finally:
        ended.set()
        thread.join()


def table(looks: list[tuple[float, Look]]) -> Table:
    """What each process held in the first and in the last sixth after the warm-up."""
    length = looks[-1][0]
    first = [one for at, one in looks if WARM_UP <= at / length < 2 * WARM_UP]
    last = [one for at, one in looks if at / length >= 1 - WARM_UP]
    made = Table("process", "what", "first sixth after warm-up", "last sixth", "most")
    for name in looks[-1][1]:
        for number, what in enumerate(NAMES):
            parts = [[one[name][number] for one in part if name in one] for part in (first, last)]
            begin, end = map(fmean, parts)
            most = max(one[name][number] for _, one in looks if name in one)
            made.add_row(name, what, f"{begin:.1f}", f"{end:.1f}", f"{most:.1f}")
    return made


def main() -> int:
    """Run it; 1 when a value was lost or doubled."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=120.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=float, default=60.0, help="seconds between two faults")
    parser.add_argument("--without", choices=("broker", "historian", "simulators"))
    parser.add_argument("--looks", type=Path, default=Path("soak.jsonl"), help="where looks go")
    given = parser.parse_args()
    console = Console(soft_wrap=True)
    folder = Path(tempfile.mkdtemp(prefix="refit-soak-"))
    with SmallPlant(folder, given.seed, speed=5.0) as plant:
        faults = Faults(plant, Random(given.seed))
        ends = time.monotonic() + 60 * given.minutes
        if given.without:
            plant.kill(given.without)
        with looking(plant, given.looks) as looks:
            while time.monotonic() < ends:
                began = time.monotonic()
                if not given.without:
                    console.print(f"{time.strftime('%H:%M:%S')} {faults.put()}")
                time.sleep(max(given.every - (time.monotonic() - began), LEAST_S))
                plant.processes.check()
        if given.without:
            size = plant.outbox.stat().st_size / MIB
            console.print(f"the outbox has {size:.1f} MiB when {given.without} comes back")
            plant.start(given.without)
            plant.wait_for_broker()
        plant.drain()
        size = plant.outbox.stat().st_size / MIB
        plant.end()
        with plant.store() as store:
            found = reckon(plant.site, plant.truth, store)
        console.print(table(looks), dict(faults.counts))
        console.print(f"outbox {size:.1f} MiB, acknowledged {found.acknowledged}, ")
        console.print(f"lost {found.lost}, twice {found.duplicates}, stored {found.stored}")
    if found.lost or found.duplicates:
        console.print(found.examples)
        console.print(f"everything is kept in {folder}")
        return 1
    shutil.rmtree(folder)
    return 0


if __name__ == "__main__":
    sys.exit(main())
