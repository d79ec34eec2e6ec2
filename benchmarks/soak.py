"""Real processes for hours with a fault a minute: does anything grow that should not?

`python -m benchmarks.soak --minutes 120` starts a small plant, puts one seeded fault a minute on it
(never a kill of what is watched: agent and historian live through all of them), looks every ten
seconds at memory, open files, sockets, threads and the sizes of files, and in the end counts every
value as `refit chaos` does. Two hours are 1.4 GB of log, and 2.5 GB of memory to count them.
`--recount FOLDER` counts a folder that was kept once more.
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
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from benchmarks.soak_result import Look, Looks, keep, read_looks, result
from plant.stores.factory import dead_letters_path
from refit.chaos.account import account
from refit.chaos.plant import AGENT, SmallPlant
from simulators.control import fault

EVERY_S = 10.0
LEAST_S = 10.0  # between two faults
SPEED = 5.0
KEPT = "run.json"  # what a count needs besides the files of the plant
WATCHED = (AGENT, "historian")
MIB = 1 << 20


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
    letters = dead_letters_path(plant.site.store)
    found["files"] = tuple(_size(file) for file in (plant.outbox, letters))
    return found


def _size(file: Path) -> float:
    """MiB of a database with its log."""
    parts = [Path(f"{file}{ending}") for ending in ("", "-wal")]
    return sum(part.stat().st_size for part in parts if part.exists()) / MIB


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
                try:
                    looks.append((time.monotonic() - began, look(plant)))
                except (psutil.Error, OSError):
                    continue  # too few looks are a problem of the result
                file.write(json.dumps(looks[-1]) + "\n")
                file.flush()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield looks
    finally:
        ended.set()
        thread.join()


def table(rows: Sequence[Mapping[str, Any]]) -> Table:
    """What each process held in the first and in the last sixth after the warm-up."""
    made = Table("process", "what", "first sixth after warm-up", "last sixth", "most")
    for row in rows:
        made.add_row(row["process"], row["what"], *(f"{row[k]}" for k in ("first", "last", "most")))
    return made


def counted(
    plant: SmallPlant,
    given: argparse.Namespace,
    looks: Looks,
    faults: Mapping[str, int],
    mib: float,
) -> dict[str, Any]:
    """The result of a plant that has ended."""
    minutes = looks[-1][0] / 60
    kind = given.without or "faults"
    found = account(plant, [], set())
    due = looks[-1][0] / EVERY_S
    return result(kind, minutes, given.every, looks, due, found, faults, mib)


def told(one: Mapping[str, Any], given: argparse.Namespace, console: Console) -> int:
    """Say and keep a result; 1 when it is not clean."""
    console.print(table(one["measured"]), one["faults"], one["account"])
    if given.results is not None:
        keep(given.results, one)
    console.print("clean" if one["clean"] else "NOT CLEAN")
    return 0 if one["clean"] else 1


def options() -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=120.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--every", type=float, default=60.0, help="seconds between two faults")
    parser.add_argument("--without", choices=("broker", "historian", "simulators"))
    parser.add_argument("--looks", type=Path, default=Path("soak.jsonl"), help="where looks go")
    parser.add_argument("--results", type=Path, help="append the result to this file")
    parser.add_argument("--recount", type=Path, metavar="FOLDER", help="count a kept folder again")
    return parser.parse_args()


def recounted(given: argparse.Namespace, console: Console) -> int:
    """Count the folder of a run that was kept."""
    plant = SmallPlant(given.recount, given.seed, speed=SPEED)  # the same site, other ports
    kept = json.loads((given.recount / KEPT).read_text()) if (given.recount / KEPT).exists() else {}
    plant.stills = [(begin, end) for begin, end in kept.get("stills", [])]
    looks = read_looks(given.looks)
    one = counted(plant, given, looks, kept.get("faults", {}), kept.get("backlog_mib", 0.0))
    return told(one, given, console)


def main() -> int:
    """Run it; 1 when a value was lost or doubled, or something has grown."""
    given, console = options(), Console(soft_wrap=True)
    if given.recount is not None:
        return recounted(given, console)
    folder = Path(tempfile.mkdtemp(prefix="refit-soak-"))
    with SmallPlant(folder, given.seed, speed=SPEED) as plant:
        faults, size = Faults(plant, Random(given.seed)), 0.0
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
            plant.start(given.without)
            plant.wait_for_broker()
        plant.drain()
        plant.end()
        kept = {"stills": plant.stills, "faults": faults.counts, "backlog_mib": size}
        (folder / KEPT).write_text(json.dumps(kept))
        found = told(counted(plant, given, looks, faults.counts, size), given, console)
    if found:
        console.print(f"everything is kept in {folder}; {given.looks} has the looks")
    else:
        shutil.rmtree(folder)
    return found


if __name__ == "__main__":
    sys.exit(main())
