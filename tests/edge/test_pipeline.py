"""What the pipeline drops, what it corrects, and that time rises."""

from __future__ import annotations

import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as some

from edge.pipeline import TEXT_BYTES_MAX, Pipeline
from edge.sources.source import TICKS_PER_MS, Report
from edge.state import AHEAD_MS_MAX, State
from stations import status as codes
from stations.declare import Type
from tests.edge.reports import NUMBERS, START_MS, TAGS, report, rows_of

MS = TICKS_PER_MS
SECOND = 1000 * MS


def pipeline() -> Pipeline:
    made = Pipeline()
    made.declare(TAGS)
    return made


def passed(made: Pipeline, *reports: Report) -> list[tuple[int, Any, int]]:
    """(ms after the start, value, status) of all that was passed on."""
    rows = [row for one in reports for row in rows_of(made.run(one).samples)]
    return [(time - START_MS, value, status) for _, time, status, _, value in rows]


def test_a_repeat_after_a_reconnect_is_dropped_and_counted() -> None:
    made = pipeline()
    once = report([("force", 5 * MS, 1.5)])
    assert passed(made, once, once) == [(5, 1.5, codes.GOOD)]
    assert made.counts.repeats == 1


def test_the_same_value_at_a_later_time_is_no_repeat() -> None:
    made = pipeline()
    rows = passed(made, report([("force", 0, 1.5)]), report([("force", 7 * MS, 1.5)]))
    assert [time for time, _, _ in rows] == [0, 7]


def test_a_poll_that_found_nothing_new_makes_no_sample() -> None:
    made = pipeline()
    polls = [
        report([("beat", at * SECOND, value)], polled=True) for at, value in enumerate([4, 4, 5])
    ]
    assert [(time, value) for time, value, _ in passed(made, *polls)] == [(0, 4), (2000, 5)]
    assert made.counts.unchanged == 1


def test_two_samples_in_one_millisecond_become_two() -> None:
    made = pipeline()
    rows = passed(made, report([("force", 0, 1.0), ("force", 10, 2.0), ("force", 20, 3.0)]))
    assert rows == [(0, 1.0, 0), (1, 2.0, 0), (2, 3.0, 0)]


def test_texts_and_arrays_are_compared_by_content() -> None:
    made = pipeline()
    rows = passed(
        made,
        report([("visit", 0, "v-1"), ("heat", 0, [1.0, 2.0])], polled=True),
        report([("visit", SECOND, "v-1"), ("heat", SECOND, [1.0, 2.5])], polled=True),
        report([("visit", 2 * SECOND, "v-2"), ("heat", 2 * SECOND, [1.0, 2.5])], polled=True),
    )
    assert [value for _, value, _ in rows] == ["v-1", [1.0, 2.0], [1.0, 2.5], "v-2"]


def test_the_deadband_covers_small_changes_from_the_last_one_passed_on() -> None:
    made = pipeline()
    rows = [
        ("travel", at * SECOND, value) for at, value in enumerate([10.0, 10.4, 10.5, 10.6, 10.9])
    ]
    assert [value for _, value, _ in passed(made, report(rows))] == [10.0, 10.6]
    assert made.counts.deadband == 3
    counts = [("strokes", at * SECOND, value) for at, value in enumerate([1, 2, 3, 4])]
    assert [value for _, value, _ in passed(made, report(counts))] == [1, 4]


def test_a_change_of_status_passes_the_deadband() -> None:
    made = pipeline()
    rows = passed(
        made,
        report([("travel", 0, 10.0)]),
        report([("travel", SECOND, None)], status=codes.BAD_SENSOR_FAILURE),
        report([("travel", 2 * SECOND, 10.0)]),
    )
    assert rows == [(0, 10.0, 0), (1000, None, codes.BAD_SENSOR_FAILURE), (2000, 10.0, 0)]


def test_what_is_no_number_has_no_value_and_says_why() -> None:
    made = pipeline()
    wild = [math.nan, math.inf, -math.inf]
    rows = passed(made, report([("force", at * SECOND, value) for at, value in enumerate(wild)]))
    assert [(value, status) for _, value, status in rows] == [(None, codes.BAD_OUT_OF_RANGE)] * 3
    assert made.counts.not_finite == 3


def test_an_infinity_in_an_array_costs_the_array_and_a_nan_only_its_element() -> None:
    made = pipeline()
    arrays = [[1.0, math.inf], [math.nan, 2.0]]
    rows = passed(made, report([("heat", at * SECOND, value) for at, value in enumerate(arrays)]))
    assert rows[0][1:] == (None, codes.BAD_OUT_OF_RANGE)
    assert rows[1][2] == codes.GOOD
    assert math.isnan(rows[1][1][0])
    assert rows[1][1][1] == 2.0


def test_a_text_without_end_has_no_value_and_says_why() -> None:
    made = pipeline()
    texts = ["x" * TEXT_BYTES_MAX, "x" * (TEXT_BYTES_MAX + 1)]
    rows = passed(made, report([("visit", at * SECOND, value) for at, value in enumerate(texts)]))
    assert rows[0][1] == texts[0]
    assert rows[1][1:] == (None, codes.BAD_ENCODING_LIMITS_EXCEEDED)
    assert made.counts.text_too_long == 1


def test_a_clock_set_back_is_replaced_until_it_has_caught_up() -> None:
    made = pipeline()
    start, back = 100 * SECOND, 10 * SECOND
    kept = made.run(report([("force", start, 1.0)]))
    assert kept.stepped == ()
    kept = made.run(report([("force", back, 2.0)], received_ms=START_MS + 101_000))
    assert kept.stepped == (NUMBERS["force"],)
    assert kept.step_ms == 90_000
    assert rows_of(kept.samples)[0][1:3] == (START_MS + 101_000, codes.UNCERTAIN)
    again = made.run(
        report([("force", 99 * SECOND + 500 * MS, 3.0)], received_ms=START_MS + 102_000)
    )
    assert again.stepped == ()
    assert rows_of(again.samples)[0][1:3] == (START_MS + 102_000, codes.UNCERTAIN)
    caught = made.run(report([("force", 103 * SECOND, 4.0)]))
    assert rows_of(caught.samples)[0][1:3] == (START_MS + 103_000, codes.GOOD)


def test_a_clock_set_back_by_less_than_a_second_only_makes_time_rise() -> None:
    made = pipeline()
    rows = passed(made, report([("force", SECOND, 1.0)]), report([("force", 100 * MS, 2.0)]))
    assert rows == [(1000, 1.0, 0), (1001, 2.0, 0)]


def test_times_that_cannot_be_are_replaced_and_not_remembered() -> None:
    made = pipeline()
    absurd = [-START_MS * MS, -START_MS * MS - 11_644_473_600 * SECOND, (AHEAD_MS_MAX + 9) * MS]
    for at, ticks in enumerate(absurd):
        kept = made.run(report([("force", ticks, float(at))], received_ms=START_MS + at))
        assert rows_of(kept.samples)[0][1:3] == (START_MS + at, codes.UNCERTAIN)
    assert passed(made, report([("force", SECOND, 9.0)])) == [(1000, 9.0, codes.GOOD)]


def test_a_value_that_ought_to_change_is_said_to_be_stale_once() -> None:
    made = pipeline()
    made.run(report([("beat", 0, 4), ("force", 0, 1.0)], polled=True))
    assert not len(made.stale(START_MS + 5000).samples)
    stale = made.stale(START_MS + 5001).samples
    expected = (NUMBERS["beat"], START_MS + 5000, codes.UNCERTAIN_LAST_USABLE_VALUE, Type.INT, 4)
    assert rows_of(stale) == [expected]
    assert not len(made.stale(START_MS + 20_000).samples)
    assert passed(made, report([("beat", 30 * SECOND, 5)], polled=True)) == [(30_000, 5, 0)]
    assert len(made.stale(START_MS + 36_000).samples) == 1


VALUES = some.one_of(some.floats(-9, 9).map(lambda v: round(v, 1)), some.just(math.nan))
ROWS = some.lists(
    some.tuples(some.sampled_from(["force", "travel"]), some.integers(-40_000, 40_000_000), VALUES),
    max_size=40,
)


@given(ROWS, some.booleans())
def test_time_rises_strictly_per_tag_whatever_comes(rows: list[Any], polled: bool) -> None:
    made = pipeline()
    last: dict[int, int] = {}
    for start in range(0, len(rows), 7):
        one = report(rows[start : start + 7], polled=polled)
        for tag, time, *_ in rows_of(made.run(one).samples):
            assert time > last.get(tag, -1)
            last[tag] = time


@given(ROWS, some.integers(0, 40), some.booleans())
def test_the_cut_into_reports_changes_nothing(rows: list[Any], cut: int, polled: bool) -> None:
    received = START_MS + 5000
    parts = [rows, rows[:cut], rows[cut:]]
    whole, first, second = (report(part, received_ms=received, polled=polled) for part in parts)
    at_once, in_two = pipeline(), pipeline()
    one = sorted(rows_of(at_once.run(whole).samples), key=str)
    two = [row for part in (first, second) for row in rows_of(in_two.run(part).samples)]
    assert one == sorted(two, key=str)
    assert at_once.counts == in_two.counts


@given(ROWS)
def test_a_state_survives_its_bytes(rows: list[Any]) -> None:
    made = pipeline()
    made.run(report([*rows, ("visit", 1, "v-7")]))
    back = State.from_bytes(made.state.to_bytes())
    assert rows_of(back.samples()) == rows_of(made.state.samples())
    size = len(back.known)
    for name in ("ticks", "high", "reported"):
        assert getattr(back, name).tolist() == getattr(made.state, name)[:size].tolist()
