"""The demo line in virtual time, broken in every way that the seed finds.

A failure prints its seed: `pytest tests/world --seed N` plays the same run again, `--length` makes
the runs longer (4: a quarter of a shift in the longest of them).
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.world import invariants
from tests.world.line import run
from tests.world.troubles import KINDS, STEPS, Troubles

pytestmark = [pytest.mark.world, pytest.mark.timeout(600)]

MEMORY = Path("/dev/shm")  # every commit waits for its disk; a world has thousands of them


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder in memory where there is one."""
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as name:
        yield Path(name)


@pytest.fixture
def length(request: pytest.FixtureRequest) -> float:
    """How much longer than usual the runs are."""
    return float(request.config.getoption("--length"))


def test_hours_of_the_line_with_everything_broken(folder: Path, seed: int, length: float) -> None:
    script = Troubles(seed, 1800.0 * length, mean_s=60.0, with_steps=True)
    world = run(folder, seed, script, with_protocols=False, tick_s=2.5)
    invariants.check(world, steps=True)
    assert world.witness.counts["troubles"] > 10
    assert world.witness.counts["samples"] > 10_000


def test_without_a_step_of_a_clock_every_change_is_kept_or_a_gap(
    folder: Path, seed: int, length: float
) -> None:
    script = Troubles(seed, 300.0 * length, mean_s=10.0)
    world = run(folder, seed, script, with_protocols=False)
    invariants.check(world)
    assert world.changes()


def test_unmodified_protocols_on_broken_links(folder: Path, seed: int, length: float) -> None:
    script = Troubles(seed, 60.0 * length, mean_s=5.0)
    world = run(folder, seed, script, with_protocols=True, tick_s=0.25)
    invariants.check(world)
    assert world.changes()


def test_a_line_that_nothing_breaks_sends_nothing_twice(folder: Path) -> None:
    world = run(folder, 1, Troubles(1, 60.0, mean_s=1e9), with_protocols=False)
    invariants.check(world)
    agents = [program.agent for program in world.agents.values()]
    again = [agent.publisher.tally.batches_again for agent in agents if agent is not None]
    assert sum(again) <= len(world.site.stations), "only what came before the host was online"
    assert world.witness.counts["NBIRTH"] == len(agents)


@pytest.mark.parametrize("kind", [*KINDS, *STEPS], ids=lambda kind: kind.__name__)
def test_each_trouble_alone(folder: Path, kind: object) -> None:
    script = Troubles(7, 30.0, mean_s=5.0)
    script.kinds = [kind]  # type: ignore[list-item]
    world = run(folder, 7, script, with_protocols=False)
    invariants.check(world, steps=kind in STEPS)
    assert world.witness.counts["troubles"] > 1


def traced(folder: Path, seed: int, *, with_protocols: bool) -> str:
    """The trace of a short run."""
    script = Troubles(seed, 15.0, mean_s=2.0, with_steps=True)
    return run(folder, seed, script, with_protocols=with_protocols).witness.trace


@pytest.mark.parametrize("with_protocols", [False, True])
def test_the_same_seed_gives_the_same_trace(folder: Path, seed: int, with_protocols: bool) -> None:
    first, again = (
        traced(folder / name, seed, with_protocols=with_protocols) for name in ("first", "again")
    )
    assert first == again
    if not with_protocols:
        assert traced(folder / "other", seed + 1, with_protocols=False) != first


def test_another_process_gives_the_same_trace(folder: Path, seed: int) -> None:
    code = (
        "import sys; from pathlib import Path; from tests.world.test_world import traced;"
        "print(traced(Path(sys.argv[1]), int(sys.argv[2]), with_protocols=False))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(folder / "process"), str(seed)],
        cwd=Path(__file__).parents[2], env={**os.environ, "PYTHONHASHSEED": "12345"},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert ran.stdout.split()[-1] == traced(folder / "here", seed, with_protocols=False)
