"""One run of the small world, from a plan to a verdict; and how a failing plan is made smaller."""

from __future__ import annotations

import gc
import logging
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

from tests.world.clock import virtual_time
from tests.world.judge import Judge
from tests.world.operations import Disk, Operations
from tests.world.plans import Plan
from tests.world.small import SmallWorld
from tests.world.small_parts import SmallNet
from tests.world.small_site import AGENT, new_databases

MEMORY = Path("/dev/shm")  # every commit waits for its disk; there the disk is memory


@dataclass
class Verdict:
    """What a run has shown."""

    plan: str
    problems: list[str]
    story: str = ""
    trace: str = ""
    counts: Counter[str] = field(default_factory=Counter)
    hit: list[str] = field(default_factory=list)
    hit_operations: bool = False

    def __str__(self) -> str:
        return "\n".join([f"{self.plan}:", *self.problems[:12], "", self.story])


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder in memory where there is one."""
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name:
        yield Path(name)


@contextmanager
def silence() -> Iterator[None]:
    """What the programs would say in their logs: with thousands of runs nobody reads it."""
    before = structlog.get_config()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(logging.NOTSET)
        structlog.configure(**before)


def play(plan: Plan, make: type[SmallWorld] = SmallWorld, judge: type[Judge] = Judge) -> Verdict:
    """Run a plan in a world of this kind, and have it judged."""
    new_databases()  # made outside of a run: the first one is to be like all others
    with scratch() as folder:
        net = SmallNet(plan.seed)
        disk = Disk(Operations(), folder / f"{AGENT}.db")
        found: list[SmallWorld] = []
        problems: list[str] = []
        # No garbage is collected in the middle of a run: what that finds would depend on others.
        gc.disable()
        try:
            with silence(), disk, virtual_time(net, plan.seed) as runner:
                runner.run(_whole(plan, net, folder, disk, make, judge, found, problems))
        except Exception as error:  # noqa: BLE001 - a run that breaks down is a finding
            last = "".join(traceback.format_exception(error)[-4:])
            problems.append(f"the run broke down: {last}")
        finally:
            gc.enable()
        witness = found[0].witness
        return Verdict(
            f"seed {plan.seed}, {plan}", problems, witness.story(), witness.trace,
            witness.counts + disk.operations.counts, plan.hit, bool(plan.hit),
        )  # fmt: skip


async def _whole(
    plan: Plan, net: SmallNet, folder: Path, disk: Disk, make: type[SmallWorld],
    judge: type[Judge], found: list[SmallWorld], problems: list[str],
) -> None:  # fmt: skip
    world = make(net, folder, plan.seed, disk, bytes_max=plan.bytes_max)
    found.append(world)

    def judged() -> None:
        steps, gives_up = plan.steps, plan.gives_up
        problems.extend(judge(world, steps=steps, gives_up=gives_up).problems())

    await world.run(plan, judged)


def shrunk(plan: Plan, play: Callable[[Plan], Verdict] = play) -> tuple[Plan, Verdict]:
    """The plan without the faults that its failure does not need, and its verdict."""
    best = replace(plan, hit=[])
    verdict = play(best)
    for fault in list(plan.faults):
        tried = replace(best, faults=[one for one in best.faults if one is not fault], hit=[])
        found = play(tried)
        if found.problems:
            best, verdict = tried, found
    return best, verdict
