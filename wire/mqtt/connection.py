"""One MQTT client session over paho, from its CONNECT to its end; thrown away afterwards.

paho's own reconnect would repeat an old Will, leave out Clean Start and send leftovers before the
birth: it is not used, and neither is its thread.
"""

from __future__ import annotations

import selectors
import socket
import time
from collections.abc import Callable
from typing import Any, Literal, Protocol

import structlog
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from wire.mqtt.link import Broker, Limits, Mark, Message, Will
from wire.mqtt.outgoing import Outgoing
from wire.tls import client_context

DISCONNECT_WITH_WILL = 4  # MQTT 5.0, table 3-10: disconnect, and publish the Will all the same
PACKET_MAX = 268_435_455  # MQTT 5.0, table 2-1
PACKET_OVERHEAD_MAX = 64  # of a PUBLISH as we send them, beside topic and payload
EARLY_MAX = 10_000
FEED_MAX = 64

log = structlog.get_logger("mqtt")


class Owner(Protocol):
    """What a connection asks of the session that it belongs to."""

    broker: Broker
    client_id: str
    version: Literal[4, 5]
    subscriptions: tuple[tuple[str, int], ...]
    limits: Limits
    outgoing: Outgoing
    counts: dict[str, int]
    will: Callable[[], Will | None]
    on_socket_open: Callable[[], None]

    @property
    def ending(self) -> bool: ...
    def came_up(self, message_max: int) -> None: ...
    def deliver(self, message: Message) -> None: ...
    def reached(self, number: int) -> None: ...


class Over(Exception):
    """This connection cannot go on; the message says why."""


class Connection:
    """One client session. Everything here happens on the session's thread."""

    def __init__(self, session: Owner, woken: socket.socket) -> None:
        self.up = False
        self.why = ""
        self.farewell = False
        self._session = session
        self._limits = session.limits
        self._woken = woken
        self._answered = False
        self._window = session.limits.inflight_max
        self._message_max = PACKET_MAX - PACKET_OVERHEAD_MAX
        self._unacknowledged: set[int] = set()
        self._marks: dict[int, int] = {}
        self._early: list[Message] = []
        self._deadline = float("inf")
        self._parting = False

    def live(self) -> None:
        """Connect and serve until the end, which `why` explains."""
        client: paho.Client | None = None
        try:
            client = self._client()
            self._connect(client)
            self._serve(client)
        except (Over, OSError, ValueError) as error:
            self._because(str(error) or type(error).__name__)
        except Exception as error:
            # The owner's Will or socket hook: it must not end the thread that would try again.
            self.why = f"{type(error).__name__}: {error}"
            log.exception("the connection could not be prepared", client=self._session.client_id)
        finally:
            if client is not None and (left := client.socket()) is not None:
                left.close()

    def _client(self) -> paho.Client:
        session, broker = self._session, self._session.broker
        client = paho.Client(
            CallbackAPIVersion.VERSION2,
            session.client_id,
            clean_session=True if session.version == 4 else None,
            protocol=MQTTProtocolVersion(session.version),
            reconnect_on_failure=False,
        )
        client.connect_timeout = self._limits.connect_timeout_s
        client.max_inflight_messages_set(self._limits.inflight_max)
        if broker.username is not None:
            # Read at every connect, so that a changed secret needs no restart.
            client.username_pw_set(broker.username, broker.password())
        if broker.tls:
            client.tls_set_context(
                client_context(broker.ca_file, broker.cert_file, broker.key_file)
            )
        client.on_socket_open = lambda *_: session.on_socket_open()
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        return client

    def _connect(self, client: paho.Client) -> None:
        session = self._session
        will = session.will()
        if will is not None:
            client.will_set(will.topic, will.payload, will.qos, will.retain)
        fresh: dict[str, Any] = {}
        if session.version == 5:
            # Said outright: by itself paho leaves both out of every CONNECT but the first.
            properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
            properties.SessionExpiryInterval = 0
            fresh = {"clean_start": True, "properties": properties}
        broker = session.broker
        client.connect(broker.host, broker.port, broker.keepalive_s, **fresh)
        self._deadline = time.monotonic() + self._limits.connect_timeout_s

    def _serve(self, client: paho.Client) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._woken, selectors.EVENT_READ)
            watched, wanted = client.socket(), 0
            while (connection := client.socket()) is not None:
                more = self._feed(client)
                self._watch_the_clock(client)
                if client.socket() is not watched:
                    break
                want = selectors.EVENT_READ | (selectors.EVENT_WRITE * client.want_write())
                if not wanted:
                    selector.register(connection, want)
                elif want != wanted:
                    selector.modify(connection, want)
                wanted = want
                buffered = getattr(connection, "pending", lambda: 0)() > 0  # inside TLS
                ready = selector.select(0 if more or buffered else self._patience())
                self._turn(client, {key.fileobj: events for key, events in ready}, buffered)

    def _turn(self, client: paho.Client, ready: dict[Any, int], buffered: bool) -> None:
        if self._woken in ready:
            self._woken.recv(4096)
        events = ready.get(client.socket(), 0)
        if buffered or events & selectors.EVENT_READ:
            client.loop_read()
        if events & selectors.EVENT_WRITE:
            client.loop_write()
        client.loop_misc()

    def _patience(self) -> float:
        return min(1.0, max(0.0, self._deadline - time.monotonic()))

    def _feed(self, client: paho.Client) -> bool:
        """Hand messages to paho while it can send them at once; whether there may be more."""
        for _ in range(FEED_MAX):
            if client.want_write():
                return False
            sure = len(self._unacknowledged) < self._window
            message = self._session.outgoing.take(sure=sure)
            if message is None:
                return False
            if isinstance(message, Mark):
                self._mark(client, message)
                continue
            info = client.publish(message.topic, message.payload, message.qos, message.retain)
            if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
                raise Over(f"a message could not be sent: {paho.error_string(info.rc)}")
            self._session.counts["published"] += 1
            if message.qos:
                self._unacknowledged.add(info.mid)
        return True

    def _mark(self, client: paho.Client, mark: Mark) -> None:
        """Ask for a subscription that stands: the broker answers after all that came before it.

        A PINGRESP cannot say that, since paho sends no PINGREQ on a busy connection. An UNSUBSCRIBE
        of what nobody subscribed to would do, but rumqttd does not answer it.
        """
        filter, qos = self._session.subscriptions[0]
        code, number = client.subscribe(filter, qos)
        if code != MQTTErrorCode.MQTT_ERR_SUCCESS or number is None:
            raise Over(f"a message could not be sent: {paho.error_string(code)}")
        self._marks[number] = mark.number

    def _watch_the_clock(self, client: paho.Client) -> None:
        late = time.monotonic() >= self._deadline
        if self._session.ending and not self._parting:
            self._parting = True
            late = False
            self._deadline = time.monotonic() + self._limits.stop_timeout_s
        if self._parting:
            self._part(client, late)
        elif late:
            what = "subscription" if self._answered else "CONNECT"
            raise Over(f"no answer to the {what} in {self._limits.connect_timeout_s:g} s")

    def _part(self, client: paho.Client, late: bool) -> None:
        if late:
            self.farewell = False
            raise Over("ended on purpose, but the broker did not take the last messages in time")
        sending = len(self._session.outgoing) or client.want_write() or self._unacknowledged
        if self.up and sending:
            return
        self.farewell = self.up
        self._because("ended on purpose")
        code = None
        if self._session.version == 5:
            code = ReasonCode(PacketTypes.DISCONNECT, identifier=DISCONNECT_WITH_WILL)
        client.disconnect(code)

    def _on_connect(
        self, client: paho.Client, _: Any, __: Any, code: ReasonCode, properties: Properties | None
    ) -> None:
        self._answered = True
        if code.is_failure:
            self._because(f"the broker refused the connection: {code}")
            return
        self._window = min(self._window, getattr(properties, "ReceiveMaximum", self._window))
        packet_max = getattr(properties, "MaximumPacketSize", PACKET_MAX)
        packet_max = min(packet_max, self._session.broker.packet_max or PACKET_MAX)
        self._message_max = packet_max - PACKET_OVERHEAD_MAX
        if self._session.subscriptions:
            client.subscribe(list(self._session.subscriptions))
        else:
            self._begin()

    def _on_subscribe(
        self, _: paho.Client, __: Any, number: int, codes: list[ReasonCode], ____: Any
    ) -> None:
        if (mark := self._marks.pop(number, None)) is not None:
            self._session.reached(mark)
            return
        for (topic, _qos), code in zip(self._session.subscriptions, codes, strict=True):
            if code.is_failure:
                raise Over(f"the broker refused the subscription to {topic}: {code}")
        self._begin()

    def _begin(self) -> None:
        self._deadline = float("inf")
        self.up = True
        self._session.came_up(self._message_max)
        for message in self._early:
            self._session.deliver(message)
        self._early.clear()

    def _on_message(self, _: paho.Client, __: Any, message: paho.MQTTMessage) -> None:
        payload = bytes(message.payload)
        received = Message(message.topic, payload, message.qos, message.retain)
        if self.up:
            self._session.deliver(received)
        elif len(self._early) < EARLY_MAX:
            self._early.append(received)
        else:
            raise Over(f"more than {EARLY_MAX} messages before the subscription was granted")

    def _on_publish(
        self, client: paho.Client, _: Any, number: int, code: ReasonCode, __: Any
    ) -> None:
        self._unacknowledged.discard(number)
        if code.is_failure:
            self._session.counts["rejected"] += 1

    def _on_disconnect(
        self, _: paho.Client, __: Any, flags: Any, code: ReasonCode, ___: Any
    ) -> None:
        if flags.is_disconnect_packet_from_server:
            self._because(f"the broker ended the session: {code}")
        elif not self._answered:
            version = {4: "3.1.1", 5: "5"}[self._session.version]
            self._because(f"the broker closed the connection (does it speak MQTT {version}?)")
        else:
            self._because(f"the connection was lost: {code}")

    def _because(self, why: str) -> None:
        self.why = self.why or why  # the first reason is the cause, what follows is its effect
