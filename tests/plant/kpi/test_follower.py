"""What a station does is said again and again, and what is not known is told apart."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plant.kpi.follower import Follower
from stations.declare import Phase
from stations.kpi import HOUR_MS
from stations.status import BAD_SENSOR_FAILURE, UNCERTAIN
from stations.studio.station import StudioState
from tests.plant.kpi.site import (
    DEVICE,
    MODEL,
    SITE,
    STUDIO,
    T0,
    birth,
    only,
    received,
    rows_of,
    samples,
)

TURNING, DONE, STOPPED = StudioState.TURNING, StudioState.DONE, StudioState.STOPPED


@pytest.fixture
def follower() -> Follower:
    return Follower(MODEL)


def state(follower: Follower, now_ms: int, station: str = STUDIO) -> dict[str, Any]:
    """What the next beat says of a station."""
    (points,) = [one for one in follower.beat(now_ms) if one.station == station]
    assert points.measurement == "station_state"
    return only(points)


def online(follower: Follower, time_ms: int = T0) -> None:
    follower.linked(STUDIO, True, "", time_ms, birth(time_ms))


def test_unchanged_bad_quality_no_data_and_agent_down_look_different(follower: Follower) -> None:
    shown = {"never heard": state(follower, T0)}
    online(follower)
    shown["no data"] = state(follower, T0)
    follower.received(received([("state", T0, TURNING), ("visit", T0, "v-1")]), T0)
    follower.received(received([("angle", T0 + 60_000, 90.0)]), T0 + 60_000)
    shown["unchanged"] = state(follower, T0 + 61_000)
    follower.received(received([("state", T0 + 62_000, None)], BAD_SENSOR_FAILURE), T0 + 62_000)
    shown["bad quality"] = state(follower, T0 + 63_000)
    follower.linked(STUDIO, False, "NDEATH", T0 + 64_000)
    shown["agent down"] = state(follower, T0 + 65_000)
    fields = (
        "online",
        "why",
        "phase",
        "state_name",
        "quality",
        "state_status",
        "silent_s",
        "since_s",
    )
    assert {what: tuple(row.get(field) for field in fields) for what, row in shown.items()} == {
        "never heard": (False, "not heard yet", 0, "offline", "none", None, None, None),
        "no data": (True, "", 5, "no data", "none", None, None, None),
        "unchanged": (True, "", 2, "TURNING", "good", 0, 1.0, 61.0),
        "bad quality": (True, "", 5, "bad quality", "bad", BAD_SENSOR_FAILURE, 1.0, None),
        "agent down": (False, "NDEATH", 0, "offline", "none", None, 3.0, None),
    }
    assert shown["unchanged"]["visit"] == "v-1" and shown["unchanged"]["state"] == 3


def test_a_station_that_says_nothing_at_all_grows_silent(follower: Follower) -> None:
    online(follower)
    follower.received(received([("state", T0, TURNING)]), T0)
    assert state(follower, T0 + 90_000)["silent_s"] == 90.0


def test_a_device_is_only_there_or_not(follower: Follower) -> None:
    assert state(follower, T0, "energy-meter-1") == {"online": False, "why": "not heard yet"}


def test_a_change_is_said_at_the_time_of_the_sample(follower: Follower) -> None:
    online(follower)
    points, marks = follower.received(
        received([("state", T0 + 5, TURNING), ("state", T0 + 9, DONE)]), T0 + 100
    )
    rows = rows_of(points[0])
    assert {time: row["state_name"] for time, row in rows.items()} == {
        T0 + 5: "TURNING", T0 + 9: "DONE",
    }  # fmt: skip
    assert rows[T0 + 9]["since_s"] == 0.0 and rows[T0 + 9]["online"] is True
    assert marks == (), "the present hour is worked out anyway"


def test_a_vehicle_is_said_with_the_state_in_which_it_comes(follower: Follower) -> None:
    online(follower)
    follower.received(received([("state", T0, TURNING)]), T0)
    (points,), _ = follower.received(received([("visit", T0 + 7, "v-2")]), T0 + 7)
    row = rows_of(points)[T0 + 7]
    assert (row["visit"], row["state_name"], row["since_s"]) == ("v-2", "TURNING", 0.007)


def test_a_birth_tells_the_state_at_once(follower: Follower) -> None:
    """So the first point after a restart of the historian knows what the station does."""
    values = samples([("state", T0 - 40_000, TURNING), ("visit", T0 - 60_000, "v-9")])
    points = follower.linked(STUDIO, True, "", T0, birth(T0, values))
    assert points is not None
    row = only(points)
    assert (row["state_name"], row["since_s"], row["visit"]) == ("TURNING", 40.0, "v-9")


def test_what_comes_late_leaves_the_present_alone_and_marks_the_hours(follower: Follower) -> None:
    online(follower)
    now_ms = T0 + 2 * HOUR_MS + 60_000
    follower.received(received([("state", now_ms - 1_000, DONE)]), now_ms)
    late = received([("state", T0 + 10, TURNING)], historical=True)
    (points,), marks = follower.received(late, now_ms)
    row = rows_of(points)[T0 + 10]
    assert row["state_name"] == "TURNING"
    assert "online" not in row, "whether it was online then, it does not tell"
    assert state(follower, now_ms)["state_name"] == "DONE"
    assert [(one.line, one.hour_ms, one.fill) for one in marks] == [
        ("line-1", T0 + hours * HOUR_MS, True) for hours in range(3)
    ]


def test_a_state_that_no_declaration_knows_is_named_by_its_number(follower: Follower) -> None:
    online(follower)
    follower.received(received([("state", T0, 42)]), T0)
    row = state(follower, T0)
    assert (row["state_name"], row["phase"], row["state"]) == ("unknown_42", Phase.UNKNOWN, 42)


def test_an_uncertain_time_is_no_doubt_of_the_state(follower: Follower) -> None:
    online(follower)
    follower.received(received([("state", T0, STOPPED)], UNCERTAIN), T0)
    row = state(follower, T0)
    assert (row["state_name"], row["quality"], row["phase"]) == ("STOPPED", "uncertain", 4)


def test_messages_of_others_cost_nothing(follower: Follower) -> None:
    assert follower.received(received([("angle", T0, 1.0)]), T0) == ([], ())
    assert follower.linked("", True, "", T0) is None


@given(
    st.lists(
        st.tuples(st.integers(0, 1_000), st.sampled_from(list(StudioState))),
        min_size=1, max_size=8, unique_by=lambda one: one[0],
    ),
    st.randoms(use_true_random=False),
)  # fmt: skip
def test_the_present_is_the_latest_in_whatever_order_it_came(
    said: list[tuple[int, StudioState]], shuffled: random.Random
) -> None:
    follower = Follower(MODEL)
    online(follower)
    latest = max(said)[1]
    shuffled.shuffle(said)
    for at, one in said:
        follower.received(received([("state", T0 + at, one)]), T0 + 2_000)
    assert state(follower, T0 + 2_000)["state_name"] == latest.name


def test_every_station_of_the_site_is_said(follower: Follower) -> None:
    assert {one.station for one in follower.beat(T0)} == {one.name for one in SITE.stations}
    assert DEVICE.kind == "studio"
