"""Machines that post JSON: a thin HTTP server of one station, with a token for each machine.

POST /machines/NAME/results    a result; the answer says whether it counts, or why not
GET  /machines/NAME/session    which session is open
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from ssl import SSLContext
from typing import Any
from urllib.parse import unquote

import orjson
import structlog

from edge.inspection.adapter import Reader, Sink, answer_of
from stations.inspection.messages import BYTES_MAX
from wire.listening import POLL_S, BoundedHandler, Listener
from wire.site.http import TOKEN_LENGTH_MIN
from wire.site.problems import Wrong

CONNECTIONS_MAX = 32
BODY_S = 10.0
VERDICT_S = 10.0

log = structlog.get_logger()


def token_of(file: Path) -> str:
    """The token in a file, read now. Wrong when there is none."""
    try:
        found = file.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise Wrong(f"{file} cannot be read: {error}") from error
    if len(found) < TOKEN_LENGTH_MIN:
        raise Wrong(f"the token in {file} has less than {TOKEN_LENGTH_MIN} characters")
    return found


@dataclass(frozen=True, slots=True)
class Hook:
    """One machine at the webhook."""

    reader: Reader
    token_file: Path

    def opens(self, authorization: str) -> bool:
        """Whether this header shows its token; how long that takes says nothing about it."""
        try:
            token = token_of(self.token_file)
        except Wrong as error:
            log.error("a machine's token cannot be read, it is not let in", why=str(error))
            return False
        scheme, _, shown = authorization.partition(" ")
        digests = [hashlib.sha256(one.encode("utf-8", "surrogateescape")).digest()
                   for one in (shown.strip(), token)]  # fmt: skip
        return hmac.compare_digest(*digests) and scheme.lower() == "bearer"


class Webhook:
    """The server, for as long as `run` runs."""

    def __init__(
        self, hooks: Mapping[str, Hook], host: str, port: int, context: SSLContext | None = None
    ) -> None:
        self._hooks, self._address, self._context = dict(hooks), (host, port), context
        self.port = port
        self.problem = ""

    async def run(self, sink: Sink) -> None:
        """Serve until cancelled; a port that cannot be had is tried again."""
        loop = asyncio.get_running_loop()
        handler = _handler(self._hooks, sink, loop)
        while True:
            try:
                server = Listener(self._address, handler, connections_max=CONNECTIONS_MAX)
                break
            except OSError as error:
                if not self.problem:
                    log.error("a port cannot be listened at", port=self.port, why=str(error))
                self.problem = f"port {self.port} of the webhook: {error.strerror}"
                await asyncio.sleep(2.0)
        self.problem = ""
        server.context, self.port = self._context, server.server_port
        thread = threading.Thread(
            target=server.serve_forever, args=(POLL_S,), name="webhook", daemon=True
        )
        thread.start()
        try:
            await asyncio.Event().wait()
        finally:
            server.cut_all()
            server.shutdown()
            thread.join()
            server.server_close()


def _handler(
    hooks: Mapping[str, Hook], sink: Sink, loop: asyncio.AbstractEventLoop
) -> type[BoundedHandler]:
    class Handler(BoundedHandler):
        timeout = BODY_S

        def do_GET(self) -> None:
            hook = self._hook("session")
            if hook is not None:
                self._answer(200, sink.invitation(hook.reader.name))

        def do_POST(self) -> None:
            hook = self._hook("results")
            if hook is None:
                return
            length = self.headers.get("Content-Length", "")
            if not length.isdecimal():
                self._close(411, "say Content-Length")
            elif int(length) > BYTES_MAX:
                self._close(413, f"a result has {BYTES_MAX} bytes at most")
            else:
                self.server.watch(self.connection, BODY_S)
                text = self.rfile.read(int(length))
                self.server.watch(self.connection, VERDICT_S + BODY_S)
                self._take(hook, text)

        def _hook(self, what: str) -> Hook | None:
            """The machine of this path, when it shows its token."""
            parts = unquote(self.path.partition("?")[0]).strip("/").split("/")
            hook = hooks.get(parts[1]) if len(parts) == 3 and parts[0] == "machines" else None
            if hook is None or not hook.opens(self.headers.get("Authorization", "")):
                # Whether there is such a machine is nobody's business without its token.
                self._close(401, "show the machine's token")
                return None
            if parts[2] != what:
                self._close(404, "there is POST results and GET session")
                return None
            return hook

        def _take(self, hook: Hook, text: bytes) -> None:
            said = hook.reader.json(text)
            giving = asyncio.run_coroutine_threadsafe(
                sink.deliver(hook.reader.name, text, said), loop
            )
            try:
                verdict = giving.result(VERDICT_S)
            except TimeoutError:
                # It may count all the same: the same again gets the same verdict.
                self._close(503, "no verdict in time, send it again")
                return
            answer: dict[str, Any] = dict(answer_of(verdict))
            answer["reasons"] = [str(one) for one in verdict.reasons]
            self._answer(422 if verdict.reasons else 200, answer)

        def _close(self, status: int, why: str) -> None:
            self.close_connection = True
            self._answer(status, {"error": why})

        def _answer(self, status: int, body: Mapping[str, Any]) -> None:
            said = orjson.dumps(body)
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            if status == 401:
                self.send_header("WWW-Authenticate", "Bearer")
            self.send_header("Content-Length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

    return Handler
