"""A Modbus TCP device that does what a test wants: refuse addresses, fall silent, answer late.

Raw bytes on purpose: a library's server would not send a wrong transaction id.
"""

from __future__ import annotations

import asyncio
import struct


class Device:
    """Registers by table; a request that touches `bad` is refused, `silent` answers nothing."""

    def __init__(self) -> None:
        self.registers: dict[str, dict[int, int]] = {
            "holding": {}, "input": {}, "coil": {}, "discrete": {},
        }  # fmt: skip
        self.bad: set[int] = set()
        self.code = 2
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
                frame = struct.pack(">HHHB", transaction, 0, len(answer) + 1, unit) + answer
                if self.silent:
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

    def _answer(self, body: bytes) -> bytes:
        function, start, count = struct.unpack(">BHH", body)
        table = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}[function]
        self.requests.append((table, start, count))
        wanted = range(start, start + count)
        if self.bad.intersection(wanted):
            return bytes([function | 0x80, self.code])
        values = [self.registers[table].get(address, 0) for address in wanted]
        if function <= 2:
            packed = bytearray((count + 7) // 8)
            for i, value in enumerate(values):
                packed[i // 8] |= (value & 1) << (i % 8)
            return bytes([function, len(packed)]) + bytes(packed)
        return bytes([function, 2 * count]) + struct.pack(f">{count}H", *values)
