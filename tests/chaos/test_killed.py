"""Processes are killed at random moments while values flow, and started again."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from tests.chaos.conftest import Note
from tests.chaos.runs import Run
from tests.servers import Mosquitto
from tests.small_plant import AGENT, SmallPlant

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(900)]
KILLS = {AGENT: 4, "historian": 4, "broker": 3}
FLOWING = (100, 6_000)  # events of the machines before a kill, and until the process is back
STALLED = (500, 2_500)  # events while it stands still before it is killed
GONE = (1, 1_000)


@pytest.mark.parametrize("victim", KILLS)
def test_nothing_that_was_acknowledged_is_lost(
    victim: str, seed: int, length: float, note: Note, tmp_path: Path
) -> None:
    random = Random(seed)
    with SmallPlant(tmp_path, seed) as plant:
        run = Run(f"kill {victim}", plant, note)
        for turn in range(round(KILLS[victim] * length)):
            plant.wait_for_events(random.randint(*FLOWING))
            run.kill(victim, random.randint(*STALLED) if turn % 2 else 0)
            if victim == "broker":
                plant.wait_for_broker(gone=True)
            plant.wait_for_events(random.randint(*GONE))
            plant.start(victim)
            if random.random() < 0.75:  # otherwise the next kill may come while it starts
                plant.wait_for_values()
        run.finish()


def test_nothing_is_lost_with_mosquitto(
    seed: int, length: float, note: Note, tmp_path: Path
) -> None:
    random = Random(seed)
    with Mosquitto(tmp_path) as broker:
        url = f'url = "mqtt://127.0.0.1:{broker.port}"'
        with SmallPlant(tmp_path / "plant", seed, broker=url) as plant:
            run = Run("kill each, with Mosquitto", plant, note)
            victims = [AGENT, "historian", "broker"] * max(1, round(length))
            random.shuffle(victims)
            for victim in victims:
                plant.wait_for_events(random.randint(*FLOWING))
                if victim == "broker":
                    broker.stop(kill=True)
                    plant.wait_for_events(random.randint(*GONE))
                    broker.start()
                else:
                    run.kill(victim)
                    plant.wait_for_events(random.randint(*GONE))
                    plant.start(victim)
                plant.wait_for_values()
            run.finish()
