"""The queues between the MQTT thread and the worker: fair, ordered, bounded."""

from __future__ import annotations

import threading

from hypothesis import given
from hypothesis import strategies as st

from plant.inbox import Inbox, Limits
from wire.mqtt import Message


def data(agent: str, text: str = "x", verb: str = "NDATA") -> Message:
    return Message(f"spBv1.0/s/{verb}/{agent}", text.encode())


def test_agents_take_turns_and_keep_their_order() -> None:
    inbox = Inbox()
    for message in (data("a", "1"), data("a", "2"), data("a", "3"), data("b", "4")):
        assert inbox.put(message)
    assert [one.payload for one in inbox.take(3)] == [b"1", b"4", b"2"]
    assert [one.payload for one in inbox.take(3)] == [b"3"]
    assert inbox.take(3) == []


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 5)), max_size=40))
def test_nothing_is_lost_or_mixed_up_below_the_bounds(steps: list[tuple[str, int]]) -> None:
    inbox, put, taken = Inbox(), [], []
    for number, (agent, count) in enumerate(steps):
        put.append(data(agent, str(number)))
        assert inbox.put(put[-1])
        if number % 3 == 0:
            taken += inbox.take(count)
    taken += inbox.take(len(inbox))
    for agent in "abc":
        topic = data(agent).topic
        assert [m for m in taken if m.topic == topic] == [m for m in put if m.topic == topic]


def test_one_agent_cannot_fill_the_room_of_another() -> None:
    inbox = Inbox(Limits(messages=2))
    assert [inbox.put(data("a")) for _ in range(4)] == [True, True, False, False]
    assert inbox.put(data("b"))
    assert inbox.dropped == {"a": 2}


def test_births_and_deaths_have_room_when_data_has_none() -> None:
    inbox = Inbox(Limits(messages=1))
    assert inbox.put(data("a")) and not inbox.put(data("a"))
    assert inbox.put(data("a", verb="NDEATH")) and not inbox.put(data("a", verb="NBIRTH"))


def test_bytes_are_bounded_for_one_and_for_all() -> None:
    size = data("a", "x" * 100).size
    inbox = Inbox(Limits(bytes=2 * size, all_bytes=3 * size))
    assert [inbox.put(data("a", "x" * 100)) for _ in range(3)] == [True, True, False]
    assert [inbox.put(data("b", "x" * 100)) for _ in range(2)] == [True, False]
    inbox.take(10)
    assert inbox.put(data("a", "x" * 100)), "what was taken makes room"


def test_names_are_bounded_and_those_not_heard_again_take_no_room() -> None:
    inbox = Inbox(Limits(agents=2))
    assert [inbox.put(data(name)) for name in "abc"] == [True, True, False]
    inbox.take(10)
    assert inbox.put(data("c"))
    for number in range(100):
        inbox.put(data(f"z{number}"))
    assert len(inbox.dropped) <= 3


def test_waiting_ends_when_something_comes_or_when_woken() -> None:
    inbox = Inbox()
    assert not inbox.wait(0)
    timer = threading.Thread(target=inbox.put, args=(data("a"),))
    timer.start()
    assert inbox.wait(10)
    timer.join()
    inbox.take(1)
    assert not inbox.wait(0)
    inbox.wake()
    assert inbox.wait(0)


def test_clear_forgets_everything() -> None:
    inbox = Inbox()
    inbox.put(data("a"))
    assert inbox.clear() == 1
    assert len(inbox) == 0 and inbox.take(5) == []
