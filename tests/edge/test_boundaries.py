"""The limits of the pipeline and of the delivery, looked at from both sides."""

from __future__ import annotations

import pytest

from edge.delivery import SAMPLES_PER_S, WINDOW, Delivery
from edge.pipeline import Pipeline
from edge.state import AHEAD_MS_MAX, EARLIEST_MS
from stations import status as codes
from tests.edge.reports import START_MS, TAGS, report, rows_of

MS = 10_000


def pipeline() -> Pipeline:
    made = Pipeline()
    made.declare(TAGS)
    return made


@pytest.mark.parametrize(("back_ms", "is_step"), [(999, False), (1000, False), (1001, True)])
def test_a_step_back_begins_behind_one_second(back_ms: int, is_step: bool) -> None:
    made = pipeline()
    made.run(report([("force", 10_000 * MS, 1.0)]))
    at = 10_000 - back_ms
    kept = made.run(report([("force", at * MS, 2.0)], received_ms=START_MS + 20_000))
    (row,) = rows_of(kept.samples)
    expected = (START_MS + 20_000, codes.UNCERTAIN) if is_step else (START_MS + 10_001, codes.GOOD)
    assert row[1:3] == expected
    assert bool(kept.stepped) is is_step


@pytest.mark.parametrize(
    ("at_ms", "is_absurd"),
    [
        (EARLIEST_MS, False),
        (EARLIEST_MS - 1, True),
        (START_MS + AHEAD_MS_MAX, False),
        (START_MS + AHEAD_MS_MAX + 1, True),
    ],
)
def test_a_time_is_believed_from_1990_to_a_day_ahead(at_ms: int, is_absurd: bool) -> None:
    kept = pipeline().run(report([("force", (at_ms - START_MS) * MS, 1.0)], received_ms=START_MS))
    (row,) = rows_of(kept.samples)
    expected = (START_MS, codes.UNCERTAIN) if is_absurd else (at_ms, codes.GOOD)
    assert row[1:3] == expected


def test_a_deadband_covers_good_values_only() -> None:
    made = pipeline()
    doubtful = [
        made.run(report([("travel", at * 1000 * MS, value)], status=codes.UNCERTAIN))
        for at, value in enumerate([10.0, 10.1])
    ]
    assert [len(kept.samples) for kept in doubtful] == [1, 1]
    assert made.counts.deadband == 0


def test_a_long_pause_saves_no_more_than_a_quarter_of_a_second() -> None:
    delivery = Delivery()
    assert delivery.allowance(1000.0) == WINDOW
    delivery.sent_again(1, SAMPLES_PER_S // 2, 1000.0)
    assert delivery.allowance(1000.2) == 0
    assert delivery.allowance(1000.3) == WINDOW - 1
