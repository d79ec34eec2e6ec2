"""Whatever a record holds, the views' rows can be derived, and the same in every way."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from plant.ledger import projection
from plant.ledger.derive import Place, derived, result, toured
from plant.ledger.schema import CYCLE, FACT, TOUR
from plant.ledger.verify import is_usual
from stations.records import Record
from tests.plant import ledgers
from tests.plant.records import cycle, record

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.text(max_size=5)
    | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip
CYCLE_KEYS = (
    "visit", "started", "ended", "cycle_s", "complete", "flaws", "phases", "measurements", "gates",
)  # fmt: skip
TIMES = st.builds("2026-09-2{}T1{}:00:00.000Z".format, st.integers(0, 9), st.integers(0, 9))
DATA = st.dictionaries(st.sampled_from(CYCLE_KEYS), VALUES | TIMES)


@given(data=DATA | VALUES, time=TIMES | st.text())
def test_nothing_that_a_record_says_is_too_odd(data: Any, time: str) -> None:
    place = Place(1, "s", "l", "studio-1", "v-1", time, 0)
    fact, one = derived(place, orjson.dumps({"data": data, "agent": data, "files": data}))
    assert toured(None, place, fact, one).records == 1
    assert (one is None) or one.entered_at.tzinfo is not None


@given(body=st.binary())
def test_bytes_that_are_no_record_say_nothing(body: bytes) -> None:
    fact, one = derived(Place(1, "s", "l", "t", None, "x", 2**80), body)
    assert (fact.time, fact.recorded_at, one) == (None, None, None)


@pytest.mark.parametrize(
    ("data", "word"),
    [
        ({}, None),
        ({"measurements": {"a": {"result": "Undefined"}}}, None),
        ({"measurements": {"a": {"result": "OK"}, "b": {"result": "Undefined"}}}, "OK"),
        (
            {"measurements": {"a": {"result": "OK"}, "b": {"result": "NotDecidable"}}},
            "NotDecidable",
        ),
        ({"measurements": {"a": {"result": "NotOK"}, "b": {"result": "NotDecidable"}}}, "NotOK"),
        ({"gates": [{"verdict": "pass"}]}, "OK"),
        ({"gates": [{"verdict": "pass"}, {"verdict": "fail"}]}, "NotOK"),
        ({"gates": [{"verdict": ["fail"]}, 1], "measurements": [1]}, None),
    ],
)
def test_the_worst_result_counts(data: dict[str, Any], word: str | None) -> None:
    assert result(data) == word


def some_records(numbers: Sequence[int]) -> list[Record]:
    """Records of three visits, whole, flawed and odd ones."""
    made = []
    for number in numbers:
        visit, hour = f"v-{number % 3}", f"{8 + number * 7 % 12:02}"
        if number % 4 == 3:
            made.append(record(number, visit=visit if number % 5 else None))
        else:
            times = (f"{hour}:00:00", f"{hour}:{number % 60:02}:00")
            station = ("studio-1", "brakes-1", "battery-1")[number % 3]
            made.append(cycle(number, visit, station, *times, complete=number % 4 == 0))
    return made


@settings(max_examples=15, suppress_health_check=list(HealthCheck))
@given(parts=st.lists(st.lists(st.integers(0, 60), max_size=12), min_size=1, max_size=5))
def test_deriving_part_by_part_is_deriving_all(
    place: ledgers.Place, parts: list[list[int]]
) -> None:
    with place.open() as ledger:
        for part in parts:
            ledger.append(some_records(part))

        def tables() -> list[Any]:
            with ledger.reading() as connection:
                return [
                    connection.execute(table.select().order_by(*table.primary_key)).all()
                    for table in (FACT, CYCLE, TOUR)
                ]

        before = tables()
        ledger.rebuild()
        assert tables() == before
        assert len(before[0]) < projection.ROWS_AT_ONCE


CHANGES = st.dictionaries(
    st.sampled_from([*Record.model_fields, "more"]),
    VALUES | TIMES | st.just("studio.state\n") | st.just({"name": "a", "version": "b"}),
    max_size=2,
)


@given(changes=CHANGES, without=st.sampled_from([*Record.model_fields, ""]))
def test_what_is_taken_for_a_record_at_first_sight_is_one(
    changes: dict[str, Any], without: str
) -> None:
    said = record(1).model_dump(mode="json") | changes
    assert is_usual(record(1).model_dump(mode="json"))
    if changes:
        said.pop(without, None)
    try:
        Record.model_validate_json(orjson.dumps(said))
    except ValidationError:
        assert not is_usual(said)
