"""What a simulated station writes: what has changed, and nothing else."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

from simulators.modbus import ModbusServer
from simulators.station import SimulatedStation
from stations.declare import Register, Station, Tag
from stations.model import Model, Values
from tests.simulators.helpers import Log


class Pack(Station):
    """A pack with a sensor for some of its cells."""

    heat = Tag(list[float], Register("input", 0, "float32"), length=2, doc="Temperatures.")
    current = Tag(float, Register("input", 10, "float32"), doc="Current of the pack.")


class Shows(Model):
    """A model that shows what it is told."""

    told: tuple[Any, Any] = ([0.0, 0.0], 0.0)

    def step(self, seconds: float, values: Values) -> None:
        values[Pack.heat], values[Pack.current] = self.told


@pytest.mark.parametrize(
    ("first", "second", "changed"),
    [
        (([20.0, math.nan], 1.0), ([20.0, float("nan")], 1.0), []),
        (([20.0, math.nan], 1.0), ([20.0, 21.0], 1.0), ["heat"]),
        (([20.0, 21.0], math.nan), ([20.0, 21.0], float("nan")), []),
        (([20.0, 21.0], 0.0), ([20.0, 21.0], -0.0), []),
        (([20.0, 21.0], math.nan), ([20.0, 21.0], 2.0), ["current"]),
    ],
)
async def test_only_what_has_changed_is_written(
    log: Log, first: Any, second: Any, changed: list[str]
) -> None:
    server = ModbusServer("127.0.0.1", 0, log)
    server.unit(1).add("pack-1", Pack, "")
    model = Shows(random.Random(1))
    station = SimulatedStation(
        "pack-1", "pack", Pack, model, random.Random(1), modbus={"": (server, 1)}
    )
    for told in (first, second):
        before = len(log.events("change"))
        model.told = told
        station.step(1.0)
        await station.show(0.0)
    assert [event["tag"] for event in log.events("change")[before:]] == changed
