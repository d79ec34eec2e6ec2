"""A small HTTP proxy in front of InfluxDB that is slow, or refuses lines, batches or everything."""

from __future__ import annotations

import http.client
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ANSWER_S = 60.0
PASSED = ("Authorization", "Content-Type", "Content-Encoding", "Accept")
CONFLICT = 'partial write: field type conflict: input field "{}" is of another type dropped={}'
UNPARSED = "unable to parse 'a line': bad timestamp"
FULL = "engine: cache-max-memory-size exceeded"
ODD = "the moon is in the wrong quarter"


class StoreGate:
    """Passes requests to a server of the loopback. `mode` is what happens to writes meanwhile.

    "" nothing; `slow`: each waits `delay_s`; `lines`: those with the field `field` are refused, the
    others kept; `batches`: any with more than one line; `full` and `odd`: all, as a server does
    that is not itself, and in words that nobody knows.
    """

    def __init__(self, behind: int) -> None:
        self.behind, self.mode, self.field, self.delay_s = behind, "", "power_02", 0.0
        gate = self

        class Handler(_Handler):
            owner = gate

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """End it."""
        self._server.shutdown()
        self._server.server_close()


class _Handler(BaseHTTPRequestHandler):
    owner: StoreGate
    protocol_version = "HTTP/1.1"
    timeout = ANSWER_S

    def do_GET(self) -> None:
        self._pass(b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if "write" not in self.path.partition("?")[0]:
            self._pass(body)
            return
        match self.owner.mode:
            case "slow":
                time.sleep(self.owner.delay_s)
                self._pass(body)
            case "lines":
                self._sift(body)
            case "batches" if body.count(b"\n") > 1:
                self._refuse(400, UNPARSED)
            case "full":
                self._refuse(500, FULL)
            case "odd":
                self._refuse(400, ODD)
            case _:
                self._pass(body)

    def _sift(self, body: bytes) -> None:
        """As InfluxDB 1 does: what it can keep is kept, and the answer says how much is not."""
        field = self.owner.field
        lines = body.splitlines(keepends=True)
        kept = [line for line in lines if f"{field}=".encode() not in line]
        if len(kept) == len(lines):
            self._pass(body)
        elif not kept or self._send(b"".join(kept))[0] in (200, 204):
            self._refuse(400, CONFLICT.format(field, len(lines) - len(kept)))
        else:
            self._refuse(503, "the server behind is not there")

    def _pass(self, body: bytes) -> None:
        self._answer(*self._send(body))

    def _send(self, body: bytes) -> tuple[int, bytes, str]:
        told = {name: self.headers[name] for name in PASSED if name in self.headers}
        link = http.client.HTTPConnection("127.0.0.1", self.owner.behind, timeout=ANSWER_S)
        try:
            link.request(self.command, self.path, body or None, told)
            answer = link.getresponse()
            content = answer.read()
            return answer.status, content, answer.getheader("Content-Type", "")
        except (OSError, http.client.HTTPException):
            return 0, b"", ""
        finally:
            link.close()

    def _refuse(self, status: int, words: str) -> None:
        text = json.dumps({"error": words, "message": words, "code": "invalid"})
        self._answer(status, text.encode(), "application/json")

    def _answer(self, status: int, content: bytes, kind: str) -> None:
        if not status:  # nobody behind: as if nobody were here
            self.close_connection = True
            return
        try:
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            if kind:
                self.send_header("Content-Type", kind)
            self.end_headers()
            if status != 204:
                self.wfile.write(content)
        except OSError:  # who asked has given up
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: the account at the end does."""
