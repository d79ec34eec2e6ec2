"""A Modbus TCP device that does what a test wants: refuse addresses, fall silent, answer late.

Raw bytes on purpose: a library's server would not send a wrong transaction id.
"""

from __future__ import annotations

import asyncio
import struct

TABLES = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}


class Device:
    """Registers by table; a request that touches `bad` is refused, `silent` answers nothing."""

    def __init__(self) -> None:
        self.registers: dict[str, dict[int, int]] = {
            "holding": {}, "input": {}, "coil": {}, "discrete": {},
        }  # fmt: skip
        self.bad: set[int] = set()
        self.code = 2
        self.without: set[str] = set()  # tables that it does not have
        self.mute: set[int] = set()  # what touches these is never answered
        self.closing: set[int] = set()  # what touches these closes the connection
        self.count_max = 2000
        self.pairs = False  # it knows no half of a number of two registers
        self.busy = 0  # so many requests are told to come again
        self.identity: dict[int, bytes] = {}
        self.silent = False
        self.late: list[asyncio.Event] = []
        self.requests: list[tuple[str, int, int]] = []
        self.sessions = 0
        self.port = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._left = asyncio.Event()

    async def start(self) -> None:
        """Listen on a free port, or on the one of the first start."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close the port and every connection."""
        assert self._server is not None
        self._server.close()
        for writer in list(self._writers):
            writer.close()
        await self._server.wait_closed()
        while self._writers:
            self._left.clear()
            await self._left.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self.sessions += 1
        try:
            while True:
                head = await reader.readexactly(7)
                transaction, _, length, unit = struct.unpack(">HHHB", head)
                body = await reader.readexactly(length - 1)
                answer = self._answer(body)
                if answer is None:
                    break
                frame = struct.pack(">HHHB", transaction, 0, len(answer) + 1, unit) + answer
                if self.silent or not answer:
                    continue
                if self.late:
                    await self.late.pop(0).wait()
                writer.write(frame)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._writers.discard(writer)
            self._left.set()
            writer.close()

    def _answer(self, body: bytes) -> bytes | None:
        """The answer; empty when there is none, None when the connection is to be closed."""
        if body[0] == 43:
            return self._identified(body)
        function, start, count = struct.unpack(">BHH", body)
        table = TABLES[function]
        self.requests.append((table, start, count))
        wanted = range(start, start + count)
        if self.closing.intersection(wanted):
            return None
        if self.mute.intersection(wanted):
            return b""
        if code := self._code(table, wanted):
            return bytes([function | 0x80, code])
        values = [self.registers[table].get(address, 0) for address in wanted]
        if function <= 2:
            packed = bytearray((count + 7) // 8)
            for i, value in enumerate(values):
                packed[i // 8] |= (value & 1) << (i % 8)
            return bytes([function, len(packed)]) + bytes(packed)
        return bytes([function, 2 * count]) + struct.pack(f">{count}H", *values)

    def _code(self, table: str, wanted: range) -> int:
        """The exception that this request meets; 0 for none."""
        if table in self.without:
            return 1
        if self.busy:
            self.busy -= 1
            return 6
        if len(wanted) > self.count_max:
            return 3
        if self.pairs and (wanted.start % 2 or len(wanted) % 2):
            return 2
        return self.code if self.bad.intersection(wanted) else 0

    def _identified(self, body: bytes) -> bytes:
        if not self.identity:
            return bytes([0xAB, 1])
        objects = b"".join(
            bytes([number, len(text)]) + text for number, text in self.identity.items()
        )
        return bytes([43, 14, body[2], 0x82, 0, 0, len(self.identity)]) + objects
