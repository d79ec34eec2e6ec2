"""The account of the runs with kills must itself find what is lost, doubled or in disorder."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

from refit.chaos.reckoning import EVER, Offer, is_told_by_a_poll, timed, walk
from refit.chaos.spans import Span
from stations.declare import Node, Register, Tag

TIMED = Tag(float, Node("Speed"), doc="Has times.")
SLACK = Tag(float, Node("Load"), deadband=0.5, doc="Has times and a deadband.")
POLLED = Tag(float, Register("input", 0, "float32"), doc="Has no times.")
COARSE = Tag(float, Register("input", 2, "float32"), deadband=0.5, doc="No times, a deadband.")
GOOD = 0
UNCERTAIN = 0x4000_0000


def offers(*values: float, polled: bool = False) -> list[Offer]:
    return [
        Offer(n, 100 * n, 100 * n, (GOOD, repr(value)), value, not polled)
        for n, value in enumerate(values, 1)
    ]


def stored(*rows: tuple[int, float]) -> list[tuple[int, tuple[int, str]]]:
    return [(ms, (GOOD, repr(value))) for ms, value in rows]


def judged(tag: Tag[float], listed: list[Offer], rows: list) -> tuple[list[int], list[int], int]:  # type: ignore[type-arg]
    missing, extra, new = walk(tag, listed, rows)
    return [offer.number for offer in missing], [time for time, _ in extra], new


def test_a_whole_run_is_whole() -> None:
    rows = stored((100, 1.0), (200, 2.0), (300, 2.0))
    assert judged(TIMED, offers(1.0, 2.0, 2.0), rows) == ([], [], 3)


def test_what_is_missing_is_named_and_the_rest_goes_on() -> None:
    rows = stored((100, 1.0), (300, 3.0))
    assert judged(TIMED, offers(1.0, 2.0, 3.0), rows) == ([2], [], 3)


@pytest.mark.parametrize("row", [(201, 2.0), (200, 2.5)])
def test_another_time_or_value_is_missing_and_extra(row: tuple[int, float]) -> None:
    assert judged(TIMED, offers(1.0, 2.0), stored((100, 1.0), row)) == ([2], [row[0]], 2)


def test_a_second_offer_of_the_same_is_nothing_new() -> None:
    listed = [*offers(1.0, 2.0), offers(1.0, 2.0)[1]]
    assert judged(TIMED, listed, stored((100, 1.0), (200, 2.0))) == ([], [], 2)
    assert judged(TIMED, listed, stored((100, 1.0))) == ([2, 2], [], 2)


def test_two_of_one_millisecond_are_told_apart() -> None:
    listed = [Offer(n, 100, 100, (GOOD, repr(float(n))), float(n), True) for n in (1, 2)]
    assert judged(TIMED, listed, stored((100, 1.0), (101, 2.0))) == ([], [], 2)


def test_the_deadband_counts_from_what_is_stored() -> None:
    assert judged(SLACK, offers(1.0, 1.4, 1.8), stored((100, 1.0), (300, 1.8))) == ([], [], 2)
    assert judged(SLACK, offers(1.0, 1.6, 1.8), stored((100, 1.0), (300, 1.8))) == ([2], [], 3)
    assert judged(SLACK, offers(1.0, 1.0), stored((100, 1.0))) == ([], [], 1)


def test_polls_have_an_order_only() -> None:
    listed = offers(5.0, 5.0, 6.0, 5.0, polled=True)
    assert judged(POLLED, listed, stored((117, 5.0), (318, 6.0), (419, 5.0))) == ([], [], 3)
    assert judged(POLLED, listed, stored((117, 5.0))) == ([3], [], 2)
    assert judged(POLLED, listed, stored((117, 5.0), (318, 6.0), (419, 7.0))) == ([4], [419], 3)


def test_an_answer_that_died_is_not_the_same_value_read_later() -> None:
    """1.8 was read and forgotten by a kill; 0.9 is within the band of 1.0; 1.8 is read again."""
    told = [(1, 100, 1.0), (2, 200, 1.8), (3, 9_000, 0.9), (4, 9_500, 1.8)]
    listed = [Offer(n, ms, ms, (GOOD, repr(value)), value, False) for n, ms, value in told]
    assert judged(COARSE, listed, stored((101, 1.0), (9_501, 1.8))) == ([2], [], 3)


def test_a_gap_covers_its_tags_its_connection_and_its_time() -> None:
    span = Span("s-1", "opcua", frozenset(), 100, 200, "why")
    assert span.covers("s-1", TIMED, 150, 150)
    assert span.covers("s-1", TIMED, 200, 250)
    assert not span.covers("s-1", TIMED, 201, 250)
    assert not span.covers("s-2", TIMED, 150, 150)
    assert not span.covers("s-1", POLLED, 150, 150)


def test_what_has_no_time_lies_between_two_changes(tmp_path: Path) -> None:
    events = [
        {"n": 1, "event": "read"},
        {"n": 2, "event": "change", "ticks": 100_0000},
        {"n": 3, "event": "item", "ticks": 50_0000},
        {"n": 4, "event": "read"},
        {"n": 5, "event": "change", "ticks": 200_0000},
        {"n": 6, "event": "read"},
    ]
    log = tmp_path / "truth.jsonl"
    log.write_bytes(b"".join(orjson.dumps(event) + b"\n" for event in events))
    found = {event["n"]: (start, end) for event, start, end in timed(log)}
    assert found[1] == (0, 100)
    assert found[3] == (50, 50)
    assert found[4] == (100, 200)
    assert found[6] == (200, EVER)


def test_what_comes_behind_a_clock_that_was_set_back_stands_under_the_agents_times() -> None:
    behind = [
        Offer(n, 100 * n, 100 * n, (GOOD, repr(float(n))), float(n), True)
        for n in (50, 3, 3, 4, 60)
    ]
    listed = [*offers(1.0, 2.0), *behind]
    uncertain = [(5_100, (UNCERTAIN, "3.0")), (5_200, (UNCERTAIN, "4.0"))]
    rows = [*stored((100, 1.0), (200, 2.0), (5_000, 50.0)), *uncertain, *stored((6_000, 60.0))]
    assert judged(TIMED, listed, rows) == ([], [], 6)
    assert judged(TIMED, listed, [*rows[:4], rows[5]]) == ([4], [], 6)


def test_what_has_caught_up_with_a_clock_that_was_set_back_waits_for_its_own_offer() -> None:
    """The deadband hides the last value before the step; what is stored next is older than that."""
    times = [(1, 5_000, 1.0), (2, 6_000, 1.1), (3, 3_000, 1.2), (4, 5_001, 2.0), (5, 7_000, 3.0)]
    listed = [Offer(n, ms, ms, (GOOD, repr(value)), value, True) for n, ms, value in times]
    rows = stored((5_000, 1.0), (5_001, 2.0), (7_000, 3.0))
    assert judged(SLACK, listed, rows) == ([], [], 3)


def test_a_poll_that_failed_tells_of_an_answer_that_never_came() -> None:
    rows = stored((10, 1.0), (30, 3.0))
    assert is_told_by_a_poll(rows, 1, [20])
    assert not is_told_by_a_poll(rows, 1, [5, 40])
    assert is_told_by_a_poll(rows, 2, [40])


def test_what_stands_in_waits_while_a_deadband_hides_the_last_of_the_old_clock() -> None:
    """The last value before the step is within the deadband, and later than what stands in."""
    times = [(1, 5_000, 1.0), (2, 6_000, 1.1), (3, 2_000, 2.0), (4, 7_000, 3.0)]
    listed = [Offer(n, ms, ms, (GOOD, repr(value)), value, True) for n, ms, value in times]
    rows = [*stored((5_000, 1.0)), (5_001, (UNCERTAIN, "2.0")), *stored((7_000, 3.0))]
    assert judged(SLACK, listed, rows) == ([], [], 3)
