"""MQTT packets as bytes, and a client in a time of its own that writes them into a recorder."""

from __future__ import annotations

from collections.abc import Sequence

from refit.conformance.packets import Recorder

START_MS = 1_790_000_000_000


def _text(text: str | bytes) -> bytes:
    data = text if isinstance(text, bytes) else text.encode(errors="surrogateescape")
    return len(data).to_bytes(2) + data


def _packet(first: int, body: bytes) -> bytes:
    length, left = b"", len(body)
    while True:
        left, low = divmod(left, 128)
        length += bytes([low | 128 if left else low])
        if not left:
            return bytes([first]) + length + body


def connect(
    client_id: str,
    *,
    version: int,
    clean: bool = True,
    expiry_s: int | None = 0,
    will: tuple[str, bytes, int, bool] | None = None,
) -> bytes:
    """CONNECT with a Will (topic, payload, QoS, retain)."""
    flags, properties = 2 * clean, b""
    if version == 5:
        properties = b"\0" if expiry_s is None else b"\5\x11" + expiry_s.to_bytes(4)
    body = _text(client_id)
    if will is not None:
        topic, payload, qos, retain = will
        flags |= 4 | qos << 3 | 32 * retain
        body += (b"\0" if version == 5 else b"") + _text(topic) + _text(payload)
    head = _text("MQTT") + bytes([version, flags]) + (60).to_bytes(2)
    return _packet(0x10, head + properties + body)


def connack(version: int, reason: int = 0) -> bytes:
    """The broker's answer."""
    return _packet(0x20, bytes([0, reason]) + (b"\0" if version == 5 else b""))


def subscribe(filters: Sequence[tuple[str, int]], version: int) -> bytes:
    """SUBSCRIBE to some filters."""
    listed = b"".join(_text(name) + bytes([qos]) for name, qos in filters)
    return _packet(0x82, b"\0\1" + (b"\0" if version == 5 else b"") + listed)


def suback(count: int, version: int) -> bytes:
    """All of them granted with QoS 1."""
    return _packet(0x90, b"\0\1" + (b"\0" if version == 5 else b"") + b"\1" * count)


def publish(topic: str, payload: bytes, version: int, qos: int = 0, retain: bool = False) -> bytes:
    """PUBLISH."""
    number = b"\0\7" if qos else b""
    properties = b"\0" if version == 5 else b""
    return _packet(0x30 | qos << 1 | retain, _text(topic) + number + properties + payload)


def disconnect(version: int, reason: int) -> bytes:
    """DISCONNECT; its reason is only said in MQTT 5."""
    return _packet(0xE0, bytes([reason]) if version == 5 and reason else b"")


class Client:
    """A client whose every word is recorded; its time goes on by 10 ms a word.

    `faults` are the names of what it does wrong.
    """

    def __init__(self, faults: Sequence[str] = (), version: int = 4) -> None:
        self.faults, self.version = frozenset(faults), version
        self.recorder = Recorder()
        self.now_ms = START_MS
        self.connection = 0

    def has(self, fault: str) -> bool:
        """Whether it does this wrong."""
        return fault in self.faults

    def say(self, data: bytes, *, by_broker: bool = False) -> None:
        """One packet of this side, or of the broker."""
        self.now_ms += 10
        self.recorder.feed(self.connection, data, self.now_ms, by_broker=by_broker)

    def hear(self, topic: str, payload: bytes, qos: int = 0) -> None:
        """A message comes from the broker."""
        self.say(publish(topic, payload, self.version, qos), by_broker=True)

    def publish(self, topic: str, payload: bytes, qos: int = 0, retain: bool = False) -> None:
        """A message of this side."""
        self.say(publish(topic, payload, self.version, qos, retain))

    def end(self) -> None:
        """The connection is gone."""
        self.now_ms += 10
        self.recorder.end(self.connection, self.now_ms)

    def wait(self, ms: int) -> None:
        """Time passes."""
        self.now_ms += ms
