"""Cycles, stops and gaps: one point for each, whatever the order in which the records come."""

from __future__ import annotations

from typing import Any

import pytest

from plant.kpi.facts import Fact, Facts
from stations.kpi import HOUR_MS
from stations.records import Record
from tests.plant.kpi.site import MODEL, SITE, T0, change, cycle, only, record

NOW = T0 + 2 * HOUR_MS


def facts(*records: Record) -> list[Fact]:
    """All facts of these records, in the order in which they are told."""
    made = Facts(SITE, MODEL)
    return [fact for one in records for fact in made.of(one, NOW)]


def shown(found: list[Fact]) -> list[tuple[str, dict[str, Any]]]:
    return [(fact.points.measurement, only(fact.points)) for fact in found]


def test_a_cycle() -> None:
    (fact,) = facts(cycle(T0 + 300_000))
    assert shown([fact]) == [
        ("station_cycle", {
            "cycle_s": 266.0, "ok": True, "complete": True, "flaws": "", "visit": "v-1",
            "planned_s": 270.0, "takt_s": 360.0,
        }),
    ]  # fmt: skip
    assert int(fact.points.samples.time[0]) == T0 + 300_000
    assert [(one.line, one.hour_ms) for one in fact.marks] == [("line-1", T0)]


@pytest.mark.parametrize(
    "changes", [{"taken": 39}, {"complete": False, "flaws": ["left_early", "not_seen.turning"]}]
)
def test_a_cycle_that_is_no_good_piece(changes: dict[str, Any]) -> None:
    ((_, row),) = shown(facts(cycle(T0, **changes)))
    assert row["ok"] is False
    assert row["flaws"] == ",".join(changes.get("flaws", []))


BEGIN = change(T0 + 10_000, "TURNING", "STOPPED", "guard", 5.0)
END = change(T0 + 70_000, "STOPPED", "TURNING", "reported", 60.0)
STOP = {"reason": "guard", "duration_s": 60.0, "state_name": "STOPPED", "visit": "v-1"}


def test_a_stop_has_the_cause_of_its_beginning_and_the_length_of_its_end() -> None:
    assert shown(facts(BEGIN, END)) == [("station_stop", STOP)]


def test_a_stop_whose_end_comes_first_is_told_again_with_its_cause() -> None:
    without, told_again = shown(facts(END, BEGIN))
    assert without == ("station_stop", STOP | {"reason": "stopped"})
    assert told_again == ("station_stop", STOP)


def test_the_same_records_again_are_the_same_facts() -> None:
    assert shown(facts(BEGIN, END, BEGIN, END))[-1] == ("station_stop", STOP)


def test_a_stop_without_a_cause_is_named_by_its_state() -> None:
    begin = change(T0 + 10_000, "TURNING", "FAULT", "reported", 5.0)
    end = change(T0 + 20_000, "FAULT", "EMPTY", "reported", 10.0)
    ((_, row),) = shown(facts(begin, end))
    assert (row["reason"], row["state_name"]) == ("fault", "FAULT")


def test_a_stop_over_an_hour_marks_each_hour_that_it_changes() -> None:
    begin_ms = T0 + HOUR_MS - 60_000
    end = change(begin_ms + 120_000, "STOPPED", "TURNING", "reported", 120.0)
    (fact,) = facts(end)
    assert [one.hour_ms for one in fact.marks] == [T0, T0 + HOUR_MS]


def test_a_gap() -> None:
    data = {
        "connection": None, "tags": ["state", "angle"], "began": "2025-11-25T00:01:00.000Z",
        "ended": "2025-11-25T00:03:30.000Z", "count": None, "reason": "agent restarted",
    }  # fmt: skip
    (fact,) = facts(record("gap", T0 + 210_000, data, None))
    assert shown([fact]) == [
        ("station_gap", {"duration_s": 150.0, "reason": "agent restarted", "tags": "state,angle"}),
    ]
    assert int(fact.points.samples.time[0]) == T0 + 60_000


@pytest.mark.parametrize(
    "of",
    [
        record("clock_step", T0, {"by_ms": 5}),
        record("studio.session", T0, {"cycle_s": "long"}),
        record("studio.state", T0, {"of": "another version"}),
        record("gap", T0, {}),
        change(T0, None, "unknown_42", "unknown_number", 0.0),
        change(T0, "unknown_42", "TURNING", "reported", 3.0),
        cycle(T0).model_copy(update={"station": "elsewhere"}),
        cycle(T0).model_copy(update={"station": "energy-meter-1"}),
    ],
)
def test_a_record_of_no_use_is_no_fact(of: Record) -> None:
    assert facts(of) == []
