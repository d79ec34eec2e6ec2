"""A notification that never came and cannot be had again: read from the history, else a gap."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from edge.sources import publish
from edge.sources.notification import Notification
from stations.status import GOOD
from tests.sources.recorder import Recorder
from tests.sources.test_opcua_continuity import ANGLE, SPEED, historised, reading, turned, values

pytestmark = pytest.mark.system


@pytest.fixture
def lost(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """The third notification never comes, and the server has forgotten it."""
    dropped, original = asyncio.Event(), publish.parse_publish

    def losing(answer: bytes) -> Notification:
        found = original(answer)
        if found.sequence == 3 and found.changes:
            dropped.set()
            return replace(found, changes=())
        return found

    async def forgotten(_: publish.Publisher, subscription: int, sequence: int) -> None:
        return None

    monkeypatch.setattr(publish, "parse_publish", losing)
    monkeypatch.setattr(publish.Publisher, "republish", forgotten)
    return dropped


@pytest.mark.parametrize("next_is", ["Angle", "Speed"])
async def test_what_the_history_has_of_it_is_no_gap(lost: asyncio.Event, next_is: str) -> None:
    """Of the tag of the next notification up to there, of the other one up to what it is now."""
    async with historised() as machine:
        sink = Recorder()
        async with reading(machine, sink, items=(ANGLE, SPEED)) as source:
            await turned(machine, 1, 1)
            await sink.until(lambda: 1.0 in values(sink), "the second notification")
            await turned(machine, 10, 5)
            await lost.wait()
            await machine.write(next_is, 20.0)
            await sink.until(lambda: 20.0 in values(sink, 1 + (next_is == "Speed")), "the next")
            await turned(machine, 30, 3)
            await sink.until(lambda: 32.0 in values(sink), "the last")
            assert source.status.counters["notifications lost"] == 1
            assert source.status.counters["values from history"] == 5
    angles = [0.0, 1.0, 10.0, 11.0, 12.0, 13.0, 14.0]
    assert values(sink) == [*angles, *([20.0] if next_is == "Angle" else []), 30.0, 31.0, 32.0]
    assert {status for status, _ in sink.rows(1)} == {GOOD}
    (gap,) = sink.gaps  # of the speed nothing is kept
    assert (gap.numbers, gap.reason) == ((2,), "notification lost")
