"""The words of an MQTT session: what is sent, what the broker is, what is bounded and counted."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol


class Broker(Protocol):
    """What a session needs to know of a broker; the site file's model has it."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...
    @property
    def username(self) -> str | None: ...
    @property
    def tls(self) -> bool: ...
    @property
    def ca_file(self) -> Path | None: ...
    @property
    def cert_file(self) -> Path | None: ...
    @property
    def key_file(self) -> Path | None: ...
    @property
    def version(self) -> Literal["3.1.1", "5"]: ...
    @property
    def keepalive_s(self) -> int: ...
    @property
    def packet_max(self) -> int | None: ...
    def password(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Message:
    """One MQTT message. ValueError when the topic cannot be published to."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    server: int = 0  # the number of the server that it came from, where there are several

    def __post_init__(self) -> None:
        if not self.topic or "+" in self.topic or "#" in self.topic or len(self.topic) > 16_000:
            raise ValueError(f"{self.topic[:100]!r} is no topic: empty, a wildcard, or too long")
        if self.qos not in (0, 1, 2):
            raise ValueError(f"QoS {self.qos} does not exist")

    @property
    def size(self) -> int:
        """Bytes that it takes up, nearly."""
        return len(self.topic) + len(self.payload)


@dataclass(frozen=True, slots=True)
class Mark:
    """A place among the messages of QoS 0, of which the broker says when it has come so far."""

    number: int
    qos: int = 0
    size: int = 0


@dataclass(frozen=True, slots=True)
class Will:
    """What the broker says for us when we are gone."""

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds and waiting times of a session."""

    connect_timeout_s: float = 5.0
    stop_timeout_s: float = 2.0
    stable_s: float = 5.0  # a session that lived this long sets the back-off to its start
    backoff_first_s: float = 0.5
    # Whoever was away is found within 5 s of its return, by all within the time that a host waits
    # for a confirmation. It costs a broker little: 200 clients at the gates are 50 SYNs a second.
    backoff_max_s: float = 5.0
    queue_max: int = 2_000
    queue_bytes_max: int = 64 * 1024 * 1024
    inflight_max: int = 100
    walk_max_s: float = 5.0  # between two servers, when each was left on purpose


@dataclass(frozen=True, slots=True)
class Status:
    """A session at one moment, for metrics and for people."""

    connected: bool
    reason: str  # why the last session or attempt ended, "" when none has
    connects: int  # sessions that came up
    failures: int  # attempts that did not
    published: int
    received: int
    queued: int
    refused: int  # not taken: the queue was full or the message too long
    lost: int  # taken, but the session ended before it was sent
    rejected: int  # the broker answered a QoS 1 message with an error (MQTT 5)
    errors: int  # exceptions that came out of the owner's callbacks
