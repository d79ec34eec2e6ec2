"""A cycler on loopback for tests: Modbus TCP with memory, and ways to misbehave."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

ILLEGAL = 2


@dataclass
class Device:
    """Registers and coils; `clamps` keeps another value, so many requests are `silent`."""

    registers: dict[int, int] = field(default_factory=dict)
    coils: dict[int, bool] = field(default_factory=dict)
    clamps: dict[int, int] = field(default_factory=dict)
    asked: list[tuple[int, int]] = field(default_factory=list)
    silent: int = 0
    port: int = 0

    def answer(self, request: bytes) -> bytes:
        """One answer to one request, both without their header."""
        code, first = struct.unpack(">BH", request[:3])
        self.asked.append((code, first))
        if code == 3:
            (count,) = struct.unpack(">H", request[3:5])
            words = [self.registers.get(first + place, 0) for place in range(count)]
            return struct.pack(f">BB{count}H", code, 2 * count, *words)
        if code == 5:
            self.coils[first] = request[3:5] == b"\xff\x00"
            return request[:5]
        if code == 16:
            (count,) = struct.unpack(">H", request[3:5])
            for place, word in enumerate(struct.unpack(f">{count}H", request[6:])):
                self.registers[first + place] = self.clamps.get(first + place, word)
            return request[:5]
        return struct.pack(">BB", code | 0x80, ILLEGAL)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until it ends."""
        try:
            while True:
                number, _, length, unit = struct.unpack(">HHHB", await reader.readexactly(7))
                request = await reader.readexactly(length - 1)
                if self.silent:
                    self.silent -= 1
                    continue
                answer = self.answer(request)
                writer.write(struct.pack(">HHHB", number, 0, len(answer) + 1, unit) + answer)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def serving(device: Device) -> AsyncIterator[Device]:
    """The device answers on `device.port`."""
    server = await asyncio.start_server(device.serve, "127.0.0.1", 0)
    device.port = server.sockets[0].getsockname()[1]
    async with server:
        yield device
