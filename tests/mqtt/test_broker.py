"""The embedded broker: quick, on the loopback, and without loss in a burst."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from plant.broker import EmbeddedBroker, answers, start_broker
from tests.mqtt.conftest import BrokerAt, Start
from tests.servers import accepts, until
from tests.wire_tap import WireTap
from wire.mqtt import Message

pytestmark = pytest.mark.system


@pytest.fixture
def broker() -> Iterator[EmbeddedBroker]:
    with start_broker() as running:
        yield running


def test_it_is_ready_when_it_is_started_and_stops() -> None:
    broker = start_broker()
    assert broker.running
    assert accepts(broker.port)
    broker.stop()
    broker.stop()
    assert not broker.running
    assert not accepts(broker.port)


def test_one_whose_port_is_open_and_who_answers_nobody_is_known(broker: EmbeddedBroker) -> None:
    assert answers(broker.port)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        assert not answers(int(deaf.getsockname()[1]))
    assert not broker.deaf


def test_it_listens_on_the_loopback_alone(broker: EmbeddedBroker) -> None:
    with socket.socket() as elsewhere:  # would be refused were the port taken on all addresses
        elsewhere.bind(("127.0.0.2", broker.port))


def test_a_port_that_is_taken_is_refused(broker: EmbeddedBroker) -> None:
    with pytest.raises(OSError, match=str(broker.port)):
        start_broker(broker.port)


def test_no_message_of_a_burst_is_dropped(broker: EmbeddedBroker, start: Start) -> None:
    count, filling = 5_000, bytes(10_000)
    _, listener = start(BrokerAt(broker.port), "listener", subscriptions=(("data/#", 0),))
    until(lambda: listener.count("connected") == 1, "the listener is up")
    session, talker = start(BrokerAt(broker.port), "talker")
    until(lambda: talker.count("connected") == 1, "the talker is up")
    for number in range(count):
        message = Message("data/1", number.to_bytes(4) + filling)
        until(lambda: session.publish(message), "there is room in the queue")  # noqa: B023
    until(lambda: len(listener.messages) >= count, "everything has arrived", 30)
    numbers = [int.from_bytes(message.payload[:4]) for message in listener.messages]
    assert numbers == list(range(count))


def test_a_payload_of_nearly_16_mib_passes(broker: EmbeddedBroker, start: Start) -> None:
    session, owner = start(BrokerAt(broker.port), subscriptions=(("large", 1),))
    until(lambda: owner.count("connected") == 1, "the session is up")
    session.publish(Message("large", bytes(16 * 1024 * 1024 - 1000), qos=1))
    until(lambda: owner.messages, "it has come back")
    assert len(owner.messages[0].payload) == 16 * 1024 * 1024 - 1000


def test_the_will_of_a_lost_client_is_published(broker: EmbeddedBroker, start: Start) -> None:
    _, watcher = start(BrokerAt(broker.port), "watcher", subscriptions=(("death/#", 1),))
    until(lambda: watcher.count("connected") == 1, "the watcher is up")
    with WireTap(broker.port) as tap:
        _, owner = start(BrokerAt(tap.port), "victim")
        until(lambda: owner.count("connected") == 1, "the victim is up")
        tap.cut()
        until(lambda: watcher.messages, "its Will was published")
        assert watcher.messages[0] == Message("death/victim", b"0", qos=1)


def test_sessions_find_a_broker_that_was_started_again(start: Start) -> None:
    broker = start_broker()
    _, owner = start(BrokerAt(broker.port))
    until(lambda: owner.count("connected") == 1, "the session is up")
    broker.stop()
    until(lambda: owner.count("disconnected") == 1, "the end is noticed")
    with start_broker(broker.port):
        until(lambda: owner.count("connected") == 2, "it is up again")


def test_a_client_of_mqtt_5_is_told_what_may_be_wrong(broker: EmbeddedBroker, start: Start) -> None:
    _, owner = start(BrokerAt(broker.port, version="5"))
    until(lambda: owner.count("failed") == 1, "it is refused")
    assert "MQTT 5" in owner.told[0]
