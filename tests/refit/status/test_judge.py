"""What counts as wrong, from answers as a historian and agents give them."""

from __future__ import annotations

from typing import Any

from refit.status import judge
from refit.status.judge import Finding
from stations.status import BAD_SENSOR_FAILURE, GOOD, UNCERTAIN_LAST_USABLE_VALUE

NOW_MS = 1_800_000_000_000


def agent(**changed: Any) -> dict[str, Any]:
    told: dict[str, Any] = {
        "online": True, "why": "", "since_ms": NOW_MS - 9_000, "heard_ms": NOW_MS - 1_000,
        "backlog_samples": 0, "backlog_age_s": 0.0, "problems": 0, "problem": "",
    }  # fmt: skip
    return told | changed


def answer(agents: dict[str, Any], stations: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"time_ms": NOW_MS, "agents": agents, "stations": stations or {}}


def station(tags: dict[str, int], **changed: Any) -> dict[str, Any]:
    told = {tag: {"status": status, "time_ms": NOW_MS - 60_000} for tag, status in tags.items()}
    about: dict[str, Any] = {"agent": "pc-1", "online": True, "why": "", "since_ms": 5}
    return about | {"tags": told} | changed


def health(*problems: str, disk_free: int = 1 << 40) -> dict[str, Any]:
    since = {problem: 7 for problem in problems}
    return {"problems": list(problems), "since_ms": since, "health": {"disk_free": disk_free}}


def test_nothing_is_wrong_with_a_plant_that_is_well() -> None:
    well = answer({"pc-1": agent()}, {"studio-1": station({"angle": GOOD})})
    assert [*judge.agents(well, {"pc-1": health()}), *judge.tags(well)] == []
    assert list(judge.historian({"problems": [], "since_ms": {}, "refused": 0})) == []


def test_a_problem_of_the_historian_has_its_time_and_dead_letters_are_named() -> None:
    told = {"problems": ["the store is away"], "since_ms": {"the store is away": 5}, "refused": 3}
    store, letters = judge.historian(told)
    assert store == Finding("historian", 5, "the store is away")
    assert "3 samples were refused" in letters.said
    assert not letters.is_failure


def test_an_agent_that_is_gone_is_said_once_with_its_stations() -> None:
    gone = agent(online=False, why="its session ended", since_ms=5)
    plant = answer({"pc-1": gone}, {"studio-1": station({}, online=False)})
    (found,) = judge.agents(plant, {})
    assert found == Finding("pc-1", 5, "offline: its session ended; with it studio-1")
    assert list(judge.tags(plant)) == []


def test_an_agent_that_does_not_speak_is_silent_since_it_was_heard() -> None:
    (found,) = judge.agents(answer({"pc-1": agent(heard_ms=NOW_MS - 61_000)}), {})
    assert (found.since_ms, found.said) == (NOW_MS - 61_000, "online, but silent")


def test_problems_of_an_agent_elsewhere_come_from_the_historian_and_of_one_here_from_itself() -> (
    None
):
    told = agent(problem="press-1/opcua is not connected", problems=3)
    (far,) = judge.agents(answer({"pc-1": told}), {})
    assert far.said == "press-1/opcua is not connected (and 2 more)"
    near = list(judge.agents(answer({"pc-1": told}), {"pc-1": health("a", "b")}))
    assert [(one.said, one.since_ms) for one in near] == [("a", 7), ("b", 7)]
    assert [one.said for one in judge.lost({"pc-1": health("a")})] == ["a"]


def test_an_old_backlog_and_a_full_disk_are_to_be_looked_at() -> None:
    late = agent(backlog_samples=500, backlog_age_s=90.0)
    backlog, disk = judge.agents(answer({"pc-1": late}), {"pc-1": health(disk_free=5 << 20)})
    assert (backlog.since_ms, backlog.said) == (NOW_MS - 90_000, "500 samples wait in its outbox")
    assert disk.said == "5 MiB are free on the disk of its outbox"
    assert not (backlog.is_failure or disk.is_failure)


def test_tags_that_are_not_good_are_named_and_a_station_that_is_off_is_one_line() -> None:
    names = {f"t{n}": BAD_SENSOR_FAILURE for n in range(7)}
    plant = answer(
        {"pc-1": agent()},
        {
            "a": station(names | {"u": UNCERTAIN_LAST_USABLE_VALUE, "g": GOOD}),
            "b": station(names, online=False, why="link down"),
        },
    )
    bad, uncertain, off = judge.tags(plant)
    assert bad.said == "7 of 9 tags Bad: t0, t1, t2, t3, t4 and 2 more"
    assert (uncertain.said, uncertain.is_failure) == ("1 of 9 tags Uncertain: u", False)
    assert off == Finding("b", 5, "offline: link down")


def test_failures_come_first_and_the_oldest_of_them_before_the_newest() -> None:
    listed = [
        Finding("w", 1, "look", is_failure=False), Finding("x", None, "unknown"),
        Finding("y", 9, "new"), Finding("z", 2, "old"),
    ]  # fmt: skip
    assert [one.what for one in judge.ordered(listed)] == ["z", "y", "x", "w"]
