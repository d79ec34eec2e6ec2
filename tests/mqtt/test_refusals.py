"""Answers that a real broker gives rarely, from one that follows a script."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from refit.conformance.packets import CONNECT, PUBLISH, SUBSCRIBE, split
from tests.mqtt.conftest import BrokerAt, Start
from tests.servers import until
from wire.mqtt import Limits, Message

pytestmark = pytest.mark.system

Script = dict[int, Callable[[bytes], bytes]]
GRANTED: Script = {
    CONNECT: lambda _: bytes.fromhex("20020000"),
    SUBSCRIBE: lambda body: bytes([0x90, 3]) + body[:2] + b"\x01",
}
GRANTED_5: Script = {
    CONNECT: lambda _: bytes.fromhex("2003000000"),
    SUBSCRIBE: lambda body: bytes([0x90, 4]) + body[:2] + b"\0\x01",
}


def publish_number(body: bytes) -> bytes:
    """The packet identifier of a PUBLISH of QoS 1."""
    topic = int.from_bytes(body[:2])
    return body[2 + topic : 4 + topic]


class ScriptedBroker:
    """Serves one client after another; answers each packet as its script says, or not at all."""

    def __init__(self) -> None:
        self.script: Script = {}
        self.heard: list[int] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            with client:
                self._answer(client)

    def _answer(self, client: socket.socket) -> None:
        buffer = bytearray()
        try:
            while data := client.recv(65536):
                buffer += data
                while (packet := split(buffer)) is not None:
                    kind = packet[0] >> 4
                    self.heard.append(kind)
                    client.sendall(self.script.get(kind, lambda _: b"")(packet[1]))
        except OSError:
            return


@pytest.fixture
def scripted() -> Iterator[ScriptedBroker]:
    broker = ScriptedBroker()
    yield broker
    broker.close()


@pytest.mark.parametrize(
    ("code", "why"),
    [
        (1, "the broker closed the connection (does it speak MQTT 3.1.1?)"),
        (2, "the broker refused the connection: Client identifier not valid"),
        (3, "the broker refused the connection: Server unavailable"),
        (4, "the broker refused the connection: Bad user name or password"),
        (5, "the broker refused the connection: Not authorized"),
    ],
)
def test_a_refused_connection_says_why(
    scripted: ScriptedBroker, start: Start, code: int, why: str
) -> None:
    scripted.script = {CONNECT: lambda _: bytes([0x20, 2, 0, code])}
    _, owner = start(BrokerAt(scripted.port))
    until(lambda: owner.told, "the attempt has ended")
    assert owner.told[0] == f"failed: {why}"


def test_a_refused_subscription_is_no_session(scripted: ScriptedBroker, start: Start) -> None:
    scripted.script = {
        **GRANTED,
        SUBSCRIBE: lambda body: bytes([0x90, 4]) + body[:2] + b"\x01\x80",
    }
    _, owner = start(BrokerAt(scripted.port), subscriptions=(("down/#", 1), ("secret/#", 1)))
    until(lambda: owner.count("failed") == 2, "it was refused and tried again")
    assert "refused the subscription to secret/#" in owner.told[0]
    assert owner.count("connected") == 0


def test_a_rejected_message_is_counted(scripted: ScriptedBroker, start: Start) -> None:
    not_authorized = b"\x87"
    scripted.script = {
        **GRANTED_5,
        PUBLISH: lambda body: bytes([0x40, 3]) + publish_number(body) + not_authorized,
    }
    session, owner = start(BrokerAt(scripted.port, version="5"), on_connect=lambda: None)
    until(lambda: session.status().connected, "the session is up")
    assert session.publish(Message("elsewhere", b"", qos=1))
    until(lambda: session.status().rejected == 1, "the rejection is counted")
    assert owner.count("disconnected") == 0


def test_a_message_larger_than_the_broker_s_bound_is_refused(
    scripted: ScriptedBroker, start: Start
) -> None:
    maximum_packet_size = bytes.fromhex("27") + (1000).to_bytes(4)
    scripted.script = {
        **GRANTED_5,
        CONNECT: lambda _: bytes([0x20, 8, 0, 0, 5]) + maximum_packet_size,
    }
    session, _ = start(BrokerAt(scripted.port, version="5"), on_connect=lambda: None)
    until(lambda: session.status().connected, "the session is up")
    assert not session.publish(Message("data", bytes(1000)))
    assert session.publish(Message("data", bytes(900)))
    assert session.status().refused == 1


def test_the_broker_s_own_end_is_told(scripted: ScriptedBroker, start: Start) -> None:
    shutting_down = bytes.fromhex("e0018b")
    scripted.script = {**GRANTED_5, PUBLISH: lambda _: shutting_down}
    _, owner = start(BrokerAt(scripted.port, version="5"))
    until(lambda: owner.count("disconnected") == 1, "the session has ended")
    assert owner.told[1] == "disconnected: the broker ended the session: Server shutting down"


def test_bytes_that_are_no_mqtt_end_the_attempt(scripted: ScriptedBroker, start: Start) -> None:
    scripted.script = {CONNECT: lambda _: b"HTTP/1.1 400 Bad Request\r\n\r\n"}
    limits = Limits(connect_timeout_s=0.2, backoff_first_s=0.02)
    session, owner = start(BrokerAt(scripted.port), limits=limits)
    until(lambda: owner.count("failed") >= 2, "two attempts have ended")
    assert not session.status().connected
