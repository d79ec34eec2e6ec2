"""What our historian stores of an edge node of another maker (Eclipse Tahu 1.0.19)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from stations.status import BAD_NO_DATA, UNCERTAIN_LAST_USABLE_VALUE
from tests.mqtt.conftest import BrokerAt
from tests.plant.running import RunningHistorian
from tests.servers import CACHE, Mosquitto, until
from tests.servers.tahu import TahuProgram
from wire.site import load

pytestmark = pytest.mark.system

SITE = """
[site]
name = "plant"
[[foreign]]
name = "oven-1"
edge = "foreign-1"
device = "Oven"
line = "line-1"
tags = "oven.csv"
"""
BIRTH = {
    "int8": -128, "int16": -32_768, "int32": -(1 << 31), "int64": -(1 << 63),
    "uint8": 255, "uint16": 65_535, "uint32": (1 << 32) - 1, "uint64": (1 << 63) - 1,
    "temperature": -1.5, "double": -2.25, "boolean": True, "string": "Motorhaube äö",
    "text": "text", "uuid": "00000000-0000-0001-0000-000000000002",
    "datetime": 1_700_000_000_123, "int8s": [-1, 0, 1], "int32s": [-1, 0, 1],
    "int64s": [-1, 0, 1], "floats": [-1.5, 0.5], "doubles": [-1.5, 0.25],
    "booleans": [1, 0, 1, 1, 0, 0, 0, 0, 1],
}  # fmt: skip


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHistorian]:
    folder = tmp_path_factory.mktemp("plant")
    (folder / "site.toml").write_text(SITE)
    (folder / "oven.csv").write_text("name,metric\ntemperature,Zone 1/Temperature\n")
    with (
        Mosquitto(folder) as broker,
        RunningHistorian(folder, load(folder / "site.toml"), BrokerAt(broker.port)) as historian,
    ):
        yield historian


@pytest.fixture(scope="module")
def edge(
    plant: RunningHistorian, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TahuProgram]:
    log: Path = tmp_path_factory.mktemp("edge") / "edge.log"
    port = plant.broker.port
    with TahuProgram(CACHE, "Edge", port, "plant", "foreign-1", "Oven", log=log) as program:
        program.wait(lambda: program.of("born"), "it is born")
        yield program


def test_the_values_of_its_birth_are_stored_under_the_names_of_the_site_file(
    plant: RunningHistorian, edge: TahuProgram
) -> None:
    until(lambda: plant.last("oven-1", "temperature") == -1.5, "the birth is stored", 30)
    found = {tag: plant.last("oven-1", tag) for tag in BIRTH}
    assert found == BIRTH
    (null,) = [plant.store.last("oven-1", "null").latest]
    assert null is not None and (null.value, null.status) == (None, BAD_NO_DATA)
    (stale,) = [plant.store.last("oven-1", "stale").latest]
    assert stale is not None
    assert (stale.value, stale.status) == (7.0, UNCERTAIN_LAST_USABLE_VALUE)
    assert plant.last("foreign-1", "load") == 0.5, "its own metrics stand under its own name"
    for name in ("bytes", "table", "motor", "strings"):
        assert not len(plant.stored("oven-1", name)), f"{name} is no sample"
    series = {one.tag: one for one in plant.store.series() if one.station == "oven-1"}
    assert series["temperature"].line == "line-1"


def test_its_data_by_alias_and_its_history_are_stored(
    plant: RunningHistorian, edge: TahuProgram
) -> None:
    edge.tell("data 5")
    until(lambda: plant.last("oven-1", "temperature") == 5.0, "a value by alias", 30)
    assert plant.last("oven-1", "int32") == -5
    edge.tell("history 6 1700000000000")
    until(lambda: 6.0 in list(plant.stored("oven-1", "temperature").floats), "a value of old", 30)
    assert plant.last("oven-1", "temperature") == 5.0


def test_a_rebirth_is_asked_for_and_given(plant: RunningHistorian, edge: TahuProgram) -> None:
    known = plant.historian.host.edges()[0]
    before = len(edge.of("born"))
    known.need_birth("test", 1)
    edge.wait(lambda: len(edge.of("born")) > before, "it is born again")
    edge.tell("data 9")
    until(lambda: plant.last("oven-1", "int32") == -9, "its values go on", 30)


def test_its_device_dies_and_comes_back_and_a_kill_is_seen(
    plant: RunningHistorian, edge: TahuProgram
) -> None:
    def online(name: str) -> bool:
        view = plant.historian.latest.view()
        return (view.stations | view.agents)[name].online

    assert online("oven-1") and online("foreign-1")
    edge.tell("death")
    until(lambda: not online("oven-1"), "its device is gone", 30)
    edge.tell("birth")
    edge.tell("data 10")
    until(lambda: plant.last("oven-1", "int32") == -10 and online("oven-1"), "it is back", 30)
    edge.kill()
    until(lambda: not online("oven-1") and not online("foreign-1"), "all of it is gone", 30)
    assert plant.historian.alive and not plant.historian.counts["failed messages"]
