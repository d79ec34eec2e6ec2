"""The order in which processes are started does not matter: each waits for the others."""

from __future__ import annotations

from pathlib import Path

import pytest

from refit.chaos.plant import READY_S, SmallPlant
from refit.chaos.reckoning import reckon
from refit.processes import listens
from tests.servers import Mosquitto, until

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]
ORDERS = (
    ("pc-1", "historian", "broker", "simulators"),
    ("simulators", "pc-1", "broker", "historian"),
)


@pytest.mark.parametrize("order", ORDERS, ids=" ".join)
def test_each_process_waits_for_the_others(order: tuple[str, ...], tmp_path: Path) -> None:
    broker = Mosquitto(tmp_path)
    plant = SmallPlant(tmp_path / "plant", 1, broker=f'url = "mqtt://127.0.0.1:{broker.port}"')
    try:
        for name in order:
            if name == "broker":
                broker.start()
                continue
            plant.start(name)
            if name in ("pc-1", "historian"):
                which = "agent" if name == "pc-1" else name
                until(lambda which=which: plant.health(which), f"{name} answers", READY_S)
            else:
                until(lambda: listens(plant.ports["control"]), "the machines answer", READY_S)
            plant.processes.check()
        plant.wait_for_values()
        plant.drain()
        plant.end()
        with plant.store() as store:
            found = reckon(plant.site, plant.truth, store)
        assert (found.lost, found.duplicates, found.told) == (0, 0, 0), found.examples
        assert found.stored > 0
    finally:
        plant.end()
        broker.stop()
