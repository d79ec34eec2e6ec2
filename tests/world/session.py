"""The twin of `wire.mqtt.Session`: same constructor, same methods, in virtual time, without paho.

Its callbacks run on the loop and never from within a call of its owner, so that an owner may hold a
lock while it publishes, as it may with the real one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, Literal

from tests.world.broker import Frames, frame
from tests.world.clock import PROCESS, is_dead
from wire.backoff import BackOff
from wire.mqtt import Broker, Limits, Message, Status, Will
from wire.mqtt.outgoing import Outgoing

MESSAGE_MAX = 1 << 28
SOCKET_BYTES = 1 << 18  # what the operating system takes before a write has to wait
AGAIN_S = 0.05


class Connection(asyncio.Protocol):
    """One client session, from its CONNECT to its end."""

    def __init__(self, session: TwinSession) -> None:
        self.session, self.up, self.why = session, False, ""
        self.over: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.unacknowledged: set[int] = set()
        self.transport: Any = None
        self._frames = Frames()
        self._numbers = 0
        self._early: list[Message] = []
        self._timers: list[asyncio.TimerHandle] = []
        self._waits_for_pong = False
        self._is_parting = False

    def connection_made(self, transport: Any) -> None:
        """TCP is up."""
        self.transport = transport

    def begin(self, will: Will | None) -> None:
        """Say CONNECT; the answer must come in time."""
        session = self.session
        self._in(session.limits.connect_timeout_s, self._late)
        self.say("connect", session.client_id, will, session.broker.keepalive_s)

    def data_received(self, data: bytes) -> None:
        """Packets of the broker."""
        for kind, *rest in self._frames.feed(data):
            if not self.over.done():
                getattr(self, f"on_{kind}")(*rest)

    def connection_lost(self, error: Exception | None) -> None:
        """The connection has ended."""
        self.end(f"the connection was lost: {error or 'closed by the broker'}")

    def on_connected(self) -> None:
        """CONNACK."""
        if self.session.subscriptions:
            self.say("subscribe", self.session.subscriptions)
        else:
            self.on_subscribed()

    def on_subscribed(self) -> None:
        """SUBACK: the session is up; what came before is delivered now."""
        self.up = True
        self.session.came_up()
        self._in(self.session.broker.keepalive_s, self._ping)
        for message in self._early:
            self.session.deliver(message)
        self._early.clear()

    def on_message(self, topic: str, payload: bytes, qos: int, retain: bool) -> None:
        """PUBLISH."""
        message = Message(topic, payload, qos, retain)
        if self.up:
            self.session.deliver(message)
        else:
            self._early.append(message)

    def on_published(self, number: int) -> None:
        """PUBACK."""
        self.unacknowledged.discard(number)
        self.session.feed()

    def on_pong(self) -> None:
        """PINGRESP."""
        self._waits_for_pong = False

    def publish(self, message: Message) -> None:
        """PUBLISH, kept in mind until it is answered when it has a QoS."""
        self._numbers += 1
        if message.qos:
            self.unacknowledged.add(self._numbers)
        self.say(
            "publish", self._numbers, message.topic, message.payload, message.qos, message.retain
        )

    @property
    def is_clogged(self) -> bool:
        """True while so much is under way that a write would have to wait."""
        return self.transport.peer.incoming.bytes > SOCKET_BYTES

    def part(self) -> None:
        """End on purpose, as soon as everything was sent and answered, or time is over."""
        if not self._is_parting:
            self._is_parting = True
            why = "ended on purpose, but the broker did not take the last messages in time"
            self._in(self.session.limits.stop_timeout_s, lambda: self.end(why))
        if not self.up or not (len(self.session.outgoing) or self.unacknowledged):
            self.leave()

    def leave(self) -> None:
        """Say DISCONNECT; in MQTT 5 with the wish that the Will be published."""
        self.say("disconnect", self.session.version == 5)
        self.end("ended on purpose")

    def end(self, why: str) -> None:
        """It is over; the first reason is the cause."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        if self.transport is not None:
            self.transport.close()
        if not self.over.done():
            self.why = why
            self.over.set_result(None)

    def say(self, *parts: Any) -> None:
        """Send a packet."""
        self.transport.write(frame(*parts))

    def _late(self) -> None:
        if not self.up:
            seconds = self.session.limits.connect_timeout_s
            self.end(f"no answer to the CONNECT in {seconds:g} s")

    def _ping(self) -> None:
        if self._waits_for_pong:
            self.end("the connection was lost: Keep alive timeout")
        else:
            self._waits_for_pong = True
            self.say("ping")
            self._timers.clear()
            self._in(self.session.broker.keepalive_s, self._ping)

    def _in(self, seconds: float, call: Callable[[], None]) -> None:
        self._timers.append(asyncio.get_running_loop().call_later(seconds, call))


class TwinSession:
    """As `wire.mqtt.Session`; see there for what is promised."""

    def __init__(
        self,
        broker: Broker,
        client_id: str,
        *,
        will: Callable[[], Will | None] = lambda: None,
        on_socket_open: Callable[[], None] = lambda: None,
        on_connect: Callable[[], None] = lambda: None,
        on_disconnect: Callable[[str], None] = lambda why: None,
        on_failure: Callable[[str], None] = lambda why: None,
        on_message: Callable[[Message], None] = lambda message: None,
        on_mark: Callable[[int], None] = lambda number: None,
        subscriptions: Sequence[tuple[str, int]] = (),
        others: Sequence[Broker] = (),
        version: Literal[4, 5] | None = None,
        limits: Limits | None = None,
        random: Random | None = None,
        port: int | None = None,
    ) -> None:
        if others:
            raise ValueError("the world has one broker")
        self.broker, self.client_id, self.address = broker, client_id, f"{broker.host}:{port}"
        self.version: Literal[4, 5] = version or (5 if broker.version == "5" else 4)
        self.subscriptions = tuple(subscriptions)
        self.limits = limits or Limits()
        self.will, self.on_socket_open = will, on_socket_open
        self.on_connect, self.on_disconnect = on_connect, on_disconnect
        self.on_failure, self.on_message = on_failure, on_message
        self.outgoing = Outgoing(self.limits.queue_max, self.limits.queue_bytes_max)
        self.counts = dict.fromkeys(
            ("connects", "failures", "published", "received", "lost", "rejected", "errors"), 0
        )
        self.connected = False
        self.port = port or broker.port
        self._reason = ""
        self._backoff = BackOff(
            self.limits.backoff_first_s, self.limits.backoff_max_s, random or Random(client_id)
        )
        self._connection: Connection | None = None
        self._task: asyncio.Task[None] | None = None
        self._again: asyncio.TimerHandle | None = None
        self._is_restarting = False
        self._loop = asyncio.get_running_loop()

    def start(self) -> None:
        """Begin to connect. Once in a life."""
        if self._task is not None:
            raise RuntimeError(f"the session of {self.client_id} was started before")
        self._task = self._loop.create_task(self._live())
        process = PROCESS.get()
        if process is not None:
            process.at_death.append(self._task.cancel)

    def publish(self, message: Message) -> bool:
        """Whether the message was taken."""
        taken = self.outgoing.put(message)
        if taken:
            self.feed()
        return taken

    def mark(self, number: int) -> bool:
        """No: the twin is for hosts that acknowledge."""
        return False

    @property
    def message_max(self) -> int:
        """The largest message that the broker takes."""
        return self.outgoing.message_max

    def reconnect(self, final: Sequence[Message] = ()) -> None:
        """End this client session on purpose, after these last messages, and begin another one."""
        self.outgoing.finish(final)
        self._is_restarting = True
        self._loop.call_soon(self.feed)

    def disconnect(self, final: Sequence[Message] = ()) -> bool:
        """End for good, after these last messages; whether they went to the broker."""
        self.outgoing.finish(final)
        connection, went = self._connection, False
        if connection is not None and connection.up and not connection.over.done():
            while (message := self.outgoing.take(sure=True)) is not None:
                connection.publish(message)
            went = not self._loop.is_blocked(connection.transport.peer.incoming)  # type: ignore[attr-defined]
            connection.leave()
            self._over(connection)
        self._connection = None
        if self._task is not None:
            self._task.cancel()
        return went

    def status(self) -> Status:
        """Where the session stands."""
        queued, refused = len(self.outgoing), self.outgoing.refused
        return Status(self.connected, self._reason, queued=queued, refused=refused, **self.counts)

    def feed(self) -> None:
        """Hand to the connection what it can send now."""
        connection = self._connection
        if connection is None or connection.over.done():
            return
        while not connection.is_clogged:
            sure = len(connection.unacknowledged) < self.limits.inflight_max
            message = self.outgoing.take(sure=sure)
            if message is None:
                break
            self.counts["published"] += 1
            connection.publish(message)
        if self._is_restarting:
            connection.part()
        if len(self.outgoing) and connection.is_clogged and self._again is None:
            self._again = self._loop.call_later(AGAIN_S, self._feed_again)

    def _feed_again(self) -> None:
        self._again = None
        self.feed()

    def deliver(self, message: Message) -> None:
        """Give the owner what came from the broker."""
        self.counts["received"] += 1
        self._guarded(self.on_message, message)

    def came_up(self) -> None:
        """The subscriptions are granted: from here on messages are taken."""
        self.outgoing.open(MESSAGE_MAX)
        self.counts["connects"] += 1
        self.connected = True
        self._guarded(self.on_connect)

    def _guarded(self, callback: Callable[..., None], *arguments: object) -> None:
        try:
            callback(*arguments)
        except Exception:  # noqa: BLE001 - as the real one: counted, and nobody's connection
            self.counts["errors"] += 1

    async def _live(self) -> None:
        while not is_dead():
            self._is_restarting = False
            began = self._loop.time()
            self._connection = connection = Connection(self)
            await self._serve(connection)
            self._over(connection)
            if self._loop.time() - began >= self.limits.stable_s:
                self._backoff.reset()
            await asyncio.sleep(self._backoff.next_s())

    async def _serve(self, connection: Connection) -> None:
        try:
            will = self.will()
            opening = self._loop.create_connection(lambda: connection, "127.0.0.1", self.port)
            await asyncio.wait_for(opening, self.limits.connect_timeout_s)
            self.on_socket_open()
            connection.begin(will)
            await connection.over
        except Exception as error:  # noqa: BLE001 - as the real one: whatever its owner raises
            connection.end(str(error) or type(error).__name__)

    def _over(self, connection: Connection) -> None:
        self.connected, self._reason = False, connection.why
        self.counts["lost"] += self.outgoing.clear()
        if connection.up:
            self._guarded(self.on_disconnect, connection.why)
        else:
            self.counts["failures"] += 1
            self._guarded(self.on_failure, connection.why)
