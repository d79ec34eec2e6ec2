"""What is under way, what goes again, and how fast."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from edge.delivery import ACK_S, PROBE_S, SAMPLES_PER_S, WINDOW, Delivery


def test_what_is_confirmed_is_no_longer_under_way() -> None:
    delivery = Delivery()
    for position in range(1, 6):
        delivery.sent_live(position, 0.0)
    delivery.sent_again(9, 10, 0.0)
    assert delivery.confirmed([(2, 3), (9, 40)]) == 3
    assert delivery.under_way == {1, 4, 5}


def test_what_is_not_confirmed_in_time_is_backlog() -> None:
    delivery = Delivery()
    delivery.sent_live(1, 0.0)
    delivery.sent_live(2, 1.0)
    delivery.expire(ACK_S + 0.5)
    assert delivery.under_way == {2}
    assert delivery.expired == 1


def test_a_store_that_settles_slowly_is_given_its_time() -> None:
    delivery = Delivery(ack_s=ACK_S + 15)
    delivery.sent_live(1, 0.0)
    delivery.expire(ACK_S + 14.9)
    assert delivery.under_way == {1}
    delivery.expire(ACK_S + 15.1)
    assert delivery.under_way == set()


def test_without_confirmations_only_a_probe_goes_out_now_and_then() -> None:
    delivery = Delivery()
    delivery.allowance(0.0)
    delivery.sent_live(1, 0.0)
    now = ACK_S + 1
    delivery.expire(now)
    assert delivery.allowance(now) == 1
    delivery.sent_again(1, 10, now)
    assert delivery.allowance(now + PROBE_S - 0.1) == 0
    assert delivery.allowance(now + PROBE_S) == 1
    delivery.confirmed([(1, 1)])
    assert delivery.allowance(now + PROBE_S) == WINDOW


def test_the_end_of_the_session_makes_all_of_it_backlog_at_once() -> None:
    delivery = Delivery()
    delivery.sent_live(1, 0.0)
    delivery.sent_again(2, 1, 0.0)
    delivery.ended()
    assert delivery.under_way == set()
    assert delivery.allowance(1.0) == WINDOW


def test_a_host_that_confirms_nothing_is_given_its_time() -> None:
    delivery = Delivery(settle_s=20.0)
    delivery.sent_live(1, 0.0)
    delivery.sent_live(2, 15.0)
    delivery.expire(100.0)
    assert delivery.expired == 0
    assert delivery.settled(21.0) == [(1, 1)]


@given(some.lists(some.tuples(some.integers(1, 4000), some.floats(0, 0.2)), max_size=200))
def test_the_backlog_keeps_its_rate_and_its_window(sends: list[tuple[int, float]]) -> None:
    delivery, now, samples = Delivery(), 0.0, 0
    for position, (rows, wait) in enumerate(sends):
        now += wait
        if delivery.allowance(now) > 0:
            delivery.sent_again(position, rows, now)
            samples += rows
        assert len(delivery.historical) <= WINDOW
    assert samples <= SAMPLES_PER_S * (now + 0.25) + 4000


def test_where_nothing_is_confirmed_only_the_rate_holds_the_backlog() -> None:
    delivery = Delivery(settle_s=20.0)
    delivery.allowance(0.0)
    for position in range(10 * WINDOW):
        assert delivery.allowance(1.0) == WINDOW
        delivery.sent_again(position, 1, 1.0)
    delivery.sent_again(9999, SAMPLES_PER_S, 1.0)
    assert delivery.allowance(1.0) == 0
