"""Refused samples: kept, readable, bounded."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from plant.dead_letters import DeadLetters
from plant.stores.store import Refusal
from tests.plant.points import T0


def refusal(time_ms: int = T0, value: str = "nan", reason: str = "not finite") -> Refusal:
    return Refusal("studio-1", "angle", time_ms, 0x8000_0000, "float", value, reason)


@pytest.fixture
def letters(tmp_path: Path) -> Iterator[DeadLetters]:
    with closing(DeadLetters(tmp_path / "samples.dead.db", rows_max=5)) as letters:
        yield letters


def test_a_refused_sample_is_kept_with_reason_time_and_sender(
    letters: DeadLetters, tmp_path: Path
) -> None:
    letters.add([("pc-1", [refusal()]), ("pc-2", [refusal(T0 + 1)])], T0 + 50)
    letters.close()
    with closing(DeadLetters(tmp_path / "samples.dead.db")) as again:
        (letter,) = again.read("pc-1")
        assert (letter.refused_ms, letter.agent, letter.refusal) == (T0 + 50, "pc-1", refusal())
        assert [one.agent for one in again.read()] == ["pc-2", "pc-1"]


def test_the_same_sample_refused_again_is_one_entry(letters: DeadLetters) -> None:
    letters.add([("pc-1", [refusal(), refusal()])], T0)
    letters.add([("pc-1", [refusal(value="inf")])], T0 + 9)
    assert letters.count() == 1
    assert letters.read()[0].refusal.value == "inf"
    letters.add([("pc-2", [refusal()]), ("pc-1", [refusal(reason="other")])], T0)
    assert letters.count() == 3


def test_the_oldest_go_at_the_bound_and_are_counted(letters: DeadLetters) -> None:
    letters.add([("pc-1", [refusal(T0 + i) for i in range(12)])], T0)
    assert letters.count() == 5
    assert letters.dropped() == 7
    assert [one.refusal.time_ms - T0 for one in letters.read(limit=2)] == [11, 10]


def test_nothing_refused_writes_nothing(letters: DeadLetters) -> None:
    letters.add([("pc-1", [])], T0)
    assert letters.count() == letters.dropped() == 0
