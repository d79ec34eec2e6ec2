"""What a session says on the wire (Sparkplug reference, rows 1 to 7), against a real broker."""

from __future__ import annotations

from typing import Any

import pytest

from plant.broker import start_broker
from tests.mqtt.conftest import QUICK, BrokerAt, Start
from tests.servers import until
from tests.wire_tap import WireTap
from wire.mqtt import Limits, Message

pytestmark = pytest.mark.system


def at(tap: WireTap, version: Any, **more: Any) -> BrokerAt:
    return BrokerAt(tap.port, version=version, **more)


def births(tap: WireTap) -> list[bytes]:
    return [packet.payload for packet in tap.of("PUBLISH") if packet.topic == "birth"]


def test_every_connect_has_a_new_will_and_only_connects_count(
    start: Start, tap: WireTap, version: Any
) -> None:
    _, owner = start(at(tap, version))
    until(lambda: owner.count("connected") == 1, "the first session is up")
    for session in (2, 3):
        tap.shut()
        until(lambda: owner.wills >= owner.sent + 3 * (session - 1), "attempts were refused")  # noqa: B023
        tap.reopen()
        until(lambda: owner.count("connected") == session, "it is up again")  # noqa: B023
    until(lambda: len(births(tap)) == 3, "three births")
    wills = [packet.will.payload for packet in tap.of("CONNECT") if packet.will]
    assert wills == [b"0", b"1", b"2"]
    assert births(tap) == [b"0", b"1", b"2"]
    assert owner.wills > 6


def test_every_connect_asks_for_a_clean_and_short_session(
    start: Start, tap: WireTap, version: Any
) -> None:
    _, owner = start(at(tap, version, keepalive_s=7))
    for session in range(1, 6):
        until(lambda: owner.count("connected") == session, f"session {session} is up")  # noqa: B023
        tap.cut()
    until(lambda: owner.count("disconnected") == 5, "all five were cut")
    connects = tap.of("CONNECT")[:5]
    assert all(packet.clean and packet.keepalive_s == 7 for packet in connects)
    expiry = 0 if version == "5" else None
    assert [packet.session_expiry_s for packet in connects] == [expiry] * 5


def test_nothing_precedes_the_birth(start: Start, tap: WireTap, version: Any) -> None:
    session, owner = start(at(tap, version))
    until(lambda: owner.count("connected") == 1, "the session is up")
    tap.mute()  # the broker's PUBACK will not come
    for number in range(150):
        session.publish(Message("record", str(number).encode(), qos=1))
    window = 20 if version == "5" else 100  # this broker's Receive Maximum, and our own bound
    until(lambda: len(tap.of("PUBLISH")) == 1 + window, "messages are on their way")
    tap.cut()
    tap.unmute()
    until(lambda: owner.count("connected") == 2, "it is up again")
    until(lambda: len(births(tap)) == 2, "the birth is out")
    second = [packet.kind for packet in tap.session(2)]
    assert second[:3] == ["CONNECT", "SUBSCRIBE", "PUBLISH"]
    published = [packet for packet in tap.session(2) if packet.kind == "PUBLISH"]
    assert [packet.topic for packet in published] == ["birth"]
    assert session.status().lost == 150 - window


def test_the_window_of_unacknowledged_messages_is_kept_and_others_pass_it(
    start: Start, tap: WireTap
) -> None:
    limits = Limits(inflight_max=3, queue_max=10)
    session, _ = start(at(tap, "3.1.1"), limits=limits)
    until(lambda: len(births(tap)) == 1, "the birth is out")
    tap.mute()
    taken = [session.publish(Message("record", b"", qos=1)) for _ in range(3)]
    until(lambda: session.status().queued == 0, "the window is full")
    taken += [session.publish(Message("record", b"", qos=1)) for _ in range(10)]
    assert taken == [True] * 13
    assert not session.publish(Message("record", b"", qos=1)), "the queue is full"
    assert session.status().refused == 1
    until(lambda: len(tap.of("PUBLISH")) == 4, "those within the window are out")


def test_live_messages_pass_those_that_wait_for_the_window(start: Start, tap: WireTap) -> None:
    session, _ = start(at(tap, "3.1.1"), limits=Limits(inflight_max=1))
    until(lambda: len(births(tap)) == 1, "the birth is out")
    tap.mute()
    for topic, qos in (("record", 1), ("record", 1), ("data", 0)):
        session.publish(Message(topic, b"", qos=qos))
    until(lambda: tap.of("PUBLISH")[-1].topic == "data", "the live one is out")
    assert [packet.topic for packet in tap.of("PUBLISH")] == ["birth", "record", "data"]


def test_a_stop_says_its_last_words_and_asks_for_the_will(
    start: Start, tap: WireTap, version: Any
) -> None:
    _, watcher = start(BrokerAt(tap.broker_port), "watcher", subscriptions=(("death/leaver", 1),))
    until(lambda: watcher.count("connected") == 1, "somebody watches")
    session, owner = start(at(tap, version), "leaver")
    until(lambda: owner.count("connected") == 1, "the session is up")
    session.publish(Message("data", b"last"))
    assert session.disconnect([Message("death/leaver", b"0")])
    assert owner.told[-1] == "disconnected: ended on purpose"
    until(lambda: tap.of("DISCONNECT"), "the tap has seen it all")
    words = [(packet.kind, packet.topic) for packet in tap.packets]
    assert words[-3:] == [("PUBLISH", "data"), ("PUBLISH", "death/leaver"), ("DISCONNECT", "")]
    assert tap.packets[-1].reason == (4 if version == "5" else 0)
    deaths = 2 if version == "5" else 1
    until(lambda: len(watcher.messages) == deaths, "the death was heard")
    assert not session.publish(Message("data", b"too late"))


def test_a_killed_link_fires_the_will_of_this_session(start: Start, tap: WireTap) -> None:
    _, watcher = start(BrokerAt(tap.broker_port), "watcher", subscriptions=(("death/victim", 1),))
    until(lambda: watcher.count("connected") == 1, "somebody watches")
    _, owner = start(at(tap, "3.1.1"), "victim")
    for session in (1, 2):
        until(lambda: owner.count("connected") == session, "the session is up")  # noqa: B023
        tap.cut()
        until(lambda: len(watcher.messages) == session, "its death was heard")  # noqa: B023
    assert [message.payload for message in watcher.messages] == [b"0", b"1"]


def test_a_new_session_can_be_asked_for(start: Start, tap: WireTap, version: Any) -> None:
    session, owner = start(at(tap, version))
    until(lambda: owner.count("connected") == 1, "the session is up")
    session.reconnect([Message("death", b"0")])
    until(lambda: len(births(tap)) == 2, "the second birth is out")
    first = [packet.kind for packet in tap.session(1)]
    assert first[-2:] == ["PUBLISH", "DISCONNECT"]
    assert births(tap) == [b"0", b"1"]


def test_a_silent_link_is_noticed(start: Start, tap: WireTap) -> None:
    _, owner = start(at(tap, "3.1.1", keepalive_s=1))
    until(lambda: owner.count("connected") == 1, "the session is up")
    tap.mute()
    until(lambda: owner.count("disconnected") == 1, "the silence is noticed")
    assert "Keep alive timeout" in owner.told[1]


def test_a_broker_that_says_nothing_is_left_again(start: Start, tap: WireTap) -> None:
    tap.mute()
    limits = Limits(connect_timeout_s=0.2, backoff_first_s=0.02)
    _, owner = start(at(tap, "3.1.1"), limits=limits)
    until(lambda: owner.count("failed") == 2, "two attempts ended")
    assert owner.told[0] == "failed: no answer to the CONNECT in 0.2 s"


def test_a_stop_ends_although_the_broker_is_silent(start: Start, tap: WireTap) -> None:
    session, owner = start(at(tap, "5"), limits=Limits(stop_timeout_s=0.2))
    until(lambda: owner.count("connected") == 1, "the session is up")
    tap.mute()
    assert not session.disconnect([Message("death", b"0", qos=1)])
    assert not session.status().connected


def test_a_message_taken_before_the_subscription_was_granted_waits(
    start: Start, tap: WireTap
) -> None:
    helper, _ = start(BrokerAt(tap.broker_port), "helper")
    until(lambda: helper.status().connected, "the helper is up")
    helper.publish(Message("down/state", b"online", qos=1, retain=True))
    order: list[str] = []
    start(
        at(tap, "3.1.1"),
        on_connect=lambda: order.append("connected"),
        on_message=lambda message: order.append(message.topic),
    )
    until(lambda: len(order) == 2, "both were told")
    assert order == ["connected", "down/state"]
    helper.publish(Message("down/state", b"", qos=1, retain=True))


def test_the_owner_s_exceptions_cost_nobody_the_connection(start: Start, tap: WireTap) -> None:
    def fail(_: Message) -> None:
        raise RuntimeError("a message that nobody understands")

    session, owner = start(at(tap, "3.1.1"), on_message=fail)
    until(lambda: owner.count("connected") == 1, "the session is up")
    session.publish(Message("down/command", b"", qos=1))
    until(lambda: session.status().errors == 1, "the exception is counted")
    assert session.status().connected
    assert owner.count("disconnected") == 0


@pytest.mark.parametrize("hook", ["will", "on_socket_open"])
def test_without_a_durable_number_no_connect_goes_out(
    start: Start, tap: WireTap, hook: str
) -> None:
    broken = [True, True]

    def unwritable() -> Any:
        if broken:
            broken.pop()
            raise OSError(28, "No space left on device")

    _, owner = start(at(tap, "3.1.1"), **{hook: unwritable})
    until(lambda: owner.count("connected") == 1, "it goes on once the number can be written")
    assert owner.told[:2] == ["failed: [Errno 28] No space left on device"] * 2
    until(lambda: len(tap.of("CONNECT")) == 1, "a CONNECT")


def test_a_message_longer_than_the_broker_takes_is_refused(start: Start, tap: WireTap) -> None:
    limits = Limits(queue_bytes_max=1000, backoff_first_s=0.02)
    session, owner = start(at(tap, "3.1.1"), limits=limits)
    until(lambda: owner.count("connected") == 1, "the session is up")
    assert not session.publish(Message("data", bytes(1001)))
    assert session.status().refused == 1


def test_a_mark_is_answered_when_the_broker_has_what_was_put_before_it(
    start: Start, tap: WireTap, version: Any
) -> None:
    reached: list[int] = []
    session, owner = start(at(tap, version), on_mark=reached.append)
    until(lambda: owner.count("connected") == 1, "the session is up")
    for number in range(1, 4):
        assert session.publish(Message("data", bytes([number])))
        assert session.mark(number)
    until(lambda: reached == [1, 2, 3], "every mark is reached")
    assert [one.payload for one in tap.of("PUBLISH")][-3:] == [b"\1", b"\2", b"\3"]
    tap.drop()
    assert session.publish(Message("data", b"lost")) and session.mark(4)
    tap.cut()
    until(lambda: owner.count("disconnected") == 1, "the link is gone")
    assert reached == [1, 2, 3]
    tap.pass_on()
    until(lambda: owner.count("connected") == 2, "another session")
    assert session.mark(5)
    until(lambda: reached == [1, 2, 3, 5], "a mark of the new session")


def test_the_embedded_broker_answers_a_mark_too(start: Start) -> None:
    reached: list[int] = []
    broker = start_broker()
    try:
        session, owner = start(BrokerAt(broker.port), on_mark=reached.append)
        until(lambda: owner.count("connected") == 1, "the session is up")
        assert session.publish(Message("data", b"1")) and session.mark(1)
        until(lambda: reached == [1], "the mark is reached")
        session.disconnect()
    finally:
        broker.stop()


def test_a_session_is_started_once(start: Start, tap: WireTap) -> None:
    session, _ = start(at(tap, "3.1.1"), limits=QUICK)
    with pytest.raises(RuntimeError, match="started before"):
        session.start()
