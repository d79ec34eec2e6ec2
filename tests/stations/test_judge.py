"""What rules see of a station: only what was read, and whether it can be relied on."""

import math
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

import stations.inspection.records as inspection
import stations.studio.records as studio
from stations import kinds, status
from stations.declare import Tag, Type
from stations.judge import Missing, Now, Reading
from stations.kinds import Kind
from stations.samples import build
from stations.studio.station import Studio, StudioState
from stations.watch import Watch

MODELS = {**inspection.RECORDS, **studio.RECORDS}
CODES = st.sampled_from(
    [status.GOOD, status.GOOD, status.UNCERTAIN, status.BAD_NO_COMMUNICATION, status.OVERFLOW]
)


def now(**readings: Any) -> Now:
    known = {
        name: value if isinstance(value, Reading) else Reading(value, 5, status.GOOD)
        for name, value in readings.items()
    }
    return Now(9, "state", known, {"angle": (np.array([1, 2]), np.array([0.5, 1.5]))})


def test_a_reading_has_value_time_and_status() -> None:
    reading = now(angle=12.5)[Studio.angle]
    assert (reading.value, reading.time_ms, reading.status) == (12.5, 5, status.GOOD)
    assert reading.is_good


def test_a_state_is_its_member() -> None:
    assert now(state=3)[Studio.state].value is StudioState.TURNING
    assert now(state=StudioState.TURNING)[Studio.state].value is StudioState.TURNING
    with pytest.raises(ValueError, match="42"):
        now(state=42)[Studio.state]
    assert now(state=42).get(Studio.state) is None


def test_what_was_never_read_is_missing() -> None:
    with pytest.raises(Missing, match="angle has no value yet"):
        now()[Studio.angle]
    with pytest.raises(Missing):
        now(angle=None)[Studio.angle]
    assert now().get(Studio.angle) is None
    assert now().status(Studio.angle) == status.BAD_WAITING_FOR_INITIAL_DATA


@pytest.mark.parametrize("code", [status.UNCERTAIN, status.BAD, status.BAD_SENSOR_FAILURE])
def test_only_a_good_value_is_got(code: int) -> None:
    look = now(angle=Reading(12.5, 5, code))
    assert look.get(Studio.angle) is None and look.status(Studio.angle) == code
    assert look[Studio.angle].value == 12.5 and not look[Studio.angle].is_good


def test_a_series_may_be_empty() -> None:
    times, values = now().series(Studio.angle)
    assert times.tolist() == [1, 2] and values.tolist() == [0.5, 1.5]
    times, values = now().series(Studio.speed)
    assert len(times) == len(values) == 0


def anything(tag: Tag[Any]) -> st.SearchStrategy[Any]:
    """Values that a machine may report for this tag, believable or not."""
    number = st.floats(allow_nan=True, allow_infinity=True)
    if tag.states is not None:
        return st.sampled_from(list(tag.states)).map(lambda state: state.value) | st.integers(
            -5, 200
        )
    if tag.name == "visit":
        return st.sampled_from(["", "v-1", "v-2"])
    by_type: dict[Type, st.SearchStrategy[Any]] = {
        Type.BOOL: st.booleans(),
        Type.INT: st.integers(-(2**62), 2**62),
        Type.FLOAT: number,
        Type.TEXT: st.sampled_from(["", "petrol", "diesel", "electric", "é"]),
        Type.FLOATS: st.lists(number, max_size=50),
        Type.INTS: st.lists(st.integers(-(2**40), 2**40), max_size=50),
    }
    return by_type[tag.value_type]


@st.composite
def moments(draw: st.DrawFn, kind: Kind) -> list[tuple[int, int, int, Type, Any]]:
    """A timeline of anything, in which state and visit are frequent."""
    rows, time = [], draw(st.sampled_from([-(2**50), 0, 1_700_000_000_000, 2**50]))
    tags = list(kind.station.tags)
    numbers = {tag.name: number for number, tag in enumerate(tags)}
    for _ in range(draw(st.integers(0, 25))):
        tag = draw(st.sampled_from([*kind.triggers, *kind.triggers, *tags]))
        time += draw(st.sampled_from([0, 1, 1000, 60_000]))
        value = draw(st.none() | anything(tag)) if draw(st.booleans()) else draw(anything(tag))
        code = draw(CODES) if value is not None else status.BAD_NO_COMMUNICATION
        rows.append((numbers[tag.name], time, code, tag.value_type, value))
    return rows


@pytest.mark.parametrize("name", ["studio", "inspection"])
@given(st.data())
def test_no_rule_raises_whatever_a_machine_says(name: str, data: st.DataObject) -> None:
    kind = kinds.find(name)
    watch = Watch(kind, dict(enumerate(kind.station.tags)))
    for row in data.draw(moments(kind)):
        for draft in watch.feed(build([row])):
            MODELS[draft.kind].model_validate(draft.data)
            assert orjson.loads(orjson.dumps(draft.data)) == draft.data or has_nan(draft.data)


def has_nan(data: Any) -> bool:
    """JSON has no NaN: a value that is none becomes null in the ledger."""
    if isinstance(data, dict):
        return any(has_nan(value) for value in data.values())
    if isinstance(data, list):
        return any(has_nan(value) for value in data)
    return isinstance(data, float) and not math.isfinite(data)
