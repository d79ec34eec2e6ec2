"""What is answered under /stations, from a plant in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from plant.overview import Overview
from stations.declare import Type
from stations.kinds import find
from stations.samples import build
from tests.plant.plant import Plant
from tests.sparkplug.plant import ANGLE, HOST, SITE, T0, VEHICLE, angles
from wire.site import Site
from wire.site.models import AgentConfig, StationConfig

STUDIO = find("studio").station


@pytest.fixture
def site() -> Site:
    station = StationConfig(name="studio-1", kind="studio", line="line-9", agent="pc-9")
    return Site(name=SITE, agents=(AgentConfig(name="pc-9"),), stations=(station,))


@pytest.fixture
def plant(tmp_path: Path, site: Site) -> Iterator[Plant]:
    made = Plant(tmp_path, site)
    yield made
    made.close()


@pytest.fixture
def overview(plant: Plant, site: Site) -> Overview:
    return Overview(site, plant.historian, plant.clock)


def asked(overview: Overview, path: str = "/stations", **query: str) -> Any:
    """What somebody gets who asks over HTTP."""
    answer = overview.answer(path, query)
    return orjson.loads(orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY))


def test_a_station_of_the_site_file_is_there_before_it_is_heard(overview: Overview) -> None:
    found = asked(overview)
    assert (found["site"], found["historian"], found["partial"]) == (SITE, HOST, False)
    studio = found["stations"]["studio-1"]
    assert (studio["line"], studio["kind"], studio["agent"]) == ("line-9", "studio", "pc-9")
    assert (studio["online"], studio["why"]) == (False, "not heard yet")
    assert list(studio["tags"]) == [tag.name for tag in STUDIO.tags]
    for tag in STUDIO.tags:
        told = studio["tags"][tag.name]
        assert (told["unit"], told["doc"], told["value"]) == (tag.unit, tag.doc, None)
    assert studio["tags"]["state"]["states"] == {
        str(one.value): one.name for one in STUDIO.tag("state").states or ()
    }
    assert found["agents"]["pc-9"]["online"] is False


def test_names_and_values_come_from_the_birth_and_from_what_is_sent(
    plant: Plant, overview: Overview
) -> None:
    values = build([(ANGLE, T0 - 9, 0, Type.FLOAT, 8.5), (VEHICLE, T0 - 9, 0, Type.TEXT, "v-1")])
    node = plant.agent(last=lambda station: values if station == "table-1" else build([]))
    plant.go(200)
    table = asked(overview, "/stations/table-1")
    assert (table["line"], table["kind"], table["agent"]) == ("line-1", "table", "pc-1")
    assert table["online"] is True
    angle = table["tags"]["angle"]
    assert (angle["type"], angle["unit"], angle["low"], angle["high"]) == ("float", "deg", 0, 360)
    assert (angle["value"], angle["status"], angle["time_ms"]) == (8.5, 0, T0 - 9)
    assert table["tags"]["vehicle"]["value"] == "v-1"
    assert plant.stored("table-1") == [], "the values of a birth are shown and not stored"
    plant.send(node, "table-1", angles(1.0, 2.0, start_ms=T0 + 500), 1)
    plant.go(200)
    angle = asked(overview, "/stations/table-1")["tags"]["angle"]
    assert (angle["value"], angle["count"], angle["recent"]) == (2.0, 3, [8.5, 1.0, 2.0])
    assert plant.stored("table-1") == [1.0, 2.0]


def test_who_has_a_token_gets_what_has_changed(plant: Plant, overview: Overview) -> None:
    node = plant.agent()
    plant.send(node, "table-1", angles(1.0), 1)
    plant.go(200)
    first = asked(overview)
    again = asked(overview, since=first["token"])
    assert again["partial"] is True
    assert again["stations"]["table-1"]["tags"] == {}
    plant.send(node, "table-1", angles(*map(float, range(20)), start_ms=T0 + 400), 2)
    plant.go(200)
    changed = asked(overview, since=first["token"])["stations"]["table-1"]["tags"]
    assert changed == {
        "angle": {
            "value": 19.0, "status": 0, "time_ms": T0 + 590, "count": 21,
            "recent": [12.0, 13.0, 14.0, 15.0, 16.0, 17.0, 18.0, 19.0],
        }
    }  # fmt: skip
    plant.agent("pc-2")
    plant.go(200)
    assert asked(overview, since=first["token"])["partial"] is False, "there are more names now"


@pytest.mark.parametrize("token", ["", "0", "nonsense", "00000000-5", "-", "x-٣"])
def test_who_has_a_token_of_somebody_else_gets_everything(overview: Overview, token: str) -> None:
    assert asked(overview, since=token)["partial"] is False


def test_an_agent_that_has_gone_is_said_with_why_and_since_when(
    plant: Plant, overview: Overview
) -> None:
    node = plant.agent()
    plant.go(200)
    assert asked(overview)["agents"]["pc-1"]["online"] is True
    gone = node.stop(plant.clock.now_ms())
    plant.hear(gone)
    plant.go(200)
    found = asked(overview)
    agent, table = found["agents"]["pc-1"], found["stations"]["table-1"]
    assert (agent["online"], agent["why"]) == (False, "NDEATH")
    assert (table["online"], table["why"]) == (False, "NDEATH")
    assert agent["since_ms"] > T0


def test_there_is_nothing_else(overview: Overview) -> None:
    assert asked(overview, "/stations/no-such") is None
    assert asked(overview, "/else") is None
