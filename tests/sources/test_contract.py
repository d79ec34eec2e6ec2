"""What every source keeps, whatever it speaks."""

from __future__ import annotations

import logging
import random
import struct
from typing import Any, Protocol

import pytest

from edge.sources.modbus import ModbusSource
from edge.sources.opcua import OpcuaSource
from edge.sources.source import Item, Source
from stations.declare import Node, Register, Type
from stations.status import GOOD, is_bad
from tests.sources.modbus_device import Device
from tests.sources.opcua_server import Machine
from tests.sources.recorder import Recorder, running, tag
from wire.clock import SystemClock
from wire.site.connections import ModbusConfig, OpcuaConfig

pytestmark = pytest.mark.system

ANGLE, COUNT, ON, CELLS, MISSING = 3, 5, 8, 13, 21


class Bench(Protocol):
    """A machine with a float, an integer, a bool, an array, and a tag that it does not have."""

    def source(self) -> Source: ...
    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def turn(self, angle: float) -> None: ...


class OpcuaBench:
    def __init__(self) -> None:
        self.machine = Machine(
            {"Table/Angle": 1.5, "Count": 7, "On": True, "Cells": [1.0, 2.0, 3.0]}
        )

    def source(self) -> Source:
        items = [
            Item(ANGLE, tag("angle", float, Node("Table/Angle"))),
            Item(MISSING, tag("missing", float, Node("Nowhere"))),
            Item(COUNT, tag("count", int, Node("Count"))),
            Item(ON, tag("on", bool, Node("On"))),
            Item(CELLS, tag("cells", list[float], Node("Cells"), length=3)),
        ]
        config = OpcuaConfig(url=self.machine.url, root="nsu=urn:studio;Studio1", publishing_ms=20)
        return OpcuaSource("opcua", config, items, SystemClock(), random.Random(1))

    async def start(self) -> None:
        await self.machine.start()

    async def stop(self) -> None:
        await self.machine.stop()

    async def turn(self, angle: float) -> None:
        await self.machine.write("Table/Angle", angle)


class ModbusBench:
    def __init__(self) -> None:
        self.device = Device()
        self.device.bad = {40}
        words = struct.unpack(">8H", struct.pack(">fhxxfff", 1.5, 7, 1, 2, 3)[:16])
        self.device.registers["input"] = {address: word for address, word in enumerate(words)}
        self._set(0, 1.5)
        for place, cell in ((10, 1.0), (12, 2.0), (14, 3.0)):
            self._set(place, cell)
        self.device.registers["input"][2] = 7
        self.device.registers["input"][3] = 0b100

    def _set(self, address: int, value: float) -> None:
        high, low = struct.unpack(">2H", struct.pack(">f", value))
        self.device.registers["input"][address], self.device.registers["input"][address + 1] = (
            high,
            low,
        )

    def source(self) -> Source:
        items = [
            Item(ANGLE, tag("angle", float, Register("input", 0, "float32"))),
            Item(MISSING, tag("missing", float, Register("input", 40, "uint16"))),
            Item(COUNT, tag("count", int, Register("input", 2, "int16"))),
            Item(ON, tag("on", bool, Register("input", 3, "bit", bit=2))),
            Item(CELLS, tag("cells", list[float], Register("input", 10, "float32"), length=3)),
        ]
        config = ModbusConfig(
            url=f"tcp://127.0.0.1:{self.device.port}", every_ms=20, timeout_ms=500
        )
        return ModbusSource("modbus", config, items, SystemClock(), random.Random(1))

    async def start(self) -> None:
        await self.device.start()

    async def stop(self) -> None:
        await self.device.stop()

    async def turn(self, angle: float) -> None:
        self._set(0, angle)


@pytest.fixture(params=[OpcuaBench, ModbusBench])
def bench(request: pytest.FixtureRequest) -> Bench:
    made: Bench = request.param()
    return made


def _good(sink: Recorder, number: int) -> list[Any]:
    return [value for status, value in sink.rows(number) if status == GOOD]


async def test_every_tag_is_read_and_one_that_is_missing_costs_only_itself(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    await bench.start()
    sink = Recorder()
    source = bench.source()
    with caplog.at_level(logging.WARNING, "edge"):
        async with running(source, sink):
            await sink.until(
                lambda: all(_good(sink, n) for n in (ANGLE, COUNT, ON, CELLS)), "all tags"
            )
            await sink.until(lambda: "missing" in source.status.bad, "the missing tag is named")
            await bench.turn(2.5)
            await sink.until(lambda: 2.5 in _good(sink, ANGLE), "the change")
            assert source.status.connected
    assert _good(sink, ANGLE)[0] == 1.5
    assert _good(sink, COUNT)[0] == 7
    assert _good(sink, ON)[0] is True
    assert _good(sink, CELLS)[0] == [1.0, 2.0, 3.0]
    rows = sink.rows(MISSING)
    assert rows and all(is_bad(status) and value is None for status, value in rows)
    assert list(source.status.bad) == ["missing"]
    named = [record for record in caplog.records if "missing" in record.getMessage()]
    assert len(named) == 1
    await bench.stop()


async def test_columns_and_times_fit_together(bench: Bench) -> None:
    await bench.start()
    sink = Recorder()
    async with running(bench.source(), sink):
        await sink.until(lambda: bool(_good(sink, CELLS)), "the array")
    for report in sink.reports:
        samples = report.samples
        assert (report.ticks // 10_000 == samples.time).all()
        assert len(report.ticks) == len(samples)
        assert ((samples.type == Type.NONE) == (samples.status != GOOD)).all()
    assert sum(report.first for report in sink.reports) == 1
    await bench.stop()


async def test_it_comes_back_by_itself_and_says_what_may_be_missing(bench: Bench) -> None:
    await bench.start()
    sink = Recorder()
    source = bench.source()
    async with running(source, sink):
        await sink.until(lambda: bool(_good(sink, ANGLE)), "the first value")
        await bench.stop()
        await sink.until(lambda: sink.order.count("down") == 1, "the news of the loss")
        assert not source.status.connected
        await bench.turn(9.0) if isinstance(bench, ModbusBench) else None
        await bench.start()
        await sink.until(
            lambda: sum(report.first for report in sink.reports) == 2, "the first report after"
        )
    assert [up for up, _ in sink.links] == [True, False, True]
    (gap,) = sink.gaps
    assert gap.from_ms is not None and gap.from_ms <= gap.to_ms
    assert ANGLE in gap.numbers and gap.count is None
    again = [i for i, report in enumerate(sink.reports) if report.first][1]
    places = [i for i, what in enumerate(sink.order) if what == "report"]
    assert sink.order.index("gap") < places[again]
    assert source.status.reconnects >= 1
    await bench.stop()


async def test_a_machine_that_is_not_there_is_said_and_asked_again(bench: Bench) -> None:
    await bench.start()
    source = bench.source()
    await bench.stop()
    sink = Recorder()
    async with running(source, sink):
        await sink.until(lambda: bool(sink.links), "the news")
        assert sink.links[0][0] is False
        await bench.start()
        await sink.until(lambda: bool(_good(sink, ANGLE)), "the first value")
    assert sink.gaps == []
    await bench.stop()


async def test_a_sink_that_waits_holds_the_source_and_nothing_breaks(bench: Bench) -> None:
    await bench.start()
    sink = Recorder()
    async with running(bench.source(), sink):
        await sink.until(lambda: bool(_good(sink, ANGLE)), "the first value")
        sink.free.clear()
        for angle in (3.0, 4.0):
            await bench.turn(angle)
        sink.free.set()
        await sink.until(lambda: 4.0 in _good(sink, ANGLE), "the last value")
    assert [up for up, _ in sink.links] == [True]
    await bench.stop()
