"""What waits for the store: bounded for one agent and for all, and room comes back."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest

from plant import writer as bounds
from plant.dead_letters import DeadLetters
from plant.stores.store import STATION_STATE
from plant.writer import Item, Writer
from tests.plant.plant import FaultyStore, ManualClock
from tests.plant.points import T0, angles
from wire.sparkplug.effects import EdgeId

SOME = 10


@pytest.fixture
def store(tmp_path: Path) -> Iterator[FaultyStore]:
    with closing(FaultyStore(tmp_path / "samples.db")) as store:
        yield store


@pytest.fixture
def writer(store: FaultyStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Writer]:
    """A writer with room for three items of each agent, and five of all."""
    monkeypatch.setattr(bounds, "SAMPLES_MAX_AGENT", 3 * SOME)
    monkeypatch.setattr(bounds, "SAMPLES_MAX", 5 * SOME)
    with closing(DeadLetters(tmp_path / "dead.db")) as letters:
        yield Writer(store, letters, ManualClock(), Random(1))


def item(agent: str, number: int = 0, samples: int = SOME) -> Item:
    return Item(EdgeId("works", agent), angles([1.0] * samples, T0 + number * 10_000))


def test_room_that_was_taken_comes_back_with_the_write(writer: Writer) -> None:
    for turn in range(3):
        taken = [writer.offer(item("pc-1", 10 * turn + number)) for number in range(4)]
        assert taken == [True, True, True, False]
        assert len(writer.write(now=True)) == 3
        assert (len(writer), writer.samples) == (0, 0)
    assert writer.tally.dropped == {"pc-1": 3 * SOME}
    assert writer.tally.stored == {"pc-1": 9 * SOME}


def test_one_agent_leaves_room_for_the_others(writer: Writer) -> None:
    assert [writer.offer(item("pc-1", number)) for number in range(4)] == [True] * 3 + [False]
    assert [writer.offer(item("pc-2", number)) for number in range(3)] == [True] * 2 + [False]
    assert writer.offer(item("pc-3")), "the first item of an agent always fits"
    assert not writer.offer(item("pc-3", 1))


def test_an_item_that_is_larger_than_the_bound_fits_when_it_is_the_first(writer: Writer) -> None:
    assert writer.offer(item("pc-1", samples=100))
    assert len(writer.write(now=True)) == 1


def test_what_waits_for_a_store_that_is_gone_keeps_its_room(
    writer: Writer, store: FaultyStore
) -> None:
    store.gone = True
    assert [writer.offer(item("pc-1", number)) for number in range(3)] == [True] * 3
    assert writer.write(now=True) == [] and writer.problem
    assert not writer.offer(item("pc-1", 3))
    store.gone = False
    assert len(writer.write(now=True)) == 3 and not writer.problem
    assert writer.offer(item("pc-1", 3))


def test_items_without_samples_are_bounded_too(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bounds, "ITEMS_MAX", SOME)
    taken = [writer.offer(item("pc-1", number, samples=0)) for number in range(2 * SOME)]
    assert taken == [True] * SOME + [False] * SOME
    assert len(writer.write(now=True)) == SOME


def test_what_a_store_refuses_of_our_own_is_counted_and_no_dead_letter(
    store: FaultyStore, tmp_path: Path
) -> None:
    with closing(DeadLetters(tmp_path / "own.db")) as letters:
        writer = Writer(store, letters, ManualClock(), Random(1))
        wrong = angles([math.nan])
        writer.offer(Item(None, dataclasses.replace(wrong, measurement=STATION_STATE)))
        writer.offer(Item(EdgeId("works", "pc-1"), wrong))
        assert len(writer.write(now=True)) == 2
        assert writer.tally.refused == {"": 1, "pc-1": 1}
        assert letters.count() == 1
