"""The Modbus source on a serial line (a pseudo terminal), which has no transaction ids."""

from __future__ import annotations

import asyncio
import os
import random
import struct
import tty

import pytest
from pymodbus.framer.rtu import FramerRTU

from edge.sources.modbus import ModbusSource
from edge.sources.source import Item
from stations.declare import Register
from stations.status import BAD_TIMEOUT, GOOD
from tests.sources.recorder import Recorder, running, tag
from wire.clock import SystemClock
from wire.site.connections import ModbusConfig

pytestmark = pytest.mark.system


class Slave:
    """Answers with register = address + 100; keeps an answer back while `hold` is true."""

    def __init__(self) -> None:
        self.ours, self.theirs = os.openpty()
        tty.setraw(self.ours)
        tty.setraw(self.theirs)
        self.device = os.ttyname(self.theirs)
        self.hold = False
        self.kept: list[bytes] = []
        self.held = asyncio.Event()
        self._buffer = b""
        asyncio.get_running_loop().add_reader(self.ours, self._read)

    def _read(self) -> None:
        self._buffer += os.read(self.ours, 256)
        while len(self._buffer) >= 8:
            request, self._buffer = self._buffer[:8], self._buffer[8:]
            unit, function, start, count = struct.unpack(">BBHH", request[:6])
            values = [start + i + 100 for i in range(count)]
            answer = struct.pack(f">BBB{count}H", unit, function, 2 * count, *values)
            answer += FramerRTU.compute_CRC(answer).to_bytes(2, "big")
            if self.hold:
                self.kept.append(answer)
                self.held.set()
            else:
                os.write(self.ours, answer)

    def release(self) -> None:
        """Send what was kept back, in order, as a device that was busy does."""
        self.hold = False
        for answer in self.kept:
            os.write(self.ours, answer)

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.ours)
        os.close(self.ours)
        os.close(self.theirs)


async def test_a_late_answer_on_a_serial_line_is_thrown_away() -> None:
    slave = Slave()
    items = [Item(0, tag("a", int, Register("holding", 0))),
             Item(1, tag("b", int, Register("holding", 1000)))]  # fmt: skip
    config = ModbusConfig(url=f"rtu:{slave.device}?baud=115200", every_ms=20, timeout_ms=200)
    source = ModbusSource("meter", config, items, SystemClock(), random.Random(1))
    sink = Recorder()
    async with running(source, sink):
        await sink.until(lambda: len(sink.rows(1)) > 1, "values")
        slave.hold = True
        await slave.held.wait()
        # Behind the timeout of 0.2 s, in the time in which the line must be left alone.
        asyncio.get_running_loop().call_later(0.3, slave.release)
        known = len(sink.rows(1))
        await sink.until(lambda: len(sink.rows(1)) > known + 3, "values after")
    slave.close()
    assert (BAD_TIMEOUT, None) in sink.rows(0) + sink.rows(1)
    assert {value for status, value in sink.rows(0) if status == GOOD} == {100}
    assert {value for status, value in sink.rows(1) if status == GOOD} == {1100}
