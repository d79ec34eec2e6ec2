"""An MQTT broker in memory: routes as MQTT 3.1.1 says, keeps retained messages, fires Wills.

The twin of a real broker for the tests of this tier; `test_broker_contract.py` holds both to the
same words. Packets are frames of pickled tuples on the network of the world, so that cuts, stalls,
resets and kills do to them what they do to all others. Sessions are always clean.
"""

from __future__ import annotations

import asyncio
import pickle
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from tests.world.network import Listener, Network
from wire.mqtt import Message, Will

PORT = 1883
GRACE = 1.5  # keep-alives after which a silent client is given up (3.1.2.10)
FRAME_MAX = 64 << 20
HEAD = 4

Frame = tuple[Any, ...]


def matches(filter: str, topic: str) -> bool:
    """Whether a topic filter covers a topic (MQTT 3.1.1, chapter 4.7)."""
    wanted, levels = filter.split("/"), topic.split("/")
    if topic.startswith("$") and wanted[0] in ("#", "+"):
        return False
    for index, level in enumerate(wanted):
        if level == "#":
            return True
        if index == len(levels) or level not in ("+", levels[index]):
            return False
    return len(wanted) == len(levels)


def frame(*parts: Any) -> bytes:
    """A packet as bytes."""
    body = pickle.dumps(parts, protocol=5)
    return len(body).to_bytes(HEAD) + body


class Frames:
    """Takes bytes in pieces and gives packets back."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The packets that are complete now."""
        self._buffer += data
        while len(self._buffer) >= HEAD:
            end = HEAD + int.from_bytes(self._buffer[:HEAD])
            assert end <= FRAME_MAX, "a packet beyond every bound"
            if len(self._buffer) < end:
                return
            body = bytes(self._buffer[HEAD:end])
            del self._buffer[:end]
            yield pickle.loads(body)


@dataclass(frozen=True)
class Heard:
    """A message that a client published: the client, which of all connections, and the time."""

    client: str
    connection: int
    message: Message
    time_s: float


class Broker:
    """The broker. Clients may come through several ports, so that each has a link of its own."""

    def __init__(self, net: Network, ports: tuple[int, ...] = (PORT,)) -> None:
        self.net, self.ports = net, ports
        self.retained: dict[str, Message] = {}
        self.clients: dict[str, Client] = {}
        self.taps: list[Callable[[Heard], None]] = []
        self.connections = 0
        self._listeners: list[Listener] = []

    @property
    def is_running(self) -> bool:
        """True between start and stop."""
        return bool(self._listeners)

    async def start(self) -> None:
        """Listen on all ports."""
        for port in self.ports:
            listener = await self.net.create_server(lambda: Client(self), "127.0.0.1", port)
            self._listeners.append(listener)

    def stop(self, *, keep: bool = False) -> None:
        """Vanish: no Will is fired, and unless `keep` the retained messages are gone."""
        for listener in self._listeners:
            listener.close()
        self._listeners.clear()
        for client in list(self.clients.values()):
            client.vanish()
        self.clients.clear()
        if not keep:
            self.retained.clear()

    def publish(self, message: Message, client: str = "", connection: int = 0) -> None:
        """Keep what is to be retained, and give the message to every client that asked for it."""
        if message.retain and message.payload:
            self.retained[message.topic] = message
        elif message.retain:
            self.retained.pop(message.topic, None)
        heard = Heard(client, connection, message, self.net.time())
        for tap in self.taps:
            tap(heard)
        for one in list(self.clients.values()):
            one.offer(message)


class Client(asyncio.Protocol):
    """One connection of a client, as the broker sees it."""

    def __init__(self, broker: Broker) -> None:
        self.broker, self.name, self.number = broker, "", 0
        self.will: Will | None = None
        self._filters: dict[str, int] = {}
        self._frames = Frames()
        self._transport: Any = None
        self._grace_s = 0.0
        self._heard_s = broker.net.time()
        self._watch: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        """A client has come; it says who it is in its first packet."""
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Packets of the client."""
        self._heard_s = self.broker.net.time()
        for kind, *rest in self._frames.feed(data):
            if self._transport.is_closing():
                return
            getattr(self, f"on_{kind}")(*rest)

    def connection_lost(self, error: Exception | None) -> None:
        """The connection has ended without a DISCONNECT, or after one."""
        self._gone()

    def vanish(self) -> None:
        """The broker dies."""
        self.will = None
        self._transport.abort()
        self._gone()

    def offer(self, message: Message, *, retained: bool = False) -> None:
        """Deliver once, with the highest QoS of the filters that match, at most the message's."""
        granted = [qos for filter, qos in self._filters.items() if matches(filter, message.topic)]
        if granted:
            qos = min(message.qos, max(granted))
            self._say("message", message.topic, message.payload, qos, retained)

    def on_connect(self, name: str, will: Will | None, keepalive_s: int) -> None:
        """CONNECT; a client of the same name is thrown out (3.1.4-2)."""
        broker = self.broker
        if (old := broker.clients.get(name)) is not None:
            old.close()
        broker.connections += 1
        self.name, self.number, self.will = name, broker.connections, will
        broker.clients[name] = self
        self._grace_s = GRACE * keepalive_s
        self._look()
        self._say("connected")

    def on_subscribe(self, filters: tuple[tuple[str, int], ...]) -> None:
        """SUBSCRIBE: granted as asked; then what is retained there."""
        self._filters.update(filters)
        self._say("subscribed")
        for message in list(self.broker.retained.values()):
            if any(matches(filter, message.topic) for filter, _ in filters):
                self.offer(message, retained=True)

    def on_publish(self, number: int, topic: str, payload: bytes, qos: int, retain: bool) -> None:
        """PUBLISH, answered when it has a QoS."""
        self.broker.publish(Message(topic, payload, qos, retain), self.name, self.number)
        if qos:
            self._say("published", number)

    def on_ping(self) -> None:
        """PINGREQ."""
        self._say("pong")

    def on_disconnect(self, fires_will: bool) -> None:
        """DISCONNECT; only MQTT 5 can ask for the Will."""
        if not fires_will:
            self.will = None
        self.close()

    def close(self) -> None:
        """End it from here; the Will is fired if there still is one."""
        self._transport.close()
        self._gone()

    def _gone(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None
        if self.broker.clients.get(self.name) is self:
            del self.broker.clients[self.name]
        will, self.will = self.will, None
        if will is not None and self.broker.is_running:
            message = Message(will.topic, will.payload, will.qos, will.retain)
            self.broker.publish(message, self.name, self.number)

    def _look(self) -> None:
        silent_s = self.broker.net.time() - self._heard_s
        if silent_s >= self._grace_s:
            self.close()
        else:
            self._watch = self.broker.net.call_later(self._grace_s - silent_s + 0.001, self._look)

    def _say(self, *parts: Any) -> None:
        self._transport.write(frame(*parts))
