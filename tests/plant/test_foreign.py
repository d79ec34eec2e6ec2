"""Edge nodes that are not our agents, and what they may not say."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from plant.foreign import NOT_ITS_OWN
from plant.status import Status
from tests.plant.plant import Plant
from tests.sparkplug.plant import SITE, T0, TABLE_1, angles, foreign
from wire.site import Site, StationConfig
from wire.site.foreign import ForeignConfig
from wire.sparkplug import codec
from wire.sparkplug.datatypes import Datatype
from wire.topics import Verb

OVEN = ForeignConfig(name="oven-1", edge="plc-7", device="Oven")
TABLE = StationConfig(name="table-1", kind="device", line="line-1", agent="pc-1")
LIE = codec.metric("angle", Datatype.DOUBLE, 99.0, T0)


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    with closing(Plant(tmp_path, Site(name=SITE, stations=(TABLE,), foreign=(OVEN,)))) as plant:
        yield plant


def say(plant: Plant, edge: str, device: str) -> None:
    """An edge node is born with a value of its own and one of a device."""
    plant.hear([foreign(Verb.NBIRTH, 0, LIE, edge=edge)])
    plant.hear([foreign(Verb.DBIRTH, 1, LIE, device=device, edge=edge)])
    plant.go()


def test_a_foreign_device_has_the_name_that_the_site_file_gives_it(plant: Plant) -> None:
    say(plant, "plc-7", "Oven")
    assert plant.stored("oven-1") == [99.0]
    assert plant.historian.counts[NOT_ITS_OWN] == 0


@pytest.mark.parametrize("edge", ["plc-7", "plc-8"])
def test_an_edge_node_says_nothing_of_a_station_of_ours(plant: Plant, edge: str) -> None:
    node = plant.agent(stations=[TABLE_1])
    plant.send(node, "table-1", angles(1.0), 1)
    plant.go(nodes=[node])
    say(plant, edge, "table-1")
    plant.hear([foreign(Verb.DDEATH, 2, device="table-1", edge=edge)])
    plant.go()
    assert plant.stored("table-1") == [1.0]
    assert plant.acknowledged["pc-1"] == {1}
    assert plant.historian.counts[NOT_ITS_OWN] >= 2
    assert Status(plant.historian, plant.clock).health()["stations"]["table-1"] is True


def test_an_edge_node_says_nothing_of_a_foreign_device_of_another(plant: Plant) -> None:
    say(plant, "plc-8", "oven-1")
    assert plant.stored("oven-1") == []
    assert plant.stored("plc-8") == [99.0], "what it says of itself is its own"


@pytest.mark.parametrize("edge", ["table-1", "oven-1"])
def test_an_edge_node_that_is_called_like_a_station_is_not_that(plant: Plant, edge: str) -> None:
    say(plant, edge, "press")
    assert (plant.stored(edge), plant.stored("press")) == ([], [99.0])
