"""What MQTT clients and their broker have said to each other: packets, decoded and recorded.

Read for a judge, from the bytes of both sides; shares nothing with what it records.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

CONNECT, CONNACK, PUBLISH, SUBSCRIBE, DISCONNECT = 1, 2, 3, 8, 14
NAMES = {1: "CONNECT", 2: "CONNACK", 3: "PUBLISH", 4: "PUBACK", 8: "SUBSCRIBE", 9: "SUBACK",
         12: "PINGREQ", 14: "DISCONNECT"}  # fmt: skip
END, NOTE = "END", "NOTE"  # of a connection; of the test that records
SESSION_EXPIRY = 0x11
PROPERTY_BYTES = {0x11: 4, 0x21: 2, 0x27: 4, 0x22: 2, 0x19: 1, 0x17: 1}


@dataclass(frozen=True)
class Packet:
    """One MQTT control packet; only the fields of its kind are set. A NOTE says its topic.

    `server` tells apart the servers of a recording that has several.
    """

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
    server: int = 0


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
    """The packets of many connections, of both sides, in the order in which they were seen.

    `servers` has the server of each connection that is not at the first one.
    """

    def __init__(self) -> None:
        self.log: list[Packet] = []
        self.servers: dict[int, int] = {}
        self._connections = 0
        self._versions: dict[int, int] = {}
        self._buffers: dict[tuple[int, bool], bytearray] = {}
        self._ended: set[int] = set()

    def begin(self, server: int = 0) -> int:
        """The number of a new connection."""
        self._connections += 1
        if server:
            self.servers[self._connections] = server
        return self._connections

    def feed(self, connection: int, data: bytes, at_ms: int, *, by_broker: bool) -> None:
        """Bytes of one side of a connection."""
        buffer = self._buffers.setdefault((connection, by_broker), bytearray())
        buffer += data
        while (found := split(buffer)) is not None:
            packet = decode(connection, self._versions.get(connection, 4), *found)
            if packet.kind == "CONNECT":
                self._versions[connection] = packet.version
            server = self.servers.get(connection, 0)
            self.log.append(replace(packet, by_broker=by_broker, at_ms=at_ms, server=server))

    def end(self, connection: int, at_ms: int) -> None:
        """A connection is gone; said once."""
        if connection not in self._ended:
            self._ended.add(connection)
            server = self.servers.get(connection, 0)
            self.log.append(Packet(connection, END, at_ms=at_ms, server=server))

    def note(self, text: str, at_ms: int) -> None:
        """What no packet says, and a reader of the log must know."""
        self.log.append(Packet(0, NOTE, topic=text, at_ms=at_ms))
