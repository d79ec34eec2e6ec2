"""States through a whole historian: births, deaths, a backlog and a restart, over real messages."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from plant.kpi.facts import Facts
from plant.kpi.hours import Hours
from plant.kpi.marks import Mark
from plant.points import Model
from plant.status import Status
from stations.kpi import HOUR_MS
from stations.samples import EMPTY, Samples, build
from stations.status import GOOD
from stations.studio.station import Studio, StudioState
from tests.plant.kpi.site import STUDIO, cycle, samples, stored
from tests.plant.plant import Plant
from tests.sparkplug.plant import SITE, T0
from wire.site import Site, StationConfig
from wire.sparkplug import births
from wire.sparkplug.edge_node import EdgeNode

WIRED = births.Station(STUDIO, "line-1", "studio", dict(enumerate(Studio.tags, 1)))
STATION = StationConfig(name=STUDIO, kind="studio", line="line-1", agent="pc-1")
PLANT = Site(name=SITE, stations=(STATION,))


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Plant]:
    with closing(Plant(tmp_path, PLANT)) as plant:
        yield plant


def agent(plant: Plant, last: Samples = EMPTY) -> EdgeNode:
    """The studio's agent, born with these last values."""
    return plant.agent(stations=[WIRED], last=lambda station: last)


def state(plant: Plant, field: str = "state_name") -> list[Any]:
    found = stored(plant.store, "station_state", STUDIO, field)
    return [found[time] for time in sorted(found)]


def test_the_first_point_after_a_restart_comes_at_once_from_the_birth(plant: Plant) -> None:
    now_ms = plant.clock.now_ms()
    agent(
        plant, samples([("state", now_ms - 9_000, StudioState.TURNING), ("visit", now_ms, "v-1")])
    )
    plant.go(100)
    assert state(plant) == ["TURNING"]
    assert state(plant, "since_s") == [pytest.approx(9.0, abs=0.2)]
    assert state(plant, "visit") == ["v-1"]


def test_states_follow_one_another_and_an_agent_that_goes(plant: Plant) -> None:
    node = agent(plant)
    plant.go(100)
    plant.send(node, STUDIO, samples([("state", T0 + 150, StudioState.TURNING)]), 1)
    plant.go(nodes=[node])
    plant.hear([node.will(0, plant.clock.now_ms())])
    plant.go(200)
    assert state(plant) == ["no data", "TURNING", "offline"]
    assert state(plant, "why")[-1] == "NDEATH"
    assert Status(plant.historian, plant.clock).health()["stations"] == {STUDIO: False}


def test_a_backlog_marks_its_hours_when_it_is_stored_and_not_before(plant: Plant) -> None:
    marks: list[Mark] = []
    plant.historian.tell_written(marks.extend)
    node = agent(plant)
    plant.send(node, STUDIO, samples([("state", T0 + 50, StudioState.DONE)]), 2)
    plant.go(nodes=[node])
    assert marks == []
    late = samples([("state", T0 - 3 * HOUR_MS, StudioState.TURNING)])
    plant.store.gone = True
    plant.hear(node.historical(STUDIO, late, 1, plant.clock.now_ms()))
    plant.go(nodes=[node])
    assert marks == [], "the hours would be worked out without it"
    plant.store.gone = False
    plant.go(15_000, nodes=[node])
    assert {one.hour_ms for one in marks} == {
        (T0 // HOUR_MS - hours) * HOUR_MS for hours in range(4)
    }
    assert {one.line for one in marks} == {"line-1"}


@pytest.mark.parametrize("said", ["TURNING", math.nan, 3.5])
def test_a_state_that_is_no_number_is_stored_and_acknowledged_as_any_sample(
    plant: Plant, said: str | float
) -> None:
    """A foreign edge may declare a studio whose state is a text: it must not wait for ever."""
    (number,) = [number for number, one in WIRED.tags.items() if one.name == "state"]
    tag = replace(WIRED.tags[number], kind=type(said))
    object.__setattr__(tag, "name", "state")
    node = plant.agent(stations=[replace(WIRED, tags={**WIRED.tags, number: tag})])
    plant.go(100)
    plant.send(node, STUDIO, build([(number, T0 + 150, GOOD, tag.value_type, said)]), 1)
    plant.go(15_000, nodes=[node])
    assert plant.acknowledged["pc-1"] == {1}
    assert state(plant)[-1] == f"unknown_{said}"
    assert state(plant, "state") == [], "what is no number is left out"


def test_a_time_that_cannot_be_does_not_stand_for_ever(plant: Plant) -> None:
    """A machine that believes for a moment in another year."""
    ahead = samples([("state", T0 + 90 * 24 * HOUR_MS, StudioState.DONE)])
    node = agent(plant, ahead)
    plant.go(100)
    plant.send(node, STUDIO, ahead, 1)
    plant.send(node, STUDIO, samples([("state", T0 + 200, StudioState.TURNING)]), 2)
    plant.go(nodes=[node])
    assert state(plant) == ["no data", "TURNING"]
    (current,) = plant.historian.latest.view().current.values()
    assert current.time_ms == T0 + 200
    assert plant.acknowledged["pc-1"] == {1, 2}


def test_what_follows_from_samples_never_keeps_them_from_the_store(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = agent(plant)
    plant.go(100)
    monkeypatch.setattr(plant.historian, "follower", None)  # a fault of ours
    plant.send(node, STUDIO, samples([("state", T0 + 150, StudioState.DONE)]), 1)
    plant.go(nodes=[node])
    assert plant.acknowledged["pc-1"] == {1}
    assert plant.historian.counts["samples not followed"] == 1


def test_hours_that_are_said_are_stored(plant: Plant) -> None:
    model = Model(PLANT)
    node = agent(plant)
    plant.send(node, STUDIO, samples([("state", T0 + 50, StudioState.TURNING)]), 1)
    plant.go(nodes=[node])
    now_ms = plant.clock.now_ms()
    for fact in Facts(PLANT, model).of(cycle(T0 + 60), now_ms):
        assert plant.historian.say(fact.points, fact.marks)
    plant.go()
    hour = T0 // HOUR_MS * HOUR_MS
    for points in Hours(PLANT, plant.store, model).points("line-1", [hour], now_ms):
        assert plant.historian.say(points)
    plant.go()
    assert stored(plant.store, "station_kpi", STUDIO, "pq") == {hour: 1}
    assert stored(plant.store, "line_kpi", "", "vehicles_out") == {hour: 1}


def test_what_is_said_beyond_the_bound_is_refused(
    plant: Plant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("plant.historian.OWN_MAX", 2)
    (fact,) = Facts(PLANT, Model(PLANT)).of(cycle(T0), T0 + 1)
    assert [plant.historian.say(fact.points) for _ in range(3)] == [True, True, False]
    assert plant.historian.counts["own points not taken"] == 1
