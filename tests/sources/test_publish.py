"""The order of notifications, and the seam to the library's session."""

from __future__ import annotations

import inspect

from asyncua.client.ua_session import UaSession
from hypothesis import given
from hypothesis import strategies as st

from edge.sources.publish import Order


def test_the_seam_has_not_moved() -> None:
    """Fails when the library changes what publish.py builds upon."""
    parameters = inspect.signature(UaSession._send_request).parameters
    assert list(parameters)[:3] == ["self", "request", "timeout"]
    callers = [
        name for name, member in inspect.getmembers(UaSession, inspect.isfunction)
        if "ensure_publish_loop" in member.__code__.co_names
    ]  # fmt: skip
    assert callers == ["create_subscription"]
    assert "_send_request" in UaSession.create_monitored_items.__code__.co_names


def test_one_after_another_nothing_is_missing() -> None:
    order = Order()
    assert [order.offer(sequence) for sequence in (1, 2, 3)] == [(True, [])] * 3


def test_a_repeat_is_known() -> None:
    order = Order()
    order.offer(1)
    order.offer(2)
    assert order.offer(1) == (False, [])
    assert order.offer(3) == (True, [])


def test_a_keep_alive_uses_no_number_and_shows_what_is_missing() -> None:
    order = Order()
    assert order.offer(1, is_keep_alive=True) == (False, [])
    assert order.offer(1) == (True, [])
    assert order.offer(4, is_keep_alive=True) == (False, [2, 3])
    assert order.offer(4) == (True, [])


def test_after_the_last_number_comes_one() -> None:
    order = Order()
    order._next = 0xFFFF_FFFF
    assert order.offer(0xFFFF_FFFF) == (True, [])
    assert order.offer(2) == (True, [1])
    assert order.offer(0xFFFF_FFFF) == (False, [])


@given(st.lists(st.integers(1, 40), min_size=1, max_size=40))
def test_every_number_up_to_the_highest_is_either_new_or_missing_exactly_once(
    arrivals: list[int],
) -> None:
    order = Order()
    seen: list[int] = []
    for sequence in arrivals:
        is_new, missing = order.offer(sequence)
        seen += [*missing, *([sequence] if is_new else [])]
    assert seen == list(range(1, max(arrivals) + 1))
