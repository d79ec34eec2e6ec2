"""One HTTP connection of the media store; the protocol is that of wire/media/protocol.py.

Whatever a client sends is bounded: the head of a request, a chunk, the time that either may take.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, cast

import orjson
import structlog

from plant.media.store import (
    MediaStoreError,
    Stored,
    StoreFull,
    StoreUnusable,
    WrongContent,
    WrongOffset,
)
from wire.listening import BoundedHandler
from wire.media.protocol import (
    ANY_TYPE,
    CHUNK_BYTES_MAX,
    DIGEST,
    HASH,
    LENGTH,
    OFFSET,
    PREFIX,
    RESTRICTED,
    TYPE,
    chunk_digest,
)

if TYPE_CHECKING:
    from plant.media.server import MediaListener

IDLE_S = 30.0
RATE_MIN = 16 << 10  # bytes a second; who is slower is cut off, and goes on where it stopped
DISCARD_BYTES = 64 << 10
RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})\Z")
DECIMAL = re.compile(r"[0-9]{1,18}\Z")
# Pages that scripts could be hidden in are never shown by this server.
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
}
STATUS_OF: dict[type[Exception], int] = {WrongContent: 422, StoreFull: 507, StoreUnusable: 503}

log = structlog.get_logger("media")


class Refusal(Exception):
    """What a request gets instead of what it asked for."""

    def __init__(self, status: int, title: str, headers: Mapping[str, str] | None = None) -> None:
        self.status, self.headers = status, headers or {}
        super().__init__(title)


class Handler(BoundedHandler):
    """Answers one client after the other's request, as long as it keeps the connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = IDLE_S
    server: MediaListener

    def head_s(self) -> float:
        """How long a head may take, and the silence before it."""
        return IDLE_S

    def do_HEAD(self) -> None:
        self._guarded(self._head)

    def do_GET(self) -> None:
        self._guarded(self._get)

    def do_POST(self) -> None:
        self._guarded(self._claim)

    def do_PATCH(self) -> None:
        self._guarded(self._append)

    def _guarded(self, work: Callable[[str], None]) -> None:
        media = self.server.media
        # What is refused may have a body that nobody has read.
        self._body_left = True
        try:
            if not self.path.startswith(PREFIX) or not HASH.match(self.path[len(PREFIX) :]):
                raise Refusal(404, f"there is only {PREFIX} and a SHA-256 in hexadecimal")
            work(self.path[len(PREFIX) :])
        except Refusal as error:
            media.tally.add(f"refused_{error.status}")
            self._answer(error.status, error.headers, str(error))
        except WrongOffset as error:
            media.tally.add("refused_409")
            self._answer(409, {OFFSET: str(error.received)}, str(error))
        except MediaStoreError as error:
            status = STATUS_OF[type(error)]
            media.tally.add(f"refused_{status}")
            if status != 422:
                media.troubled(str(error))
            self._answer(status, {"Retry-After": "5"} if status == 503 else {}, str(error))

    def _head(self, sha256: str) -> None:
        self._allowed(sends=False)
        self._no_body()
        stored = self.server.media.store.head(sha256)
        if stored is not None:
            self._answer(200, self._about(stored), length=stored.bytes)
            return
        received = self.server.media.received(sha256)
        self._answer(404, {OFFSET: str(received)}, "it is not there")

    def _get(self, sha256: str) -> None:
        self._allowed(sends=False)
        self._no_body()
        stored = self.server.media.store.head(sha256)
        if stored is None:
            raise Refusal(404, "it is not there")
        if stored.type == RESTRICTED and not self.server.media.access.may_see_restricted(self._who):
            raise Refusal(403, "a restricted file: the token does not allow to read it")
        tags = self.headers.get("If-None-Match", "")
        if any(one.strip().removeprefix("W/") in ("*", f'"{sha256}"') for one in tags.split(",")):
            self._answer(304, self._about(stored))
            return
        start, end = self._span(stored)
        headers, status = self._about(stored), 200
        if (start, end) != (0, stored.bytes):
            headers["Content-Range"], status = f"bytes {start}-{end - 1}/{stored.bytes}", 206
        self._answer(status, headers, length=end - start)
        self._send(stored, start, end)

    def _send(self, stored: Stored, start: int, end: int) -> None:
        left = end - start
        try:
            for part in self.server.media.store.read(stored.sha256, start, end):
                self.server.watch(self.connection, IDLE_S + len(part) / RATE_MIN)
                self.wfile.write(part)
                self.server.media.tally.add("sent_bytes", len(part))
                left -= len(part)
        except (MediaStoreError, LookupError) as error:
            log.error("a file ended before its end", sha256=stored.sha256, why=str(error))
        self.close_connection |= left != 0

    def _claim(self, sha256: str) -> None:
        self._allowed(sends=True)
        self._no_body()
        total = self._total()
        media = self.server.media
        stored = media.store.claim(sha256)
        if stored is not None:
            if stored.bytes != total:
                raise Refusal(422, f"the file of this hash has {stored.bytes} bytes, not {total}")
            self._answer(200, self._about(stored))
            return
        received = media.store.received(sha256, total)
        if received == total:
            self._complete(sha256, total)
            return
        media.keep_room(sha256, total)
        if total - received > media.store.free_bytes():
            raise StoreFull("there is no room for this file")
        self._answer(202, {OFFSET: str(received)})

    def _append(self, sha256: str) -> None:
        self._allowed(sends=True)
        total, offset = self._total(), self._number(OFFSET)
        media = self.server.media
        with media.turn() as is_free:
            if not is_free:
                raise Refusal(503, "others are being served", {"Retry-After": "1"})
            if offset == 0:
                media.keep_room(sha256, total)
            chunk = self._chunk()
            media.took(self._who, len(chunk))
            offset = media.store.append(sha256, total, offset, chunk)
            media.tally.add("received_bytes", len(chunk))
            if offset == total:
                self._complete(sha256, total)
            else:
                self._answer(204, {OFFSET: str(offset)})

    def _complete(self, sha256: str, total: int) -> None:
        self.server.watch(self.connection, None)
        stored = self.server.media.complete(sha256, total, self.headers.get(TYPE, ANY_TYPE))
        self._answer(201, self._about(stored))

    def _allowed(self, *, sends: bool) -> None:
        media, address = self.server.media, str(self.client_address[0])
        access = media.access
        name = access.who(self.headers.get("Authorization", ""))
        self._who = name or address
        if wait_s := media.wait_s(self._who):
            told = {"Retry-After": str(math.ceil(wait_s))}
            raise Refusal(429, "too much in too short a time", told)
        if name is None:
            raise Refusal(401, "a token is needed", {"WWW-Authenticate": "Bearer"})
        if sends and not access.may_send(name):
            raise Refusal(403, f"{name} is no agent of this site: it may only read")

    def _no_body(self) -> None:
        lengths = set(self.headers.get_all("Content-Length", ["0"]))
        if self.headers.get("Transfer-Encoding") or lengths != {"0"}:
            raise Refusal(400, "this request has no body")
        self._body_left = False

    def _total(self) -> int:
        total, most = self._number(LENGTH), self.server.media.file_bytes_max
        if total > most:
            raise Refusal(413, f"{total} bytes are more than the {most} of a file")
        return total

    def _number(self, name: str) -> int:
        values = self.headers.get_all(name, [])
        if len(values) != 1 or not DECIMAL.match(values[0]):
            raise Refusal(400, f"{name} must be given once, as a number")
        return int(values[0])

    def _chunk(self) -> bytes:
        """The body of a PATCH, as its sender meant it."""
        if self.headers.get("Transfer-Encoding"):
            raise Refusal(411, "a chunk has a Content-Length")
        length = self._number("Content-Length")
        if length > CHUNK_BYTES_MAX:
            raise Refusal(413, f"a chunk has at most {CHUNK_BYTES_MAX} bytes")
        self.server.watch(self.connection, IDLE_S + length / RATE_MIN)
        chunk = self.rfile.read(length)
        if len(chunk) < length:
            raise ConnectionError("the chunk ended before its end")
        self._body_left = False
        if self.headers.get(DIGEST, "") != chunk_digest(chunk):
            raise Refusal(400, f"the chunk does not fit its {DIGEST}")
        return cast(bytes, chunk)

    def _span(self, stored: Stored) -> tuple[int, int]:
        """What of the file is asked for; all of it when the range is none that is known here."""
        match = RANGE.match(self.headers.get("Range", ""))
        fits = self.headers.get("If-Range", f'"{stored.sha256}"') == f'"{stored.sha256}"'
        if match is None or match[0] == "bytes=-" or not fits:
            return 0, stored.bytes
        if match[1]:
            start, end = int(match[1]), int(match[2] or stored.bytes) + bool(match[2])
        else:
            start, end = max(stored.bytes - int(match[2]), 0), stored.bytes
        if start >= stored.bytes or start >= end:
            raise Refusal(416, "out of the file", {"Content-Range": f"bytes */{stored.bytes}"})
        return start, min(end, stored.bytes)

    def _about(self, stored: Stored) -> dict[str, str]:
        shown = stored.type.partition("/")[0] in ("image", "video") or stored.type in (
            "application/pdf", "application/json", "text/plain", "text/csv",
        )  # fmt: skip
        return {
            "ETag": f'"{stored.sha256}"',
            "Accept-Ranges": "bytes",
            "Cache-Control": "private, max-age=31536000, immutable",
            "Content-Type": stored.type,
            "Content-Disposition": "inline" if shown else "attachment",
        }

    def _answer(
        self, status: int, headers: Mapping[str, str], title: str = "", length: int | None = None
    ) -> None:
        """Status and headers, with a body that says why when there is a title."""
        body = orjson.dumps({"title": title, "status": status}) if title else b""
        self.close_connection |= self._body_left
        self.server.watch(self.connection, IDLE_S)
        self.send_response(status)
        for name, value in {**ALWAYS, **headers}.items():
            self.send_header(name, value)
        if title:
            self.send_header("Content-Type", "application/problem+json")
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(body) if length is None else length))
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD" and body:
            self.wfile.write(body)
        if self._body_left and self.command:
            self._discard()

    def _discard(self) -> None:
        """Read on a little: a connection closed on unread bytes takes the answer with it."""
        left = self.headers.get("Content-Length", "0")
        if DECIMAL.match(left) and int(left) <= CHUNK_BYTES_MAX:
            self.server.watch(self.connection, IDLE_S)
            rest = int(left)
            while rest > 0 and (part := self.rfile.read(min(rest, DISCARD_BYTES))):
                rest -= len(part)

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """What http.server itself refuses, in the same words as everything else."""
        self._body_left = self.close_connection = True
        self.request_version = "HTTP/1.1"
        self.server.media.tally.add(f"refused_{code}")
        command, self.command = getattr(self, "command", "") or "", ""
        self._answer(code, {}, message or self.responses.get(code, ("refused",))[0])
        self.command = command
