"""Following a vehicle: one end per stay, no time lost, a memory that survives a restart."""

import dataclasses
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stations import kinds, status
from stations.cycle import CycleData, utc_text
from stations.inspection.records import Report
from stations.records import Draft
from stations.samples import build
from stations.studio.records import Session
from stations.studio.station import Studio, StudioState
from stations.watch import Watch

KIND = kinds.find("studio")
TAGS = dict(enumerate(Studio.tags))
NUMBERS = {tag.name: number for number, tag in TAGS.items()}
WORK = [state.value for state in StudioState]


def sample(tag: str, ms: int, value: Any, code: int = status.GOOD) -> tuple[Any, ...]:
    return NUMBERS[tag], ms, code, Studio.tag(tag).value_type, value


@st.composite
def stays(draw: st.DrawFn) -> list[tuple[Any, ...]]:
    """Vehicles that come and go while the state wanders."""
    rows, ms = [sample("visit", 0, ""), sample("state", 0, 0)], 0
    for number in range(draw(st.integers(1, 4))):
        ms += draw(st.integers(1, 10_000))
        rows.append(sample("visit", ms, f"v-{number}"))
        for state in draw(st.lists(st.sampled_from(WORK), max_size=8)):
            ms += draw(st.integers(1, 10_000))
            rows.append(sample("state", ms, state))
        if draw(st.booleans()):
            ms += draw(st.integers(1, 10_000))
            rows.append(sample("visit", ms, ""))
    return rows


def play(rows: list[tuple[Any, ...]], *, restart: bool = False) -> list[Draft]:
    watch, drafts = Watch(KIND, TAGS), []
    for row in rows:
        drafts += watch.feed(build([row]))
        if restart:
            stored = orjson.loads(orjson.dumps(dataclasses.asdict(watch.memory)))
            watch.memory = KIND.memory(**stored)
    return drafts


@given(stays())
def test_every_vehicle_that_came_and_left_has_its_session(rows: list[tuple[Any, ...]]) -> None:
    drafts = play(rows)
    came = [value for number, _, _, _, value in rows if number == NUMBERS["visit"] and value]
    ended = [draft.visit for draft in drafts if draft.kind == "studio.session"]
    assert set(came[:-1]) <= set(ended) <= set(came)
    assert ended == sorted(ended, key=lambda visit: visit or "")


@given(stays())
def test_changes_follow_one_another_and_phases_fill_the_cycle(rows: list[tuple[Any, ...]]) -> None:
    before = None
    for draft in play(rows):
        if draft.kind == "studio.state":
            assert draft.data["from"] == before != draft.data["to"]
            before = draft.data["to"]
        else:
            data = Session.model_validate(draft.data)
            idle = data.cycle_s - sum(data.phases.values())
            assert idle >= -1e-6 and "EMPTY" not in data.phases
            assert data.complete == (not data.flaws)


@given(stays())
def test_a_restart_after_every_sample_changes_nothing(rows: list[tuple[Any, ...]]) -> None:
    assert play(rows, restart=True) == play(rows)


@given(stays(), st.data())
def test_a_repeated_sample_changes_nothing(rows: list[Any], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(rows) - 1))
    assert play([*rows[: index + 1], rows[index], *rows[index + 1 :]]) == play(rows)


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1_795_334_400_007, "2026-11-22T08:00:00.007Z"),
        (-5, "1970-01-01T00:00:00.000Z"),
        (2**62, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_times_are_text_whatever_they_are(ms: int, text: str) -> None:
    assert utc_text(ms) == text


@given(st.integers(0, 253_402_300_799_999))
def test_text_of_a_time_has_no_rounding(ms: int) -> None:
    assert utc_text(ms).endswith(f".{ms % 1000:03d}Z")


def test_not_a_number_is_not_gathered() -> None:
    rows = [sample("visit", 0, ""), sample("visit", 1, "v-1"), sample("state", 2, 3)]
    speeds = [float("nan"), 4.0, float("inf"), 6.0]
    rows += [sample("speed", 3 + n, value) for n, value in enumerate(speeds)]
    session = play([*rows, sample("state", 9, StudioState.DONE.value)])[-1]
    assert session.data["spin"]["speed_deg_s"] == {
        "count": 2, "min": 4.0, "mean": 5.0, "max": 6.0, "last": 6.0,
    }  # fmt: skip


@pytest.mark.parametrize("model", [Session, Report])
def test_every_cycle_record_begins_with_the_same_fields(model: type[CycleData]) -> None:
    assert list(model.model_fields)[:7] == list(CycleData.model_fields)
    assert model.model_json_schema()["additionalProperties"] is False
