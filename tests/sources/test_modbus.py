"""The Modbus source against a device that misbehaves."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.sources.modbus import ModbusSource
from edge.sources.modbus_plan import next_due
from edge.sources.source import Item
from stations.declare import Register
from stations.status import (
    BAD_DEVICE_FAILURE,
    BAD_NO_COMMUNICATION,
    BAD_NODE_ID_UNKNOWN,
    BAD_TIMEOUT,
    GOOD,
)
from tests.sources.modbus_device import Device
from tests.sources.recorder import Recorder, running, tag
from wire.clock import SystemClock
from wire.site.connections import ModbusConfig

pytestmark = pytest.mark.system


def _items(count: int, **more: Any) -> list[Item]:
    return [Item(i, tag(f"t{i}", int, Register("input", i), **more)) for i in range(count)]


@asynccontextmanager
async def reading(
    device: Device, items: Sequence[Item], **config: Any
) -> AsyncIterator[tuple[ModbusSource, Recorder]]:
    await device.start()
    settings = {"every_ms": 20, "timeout_ms": 500} | config
    retry_bad_s = settings.pop("retry_bad_s", (30.0, 600.0))
    source = ModbusSource(
        "meter", ModbusConfig(url=f"tcp://127.0.0.1:{device.port}", **settings), items,
        SystemClock(), random.Random(1), retry_bad_s=retry_bad_s,
    )  # fmt: skip
    sink = Recorder()
    async with running(source, sink):
        yield source, sink
    await device.stop()


def _good(sink: Recorder, number: int) -> int:
    return sum(status == GOOD for status, _ in sink.rows(number))


async def test_one_bad_register_in_the_middle_of_a_hundred_leaves_99() -> None:
    device = Device()
    device.registers["input"] = {i: i + 1000 for i in range(100)}
    device.bad = {50}
    async with reading(device, _items(100)) as (source, sink):
        await sink.until(lambda: all(_good(sink, i) >= 3 for i in range(100) if i != 50), "99 tags")
        assert list(source.status.bad) == ["t50"]
        device.requests.clear()
        seen = len(sink.reports)
        await sink.until(lambda: len(sink.reports) >= seen + 4, "two more polls")
        asked = set(device.requests)
    assert asked == {("input", 0, 50), ("input", 51, 49)}
    assert sink.rows(50) == [(BAD_NODE_ID_UNKNOWN, None)]
    assert {value for status, value in sink.rows(49)} == {1049}


async def test_an_isolated_register_is_asked_again_and_joins_the_others() -> None:
    device = Device()
    device.bad = {5}
    async with reading(device, _items(10), retry_bad_s=(0.05, 0.1)) as (source, sink):
        await sink.until(lambda: "t5" in source.status.bad and _good(sink, 6) > 1, "isolation")
        device.bad.clear()
        await sink.until(lambda: _good(sink, 5) > 1, "the register is read")
        assert source.status.bad == {}
    assert device.requests[-1] == ("input", 0, 10)


async def test_a_gap_that_the_device_refuses_is_not_read_across() -> None:
    device = Device()
    device.bad = {2, 3}
    items = [Item(i, tag(f"t{i}", int, Register("input", i))) for i in (0, 1, 4, 5, 6, 7, 8)]
    async with reading(device, items) as (source, sink):
        await sink.until(lambda: all(_good(sink, item.number) > 2 for item in items), "all tags")
        assert source.status.bad == {}
        device.requests.clear()
        await sink.until(lambda: len(device.requests) > 4, "more polls")
        assert set(device.requests) == {("input", 0, 2), ("input", 4, 5)}


async def test_what_a_device_cannot_read_costs_itself_and_is_asked_for_at_each_poll() -> None:
    device = Device()
    device.bad, device.code = {57, 60}, 4
    items = _items(100)
    async with reading(device, items) as (source, sink):
        await sink.until(lambda: sink.rows(0) and _good(sink, 99) > 3, "values")
        assert {number for number in range(100) if not _good(sink, number)} == {57, 60}
        assert set(sink.rows(57)) == {(BAD_DEVICE_FAILURE, None)}
        assert sorted(source.status.bad) == ["t57", "t60"]
        device.requests.clear()
        await sink.until(lambda: len(device.requests) > 10, "more polls")
        assert set(device.requests) == {
            ("input", 0, 57), ("input", 57, 1), ("input", 58, 2), ("input", 60, 1),
            ("input", 61, 39),
        }  # fmt: skip
        device.bad.clear()
        await sink.until(lambda: _good(sink, 57) and _good(sink, 60), "they are well again")
        assert source.status.bad == {}


async def test_what_a_device_can_read_again_is_asked_for_with_the_others() -> None:
    device = Device()
    device.bad, device.code = {57, 58, 60}, 4
    async with reading(device, _items(100), retry_bad_s=(0.05, 0.1)) as (source, sink):
        await sink.until(lambda: len(source.status.bad) == 3 and _good(sink, 99) > 3, "values")
        device.bad = {60}
        whole = {("input", 0, 60), ("input", 60, 1), ("input", 61, 39)}
        await sink.until(lambda: set(device.requests[-3:]) == whole, "two are among the others")
        device.bad = set()
        await sink.until(lambda: device.requests[-1] == ("input", 0, 100), "all are")
        assert source.status.bad == {}


async def test_a_device_that_can_read_nothing_is_not_searched_at_each_poll() -> None:
    device = Device()
    device.bad, device.code = set(range(100)), 4
    async with reading(device, _items(100)) as (_, sink):
        await sink.until(lambda: len(sink.rows(0)) > 1, "reports")
        device.requests.clear()
        await sink.until(lambda: len(device.requests) > 5, "more polls")
        assert set(device.requests) == {("input", 0, 100)}


async def test_another_exception_is_a_status_of_all_its_tags_and_passes() -> None:
    device = Device()
    device.bad, device.code = {0, 1, 2}, 4
    async with reading(device, _items(3)) as (source, sink):
        await sink.until(lambda: len(sink.reports) > 1, "reports")
        assert sink.rows(0)[0] == (BAD_DEVICE_FAILURE, None)
        assert sorted(source.status.bad) == ["t0", "t1", "t2"]
        assert source.status.connected
        device.bad.clear()
        await sink.until(lambda: _good(sink, 0) > 0, "the device is well again")
        assert source.status.bad == {}


async def test_a_silent_device_is_left_alone_and_found_again() -> None:
    device = Device()
    async with reading(device, _items(3), timeout_ms=50) as (source, sink):
        await sink.until(lambda: _good(sink, 0) > 1, "values")
        device.silent = True
        await sink.until(lambda: not source.status.connected, "the breaker")
        asked = len(device.requests)
        assert (BAD_TIMEOUT, None) in sink.rows(0)
        device.silent = False
        known = _good(sink, 0)
        await sink.until(lambda: _good(sink, 0) > known, "values again")
        assert asked <= len(device.requests)
    assert source.status.counters["requests without an answer"] >= 2
    assert [gap.reason for gap in sink.gaps] == ["link down"]


async def test_a_late_answer_is_never_taken_for_another() -> None:
    device = Device()
    device.registers["input"] = {0: 111, 1000: 222}
    items = [Item(0, tag("a", int, Register("input", 0))),
             Item(1, tag("b", int, Register("input", 1000)))]  # fmt: skip
    async with reading(device, items, timeout_ms=100) as (source, sink):
        await sink.until(lambda: _good(sink, 1) > 0, "values")
        late = asyncio.Event()
        device.late.append(late)
        await sink.until(lambda: "requests without an answer" in source.status.counters, "timeout")
        late.set()
        known = _good(sink, 0), _good(sink, 1)
        await sink.until(
            lambda: _good(sink, 0) > known[0] + 2 and _good(sink, 1) > known[1] + 2, "values after"
        )
    assert {value for status, value in sink.rows(0) if status == GOOD} == {111}
    assert {value for status, value in sink.rows(1) if status == GOOD} == {222}


async def test_a_lost_connection_is_told_for_every_tag_and_made_again() -> None:
    device = Device()
    async with reading(device, _items(2)) as (source, sink):
        await sink.until(lambda: _good(sink, 0) > 0, "values")
        await device.stop()
        await sink.until(lambda: not source.status.connected, "the loss")
        await sink.until(lambda: (BAD_NO_COMMUNICATION, None) in sink.rows(1), "its status")
        await device.start()
        known = _good(sink, 0)
        await sink.until(lambda: _good(sink, 0) > known, "values again")


async def test_missed_polls_are_skipped_and_counted() -> None:
    device = Device()
    async with reading(device, _items(1), every_ms=10) as (source, sink):
        await sink.until(lambda: _good(sink, 0) > 0, "values")
        late = asyncio.Event()
        device.late.append(late)
        asyncio.get_running_loop().call_later(0.1, late.set)
        await sink.until(lambda: source.status.counters.get("polls missed", 0) >= 5, "missed polls")


@given(st.floats(0, 1e6), st.floats(0, 1e4), st.floats(0.001, 100))
def test_the_grid_does_not_drift(due_s: float, late_s: float, every_s: float) -> None:
    now_s = due_s + late_s
    after_s, missed = next_due(due_s, now_s, every_s)
    assert after_s == due_s + (missed + 1) * every_s
    assert now_s - 1e-6 <= after_s <= now_s + every_s + 1e-6
