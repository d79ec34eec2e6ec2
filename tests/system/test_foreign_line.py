"""The comparison with a foreign Modbus server is tested itself: it finds what it must find."""

from __future__ import annotations

import pytest

from stations.declare import Register, Tag
from stations.status import (
    BAD_DEVICE_FAILURE,
    BAD_NO_COMMUNICATION,
    BAD_NODE_ID_UNKNOWN,
    BAD_TIMEOUT,
    GOOD,
)
from tests.system.foreign_modbus import Answer, Fact, Line, Row, Truth

TAG: Tag[int] = Tag(int, Register("input", 0), doc="A register.")
KILL_MS, TIMEOUT_MS = 5_000, 1_000


def answer(ms: int, turn: int, code: int = 0, asked_ms: int | None = None) -> Answer:
    return Answer(ms, ms if asked_ms is None else asked_ms, "input", 0, 1, code, turn)


ANSWERS = [
    answer(1_000, 1), answer(2_000, 1), answer(3_000, 2), answer(3_500, 3, code=4),
    answer(4_000, 3), answer(4_900, 4), answer(9_000, 5),
]  # fmt: skip
LATE = [answer(12_000, 9, asked_ms=10_500)]


def good(turn: int) -> Fact:
    return GOOD, 7 * turn


RIGHT: list[Row] = [
    (1_001, good(1)), (3_002, good(2)), (3_501, (BAD_DEVICE_FAILURE, None)), (4_000, good(3)),
    (5_100, (BAD_NO_COMMUNICATION, None)), (9_000, good(5)), (11_500, (BAD_TIMEOUT, None)),
]  # fmt: skip


def differences(rows: list[Row]) -> list[str]:
    truth = Truth(times=list(range(0, 15_000, 40)))
    line = Line(TAG, truth, [*ANSWERS, *LATE], LATE, [KILL_MS], TIMEOUT_MS)
    return list(line.differences(rows))


def test_what_is_right_has_no_difference() -> None:
    assert differences(RIGHT) == []
    # The answer just before the kill may have arrived.
    assert differences([*RIGHT[:4], (4_950, good(4)), *RIGHT[4:]]) == []


@pytest.mark.parametrize("index", [0, 1, 3, 5])
def test_a_value_that_is_not_stored_is_found(index: int) -> None:
    found = differences(RIGHT[:index] + RIGHT[index + 1 :])
    assert found
    assert all("was read, not stored" in one for one in found)


@pytest.mark.parametrize(
    "row",
    [
        (1_500, good(2)),
        (1_500, (GOOD, 3)),
        (2_500, (BAD_TIMEOUT, None)),
        (2_500, (BAD_NO_COMMUNICATION, None)),
        (3_200, (BAD_DEVICE_FAILURE, None)),
        (3_600, (BAD_NODE_ID_UNKNOWN, None)),
        (12_500, good(9)),
    ],
)
def test_what_was_never_read_is_found(row: Row) -> None:
    found = differences(sorted([*RIGHT, row]))
    assert any("is stored, not read" in one for one in found)


def test_a_server_that_got_no_time_itself_is_a_reason_for_a_timeout() -> None:
    rows = [*RIGHT[:2], (3_300, (BAD_TIMEOUT, None)), *RIGHT[2:]]
    truth = Truth(times=[*range(0, 2_000, 40), *range(3_200, 15_000, 40)])
    line = Line(TAG, truth, [*ANSWERS, *LATE], LATE, [KILL_MS], TIMEOUT_MS)
    assert list(line.differences(rows)) == []
