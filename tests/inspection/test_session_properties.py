"""Whatever happens in whatever order: a stop changes nothing, and each session has one end."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from stations.inspection.facts import Memory, StepName
from stations.inspection.happenings import Restarted
from stations.inspection.requirements import MACHINES, NEEDED
from tests.inspection.session_case import PLAN, Played

PARTS = st.sampled_from(sorted(NEEDED))
PEOPLE = st.sampled_from(["anna", "bea", "carl"])
VISITS = st.sampled_from(["v-1", "v-2"])
STEPS = st.sampled_from(list(StepName))
ROWS: st.SearchStrategy[dict[str, Any]] = st.one_of(
    st.fixed_dictionaries({"lane": st.sampled_from(["v-1", "v-2", "", "?"])}),
    st.fixed_dictionaries(
        {"order": VISITS, "fuel": st.sampled_from(["petrol", "diesel", "electric"])},
        optional={"vin": st.just("A")},
    ),
    st.fixed_dictionaries(
        {"part": PARTS},
        optional={
            "start": st.just(0), "serial": st.just("other"), "session": st.just("v-1.1"),
            "vin": st.sampled_from("AB"),
        },
    ),
    st.fixed_dictionaries(
        {
            "verb": st.sampled_from(
                ["join", "take", "repeat", "abort", "confirm", "withdraw", "identify",
                 "odometer", "visual", "down", "finish", "add", "begin"]
            ),
            "by": PEOPLE,
        },
        optional={
            "step": STEPS, "why": st.just("so"), "km": st.integers(-1, 10), "visit": VISITS,
            "machine": st.sampled_from(sorted(PLAN.machines)), "id": st.sampled_from("xy"),
        },
    ),
    st.fixed_dictionaries({"recorded": st.sampled_from(["v-1.1", "v-2.2"])}),
    st.fixed_dictionaries({"down": st.sampled_from(sorted(PLAN.machines))}),
)  # fmt: skip
TIMELINES = st.lists(st.tuples(ROWS, st.sampled_from([1, 20, 600])), max_size=25)


def rows(drawn: list[tuple[dict[str, Any], int]]) -> list[dict[str, Any]]:
    """A timeline of what was drawn."""
    found, seconds = [], 0
    for row, after in drawn:
        seconds += after
        step = row.get("part")
        is_obd = step == StepName.OBD
        found.append({k: v for k, v in row.items() if k != "vin" or "order" in row or is_obd})
        found[-1]["s"] = seconds
    return found


@settings(max_examples=60, deadline=None)
@given(TIMELINES)
def test_a_stop_after_every_input_changes_nothing(drawn: list[Any]) -> None:
    timeline = rows(drawn)
    whole, stopped = Played({"timeline": timeline}), Played({"timeline": []})
    whole.play()
    for row in timeline:
        stopped.case = {"timeline": [row]}
        stopped.play()
        memory = Memory.model_validate_json(stopped.memory.model_dump_json())
        stopped.memory = memory
        stopped.give(Restarted(time_ms=stopped.now_ms()))
        # The lane is heard again before anything else.
        stopped.memory = stopped.memory.model_copy(update={"visit": memory.visit})
    assert stopped.memory == whole.memory
    ends = {one["end"]: one for one in whole.done if "end" in one}
    again = {one["end"]: one for one in stopped.done if "end" in one}
    assert {k: v["session"] for k, v in ends.items()} == {k: v["session"] for k, v in again.items()}


@settings(max_examples=100, deadline=None)
@given(TIMELINES)
def test_a_session_ends_once_and_holds_what_its_machines_said(drawn: list[Any]) -> None:
    played = Played({"timeline": rows(drawn)})
    done = played.play()
    opened, ended = ([one[key] for one in done if key in one] for key in ("open", "end"))
    assert len(set(ended)) == len(ended) and set(ended) <= set(opened)
    running = played.memory.session
    assert sorted(opened) == sorted([*ended, *([] if running is None else [running.session])])
    if running is not None:
        for name, step in running.steps.items():
            for held in step.values.values():
                assert step.required and held.message in played.memory.known
                assert PLAN.machines[held.machine].kind is MACHINES[name]
