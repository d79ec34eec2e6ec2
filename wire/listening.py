"""An HTTP listener that nobody can hold up: few connections, short heads, a deadline for each.

Slow senders (a byte now and then) are cut off by the deadline, not by a time-out of each byte;
heads that two programs could read in two ways are refused (RFC 9112, 6.3 and 11.2).
"""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import http.client
import re
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, BinaryIO

import structlog

from wire.site.http import HttpConfig
from wire.tls import server_context

HANDSHAKE_S = 10.0
HEAD_BYTES_MAX = 16 << 10
POLL_S = 0.1
# RFC 9110, 5.6.2: a name with anything else in it is read differently by different programs.
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")

log = structlog.get_logger("http")


@dataclass(frozen=True)
class Door:
    """How a process lets others in: by TLS with a context, by a token when there is one."""

    context: ssl.SSLContext | None = None
    token: Callable[[], str | None] = lambda: None

    @classmethod
    def of(cls, config: HttpConfig) -> Door:
        """The door that a site file describes. ValueError (TlsError, Wrong) when it cannot be."""
        config.token()
        if config.cert_file is None or config.key_file is None:
            return cls(None, config.token)
        return cls(server_context(config.cert_file, config.key_file), config.token)

    def opens(self, authorization: str) -> bool:
        """Whether this header shows the token; how long that takes says nothing about it."""
        try:
            token = self.token()
        except ValueError as error:
            log.error("the token cannot be read, nobody is let in", why=str(error))
            return False
        if token is None:
            return True
        scheme, _, shown = authorization.partition(" ")
        is_same = hmac.compare_digest(_digest(shown.strip()), _digest(token))
        return scheme.lower() == "bearer" and is_same


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()


class Listener(ThreadingHTTPServer):
    """The listening socket and its connections, each with the moment at which it is cut off."""

    daemon_threads = True
    request_queue_size = 64
    context: ssl.SSLContext | None = None

    def __init__(
        self,
        address: tuple[str, int],
        handler: type[BaseHTTPRequestHandler],
        *,
        connections_max: int,
        refused: Callable[[int], None] = lambda status: None,
    ) -> None:
        self._connections_max, self._refused = connections_max, refused
        self._deadlines: dict[Any, float | None] = {}
        self._lock = threading.Lock()
        super().__init__(address, handler)

    @property
    def connections(self) -> int:
        """How many clients there are now."""
        return len(self._deadlines)

    def watch(self, connection: Any, seconds: float | None) -> None:
        """Cut a connection off when nothing else is said within this time; None: never."""
        with self._lock:
            self._deadlines[connection] = None if seconds is None else time.monotonic() + seconds

    def service_actions(self) -> None:
        """Cut off who is overdue, each POLL_S."""
        now = time.monotonic()
        with self._lock:
            late = [one for one, end in self._deadlines.items() if end is not None and end < now]
            for connection in late:
                self._deadlines[connection] = None
        for connection in late:
            self._refused(408)
            _cut(connection)

    def cut_all(self) -> None:
        """End every connection."""
        with self._lock:
            connections = list(self._deadlines)
        for connection in connections:
            _cut(connection)

    def process_request(self, request: Any, client_address: Any) -> None:
        """A thread for a client, unless there are too many."""
        if self.connections >= self._connections_max:
            self._refused(503)
            self.shutdown_request(request)
            return
        self.watch(request, HANDSHAKE_S)
        super().process_request(request, client_address)

    def finish_request(self, request: Any, client_address: Any) -> None:
        """Serve a client on its thread; the handshake takes place there, where it delays nobody."""
        connection = request
        try:
            if self.context is not None:
                request.settimeout(HANDSHAKE_S)
                connection = self.context.wrap_socket(request, server_side=True)
                self.watch(connection, HANDSHAKE_S)
                self._forget(request)
            super().finish_request(connection, client_address)
        except (OSError, ValueError) as error:
            log.debug("a connection has ended", client=str(client_address), why=str(error))
        finally:
            self._forget(request)
            self._forget(connection)
            if connection is not request:
                self.shutdown_request(connection)

    def shutdown_request(self, request: Any) -> None:
        """A connection is over, also one for which there was no thread."""
        self._forget(request)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A fault of ours costs its client the connection, and is logged."""
        log.exception("a request could not be served", client=str(client_address))

    def _forget(self, connection: Any) -> None:
        with self._lock:
            self._deadlines.pop(connection, None)


class Bounded:
    """The bytes of a connection; the lines of a request's head have a bound together."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.head_left = HEAD_BYTES_MAX

    def readline(self, limit: int = -1) -> bytes:
        """One line of a head."""
        line = self._file.readline(self.head_left + 1)
        self.head_left -= len(line)
        if self.head_left < 0:
            raise http.client.LineTooLong("head of the request")
        return line

    def read(self, size: int) -> bytes:
        """Bytes of a body."""
        return self._file.read(size)

    def close(self) -> None:
        """Let go of the connection."""
        self._file.close()


class BoundedHandler(BaseHTTPRequestHandler):
    """A handler whose requests have a bound in bytes and time, and one meaning only."""

    server_version, sys_version = "refit", ""
    server: Listener
    rfile: Any

    def head_s(self) -> float:
        """How long a head may take."""
        return HANDSHAKE_S

    def setup(self) -> None:
        super().setup()
        self.rfile = Bounded(self.rfile)

    def handle_one_request(self) -> None:
        self.rfile.head_left = HEAD_BYTES_MAX
        self.server.watch(self.connection, self.head_s())
        try:
            super().handle_one_request()
        except http.client.LineTooLong:
            self.send_error(431)
        except (ConnectionError, TimeoutError, ssl.SSLError):
            self.close_connection = True

    def parse_request(self) -> bool:
        """Refuse a head of more than one meaning: who stands before us may read it otherwise."""
        if not super().parse_request():
            return False
        if why := _doubt(self.headers):
            self.send_error(400, why)
            self.close_connection = True
            return False
        return True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Being asked is normal operation, which logs nothing."""

    def log_message(self, format: str, *arguments: object) -> None:
        """What http.server would write: it is counted instead."""


def _doubt(headers: Any) -> str:
    """What of a head could be read in two ways; "" when nothing can."""
    if headers.defects or headers.get_payload():
        return "a line of the head is no header"
    for name, value in headers.items():
        if not HEADER_NAME.match(name) or "\r" in value or "\n" in value or "\0" in value:
            return "a header with a name or a value that none may have"
    lengths = headers.get_all("Content-Length", [])
    if len(lengths) > 1 or (lengths and headers.get("Transfer-Encoding")):
        return "the length of the body is said twice"
    if lengths and not (lengths[0].isascii() and lengths[0].isdecimal()):
        return "Content-Length is no number"
    return ""


def _cut(connection: Any) -> None:
    with contextlib.suppress(OSError):
        # Not that of an SSLSocket, which would take the session from under its reader.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)
