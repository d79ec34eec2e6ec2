"""A sloppy edge node of another maker (npm sparkplug-client 3.2.4): survived, and stored."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from stations.status import UNCERTAIN_LAST_USABLE_VALUE
from tests.mqtt.conftest import BrokerAt
from tests.plant.running import RunningHistorian
from tests.servers import CACHE, Mosquitto, until
from tests.servers.node import NodeProgram
from wire.site import Site
from wire.sparkplug import codec
from wire.sparkplug.codec import Payload, Property, metric
from wire.sparkplug.datatypes import Datatype

pytestmark = pytest.mark.system

EDGE, DEVICE = "legacy-1", "Mixer"
BIRTH = {
    "int8": -128, "int16": -32_768, "int32": -(1 << 31), "int64": -5, "uint8": 255,
    "uint16": 65_535, "uint32": (1 << 32) - 1, "float": -1.5, "double": -2.25, "boolean": True,
    "string": "Haube ä", "text": "text", "datetime": 1_700_000_000_123, "unit": 7.0,
}  # fmt: skip


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningHistorian]:
    folder = tmp_path_factory.mktemp("plant")
    with (
        Mosquitto(folder) as broker,
        RunningHistorian(folder, Site(name="plant"), BrokerAt(broker.port)) as historian,
    ):
        yield historian


@pytest.fixture(scope="module")
def edge(
    plant: RunningHistorian, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[NodeProgram]:
    log = tmp_path_factory.mktemp("edge") / "edge.log"
    words = (str(plant.broker.port), "plant", EDGE, DEVICE)
    with NodeProgram(CACHE, "sparkplug_edge.js", *words, log=log) as program:
        yield program


def online(plant: RunningHistorian, name: str) -> bool:
    view = plant.historian.latest.view()
    return bool((view.stations | view.agents)[name].online)


def test_its_births_are_stored(plant: RunningHistorian, edge: NodeProgram) -> None:
    until(lambda: plant.last(DEVICE, "unit") == 7.0, "the birth is stored", 30)
    assert {tag: plant.last(DEVICE, tag) for tag in BIRTH} == BIRTH
    unit = plant.store.last(DEVICE, "unit").latest
    assert unit is not None and unit.status == UNCERTAIN_LAST_USABLE_VALUE


def test_its_data_compressed_or_not_are_stored(plant: RunningHistorian, edge: NodeProgram) -> None:
    for number, word in enumerate(("data", "deflate", "gzip"), 1):
        edge.tell(f"{word} {number}")
        until(lambda number=number: plant.last(DEVICE, "int32") == -number, word, 30)  # type: ignore[misc]
        assert plant.last(DEVICE, "uint32") == number
    for algorithm in ("DEFLATE", "GZIP"):
        before = len(plant.stored(DEVICE, "double"))
        edge.tell(f"births {algorithm}")
        until(lambda before=before: len(plant.stored(DEVICE, "double")) > before, algorithm, 30)  # type: ignore[misc]


def test_a_session_with_the_same_number_and_a_death_with_another(
    plant: RunningHistorian, edge: NodeProgram
) -> None:
    def is_reborn() -> bool:
        return plant.last(DEVICE, "int32") == BIRTH["int32"] and online(plant, DEVICE)

    edge.tell("data 10")
    until(lambda: plant.last(DEVICE, "int32") == -10, "a value", 30)
    edge.tell("drop")
    until(is_reborn, "it is born again", 30)
    edge.tell("data 11")
    until(lambda: plant.last(DEVICE, "int32") == -11, "its values go on", 30)
    edge.tell("wrong 7")
    edge.tell("data 12")
    until(lambda: plant.last(DEVICE, "int32") == -12, "its values go on", 30)
    counts = plant.historian.host.counts
    edge.tell("drop")
    until(lambda: counts["death of another session"], "its Will names another session", 30)
    until(is_reborn, "it is born again", 30)
    edge.tell("data 13")
    until(lambda: plant.last(DEVICE, "int32") == -13, "its values go on all the same", 30)
    assert plant.historian.alive and not plant.historian.counts["failed messages"]


def decoded(edge: NodeProgram, data: bytes) -> dict[str, Any]:
    """What the other codec makes of our bytes, by name."""
    line = f"decode {base64.b64encode(data).decode()}"
    said = orjson.loads(edge.tell(line)[len(line) :])
    return {one["name"]: one for one in said["metrics"]}


def test_each_codec_reads_the_other(edge: NodeProgram) -> None:
    theirs = codec.decode(base64.b64decode(edge.tell("encode").split()[1]))
    read = {one.name: one.value() for one in theirs.metrics}
    assert {name: read[name] for name in BIRTH} == BIRTH and read["bytes"] == b"\1\2"
    values = {
        "int8": (Datatype.INT8, -128), "int16": (Datatype.INT16, -1),
        "int32": (Datatype.INT32, -(1 << 31)), "int64": (Datatype.INT64, -(1 << 63)),
        "uint8": (Datatype.UINT8, 255), "uint64": (Datatype.UINT64, (1 << 64) - 1),
        "float": (Datatype.FLOAT, 0.5), "double": (Datatype.DOUBLE, -0.1),
        "boolean": (Datatype.BOOLEAN, False), "string": (Datatype.STRING, "ä"),
        "null": (Datatype.DOUBLE, None),
    }  # fmt: skip
    quality = {"Quality": Property(Datatype.INT32, 192)}
    ours = [metric(name, kind, value, 1, properties=quality) for name, (kind, value) in
            values.items()]  # fmt: skip
    found = decoded(edge, codec.encode(Payload(1, 0, ours)))
    for name, (_, value) in values.items():
        got = found[name].get("value")
        assert (int(got) if isinstance(value, int) and isinstance(got, str) else got) == value, name
    assert found["double"]["properties"]["Quality"]["value"] == 192
    # What it is known not to understand: it reads UInt32 from long_value alone.
    odd = decoded(edge, codec.encode(Payload(1, 0, [metric("u", Datatype.UINT32, 5, 1)])))
    assert odd["u"].get("value") is None
