"""The control endpoint of a running simulator: one JSON object a line, over TCP on loopback.

Requests have a `do`: `fault`, `clear`, `stop-models`, `clock` or `status`. Answers have `ok`, and
`error` when it is false.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Awaitable, Callable
from typing import Any

HOST = "127.0.0.1"
LINE_MAX = 65_536

Request = dict[str, Any]
Handle = Callable[[Request], Awaitable[Request]]


class Refused(Exception):
    """The simulator answered that it cannot do what was asked."""


class Control:
    """Serves `handle` until stopped."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle
        self._server: asyncio.Server | None = None
        self._clients: dict[asyncio.StreamWriter, asyncio.Task[Any] | None] = {}

    async def start(self, port: int) -> int:
        """Listen on loopback; returns the port, a free one when 0 was asked for."""
        self._server = await asyncio.start_server(self._serve, HOST, port, limit=LINE_MAX)
        return int(self._server.sockets[0].getsockname()[1])

    async def stop(self) -> None:
        """Let every client go and listen no longer."""
        if self._server is not None:
            self._server.close()
            clients = dict(self._clients)
            for client in clients:
                client.close()
            if tasks := [task for task in clients.values() if task is not None]:
                await asyncio.wait(tasks)
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients[writer] = asyncio.current_task()
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await self._answer(line)).encode() + b"\n")
                await writer.drain()
        except (ConnectionError, ValueError):
            # The client is gone, or sent a line beyond the limit: it is let go.
            return
        finally:
            self._clients.pop(writer)
            writer.close()

    async def _answer(self, line: bytes) -> Request:
        try:
            request = json.loads(line)
        except ValueError as error:
            return {"ok": False, "error": f"not JSON: {error}"}
        if not isinstance(request, dict):
            return {"ok": False, "error": "a request is a JSON object"}
        try:
            return {"ok": True, **await self._handle(request)}
        except (LookupError, ValueError, TypeError) as error:
            return {"ok": False, "error": str(error.args[0] if error.args else error)}


def ask(port: int, request: Request, *, timeout_s: float = 5.0) -> Request:
    """Send one request to a simulator on this machine and wait for the answer.

    Refused when it says no; OSError when it cannot be reached.
    """
    with (
        socket.create_connection((HOST, port), timeout=timeout_s) as link,
        link.makefile("rwb") as stream,
    ):
        stream.write(json.dumps(request).encode() + b"\n")
        stream.flush()
        line = stream.readline(LINE_MAX)
    if not line:
        raise ConnectionError(f"the simulator at port {port} closed the connection")
    answer: Request = json.loads(line)
    if not answer.pop("ok", False):
        raise Refused(answer.get("error", "no reason given"))
    return answer


def fault(
    port: int,
    station: str,
    name: str,
    *,
    tag: str | None = None,
    for_ms: int | None = None,
    times: int | None = None,
    delay_ms: int | None = None,
) -> Request:
    """Put a fault in force: for a time, for a number of times, or (both None) until cleared."""
    wish = {"tag": tag, "for_ms": for_ms, "times": times, "delay_ms": delay_ms}
    given = {key: value for key, value in wish.items() if value is not None}
    return ask(port, {"do": "fault", "station": station, "fault": name, **given})


def clear(
    port: int, station: str | None = None, name: str | None = None, tag: str | None = None
) -> Request:
    """End faults: of one station or all, of one name or any."""
    return ask(port, {"do": "clear", "station": station, "fault": name, "tag": tag})


def stop_models(port: int) -> Request:
    """Let nothing change any more while the servers go on answering."""
    return ask(port, {"do": "stop-models"})


def set_clock(port: int, ahead_s: float) -> Request:
    """Set the clocks of all OPC UA servers so far ahead of this machine's (behind: negative)."""
    return ask(port, {"do": "clock", "ahead_s": ahead_s})


def status(port: int) -> Request:
    """Stations with their vehicles and faults, and how many events the log has."""
    return ask(port, {"do": "status"})
