"""An agent that does not get round to polling says so: nobody else knows what a device showed."""

from __future__ import annotations

import asyncio

import pytest

from edge.sources import modbus
from edge.sources.source import Item
from stations.declare import Register
from tests.sources.modbus_device import Device
from tests.sources.recorder import tag
from tests.sources.test_modbus import reading

pytestmark = pytest.mark.system

LEVEL = Item(0, tag("level", int, Register("input", 0)))


async def test_the_time_in_which_the_way_to_the_disk_was_full_is_a_gap(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(modbus, "STOOD_S", 0.2)
    device = Device()
    device.registers["input"] = {0: 7}
    async with reading(device, [LEVEL]) as (source, sink):
        await sink.until(lambda: len(sink.reports) >= 2, "polls")
        sink.free.clear()
        asyncio.get_running_loop().call_later(0.6, sink.free.set)
        await sink.until(lambda: bool(sink.gaps), "the gap")
        assert source.status.counters["times not polled"] >= 1
    gap = sink.gaps[0]
    assert (gap.numbers, gap.reason) == ((0,), "not polled")
    assert gap.from_ms is not None and gap.to_ms - gap.from_ms >= 200


async def test_a_device_that_takes_its_time_is_no_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(modbus, "STOOD_S", 0.2)
    device = Device()
    device.registers["input"] = {0: 7}
    answers = asyncio.Event()
    device.late = [answers]
    async with reading(device, [LEVEL]) as (source, sink):
        asyncio.get_running_loop().call_later(0.4, answers.set)
        await sink.until(lambda: len(sink.reports) >= 3, "polls")
        assert source.status.counters["polls missed"] > 3
    assert sink.gaps == []
