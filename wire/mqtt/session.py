"""Connects for ever: back-off, what the owner publishes, what the owner is told.

Every connect is a fresh client session: a new Will, Clean Start, an empty queue. So nothing of an
older session can precede what the owner sends first, and no stale Will can fire. One thread of its
own drives the connection; the owner's callbacks run on it.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from random import Random
from typing import Literal

import structlog

from wire.backoff import BackOff
from wire.certificates import for_others
from wire.mqtt.connection import Connection
from wire.mqtt.link import Broker, Limits, Mark, Message, Status, Will
from wire.mqtt.outgoing import Outgoing

log = structlog.get_logger("mqtt")


class Session:
    """Connects, subscribes, delivers, and begins anew for ever, with back-off and jitter.

    Where there are `others` beside the broker, each client session is at the next of them: it is
    at one at a time, and `broker` says at which.

    `will` is asked before every attempt; `on_socket_open` says that a CONNECT goes out now (TCP and
    TLS are up). When either raises, no CONNECT is sent and the attempt counts as failed.
    `on_connect` comes after every subscription was granted and before any `on_message`;
    `on_disconnect` once for each `on_connect`, `on_failure` for each attempt that got not so far.
    `on_mark` answers `mark`.
    """

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
    ) -> None:
        self.broker = broker
        self._servers = deque((broker, *others))
        self.client_id = client_id
        self.version: Literal[4, 5] = version or (5 if broker.version == "5" else 4)
        self.subscriptions = tuple(subscriptions)
        self.limits = limits or Limits()
        self.will = will
        self.on_socket_open = on_socket_open
        self.on_connect = on_connect
        self.on_disconnect = on_disconnect
        self.on_failure = on_failure
        self.on_message = on_message
        self.on_mark = on_mark
        self.outgoing = Outgoing(self.limits.queue_max, self.limits.queue_bytes_max)
        self.counts = dict.fromkeys(
            ("connects", "failures", "published", "received", "lost", "rejected", "errors"), 0
        )
        self.connected = False
        self._reason = ""
        self._backoff = BackOff(
            self.limits.backoff_first_s, self.limits.backoff_max_s, random or Random()
        )
        self._stopping = threading.Event()
        self._restarting = threading.Event()
        self._thread: threading.Thread | None = None
        self._waker: socket.socket | None = None
        self._farewell = False

    def start(self) -> None:
        """Begin to connect, on a thread of its own; returns at once. Once in a life."""
        if self._thread is not None:
            raise RuntimeError(f"the session of {self.client_id} was started before")
        key = self.broker.key_file
        if key is not None and for_others(key):
            log.warning("every user of this machine can read the key: chmod 600 it", key=str(key))
        self._waker, woken = socket.socketpair()
        self._waker.setblocking(False)
        woken.setblocking(False)
        self._thread = threading.Thread(
            target=self._run, args=(woken,), name=f"mqtt {self.client_id}", daemon=True
        )
        self._thread.start()

    def publish(self, message: Message) -> bool:
        """Whether the message was taken: no when not connected or when the queue is full.

        Taken messages go out in this order, but QoS 0 may pass a QoS 1 that waits for the broker's
        window. What the session's end overtakes is counted as lost and not sent again.
        """
        taken = self.outgoing.put(message)
        if taken:
            self._wake()
        return taken

    def mark(self, number: int) -> bool:
        """Ask to be told by `on_mark` when the broker has all messages of QoS 0 put before this.

        Only for a session with subscriptions. False when not connected. What the session's end
        overtakes is never told.
        """
        taken = self.outgoing.put(Mark(number))
        if taken:
            self._wake()
        return taken

    @property
    def message_max(self) -> int:
        """The largest message, topic and payload, that the broker has said to take."""
        return self.outgoing.message_max

    def reconnect(self, final: Sequence[Message] = ()) -> None:
        """End this client session on purpose, after these last messages, and begin another one."""
        self.outgoing.finish(final)
        self._restarting.set()
        self._wake()

    def disconnect(self, final: Sequence[Message] = ()) -> bool:
        """End for good, after these last messages; whether they went to the broker.

        In MQTT 5 the DISCONNECT has reason 0x04, so that the broker publishes the Will as well.
        Waits for at most twice `stop_timeout_s`; from a callback it does not wait at all.
        """
        self.outgoing.finish(final)
        self._stopping.set()
        self._wake()
        if self._thread is None or self._thread is threading.current_thread():
            return False
        self._thread.join(2 * self.limits.stop_timeout_s)
        return self._farewell and not self._thread.is_alive()

    def status(self) -> Status:
        """Where the session stands."""
        queued, refused = len(self.outgoing), self.outgoing.refused
        return Status(self.connected, self._reason, queued=queued, refused=refused, **self.counts)

    @property
    def address(self) -> str:
        """Host and port of the broker that the session is at, or tries."""
        return f"{self.broker.host}:{self.broker.port}"

    @property
    def ending(self) -> bool:
        """Whether the present client session is to be ended on purpose."""
        return self._stopping.is_set() or self._restarting.is_set()

    def deliver(self, message: Message) -> None:
        """Give the owner what came from the broker."""
        self.counts["received"] += 1
        self._guarded(self.on_message, message)

    def reached(self, number: int) -> None:
        """Tell the owner that the broker has come to a mark."""
        self._guarded(self.on_mark, number)

    def _guarded(self, callback: Callable[..., None], *arguments: object) -> None:
        """What the owner raises is logged and counted; it costs nobody the connection."""
        try:
            callback(*arguments)
        except Exception:
            self.counts["errors"] += 1
            log.exception("a callback failed", client=self.client_id)

    def _wake(self) -> None:
        if self._waker is not None:
            # Full: the thread is about to wake up in any case. Closed: there is nobody to wake.
            with contextlib.suppress(OSError):
                self._waker.send(b"\0")

    def _run(self, woken: socket.socket) -> None:
        while not self._stopping.is_set():
            self._restarting.clear()
            began = time.monotonic()
            connection = Connection(self, woken)
            connection.live()
            self._farewell = connection.farewell
            self._over(connection.up, connection.why)
            if time.monotonic() - began >= self.limits.stable_s:
                self._backoff.reset()
            wait_s = self._backoff.next_s()
            if len(self._servers) > 1 and connection.up and self._restarting.is_set():
                wait_s = min(wait_s, self.limits.walk_max_s)
            self._servers.rotate(-1)
            self.broker = self._servers[0]
            self._stopping.wait(wait_s)
        if self._waker is not None:
            self._waker.close()
        woken.close()

    def came_up(self, message_max: int) -> None:
        """The subscriptions are granted: from here on messages are taken."""
        if self._reason:
            log.info("connected", client=self.client_id, broker=self.address)
        self.outgoing.open(message_max)
        self.counts["connects"] += 1
        self.connected = True
        self._guarded(self.on_connect)

    def _over(self, was_up: bool, why: str) -> None:
        news = why != self._reason
        self.connected, self._reason = False, why
        self.counts["lost"] += self.outgoing.clear()
        if was_up:
            self._guarded(self.on_disconnect, why)
        elif not self._stopping.is_set():
            self.counts["failures"] += 1
            self._guarded(self.on_failure, why)
        if news and not self._stopping.is_set():  # the same trouble again is said once
            log.warning("no connection", client=self.client_id, broker=self.address, why=why)
