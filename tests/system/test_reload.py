"""SIGHUP to real processes: a changed site file is taken up, a wrong one changes nothing."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from refit.chaos.plant import AGENT, SmallPlant
from refit.chaos.reckoning import reckon
from tests.servers import until

pytestmark = [pytest.mark.system, pytest.mark.timeout(240)]
WAIT_S = 60.0
SECOND = """
[[station]]
name = "meter-2"
kind = "device"
line = "line-1"
agent = "pc-1"
tags = "meter.csv"
modbus = {{ url = "tcp://127.0.0.1:{meter}", every = "100 ms" }}
"""


def hang_up(plant: SmallPlant, name: str) -> None:
    os.kill(plant.processes.children[name].pid, signal.SIGHUP)


def said(plant: SmallPlant, name: str, event: str) -> bool:
    return any(event in one["event"] for one in plant.log(name))


def connections(plant: SmallPlant) -> dict[str, int]:
    """How often each connection of the agent was made again."""
    told = plant.health("agent")
    return {} if told is None else {n: one["reconnects"] for n, one in told["links"].items()}


def test_a_new_station_is_read_while_the_others_keep_their_sessions(tmp_path: Path) -> None:
    with SmallPlant(tmp_path, seed=1) as plant:
        text = plant.file.read_text()
        for name in (AGENT, "historian"):
            plant.file.write_text(text + SECOND.format(**plant.ports).replace("agent", "agnet"))
            hang_up(plant, name)
            until(lambda name=name: said(plant, name, "is wrong and not"), "it is told", WAIT_S)
        plant.wait_for_values()
        before = connections(plant)

        plant.file.write_text(text + SECOND.format(**plant.ports))
        hang_up(plant, AGENT)
        until(lambda: "meter-2/modbus" in connections(plant), "the new one is read", WAIT_S)
        hang_up(plant, "historian")
        plant.wait_for_values()

        def stored() -> bool:
            with plant.store() as store:
                return store.last("meter-2", "power_01").latest is not None

        until(stored, "values of the new station are stored", WAIT_S)
        after = connections(plant)
        assert {name: after[name] for name in before} == before
        plant.drain()
        plant.end()
        with plant.store() as store:
            found = reckon(plant.site, plant.truth, store)
        assert (found.lost, found.duplicates, found.told) == (0, 0, 0), found.examples
        assert found.stored > 0
