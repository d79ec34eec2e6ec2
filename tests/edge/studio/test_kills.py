"""An agent that is killed at any write to its disk, before it or after it, loses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from edge.studio import session
from edge.studio.shelf import Shelf
from tests.edge.studio.bench import Bench
from tests.edge.studio.steps import STEPS
from tests.edge.studio.stills import Stills

EVERY = 18
WRITES_MAX = 90


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setattr(session, "TICK_S", 0.01)
    stills = Stills()
    yield Bench(tmp_path, stills)
    stills.close()


class Power:
    """Goes off at the n-th write: nothing after it is done, until it is on again."""

    def __init__(self, at: int, *, before: bool) -> None:
        self.left, self.before, self.is_off = at, before, False
        self.off = asyncio.Event()  # tells the loop

    def writes(self) -> bool:
        """Whether this write reaches the disk."""
        self.left -= 1
        if self.left:
            return not self.is_off
        self.is_off = True
        return not self.before


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("at", range(1, WRITES_MAX, EVERY))
async def test_a_kill_at_a_write(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, at: int, before: bool
) -> None:
    power = Power(at, before=before)
    loop = asyncio.get_running_loop()
    for name in ("remember", "take", "finish"):
        real = getattr(Shelf, name)

        def cut(self: Shelf, *args: Any, real: Any = real) -> Any:
            if power.is_off:
                raise asyncio.CancelledError
            if power.writes():
                done = real(self, *args)
                if power.left:
                    return done
            loop.call_soon_threadsafe(power.off.set)
            raise asyncio.CancelledError

        monkeypatch.setattr(Shelf, name, cut)
    dead = loop.create_task(power.off.wait())
    done = 0
    async with bench.running():
        for one in STEPS:
            step = loop.create_task(one(bench))
            await asyncio.wait({step, dead}, return_when=asyncio.FIRST_COMPLETED)
            if power.off.is_set():
                step.cancel()
                await asyncio.gather(step, return_exceptions=True)
                break
            await step
            done += 1
    dead.cancel()
    await asyncio.gather(dead, return_exceptions=True)
    monkeypatch.undo()
    monkeypatch.setattr(session, "TICK_S", 0.01)
    async with bench.running():
        await resume(bench, done)
        data = await bench.recorded()
    assert data["complete"], data["reasons"]
    assert len(bench.records) == 1


async def resume(bench: Bench, done: int) -> None:
    """The machines do not know that the agent was dead: what was shown and shot stays so."""
    await bench.taken()
    for one in STEPS[done:]:
        await one(bench)
