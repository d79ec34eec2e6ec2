"""The queue before the broker, and the waiting times between attempts."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.backoff import BackOff
from wire.mqtt import Message
from wire.mqtt.outgoing import Outgoing


def opened(count_max: int = 1_000, bytes_max: int = 1_000_000) -> Outgoing:
    queue = Outgoing(count_max, bytes_max)
    queue.open(bytes_max)
    return queue


def taken(queue: Outgoing, *, sure: bool = True) -> list[bytes]:
    payloads = []
    while (message := queue.take(sure=sure)) is not None:
        payloads.append(message.payload)
    return payloads


@given(st.lists(st.tuples(st.integers(0, 1), st.booleans()), max_size=40))
def test_each_quality_keeps_its_order_and_nothing_is_lost(steps: list[tuple[int, bool]]) -> None:
    queue, given, seen = opened(), [], []
    for number, (qos, sure) in enumerate(steps):
        message = Message("t", number.to_bytes(2), qos)
        assert queue.put(message)
        given.append(message)
        if number % 3 == 0 and (one := queue.take(sure=sure)) is not None:
            assert sure or one.qos == 0
            seen.append(one)
    while (one := queue.take(sure=True)) is not None:
        seen.append(one)
    for qos in (0, 1):
        assert [m for m in seen if m.qos == qos] == [m for m in given if m.qos == qos]
    assert len(queue) == 0


def test_the_bounds_refuse_and_count() -> None:
    queue = opened(count_max=2, bytes_max=100)
    assert [queue.put(Message("t", b"")) for _ in range(3)] == [True, True, False]
    assert queue.refused == 1
    queue = opened(bytes_max=100)
    assert queue.put(Message("t", bytes(60)))
    assert not queue.put(Message("t", bytes(60)))
    queue.take(sure=True)
    assert queue.put(Message("t", bytes(60))), "what was taken out makes room"


def test_nothing_is_taken_without_a_session() -> None:
    queue = Outgoing(10, 100)
    assert not queue.put(Message("t", b""))
    assert queue.refused == 0
    queue.finish([Message("t", b"")])
    assert len(queue) == 0


def test_the_last_words_come_last_and_need_no_room() -> None:
    queue = opened(count_max=1)
    queue.put(Message("t", b"data"))
    queue.finish([Message("t", b"death")])
    assert not queue.put(Message("t", b"late"))
    assert taken(queue) == [b"data", b"death"]


def test_the_end_of_a_session_says_what_it_overtook() -> None:
    queue = opened()
    for qos in (1, 1, 0):
        queue.put(Message("t", b"", qos))
    assert queue.take(sure=False) is not None
    assert queue.clear() == 2
    assert taken(queue) == []


@pytest.mark.parametrize("topic", ["", "a/+", "a/#", "t" * 20_000])
def test_a_topic_that_cannot_be_published_to_is_refused(topic: str) -> None:
    with pytest.raises(ValueError, match="no topic"):
        Message(topic, b"")
    with pytest.raises(ValueError, match="QoS 3"):
        Message("t", b"", qos=3)


@given(st.integers(0, 2**32))
def test_waiting_times_grow_to_their_bound_and_differ(seed: int) -> None:
    backoff = BackOff(0.5, 30.0, Random(seed))
    waits = [backoff.next_s() for _ in range(12)]
    for number, wait in enumerate(waits):
        full = min(0.5 * 2**number, 30.0)
        assert full / 2 <= wait <= full
    assert len(set(waits)) > 6
    backoff.reset()
    assert backoff.next_s() <= 0.5
