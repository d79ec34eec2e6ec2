"""What holds for every capture, whatever comes in which order."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as some

from stations.studio.capture import step, vision_state
from stations.studio.handshake import VisionState
from stations.studio.jobs import Judge, Judged, Memory, Process, Tags
from tests.studio.capture_case import JOB, Played

ROWS = some.lists(
    some.one_of(
        some.fixed_dictionaries({
            "state": some.sampled_from(
                ["EMPTY", "LOADING", "SECURING", "TURNING", "HOMING", "DETAILS", "WHEELS",
                 "REVIEW", "DONE", "LEAVING", "STOPPED", "FAULT", "?"]
            )
        }),
        some.fixed_dictionaries({"visit": some.sampled_from(["", "v-1", "v-2", "?"])}),
        some.fixed_dictionaries({"job": some.sampled_from(["", "v-1/1", "v-2/1", "?"])}),
        some.fixed_dictionaries({"latched": some.integers(0, 40)}),
        some.fixed_dictionaries({
            "frames": some.sampled_from(["ring", "hand"]), "to": some.integers(1, 90)
        }),
        some.fixed_dictionaries({"shot": some.sampled_from(["wheel_000", "wheel_001"])}),
        some.fixed_dictionaries({"choose": some.sampled_from(["again", "go_on", "wrong_vehicle"]),
                                 "why": some.sampled_from(["", "because"])}),
        some.fixed_dictionaries({"restart": some.just(True)}),
        some.fixed_dictionaries({"lost": some.just("ring"), "why": some.just("silent")}),
    ),
    max_size=40,
)  # fmt: skip


@given(rows=ROWS, gaps=some.lists(some.integers(0, 12), min_size=40, max_size=40))
def test_a_capture_is_complete_only_with_every_required_picture(
    rows: list[dict[str, Any]], gaps: list[int]
) -> None:
    at, timeline = 0, []
    for row, gap in zip(rows, gaps, strict=False):
        at += gap
        timeline.append({"s": at, **row})
    for one in Played({"timeline": timeline}).play():
        if "end" in one and one["complete"]:
            assert one["pictures"] >= 44 and not one["missing"] and not one["reasons"]
            assert one["end"].startswith(("v-1-1", "v-2-1"))


def test_a_verdict_on_frames_that_have_changed_since_does_not_count() -> None:
    start = {"state": "LOADING", "visit": "v-1", "job": "v-1/1", "recipe": "full-360@3"}
    memory, _ = step(JOB, Memory(), Tags(at_s=0, values=start))
    assert vision_state(JOB, memory) is VisionState.SINGLE_EXECUTION
    memory, actions = step(JOB, memory, Tags(at_s=10, values={"state": "REVIEW"}))
    played = Played({"judge": False})
    played.memory = memory
    for name in ("wheel_000", "wheel_001"):
        for one in played.inputs({"s": 11.0, "shot": name}):
            memory, actions = step(JOB, memory, one)
    memory, actions = step(JOB, memory, Tags(at_s=20, values={}))
    (asked,) = [one for one in actions if isinstance(one, Judge)]
    played.memory = memory
    for one in played.inputs({"s": 21.0, "shot": "wheel_001"}):
        memory, actions = step(JOB, memory, one)
    answer = Judged(at_s=22, capture="v-1-1", number=asked.number)
    memory, actions = step(JOB, memory, answer)
    assert not [one for one in actions if isinstance(one, Process)]
    assert memory.running is not None and memory.running.rest.judging != asked.number


def test_the_words_of_the_vision_state() -> None:
    assert vision_state(JOB, Memory()) is VisionState.PREOPERATIONAL
    for recipe, word in (("other@1", "Initialized"), ("full-360@3", "Ready")):
        memory = Memory(plc={"state": "EMPTY", "recipe": recipe})
        assert vision_state(JOB, memory) == word
