"""A client of MQTT 3.1.1 and 5 made of bytes: it sends what it is told, allowed or not.

Only what the tests of the access list need; whatever the broker sends of another kind is left out.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterable
from types import TracebackType

PATIENCE_S = 30.0
CONNACK, PUBLISH, SUBACK, PINGREQ, PINGRESP = 2, 3, 9, 12, 13


class Refused(Exception):
    """The broker, or TLS before it, did not let us in; the message says how."""


class Client:
    """One connection; Refused when there is none. `will` is a topic."""

    def __init__(
        self,
        port: int,
        name: str,
        context: ssl.SSLContext | None = None,
        *,
        host: str = "localhost",
        version: int = 4,
        will: str | None = None,
        retain_will: bool = False,
        user: str | None = None,
        password: str | None = None,
        keepalive_s: int = 30,
        clean: bool = True,
    ) -> None:
        self.version = version
        self.got: list[str] = []
        self._buffer = b""
        try:
            self._socket = socket.create_connection(("127.0.0.1", port), PATIENCE_S)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if context is not None:
                self._socket = context.wrap_socket(self._socket, server_hostname=host)
        except (OSError, ssl.SSLError) as error:
            if hasattr(self, "_socket"):
                self._socket.close()
            raise Refused(f"no connection: {error}") from error
        flags = 2 * clean | (4 | 1 << 3 | retain_will << 5 if will else 0)
        flags |= (user is not None) << 7 | (password is not None) << 6
        body = _text("MQTT") + bytes([version, flags]) + keepalive_s.to_bytes(2, "big")
        body += self._properties() + _text(name)
        if will:
            body += self._properties() + _text(will) + _text("will")
        for word in (user, password):
            body += b"" if word is None else _text(word)
        try:
            self._send(1 << 4, body)
            kind, answer = self._packet()
        except (OSError, ssl.SSLError, EOFError) as error:
            self._socket.close()
            raise Refused(f"no answer to the CONNECT: {error}") from error
        self.welcome = answer
        if kind != CONNACK or answer[1]:
            self._socket.close()
            raise Refused(f"the broker answered {answer[1]}")

    def publish(
        self, topic: str, *, qos: int = 0, retain: bool = False, payload: bytes = b"x"
    ) -> None:
        """Send a PUBLISH; of QoS 1 the answer comes when it likes."""
        number = b"\0\1" if qos else b""
        body = _text(topic) + number + self._properties() + payload
        self._send(PUBLISH << 4 | qos << 1 | retain, body)

    def subscribe(self, filters: Iterable[str], qos: int = 0) -> bytes:
        """The broker's answer to each filter."""
        wanted = b"".join(_text(one) + bytes([qos]) for one in filters)
        body = b"\0\2" + self._properties() + wanted
        self._send(8 << 4 | 2, body)
        while True:
            kind, answer = self._packet()
            if kind == SUBACK:
                return answer[2 + len(self._properties()) :]

    def settle(self) -> list[str]:
        """Everything that has come when the broker has dealt with all that we have sent."""
        self._send(PINGREQ << 4, b"")
        while self._packet()[0] != PINGRESP:
            pass
        return self.got

    def hear(self, last: str) -> list[str]:
        """Everything that has come up to a topic, that one included; then forgotten."""
        while last not in self.got:
            self._packet()
        got, self.got = self.got, []
        return got

    def drop(self) -> None:
        """Be gone without a word: the broker publishes the Will."""
        self._socket.close()

    def _properties(self) -> bytes:
        return b"\0" if self.version == 5 else b""

    def _send(self, head: int, body: bytes) -> None:
        length, size = b"", len(body)
        while True:
            size, part = size >> 7, size & 127
            length += bytes([part | (128 if size else 0)])
            if not size:
                break
        self._socket.sendall(bytes([head]) + length + body)

    def _packet(self) -> tuple[int, bytes]:
        head = self._take(1)[0]
        length = shift = 0
        while True:
            part = self._take(1)[0]
            length |= (part & 127) << shift
            shift += 7
            if part < 128:
                break
        body = self._take(length)
        if head >> 4 == PUBLISH:
            self.got.append(body[2 : 2 + int.from_bytes(body[:2], "big")].decode())
        return head >> 4, body

    def _take(self, count: int) -> bytes:
        while len(self._buffer) < count:
            more = self._socket.recv(65536)
            if not more:
                raise EOFError("the broker has closed the connection")
            self._buffer += more
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.drop()


def _text(text: str) -> bytes:
    data = text.encode()
    return len(data).to_bytes(2, "big") + data
