"""Processes that stop answering without ending, and go on later."""

from __future__ import annotations

import time
from pathlib import Path
from random import Random

import pytest

from tests.chaos.conftest import Note
from tests.chaos.runs import Run
from tests.servers import until
from tests.small_plant import SmallPlant

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]
FROZEN_S = 5.0


def test_nothing_is_lost_while_broker_and_historian_stand_still(
    seed: int, length: float, note: Note, tmp_path: Path
) -> None:
    random = Random(seed)
    with SmallPlant(tmp_path, seed) as plant:
        run = Run("freeze broker, then historian", plant, note)
        for victim in ["broker", "historian"] * max(1, round(length)):
            plant.wait_for_events(random.randint(100, 2_000))
            plant.freeze(victim)
            thawed_s = time.monotonic() + FROZEN_S
            until(lambda: time.monotonic() > thawed_s, "it has stood still", 2 * FROZEN_S)  # noqa: B023
            plant.thaw(victim)
            plant.wait_for_values()
        run.finish()
