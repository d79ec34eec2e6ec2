"""Time jumps, never waits; executors run in order; the dead do nothing."""

from __future__ import annotations

import asyncio
import contextvars
import time
import uuid
from typing import Any

import pytest

from tests.world.clock import (
    PROCESS,
    START_MS,
    Killed,
    Process,
    Stuck,
    VirtualClock,
    VirtualLoop,
    virtual_time,
)

pytestmark = pytest.mark.world


def play(coroutine: Any, seed: int = 1) -> Any:
    """The result of a coroutine function that is given the loop."""
    loop = VirtualLoop(seed)
    with virtual_time(loop, seed) as runner:
        return runner.run(coroutine(loop))


def test_hours_pass_at_once_and_timers_ring_in_order() -> None:
    rung: list[tuple[float, str]] = []

    async def ring(name: str, seconds: float) -> None:
        await asyncio.sleep(seconds)
        rung.append((asyncio.get_running_loop().time(), name))

    async def main(loop: VirtualLoop) -> None:
        await asyncio.gather(ring("late", 7200.0), ring("early", 0.25), ring("noon", 3600.0))
        assert time.monotonic() == loop.time() == 7200.0

    real = time.perf_counter()
    play(main)
    assert time.perf_counter() - real < 5.0
    assert rung == [(0.25, "early"), (3600.0, "noon"), (7200.0, "late")]


def test_real_time_is_back_afterwards() -> None:
    before, new_id = time.monotonic, uuid.uuid4

    async def main(loop: VirtualLoop) -> list[uuid.UUID]:
        assert time.monotonic is not before
        return [uuid.uuid4(), uuid.uuid4()]

    first, second = play(main), play(main)
    assert first == second and first[0] != first[1] and first[0].version == 4
    assert play(main, seed=2) != first
    assert time.monotonic is before and uuid.uuid4 is new_id


def test_waiting_for_nothing_is_told() -> None:
    async def main(loop: VirtualLoop) -> None:
        await asyncio.Event().wait()

    with pytest.raises(Stuck, match="no timer is set"):
        play(main)


def test_a_loop_that_never_lets_time_pass_is_told() -> None:
    async def main(loop: VirtualLoop) -> None:
        def again() -> None:
            loop.call_soon(again)

        again()
        await asyncio.Event().wait()

    with pytest.raises(Stuck, match="turns of the loop"):
        play(main)


def test_a_clock_follows_the_time_and_steps() -> None:
    async def main(loop: VirtualLoop) -> None:
        clock, other = VirtualClock(loop), VirtualClock(loop)
        await asyncio.sleep(1.5)
        assert (clock.now_ms(), clock.ticks()) == (START_MS + 1500, (START_MS + 1500) * 10_000)
        clock.step(-60_000)
        await asyncio.sleep(0.5)
        assert clock.now_ms() == START_MS + 2000 - 60_000
        assert other.now_ms() == START_MS + 2000
        assert clock.monotonic() == other.monotonic() == 2.0

    play(main)


def test_executors_work_in_order_and_give_back_what_was_raised() -> None:
    done: list[int] = []

    def fail() -> None:
        raise ValueError("no")

    async def main(loop: VirtualLoop) -> None:
        futures = [loop.run_in_executor(None, done.append, n) for n in range(20)]
        finished: list[int] = []
        for number, future in enumerate(futures):
            future.add_done_callback(lambda _, n=number: finished.append(n))
        await asyncio.gather(*futures)
        await asyncio.sleep(0)
        assert finished == done == list(range(20))
        assert loop.time() > 0.0, "a disk takes its time"
        with pytest.raises(ValueError, match="no"):
            await asyncio.to_thread(fail)

    play(main)


def test_what_a_killed_process_would_do_has_no_effect() -> None:
    written: list[str] = []

    async def program() -> None:
        try:
            await asyncio.to_thread(written.append, "before")
            await asyncio.sleep(10.0)
        finally:
            await asyncio.to_thread(written.append, "after")

    async def main(loop: VirtualLoop) -> None:
        process, context = Process("victim"), contextvars.copy_context()
        context.run(PROCESS.set, process)
        task = loop.create_task(program(), context=context)
        released: list[str] = []
        process.at_death.append(lambda: released.append("socket"))
        await asyncio.sleep(1.0)
        process.kill()
        task.cancel()
        with pytest.raises(Killed):
            await task
        assert released == ["socket"]
        await asyncio.to_thread(written.append, "elsewhere")

    play(main)
    assert written == ["before", "elsewhere"]
