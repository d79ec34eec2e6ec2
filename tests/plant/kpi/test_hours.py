"""Hours worked out from the store: the same store gives the same numbers, late data new ones."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plant.kpi.facts import Facts
from plant.kpi.follower import Follower
from plant.kpi.hours import Hours
from plant.kpi.marks import Mark
from plant.points import Model
from plant.stores.sqlite import SqliteStore
from stations.kpi import HOUR_MS
from stations.status import BAD_SENSOR_FAILURE, GOOD
from stations.studio.station import StudioState
from tests.plant.kpi.site import (
    MODEL,
    SITE,
    STUDIO,
    T0,
    Said,
    birth,
    change,
    cycle,
    received,
    record,
    rows_of,
    stored,
)  # fmt: skip
from wire.site import LineConfig, ShiftConfig, Site

EMPTY, TURNING, DONE, STOPPED = (
    StudioState.EMPTY, StudioState.TURNING, StudioState.DONE, StudioState.STOPPED,
)  # fmt: skip
MINUTE_MS = 60_000
END = T0 + 3 * HOUR_MS


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    with closing(SqliteStore(tmp_path / "samples.db")) as store:
        yield store


def put(store: SqliteStore, rows: Sequence[Said], status: int = GOOD) -> None:
    """Samples of the studio, as they are stored."""
    store.write([MODEL.samples(received(rows, status), END)])


def tell(store: SqliteStore, *records: Any) -> None:
    """The facts of these records."""
    facts = Facts(SITE, MODEL)
    store.write([fact.points for one in records for fact in facts.of(one, END)])


def link(store: SqliteStore, *times: tuple[int, bool]) -> None:
    """What the historian said of the studio's link."""
    for time_ms, online in times:
        follower = Follower(MODEL)
        why = "" if online else "NDEATH"
        points = follower.linked(STUDIO, online, why, time_ms, birth(time_ms) if online else None)
        assert points is not None
        store.write([points])


def work(
    store: SqliteStore, hours: Sequence[int] = (T0,), now_ms: int = END, site: Site = SITE,
    fill: Sequence[int] = (),
) -> None:  # fmt: skip
    found = list(Hours(site, store, Model(site)).points("line-1", hours, now_ms, fill))
    assert not any(refused for part in store.write(found) for refused in part)


def kpi(store: SqliteStore, hour: int = T0, station: str = STUDIO) -> dict[str, Any]:
    """The fields of `station_kpi` of one hour."""
    names = {one.tag for one in store.series() if one.measurement == "station_kpi"}
    found = {name: stored(store, "station_kpi", station, name).get(hour) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def line(store: SqliteStore, hour: int = T0) -> dict[str, Any]:
    names = {one.tag for one in store.series() if one.measurement == "line_kpi"}
    found = {name: stored(store, "line_kpi", "", name).get(hour) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def test_an_hour_after_iso_22400_2(store: SqliteStore) -> None:
    put(store, [
        ("state", T0 - 5_000, TURNING), ("state", T0 + 30 * MINUTE_MS, DONE),
        ("state", T0 + 36 * MINUTE_MS, EMPTY), ("state", T0 + 42 * MINUTE_MS, STOPPED),
        ("state", T0 + 54 * MINUTE_MS, TURNING),
    ])  # fmt: skip
    tell(store, cycle(T0 + 10 * MINUTE_MS), cycle(T0 + 30 * MINUTE_MS), cycle(T0 + 5, taken=3))
    tell(store, cycle(T0 - 1), cycle(T0 + HOUR_MS))
    work(store)
    assert kpi(store) == {
        "pbt_s": 3600.0, "apt_s": 2160.0, "adet_s": 720.0, "adot_s": 720.0, "idle_s": 360.0,
        "blocked_s": 360.0, "unknown_s": 0.0, "pri_s": 270.0, "pq": 3, "gq": 2, "run_s": 810.0,
        "good_run_s": 540.0, "availability": 0.6, "effectiveness": 0.375,
        "quality": pytest.approx(2 / 3), "oee": pytest.approx(0.15),
    }  # fmt: skip


def test_without_production_there_is_no_ratio_of_it(store: SqliteStore) -> None:
    put(store, [("state", T0, EMPTY)])
    work(store)
    found = kpi(store)
    assert (found["availability"], found["pq"]) == (0.0, 0)
    assert not {"effectiveness", "quality", "oee"} & set(found)


def test_the_present_hour_is_planned_up_to_now(store: SqliteStore) -> None:
    put(store, [("state", T0, TURNING)])
    work(store, now_ms=T0 + 15 * MINUTE_MS)
    assert (kpi(store)["pbt_s"], kpi(store)["apt_s"]) == (900.0, 900.0)


def test_an_hour_that_has_not_begun_is_not_written(store: SqliteStore) -> None:
    work(store, hours=[T0 + HOUR_MS], now_ms=T0)
    assert store.series() == []


def test_what_nobody_knows_is_in_no_numerator(store: SqliteStore) -> None:
    put(store, [("state", T0 + 6 * MINUTE_MS, TURNING)])
    put(store, [("state", T0 + 18 * MINUTE_MS, None)], BAD_SENSOR_FAILURE)
    put(store, [("state", T0 + 24 * MINUTE_MS, TURNING)])
    link(store, (T0 + 30 * MINUTE_MS, False), (T0 + 36 * MINUTE_MS, True))
    gap = {
        "connection": None, "tags": [], "began": "2025-11-25T00:42:00.000Z",
        "ended": "2025-11-25T00:45:00.000Z", "count": None, "reason": "agent restarted",
    }  # fmt: skip
    tell(store, record("gap", T0 + 45 * MINUTE_MS, gap, None))
    work(store)
    found = kpi(store)
    assert found["unknown_s"] == (6 + 6 + 6 + 3) * 60.0
    assert found["apt_s"] == 3600.0 - found["unknown_s"]


def test_a_gap_of_other_tags_says_nothing_of_the_state(store: SqliteStore) -> None:
    put(store, [("state", T0, TURNING)])
    gap = {
        "connection": "", "tags": ["angle"], "began": "2025-11-25T00:10:00.000Z",
        "ended": "2025-11-25T00:20:00.000Z", "count": 5, "reason": "queue overflow",
    }  # fmt: skip
    tell(store, record("gap", T0 + 20 * MINUTE_MS, gap, None))
    work(store)
    assert kpi(store)["unknown_s"] == 0.0


def test_a_state_that_began_days_ago_still_stands(store: SqliteStore) -> None:
    put(store, [("state", T0 - 5 * 24 * HOUR_MS, EMPTY)])
    work(store)
    assert kpi(store)["idle_s"] == 3600.0


STATES = st.lists(
    st.tuples(st.integers(0, 2 * HOUR_MS - 1), st.sampled_from([EMPTY, TURNING, DONE, STOPPED])),
    max_size=10, unique_by=lambda one: one[0],
)  # fmt: skip


@settings(max_examples=8)
@given(STATES, st.data(), st.randoms(use_true_random=False))
def test_late_data_gives_what_would_have_been(
    tmp_path_factory: pytest.TempPathFactory, said: list[tuple[int, StudioState]],
    data: st.DataObject, shuffled: random.Random,
) -> None:  # fmt: skip
    """In two parts and any order, worked out in between, or all at once: the same hours."""
    rows: list[Said] = [("state", T0 + at, one) for at, one in said]
    folder = tmp_path_factory.mktemp("late")
    hours = [T0, T0 + HOUR_MS]
    with (
        closing(SqliteStore(folder / "a.db")) as one,
        closing(SqliteStore(folder / "b.db")) as other,
    ):
        put(one, rows)
        work(one, hours)
        shuffled.shuffle(rows)
        cut = data.draw(st.integers(0, len(rows)))
        for part in (rows[:cut], rows[cut:]):
            put(other, part)
            work(other, hours)
        for hour in hours:
            assert kpi(one, hour) == kpi(other, hour)


def test_states_that_came_late_fill_the_points_of_that_time(store: SqliteStore) -> None:
    put(store, [("state", T0, TURNING), ("visit", T0, "v-7")])
    off, on = T0 + 10 * MINUTE_MS, T0 + 20 * MINUTE_MS
    link(
        store, (off, False), (off + 4 * MINUTE_MS, False), (off + 9 * MINUTE_MS, False), (on, True)
    )
    late: list[Said] = [("state", off + 2 * MINUTE_MS, DONE), ("state", off + 6 * MINUTE_MS, EMPTY)]
    put(store, late)
    work(store, fill=[T0])
    names = stored(store, "station_state", STUDIO, "state_name")
    assert names == {
        off: "TURNING", off + 4 * MINUTE_MS: "DONE", off + 9 * MINUTE_MS: "offline", on: "EMPTY",
    }, "what nobody knows even now stays as it was"  # fmt: skip
    assert stored(store, "station_state", STUDIO, "since_s")[off + 4 * MINUTE_MS] == 120.0
    assert stored(store, "station_state", STUDIO, "visit")[off] == "v-7"
    online = stored(store, "station_state", STUDIO, "online")
    assert [online[time] for time in sorted(online)] == [False, False, False, True], "as it was"
    assert kpi(store)["unknown_s"] == 4 * 60.0


def test_stops_by_reason(store: SqliteStore) -> None:
    tell(
        store,
        change(T0 + 50 * MINUTE_MS, "TURNING", "STOPPED", "guard", 1.0),
        change(T0 + 65 * MINUTE_MS, "STOPPED", "TURNING", "reported", 15 * 60.0),
        change(T0 + 70 * MINUTE_MS, "TURNING", "FAULT", "no legal name", 1.0),
        change(T0 + 71 * MINUTE_MS, "FAULT", "TURNING", "reported", 60.0),
    )
    work(store, [T0, T0 + HOUR_MS])

    def of(name: str) -> dict[int, Any]:
        return stored(store, "stop_reason", STUDIO, name)

    assert of("guard_s") == {T0: 600.0, T0 + HOUR_MS: 300.0}
    assert of("guard_n") == {T0: 0, T0 + HOUR_MS: 1}
    assert of("other_s") == {T0 + HOUR_MS: 60.0}


def test_a_cause_that_comes_late_takes_the_stop_without_one_back(store: SqliteStore) -> None:
    begin = change(T0 + 5 * MINUTE_MS, "TURNING", "STOPPED", "guard", 1.0)
    end = change(T0 + 6 * MINUTE_MS, "STOPPED", "TURNING", "reported", 60.0)
    tell(store, end)
    work(store)
    assert stored(store, "stop_reason", STUDIO, "stopped_s") == {T0: 60.0}
    tell(store, end, begin)
    work(store)
    assert stored(store, "stop_reason", STUDIO, "stopped_s") == {T0: None}
    assert stored(store, "stop_reason", STUDIO, "guard_s") == {T0: 60.0}


def test_a_line_counts_what_leaves_it(store: SqliteStore) -> None:
    tell(store, *(cycle(T0 + minutes * MINUTE_MS) for minutes in (-4, 3, 9, 15)))
    work(store)
    found = line(store)
    assert (found["vehicles_out"], found["vehicles_between"], found["between_s"]) == (3, 3, 1140.0)
    assert (found["takt_s"], found["actual_s"], found["planned_out"]) == (360.0, 380.0, 10.0)
    assert found["bottleneck"] == "inspection-1", "the one planned slowest"


def with_line(**changes: Any) -> Site:
    return SITE.model_copy(update={"lines": (LineConfig(name="line-1", **changes),)})


def test_the_bottleneck_is_the_one_that_is_declared(store: SqliteStore) -> None:
    put(store, [("state", T0, TURNING)])
    tell(store, cycle(T0 + 1))
    work(store, site=with_line(bottleneck=STUDIO))
    assert line(store)["bottleneck"] == STUDIO
    assert line(store)["oee"] == kpi(store)["oee"]
    assert "takt_s" not in line(store)


def test_breaks_are_not_planned(store: SqliteStore) -> None:
    put(store, [("state", T0, TURNING)])
    tell(store, cycle(T0 + 1), cycle(T0 + 40 * MINUTE_MS))
    shift = ShiftConfig(begin="00:00", end="06:00", breaks=("00:30-00:45",))
    work(store, site=with_line(shift=(shift,)))
    assert (kpi(store)["pbt_s"], kpi(store)["apt_s"]) == (2700.0, 2700.0)
    assert (line(store)["pbt_s"], line(store)["between_s"]) == (2700.0, pytest.approx(1799.999))


def test_parallel_stations_at_the_end_of_a_line_both_let_vehicles_out(store: SqliteStore) -> None:
    other = SITE.station(STUDIO).model_copy(update={"name": "studio-2"})
    site = SITE.model_copy(update={"stations": (*SITE.stations, other)})
    facts = Facts(site, Model(site))
    for one in (cycle(T0 + 5), cycle(T0 + 9).model_copy(update={"station": "studio-2"})):
        store.write([fact.points for fact in facts.of(one, END)])
    work(store, site=site)
    assert line(store)["vehicles_out"] == 2


def test_marks_say_which_line_and_hour() -> None:
    assert Mark("line-1", T0) == Mark("line-1", T0, False)
    assert rows_of(MODEL.agent("pc-1", True, "", T0)) == {T0: {"online": True, "why": ""}}
