"""An agent without machines: an edge node on a real MQTT session."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from types import TracebackType
from typing import Any

from stations.samples import Samples
from tests.sparkplug.plant import edge_node
from wire.mqtt import Message, Session, Will
from wire.site import BrokerConfig
from wire.sparkplug.effects import Acknowledged, Disconnect, EdgeEffect, Publish


def now_ms() -> int:
    """The time of day."""
    return time.time_ns() // 1_000_000


def _message(publish: Publish) -> Message:
    return Message(publish.topic, publish.payload, publish.qos, publish.retain)


class RealAgent:
    """Sends what it is told; `acknowledged` are the positions that were confirmed."""

    def __init__(self, broker: BrokerConfig, name: str = "pc-1", **changes: Any) -> None:
        self.node = edge_node(agent=name, outbox=f"outbox-{name}", **changes)
        self.acknowledged: set[int] = set()
        self._lock = threading.RLock()
        self._bd_seq = 0
        self.session = Session(
            broker,
            f"test-{name}",
            will=self._will,
            on_connect=self._connected,
            on_disconnect=self._disconnected,
            on_message=self._message,
            subscriptions=self.node.subscriptions,
        )

    @property
    def born(self) -> bool:
        """Whether DATA may go out."""
        with self._lock:
            return self.node.can_send

    def send(self, station: str, samples: Samples, position: int) -> bool:
        """One live batch; False when it did not go out."""
        with self._lock:
            self._do(self.node.tick(now_ms()))
            return self._do(self.node.live(station, samples, position, now_ms()))

    def tick(self) -> None:
        """Do what is due by the clock."""
        with self._lock:
            self._do(self.node.tick(now_ms()))

    def _do(self, effects: Sequence[EdgeEffect]) -> bool:
        sent = False
        if any(isinstance(one, Disconnect) for one in effects):
            final = [_message(one) for one in effects if isinstance(one, Publish)]
            self.session.reconnect(final)
            return False
        for one in effects:
            if isinstance(one, Acknowledged):
                for first, last in one.ranges:
                    self.acknowledged.update(range(first, last + 1))
            elif isinstance(one, Publish):
                sent = self.session.publish(_message(one))
                if not sent:
                    self._do(self.node.not_taken(one, now_ms()))
        return sent

    def _will(self) -> Will:
        with self._lock:
            self._bd_seq = (self._bd_seq + 1) % 256
            will = self.node.will(self._bd_seq, now_ms())
        return Will(will.topic, will.payload, will.qos, will.retain)

    def _connected(self) -> None:
        with self._lock:
            self._do(self.node.connected(now_ms(), self._bd_seq))

    def _disconnected(self, why: str) -> None:
        with self._lock:
            self.node.disconnected()

    def _message(self, message: Message) -> None:
        with self._lock:
            self._do(self.node.message(message.topic, message.payload, now_ms()))

    def __enter__(self) -> RealAgent:
        self.session.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.session.disconnect()
