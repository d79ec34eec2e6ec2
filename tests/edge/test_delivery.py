"""What is under way, what goes again, and how fast."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from edge.delivery import ACK_S, DOUBT_S, DOUBTS_MAX, PROBE_S, SAMPLES_PER_S, WINDOW, Delivery


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


def proven(delivery: Delivery, now: float) -> None:
    """A mark is put and answered."""
    number = delivery.next_mark(now)
    assert number is not None
    delivery.marked(now)
    delivery.reached(number)


def test_for_a_host_that_confirms_nothing_only_a_mark_that_was_answered_counts() -> None:
    delivery = Delivery(settle_s=20.0)
    assert delivery.next_mark(0.0) is None, "nothing is under way"
    delivery.sent_live(1, 0.0)
    delivery.sent_live(2, 15.0)
    delivery.expire(100.0)
    assert delivery.expired == 0
    assert delivery.settled() == []
    proven(delivery, 19.0)
    assert delivery.settled() == []
    assert delivery.next_mark(20.0) is None, "not one after the other at once"
    proven(delivery, 21.0)
    assert delivery.settled() == [(1, 1)]


def test_a_mark_that_is_not_answered_proves_nothing_and_is_not_repeated() -> None:
    delivery = Delivery(settle_s=20.0)
    delivery.sent_live(1, 0.0)
    delivery.marked(50.0)
    assert delivery.next_mark(90.0) is None and delivery.unanswered_s(90.0) == 40.0
    assert delivery.settled() == []
    delivery.ended()
    delivery.sent_again(1, 1, 91.0)
    delivery.reached(1)
    assert delivery.settled() == [], "an answer of the session before is none"
    assert delivery.next_mark(92.0) == 2


def test_what_is_in_doubt_goes_again_and_not_for_ever() -> None:
    delivery, now = Delivery(settle_s=20.0), 0.0
    for turn in range(1, 6):
        delivery.sent_live(1, now)
        proven(delivery, now + 21.0)
        delivery.doubt()
        goes_again = delivery.give_back(now + 21.0)
        assert goes_again == (turn <= DOUBTS_MAX)
        assert delivery.settled() == ([] if goes_again else [(1, 1)])
        now += DOUBT_S
    assert not Delivery().give_back(0.0)


def test_doubts_wait_for_each_other_and_nothing_settles_meanwhile() -> None:
    delivery = Delivery(settle_s=20.0)
    delivery.sent_live(1, 0.0)
    delivery.doubt()
    assert delivery.give_back(1.0)
    delivery.sent_again(1, 1, 1.0)
    proven(delivery, 22.0)
    delivery.doubt()
    assert not delivery.give_back(22.0) and delivery.settled() == []
    assert delivery.give_back(1.0 + DOUBT_S) and delivery.under_way == set()


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
