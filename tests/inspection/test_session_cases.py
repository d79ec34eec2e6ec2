"""The golden cases of the session, and the same after a stop at every point."""

from __future__ import annotations

from pathlib import Path

import pytest

from stations.inspection.facts import Memory
from stations.inspection.happenings import Restarted
from stations.inspection.session_record import draft_by
from tests.inspection.session_case import CASES, PLAN, Played, holds, load
from wire.rule_sets import newest

FILES = sorted(CASES.glob("*.toml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_golden_session(path: Path) -> None:
    case = load(path)
    done = Played(case).play()
    for number, expected in enumerate(case["expect"]):
        found = done[number] if number < len(done) else {}
        assert holds(expected, found), f"{number}: {expected} is not {done[number:]}"
    assert len(done) == len(case["expect"]), done[len(case["expect"]) :]


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_stop_after_any_input_changes_nothing(path: Path) -> None:
    case = load(path)
    whole = Played(case)
    whole.play()
    ends = [one for one in whole.done if "end" in one]
    for stop in range(1, len(case["timeline"])):
        played = stopped(case, stop)
        assert played.memory == whole.memory, stop
        # A record that is not known to be safe is asked for again: the same one.
        found = {one["end"]: one for one in played.done if "end" in one}
        assert list(found.values()) == list({one["end"]: one for one in ends}.values()), stop


def stopped(case: dict[str, object], stop: int) -> Played:
    """A case whose agent is killed after some rows; the lane is heard again at once."""
    rows = case["timeline"]
    assert isinstance(rows, list)
    first, rest = Played({"timeline": rows[:stop]}), Played({"timeline": rows[stop:]})
    first.play()
    rest.memory = Memory.model_validate_json(first.memory.model_dump_json())
    rest.at_s, rest.number, rest.done = first.at_s, first.number, first.done
    visit = rest.memory.visit
    rest.give(Restarted(time_ms=rest.now_ms()))
    rest.memory = rest.memory.model_copy(update={"visit": visit})
    rest.play()
    return rest


def test_there_are_cases() -> None:
    assert len(FILES) >= 10


RULES = draft_by(newest())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_what_a_session_ends_with_can_be_judged(path: Path) -> None:
    played = Played(load(path))
    played.play()
    for ended in played.ended:
        data = RULES(PLAN, ended).data
        assert data["judgement"] is not None, data["case"]
        if ended.why != "finished":
            assert data["judgement"]["letter"] is None


def test_a_healthy_car_passes() -> None:
    case = load(CASES / "whole_petrol.toml")
    for row in case["timeline"]:
        if "order" in row:
            row["vehicle"] = {"gvm_kg": 1700, "recall_stop_drive": False}
        if row.get("part") == "headlamps":
            del row["part"]
            sides = {f"lamp.dip_{side}.{what}": value for side in "lr"
                     for what, value in (("dip", "1.1"), ("target_dip", "1.0"))}  # fmt: skip
            row |= {"from": "lamps", "say": sides}
    played = Played(case)
    played.play()
    (ended,) = played.ended
    judgement = RULES(PLAN, ended).data["judgement"]
    assert [one["code"] for one in judgement["findings"]] == ["4.3.1.a.1"], judgement
    assert (judgement["result"], judgement["letter"]) == ("ok", "A"), judgement["not_decidable"]
