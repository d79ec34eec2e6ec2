"""One connection to the media store: ask for a file, send a chunk of it, read it. It blocks."""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

import orjson

from wire.media import protocol

CONNECT_S = 5.0
TIMEOUT_S = 30.0
WHOLE_S = 300.0  # for the answer to the last chunk: the store reads the whole file once more
IDLE_S = 10.0  # after that much silence a new connection is made: the store may have closed it
WORDS_MAX = 64 << 10


class MediaError(RuntimeError):
    """The media store did not do what it was asked; the message says why."""


class Unreachable(MediaError):
    """No answer came: whatever was sent may or may not have arrived."""


class WrongHash(MediaError):
    """All bytes are there and are another file than was said: nothing of it was kept."""


class Refused(MediaError):
    """The media store said no; `status` is that of HTTP."""

    def __init__(self, status: int, why: str) -> None:
        self.status = status
        super().__init__(f"{why} (HTTP {status})")


@dataclass(frozen=True, slots=True)
class Progress:
    """How much of a file the store has; `there`: all of it, and it is verified."""

    there: bool
    offset: int


class MediaClient:
    """Talks to the media store at `url`. One thread at a time; `abort` may come from any other."""

    def __init__(
        self,
        url: str,
        token: Callable[[], str | None] = lambda: None,
        context: ssl.SSLContext | None = None,
        timeout_s: float = TIMEOUT_S,
    ) -> None:
        parts = urlsplit(url)
        self.url, self._token, self._timeout_s = url, token, timeout_s
        self._host, self._port = parts.hostname or "", parts.port
        self._base = parts.path.rstrip("/")
        self._context = context
        self._is_tls = parts.scheme == "https"
        self._connection: http.client.HTTPConnection | None = None
        self._used = 0.0

    def claim(self, sha256: str, total: int, type: str) -> Progress:
        """Say that this file is about to be sent; how much of it is there already."""
        headers = {protocol.LENGTH: str(total), protocol.TYPE: type, "Content-Length": "0"}
        return self._progress("POST", sha256, headers, b"", total)

    def append(self, sha256: str, total: int, offset: int, chunk: bytes, type: str) -> Progress:
        """Send a chunk; how much is there then, which is not `offset` + chunk when others sent."""
        headers = {
            protocol.LENGTH: str(total),
            protocol.TYPE: type,
            protocol.OFFSET: str(offset),
            protocol.DIGEST: protocol.chunk_digest(chunk),
            "Content-Type": protocol.CHUNK_TYPE,
        }
        return self._progress("PATCH", sha256, headers, chunk, total)

    def read(self, sha256: str, start: int = 0) -> Iterator[bytes]:
        """The bytes of a file from `start`; Refused with 404 when it is not there."""
        response = self._ask("GET", sha256, {"Range": f"bytes={start}-"} if start else {})
        if response.status not in (200, 206):
            raise self._refusal(response)
        left = int(response.headers.get("Content-Length", "0"))
        try:
            while part := response.read(protocol.READ_BYTES):
                left -= len(part)
                yield part
            if left:
                raise http.client.IncompleteRead(b"", left)
        except (OSError, http.client.HTTPException) as error:
            raise self._lost(error) from error
        finally:
            if not response.isclosed():
                response.close()
                self.close()

    def close(self) -> None:
        """Close the connection; the next request makes a new one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def abort(self) -> None:
        """End a request that is under way in another thread: it raises Unreachable."""
        connection = self._connection
        if connection is not None and connection.sock is not None:
            with contextlib.suppress(OSError):
                # Not that of an SSLSocket, which would take the session from under the reader.
                socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)

    def _progress(
        self, method: str, sha256: str, headers: Mapping[str, str], body: bytes, total: int
    ) -> Progress:
        response = self._ask(method, sha256, headers, body)
        offset = response.headers.get(protocol.OFFSET, "")
        if response.status in (200, 201):
            self._drain(response)
            return Progress(True, total)
        if response.status in (202, 204, 409):
            self._drain(response)
            if not offset.isdecimal():
                raise self._lost(http.client.HTTPException("the answer was cut off"))
            return Progress(False, int(offset))
        error = self._refusal(response)
        raise WrongHash(str(error)) if response.status == 422 else error

    def _ask(
        self, method: str, sha256: str, headers: Mapping[str, str], body: bytes | None = None
    ) -> http.client.HTTPResponse:
        told = dict(headers)
        token = self._token()
        if token:
            told["Authorization"] = f"Bearer {token}"
        try:
            connection = self._connected()
            connection.request(method, f"{self._base}{protocol.PREFIX}{sha256}", body, told)
            if connection.sock is not None and method in ("PATCH", "POST"):
                connection.sock.settimeout(WHOLE_S)
            response = connection.getresponse()
            if connection.sock is not None:
                connection.sock.settimeout(self._timeout_s)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise self._lost(error) from error
        self._used = time.monotonic()
        return response

    def _connected(self) -> http.client.HTTPConnection:
        if self._connection is not None and time.monotonic() - self._used > IDLE_S:
            self.close()
        if self._connection is None:
            self._connection = self._made()
            self._connection.connect()
            self._connection.sock.settimeout(self._timeout_s)
        return self._connection

    def _made(self) -> http.client.HTTPConnection:
        if self._is_tls:
            return http.client.HTTPSConnection(
                self._host, self._port, timeout=CONNECT_S, context=self._context
            )
        return http.client.HTTPConnection(self._host, self._port, timeout=CONNECT_S)

    def _drain(self, response: http.client.HTTPResponse) -> bytes:
        """Read what is left of a short answer, so that the connection can be used again."""
        try:
            words = response.read(WORDS_MAX)
        except (OSError, http.client.HTTPException) as error:
            raise self._lost(error) from error
        finally:
            # Not read to its end, or cut off in its head: nothing else can come on this connection.
            if not response.isclosed():
                response.close()
                self.close()
        return words

    def _refusal(self, response: http.client.HTTPResponse) -> Refused:
        words = self._drain(response)
        try:
            said = orjson.loads(words)["title"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            said = response.reason
        return Refused(response.status, str(said))

    def _lost(self, error: Exception) -> Unreachable:
        self.close()
        words = str(error) or type(error).__name__
        return Unreachable(f"{self.url}: {words}")
