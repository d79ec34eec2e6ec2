"""Many runs by hand: `python -m tests.world --seeds 10000 --source memory`.

Says how many seeds a CPU-minute has, and of each run that fails the smallest plan that still does.
"""

from __future__ import annotations

import argparse
import gc
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator

from rich.console import Console
from rich.progress import BarColumn as Bar
from rich.progress import Progress, TextColumn

from tests.world.plans import OPERATIONS, Plan, sweep
from tests.world.play import Verdict, play, shrunk
from tests.world.real_faults import real_plan, real_play

Play = Callable[[Plan], Verdict]
COLLECT = 20  # runs between two collections of garbage


def options(words: list[str]) -> argparse.Namespace:
    """What was asked for."""
    parser = argparse.ArgumentParser(prog="python -m tests.world", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1_000, help="how many runs")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    sources = ("memory", "real")
    about = "machines in memory, or asyncua and pymodbus"
    parser.add_argument("--source", choices=sources, default="memory", help=about)
    about = "instead of seeds: each fault alone at each STRIDE-th operation"
    parser.add_argument("--sweep", type=int, metavar="STRIDE", default=0, help=about)
    return parser.parse_args(words)


def plans(asked: argparse.Namespace) -> list[Plan]:
    """The runs that were asked for."""
    if asked.sweep:
        return list(sweep(lambda point: range(1, OPERATIONS[point] + 1, asked.sweep)))
    make = Plan.of if asked.source == "memory" else real_plan
    return [make(seed) for seed in range(asked.first, asked.first + asked.seeds)]


def played(
    wanted: Iterable[Plan], run: Callable[[Plan], Verdict]
) -> Iterator[tuple[Verdict, Plan]]:
    """The verdict of each plan."""
    for number, plan in enumerate(wanted):
        verdict = run(plan)
        yield verdict, plan
        if run is not play or number % COLLECT == 0:
            gc.collect()
        if not number:
            gc.freeze()  # the programs themselves are no garbage and need not be looked through


def main(words: list[str]) -> int:
    """Run, report, and say by the exit code whether all was well."""
    asked = options(words)
    out = Console(stderr=True)
    wanted, run = plans(asked), play if asked.source == "memory" else real_play
    failed, hits, began_s = 0, Counter[str](), time.process_time()
    columns = (Bar(), TextColumn("{task.completed}/{task.total} runs, {task.description}"))
    with Progress(*columns, console=out) as progress:
        bar = progress.add_task("", total=len(wanted))
        for done, (verdict, plan) in enumerate(played(wanted, run), 1):
            hits.update(verdict.hit)
            if verdict.problems:
                failed += 1
                smallest, found = shrunk(plan, run)
                progress.console.print(str(found if found.problems else verdict), markup=False)
                progress.console.print(f"smallest plan: seed {smallest.seed}, {smallest}\n")
            rate = done / (time.process_time() - began_s) * 60
            progress.update(
                bar, completed=done, description=f"{failed} failed, {rate:.0f} per CPU-minute"
            )
    seconds = time.process_time() - began_s
    out.print(f"{len(wanted)} runs, {failed} failed, {sum(hits.values())} faults hit")
    out.print(f"{len(wanted) / seconds * 60:.0f} seeds per CPU-minute")
    out.print(", ".join(f"{name} {count}" for name, count in sorted(hits.items())), style="dim")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
