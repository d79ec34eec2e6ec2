"""The small world over unmodified asyncua and pymodbus: what the seed makes of all its faults.

`pytest tests/world/test_real_seeds.py --seed N` plays one seed again, exactly. By hand:
`python -m tests.world --source real --seeds 500`.
"""

from __future__ import annotations

import gc

import pytest

from tests.world.real_faults import real_plan, real_play

pytestmark = [pytest.mark.world, pytest.mark.timeout(600)]

# Always the same: a run takes seconds, so that hunting is done by hand and not by whoever commits.
SEEDS = range(100, 110)


@pytest.mark.parametrize("usual", SEEDS)
def test_what_chance_makes_of_them(usual: int, request: pytest.FixtureRequest) -> None:
    given = request.config.getoption("--seed")
    seed = usual if given is None else given
    verdict = real_play(real_plan(seed))
    gc.collect()
    assert not verdict.problems, f"replay with --seed {seed}\n{verdict}"


def test_the_same_seed_gives_the_same_run() -> None:
    first, again = (real_play(real_plan(5)) for _ in range(2))
    assert first.trace == again.trace
