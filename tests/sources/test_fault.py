"""What a library raises becomes a fault, and what it swallows is not lost."""

from __future__ import annotations

import asyncio

import pytest

from edge.sources.fault import MachineFault, machine


async def _swallows_cancellation() -> None:
    """A call like those of a library that waits with `asyncio.wait_for` in Python 3.11."""
    try:
        await asyncio.get_running_loop().create_future()
    except asyncio.CancelledError:
        return


@pytest.mark.parametrize("error", [OSError("gone"), TimeoutError(), ValueError("not like that")])
async def test_what_a_library_raises_is_a_fault_of_the_machine(error: Exception) -> None:
    with pytest.raises(MachineFault, match=type(error).__name__), machine():
        raise error


async def test_a_cancellation_that_a_library_swallows_ends_the_task_all_the_same() -> None:
    async def read_for_ever() -> None:
        while True:
            with machine():
                await _swallows_cancellation()

    task = asyncio.create_task(read_for_ever())
    await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=10)
    assert done and task.cancelled()


async def test_a_fault_that_comes_with_a_cancellation_ends_the_task_too() -> None:
    async def read_for_ever() -> None:
        while True:
            try:
                with machine():
                    await _swallows_cancellation()
                    raise OSError("closed")
            except MachineFault:
                continue

    task = asyncio.create_task(read_for_ever())
    await asyncio.sleep(0)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=10)
    assert done and task.cancelled()
