"""Order by sequence number, and the pace of rebirth requests (rows 35, 38)."""

from __future__ import annotations

import itertools
import random

from hypothesis import given
from hypothesis import strategies as st

from wire.sparkplug.asker import Asker, Pace
from wire.sparkplug.reorder import Order


@given(st.integers(0, 255), st.data())
def test_any_order_within_the_window_comes_out_right(start: int, data: st.DataObject) -> None:
    count = data.draw(st.integers(1, 60))
    order: Order[int] = Order(1000)
    order.start(start)
    items = list(range(count))
    got: list[int] = []
    for i in data.draw(st.permutations(items)):
        got += order.offer((start + 1 + i) % 256, i, 1, 0)
    assert got == items and len(order) == 0 and not order.is_expired(10_000)


def test_the_sequence_goes_on_over_255() -> None:
    order: Order[int] = Order(1000)
    order.start(0)
    got = [item for i in range(1, 1000) for item in order.offer(i % 256, i, 1, 0)]
    assert got == list(range(1, 1000))


def test_one_timer_runs_from_the_oldest_that_waits() -> None:
    order: Order[str] = Order(1000)
    order.start(0)
    order.offer(2, "b", 1, 100)
    order.offer(4, "d", 1, 600)
    assert not order.is_expired(1099) and order.is_expired(1100)
    assert order.offer(1, "a", 1, 900) == ["a", "b"]
    assert not order.is_expired(1599) and order.is_expired(1600)
    assert order.offer(3, "c", 1, 1500) == ["c", "d"]
    assert not order.is_expired(99_999)


def test_what_waits_is_bounded() -> None:
    order: Order[str] = Order(1000, bytes_max=100)
    order.start(0)
    order.offer(2, "b", 60, 0)
    assert not order.is_expired(1)
    order.offer(3, "c", 60, 0)
    assert order.is_expired(1)
    order.start(0)
    order.offer(2, "b", 1, 0)
    order.offer(2, "again", 1, 0)
    assert order.is_expired(1) and len(order) == 1


def test_what_comes_twice_is_known_and_does_not_wait() -> None:
    order: Order[int] = Order(1000)
    order.start(0)
    got: list[int] = []
    for i in range(1, 600):
        for _ in range(2):
            got += order.offer(i % 256, i, 1, 0, mark=i)
        got += order.offer((i - 5) % 256, i - 5, 1, 0, mark=i - 5) if i > 5 else []
    assert got == list(range(1, 600)) and len(order) == 0
    assert order.repeated == 599 + 594
    order.offer(90, 1, 1, 0, mark=7)
    order.offer(90, 1, 1, 0, mark=7)
    assert len(order) == 1 and not order.is_expired(1)


def test_a_clock_set_back_does_not_stretch_the_timer() -> None:
    order: Order[str] = Order(1000)
    order.start(0)
    order.offer(2, "b", 1, 1_000_000)
    assert order.is_expired(500)


def test_what_waited_comes_back_in_order() -> None:
    order: Order[str] = Order(1000)
    order.start(254)
    order.offer(1, "c", 1, 0)
    order.offer(0, "b", 1, 0)
    assert order.clear() == ["b", "c"] and len(order) == 0


def times(asker: Asker, end_ms: int, step_ms: int = 10) -> list[int]:
    """When requests go out while births are asked for all the time and never come."""
    found = []
    for now in range(0, end_ms, step_ms):
        asker.ask(now)
        if asker.take(now):
            found.append(now)
    return found


@given(st.integers(0, 2**32))
def test_requests_back_off(seed: int) -> None:
    found = times(Asker(Pace(100, 1_000, 8_000), random.Random(seed)), 40_000)
    gaps = [right - left for left, right in itertools.pairwise(found)]
    assert found[0] <= 100
    assert all(gap >= 1_000 for gap in gaps) and len(found) <= 10
    assert all(8_000 <= gap <= 8_110 for gap in gaps[4:])


def test_a_request_long_after_the_last_one_does_not_wait() -> None:
    asker = Asker(Pace(0, 1_000, 8_000), random.Random(0))
    assert len(times(asker, 10_000)) > 2
    asker.cancel()
    asker.ask(100_000)
    assert asker.take(100_000)
    asker.ask(100_001)
    assert asker.due_ms == 101_000


def test_births_that_come_cancel_the_request() -> None:
    asker = Asker(Pace(0, 1_000, 8_000), random.Random(0))
    asker.ask(0)
    asker.cancel()
    assert not asker.take(10) and asker.due_ms is None


def test_a_clock_set_back_does_not_put_a_request_off() -> None:
    asker = Asker(Pace(0, 1_000, 8_000), random.Random(0))
    asker.ask(10_000_000)
    assert asker.take(0)
