"""A TCP proxy between a client and its broker that writes down what both say.

A subscriber cannot see a Will, Clean Start, a session's expiry or the reason of a DISCONNECT; this
can. It also breaks what can break on the way: refused, cut and silent connections.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from dataclasses import dataclass, replace

CONNECT, CONNACK, PUBLISH, SUBSCRIBE, DISCONNECT = 1, 2, 3, 8, 14
NAMES = {1: "CONNECT", 2: "CONNACK", 3: "PUBLISH", 4: "PUBACK", 8: "SUBSCRIBE", 9: "SUBACK",
         12: "PINGREQ", 14: "DISCONNECT"}  # fmt: skip
END, NOTE = "END", "NOTE"  # of a connection; of the test that records
SESSION_EXPIRY = 0x11
PROPERTY_BYTES = {0x11: 4, 0x21: 2, 0x27: 4, 0x22: 2, 0x19: 1, 0x17: 1}


@dataclass(frozen=True)
class Packet:
    """One MQTT control packet; only the fields of its kind are set. A NOTE says its topic."""

    connection: int
    kind: str
    version: int = 4
    client_id: str = ""
    clean: bool = False
    keepalive_s: int = 0
    session_expiry_s: int | None = None
    username: str | None = None
    topic: str = ""
    payload: bytes = b""
    qos: int = 0
    retain: bool = False
    duplicate: bool = False
    will: Packet | None = None
    filters: tuple[tuple[str, int], ...] = ()
    reason: int | None = None
    by_broker: bool = False
    at_ms: int = 0


@dataclass
class Reader:
    """MQTT's data types, read one after another."""

    data: bytes
    at: int = 0

    def take(self, count: int) -> bytes:
        self.at += count
        return self.data[self.at - count : self.at]

    def number(self, count: int = 2) -> int:
        return int.from_bytes(self.take(count))

    def binary(self) -> bytes:
        return self.take(self.number())

    def text(self) -> str:
        return self.binary().decode(errors="surrogateescape")

    def variable(self) -> int:
        value = shift = 0
        while True:
            byte = self.number(1)
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def properties(self, version: int) -> dict[int, int]:
        """Those with a fixed length; what follows another one is skipped."""
        found: dict[int, int] = {}
        if version == 5:
            end = self.variable() + self.at
            while self.at < end and (size := PROPERTY_BYTES.get(key := self.number(1))):
                found[key] = self.number(size)
            self.at = end
        return found

    @property
    def left(self) -> bytes:
        return self.data[self.at :]


def decode(connection: int, version: int, first: int, body: bytes) -> Packet:
    """One packet from its first byte and what follows its length."""
    kind, reader = first >> 4, Reader(body)
    name = NAMES.get(kind, str(kind))
    if kind == CONNECT:
        return _connect(connection, reader)
    if kind == PUBLISH:
        topic, qos = reader.text(), first >> 1 & 3
        if qos:
            reader.number()
        reader.properties(version)
        flags = {"retain": bool(first & 1), "duplicate": bool(first & 8)}
        return Packet(connection, name, version, topic=topic, payload=reader.left, qos=qos, **flags)
    if kind == SUBSCRIBE:
        reader.number()
        reader.properties(version)
        filters = []
        while reader.left:
            filters.append((reader.text(), reader.number(1) & 3))
        return Packet(connection, name, version, filters=tuple(filters))
    if kind == CONNACK:
        return Packet(connection, name, version, reason=body[1])
    if kind == DISCONNECT:
        return Packet(connection, name, version, reason=body[0] if body else 0)
    return Packet(connection, name, version)


def _connect(connection: int, reader: Reader) -> Packet:
    reader.text()
    version, flags, keepalive_s = reader.number(1), reader.number(1), reader.number()
    expiry = reader.properties(version).get(SESSION_EXPIRY)
    client_id, will = reader.text(), None
    if flags & 4:
        reader.properties(version)
        will = Packet(connection, "WILL", version, topic=reader.text(), payload=reader.binary(),
                      qos=flags >> 3 & 3, retain=bool(flags & 32))  # fmt: skip
    return Packet(
        connection, "CONNECT", version, client_id, bool(flags & 2), keepalive_s, expiry,
        reader.text() if flags & 128 else None, will=will,
    )  # fmt: skip


def split(buffer: bytearray) -> tuple[int, bytes] | None:
    """The first whole packet, cut from the buffer."""
    length = shift = 0
    for index in range(1, min(len(buffer), 5)):
        length |= (buffer[index] & 127) << shift
        shift += 7
        if buffer[index] < 128:
            end = index + 1 + length
            if len(buffer) < end:
                return None
            first, body = buffer[0], bytes(buffer[index + 1 : end])
            del buffer[:end]
            return first, body
    return None


class Recorder:
    """The packets of many connections, of both sides, in the order in which they were seen."""

    def __init__(self) -> None:
        self.log: list[Packet] = []
        self._versions: dict[int, int] = {}
        self._buffers: dict[tuple[int, bool], bytearray] = {}
        self._ended: set[int] = set()

    def feed(self, connection: int, data: bytes, at_ms: int, *, by_broker: bool) -> None:
        """Bytes of one side of a connection."""
        buffer = self._buffers.setdefault((connection, by_broker), bytearray())
        buffer += data
        while (found := split(buffer)) is not None:
            packet = decode(connection, self._versions.get(connection, 4), *found)
            if packet.kind == "CONNECT":
                self._versions[connection] = packet.version
            self.log.append(replace(packet, by_broker=by_broker, at_ms=at_ms))

    def end(self, connection: int, at_ms: int) -> None:
        """A connection is gone; said once."""
        if connection not in self._ended:
            self._ended.add(connection)
            self.log.append(Packet(connection, END, at_ms=at_ms))

    def note(self, text: str, at_ms: int) -> None:
        """What no packet says, and a reader of the log must know."""
        self.log.append(Packet(0, NOTE, topic=text, at_ms=at_ms))


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass
class _Link:
    number: int
    client: socket.socket
    broker: socket.socket


class WireTap:
    """Listens on `port`, forwards to the broker, keeps what was said in `recorder`."""

    def __init__(self, broker_port: int) -> None:
        self.broker_port = broker_port
        self.recorder = Recorder()
        self.connections = 0
        self._mute, self._deaf = threading.Event(), threading.Event()
        self._links: list[_Link] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._spawn(self._accept, self._listener)

    @property
    def packets(self) -> list[Packet]:
        """What the clients said, in the order in which it was seen."""
        log = self.recorder.log[:]
        return [one for one in log if not one.by_broker and one.kind not in (END, NOTE)]

    def note(self, text: str) -> None:
        """Write into the log what no packet says."""
        self.recorder.note(text, _now_ms())

    def of(self, kind: str) -> list[Packet]:
        """The packets of one kind, in the order in which they were seen."""
        return [packet for packet in self.packets if packet.kind == kind]

    def session(self, connection: int) -> list[Packet]:
        """The packets of one connection (the first is 1)."""
        return [packet for packet in self.packets if packet.connection == connection]

    def shut(self) -> None:
        """Nobody listens any more: connections are refused, and those that stand are cut."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()

    def reopen(self) -> None:
        """Listen again, on the same port."""
        self._listener = socket.create_server(("127.0.0.1", self.port))
        self._spawn(self._accept, self._listener)

    def mute(self) -> None:
        """Half-open: from now on nothing of the broker reaches a client."""
        self._mute.set()

    def unmute(self) -> None:
        """Later bytes of the broker pass again; the swallowed ones are gone."""
        self._mute.clear()

    def drop(self) -> None:
        """A link that is dead and looks alive: nothing passes in either direction."""
        self._mute.set()
        self._deaf.set()

    def pass_on(self) -> None:
        """Later bytes pass again in both directions; the swallowed ones are gone."""
        self._mute.clear()
        self._deaf.clear()

    def cut(self) -> None:
        """End every connection, without a word of MQTT."""
        for link in self._links:
            self._close(link)
        self._links.clear()

    def close(self) -> None:
        """End everything, and wait for it."""
        with contextlib.suppress(OSError):  # it may have been shut
            self.shut()
        self.cut()
        for thread in self._threads:
            thread.join(5)

    def __enter__(self) -> WireTap:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _spawn(self, target: object, *arguments: object) -> None:
        thread = threading.Thread(target=target, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            try:
                broker = socket.create_connection(("127.0.0.1", self.broker_port), 5)
            except OSError:
                client.close()
                continue
            broker.settimeout(None)
            self.connections += 1
            link = _Link(self.connections, client, broker)
            self._links.append(link)
            self._spawn(self._upwards, link)
            self._spawn(self._downwards, link)
            if listener.fileno() < 0:  # shut in the meantime
                self._close(link)

    def _upwards(self, link: _Link) -> None:
        with contextlib.suppress(OSError):
            while data := link.client.recv(65536):
                if self._deaf.is_set():
                    continue
                self.recorder.feed(link.number, data, _now_ms(), by_broker=False)
                link.broker.sendall(data)
        self._close(link)

    def _downwards(self, link: _Link) -> None:
        with contextlib.suppress(OSError):
            while data := link.broker.recv(65536):
                if not self._mute.is_set():
                    self.recorder.feed(link.number, data, _now_ms(), by_broker=True)
                    link.client.sendall(data)
        self._close(link)

    def _close(self, link: _Link) -> None:
        self.recorder.end(link.number, _now_ms())
        for end in (link.client, link.broker):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
