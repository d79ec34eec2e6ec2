"""Thousands of short runs: every fault alone, then what the seed makes of them, then old failures.

`pytest tests/world/test_seeds.py --seed N` plays one seed again, exactly. By hand:
`python -m tests.world --seeds 10000`.
"""

from __future__ import annotations

import gc
import tomllib
from pathlib import Path
from random import Random, SystemRandom

import pytest

from tests.conftest import new_seed
from tests.world.kinds import KINDS, Kind
from tests.world.plans import LASTS, OPERATIONS, Fault, Plan, read
from tests.world.play import play

pytestmark = [pytest.mark.world, pytest.mark.timeout(600)]

CASES = tomllib.loads((Path(__file__).parent / "cases.toml").read_text())["case"]
CASE_S = 7.0  # for so long the machines of a case work
SEEDS = 100
PER_GROUP = 25


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["why"])
def test_what_has_failed_once(case: dict[str, object]) -> None:
    words = case["faults"]
    assert isinstance(words, list)
    bytes_max = int(str(case.get("bytes_max", 1 << 30)))
    faults = [read(one) for one in words]
    verdict = play(Plan(int(str(case["seed"])), faults, bytes_max, CASE_S))
    assert len(verdict.hit) == len(faults), "this case no longer shows what it was kept for"
    assert not verdict.problems, str(verdict)


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_each_fault_alone(kind: Kind, seed: int) -> None:
    """In each variant, at an operation that the seed chooses; all of them: `--sweep 1` by hand."""
    rng = Random(seed)
    for point in kind.points:
        for lasts in LASTS:
            number = rng.choice((1, rng.randint(1, OPERATIONS[point])))
            verdict = play(Plan(rng.randrange(1 << 32), [Fault(kind, point, number, lasts)]))
            assert not verdict.problems, str(verdict)


@pytest.mark.parametrize("group", range(SEEDS // PER_GROUP))
def test_what_chance_makes_of_them(group: int, request: pytest.FixtureRequest) -> None:
    given = request.config.getoption("--seed")
    first = new_seed(request.node.nodeid)
    seeds = range(first, first + PER_GROUP) if given is None else [given]
    for seed in seeds:
        verdict = play(Plan.of(seed))
        assert not verdict.problems, f"replay with --seed {seed}\n{verdict}"
    gc.collect()


def test_the_same_seed_gives_the_same_run() -> None:
    seed = SystemRandom().randrange(1 << 32)
    first, again, other = (play(Plan.of(one)) for one in (seed, seed, seed + 1))
    assert first.trace == again.trace != other.trace


def test_a_fault_that_does_not_come_breaks_nothing() -> None:
    verdict = play(Plan(1, []))
    assert not verdict.problems, str(verdict)
    assert verdict.counts["NBIRTH"] == 1
    for point, number in OPERATIONS.items():
        if point != "letters":  # there are none while nothing is refused
            assert verdict.counts[point] >= number // 3, f"a run has few of {point}"
