"""The gate: in order, whatever delays and stalls there are."""

from __future__ import annotations

import asyncio

from simulators.gate import HELD_MAX, Gate


async def test_what_was_held_comes_first_and_in_order() -> None:
    gate, passed = Gate(), list[int]()
    gate.put(lambda: passed.append(1))
    gate.shut()
    gate.put(lambda: passed.append(2))
    gate.put(lambda: passed.append(3))
    assert passed == [1]
    gate.open()
    gate.put(lambda: passed.append(4))
    assert passed == [1, 2, 3, 4]


async def test_a_delay_keeps_the_order_and_may_end_by_count() -> None:
    gate, passed = Gate(), list[int]()
    gate.delay_s, gate.delays_left = 0.02, 1
    done = asyncio.Event()
    gate.put(lambda: passed.append(1))
    gate.put(lambda: passed.append(2))
    gate.put(done.set)
    assert passed == []
    await done.wait()
    assert passed == [1, 2]
    assert gate.delays_left == 0


async def test_what_is_held_is_bounded_and_counted() -> None:
    gate = Gate()
    gate.shut()
    for _ in range(HELD_MAX + 3):
        gate.put(lambda: None)
    assert gate.dropped == 3
