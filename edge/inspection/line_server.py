"""A machine that connects by TCP and sends OTC-LAN-like records: lines, then an empty one.

The agent says which session is open when the connection begins and whenever that changes, and
answers each record. One connection at a time; bytes, lines and waiting have bounds.
"""

from __future__ import annotations

import asyncio
import contextlib

import structlog

from edge.inspection.adapter import Reader, Sink, answer_of, lines_of
from stations.inspection.facts import Message, Reason, Refusal
from stations.inspection.messages import BYTES_MAX, LINE_MAX

REST_S = 30.0
"""How long the rest of a record may take once it has begun."""
WRITE_S = 10.0
AGAIN_S = 2.0
INVITE_S = 0.25
NOT_CONNECTED = "not connected"

log = structlog.get_logger()


class _TooLong(Exception):
    """A line or a record that has no end: what it is, and its bytes."""


class _Late(Exception):
    """The rest of a record did not come: what there is, and its bytes."""


class LineServer:
    """Listens for one machine."""

    def __init__(self, reader: Reader, host: str, port: int, rest_s: float = REST_S) -> None:
        self._reader, self._host, self.port, self._rest_s = reader, host, port, rest_s
        self._busy = False
        self._sink: Sink | None = None
        self.problem = ""

    async def run(self, sink: Sink) -> None:
        """Listen for ever; a port that cannot be had is tried again."""
        self._sink = sink
        await sink.machine_is(self._reader.name, NOT_CONNECTED)
        while True:
            try:
                # The limit of a reader is that of one line.
                server = await asyncio.start_server(
                    self._serve, self._host, self.port, limit=LINE_MAX * 4
                )
            except OSError as error:
                if not self.problem:
                    log.error("a port cannot be listened at", port=self.port, why=str(error))
                self.problem = f"port {self.port} of {self._reader.name}: {error.strerror}"
                await asyncio.sleep(AGAIN_S)
                continue
            self.problem = ""
            async with server:
                await server.serve_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        sink = self._sink
        assert sink is not None
        try:
            if self._busy:
                await _say(writer, {"result": "refused", "reasons": "busy"})
                return
            self._busy = True
            try:
                await sink.machine_is(self._reader.name, "")
                await self._converse(sink, reader, writer)
            finally:
                self._busy = False
                await sink.machine_is(self._reader.name, NOT_CONNECTED)
        except (ConnectionError, TimeoutError) as error:
            log.warning("a machine's connection ends", machine=self._reader.name, why=str(error))
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError, TimeoutError):
                await writer.wait_closed()

    async def _converse(
        self, sink: Sink, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        inviting = asyncio.create_task(self._invite(sink, writer))
        try:
            while True:
                try:
                    text = await self._record(reader)
                except (_TooLong, _Late) as error:
                    reason = Reason.TOO_LONG if isinstance(error, _TooLong) else Reason.HALF_RECORD
                    refusal = Refusal(reasons=(reason,), about=(error.args[0],))
                    await self._deliver(sink, writer, error.args[1], refusal)
                    return
                if text is None:
                    return
                said = self._reader.lines(text)
                if not text.endswith(b"\n\n"):
                    said = Refusal(reasons=(Reason.HALF_RECORD,), about=("the connection ended",))
                await self._deliver(sink, writer, text, said)
        finally:
            inviting.cancel()
            with contextlib.suppress(asyncio.CancelledError, ConnectionError, TimeoutError):
                await inviting

    async def _deliver(
        self, sink: Sink, writer: asyncio.StreamWriter, text: bytes, said: Message | Refusal
    ) -> None:
        verdict = await sink.deliver(self._reader.name, text, said)
        await _say(writer, answer_of(verdict))

    async def _record(self, reader: asyncio.StreamReader) -> bytes | None:
        """The lines up to an empty one; None when the connection has ended before a record."""
        found = b""
        loop = asyncio.get_running_loop()
        until: float | None = None
        while True:
            left = None if until is None else max(until - loop.time(), 0.001)
            try:
                line = await asyncio.wait_for(reader.readline(), left)
            except ValueError as error:
                raise _TooLong("a line has no end", found) from error
            except TimeoutError as error:
                raise _Late(f"nothing more after {len(found)} bytes", found) from error
            line = line.replace(b"\r\n", b"\n")
            if not line:
                return found or None
            if line == b"\n" and not found:
                continue
            found += line
            if line == b"\n" or not line.endswith(b"\n"):
                return found
            if len(found) > BYTES_MAX:
                raise _TooLong(f"a record of more than {BYTES_MAX} bytes", found)
            until = until or loop.time() + self._rest_s

    async def _invite(self, sink: Sink, writer: asyncio.StreamWriter) -> None:
        """Say which session is open, now and whenever that changes."""
        told: dict[str, str] | None = None
        while True:
            words = sink.invitation(self._reader.name)
            if words != told:
                told = words
                await _say(writer, words or {"session": ""})
            await asyncio.sleep(INVITE_S)


async def _say(writer: asyncio.StreamWriter, words: dict[str, str]) -> None:
    writer.write(lines_of(words).encode())
    await asyncio.wait_for(writer.drain(), WRITE_S)
