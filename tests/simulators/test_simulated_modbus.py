"""A simulated Modbus server: exactly the declared registers, and a `read` for all that is sent."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from pymodbus.client import AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException

from simulators.modbus import ModbusServer
from stations.declare import Tag
from stations.status import BAD_DEVICE_FAILURE, BAD_NO_DATA, GOOD
from tests.servers import free_port
from tests.simulators.helpers import Log, Meter, eventually
from wire.registers import decode

pytestmark = pytest.mark.system
FIRST = {"power": 1234.1, "energy": -5_000_000_000, "voltage": 230.7, "cell": 3.7,
         "tripped": True, "warm": False, "closed": True, "cells": [3.6] * 96,
         "modules": [20, -21, 22], "strings": [1] * 80, "faults": [2] * 80}  # fmt: skip


@asynccontextmanager
async def meter(log: Log) -> AsyncIterator[tuple[ModbusServer, AsyncModbusTcpClient]]:
    server = ModbusServer("127.0.0.1", free_port(), log)
    unit = server.unit(7)
    unit.add("meter-1", Meter, "")
    for name, value in FIRST.items():
        unit.show("meter-1", Meter.tag(name), GOOD, value)
    await server.start()
    client = AsyncModbusTcpClient(
        "127.0.0.1", port=server.port, timeout=2, retries=0, reconnect_delay=0
    )
    await client.connect()
    yield server, client
    client.close()
    await server.stop()


def seen(tag: Tag[Any], words: list[int], sf: int | None = None) -> Any:
    return decode(tag.at, tag.value_type, tag.length, words, sf)  # type: ignore[arg-type]


async def test_what_is_read_is_what_the_log_says(log: Log) -> None:
    async with meter(log) as (_, client):
        inputs = (await client.read_input_registers(0, count=6, device_id=7)).registers
        holding = (await client.read_holding_registers(10, count=3, device_id=7)).registers
        factor = (await client.read_holding_registers(20, count=1, device_id=7)).registers[0]
        bits = (await client.read_discrete_inputs(7, count=1, device_id=7)).bits
        await eventually(lambda: len(log.events("read")) == 7, "the reads in the log")
    logged = {event["tag"]: (event["status"], event["value"]) for event in log.events("read")}
    assert logged == {
        "power": seen(Meter.power, inputs[:2]),
        "energy": seen(Meter.energy, inputs[2:]),
        "voltage": seen(Meter.voltage, holding[:1], factor),
        "cell": seen(Meter.cell, holding[1:2], factor),
        "tripped": seen(Meter.tripped, holding[2:]),
        "warm": seen(Meter.warm, holding[2:]),
        "closed": seen(Meter.closed, [int(bits[0])]),
    }
    assert logged["energy"] == (GOOD, -5_000_000_000)
    assert logged["power"][1] != 1234.1  # as rounded to 32 bits
    assert logged["power"][1] == pytest.approx(1234.1)
    assert logged["voltage"] == (GOOD, 230.7)
    assert (logged["tripped"], logged["warm"]) == ((GOOD, True), (GOOD, False))


async def test_a_tag_that_is_cut_by_a_request_is_not_read(log: Log) -> None:
    async with meter(log) as (_, client):
        assert not (await client.read_input_registers(1, count=5, device_id=7)).isError()
        await eventually(lambda: log.events("read"), "the read in the log")
    assert [event["tag"] for event in log.events("read")] == ["energy"]


async def test_an_array_wider_than_a_request_is_read_in_pieces(log: Log) -> None:
    async with meter(log) as (server, client):
        await client.read_input_registers(100, count=120, device_id=7)
        assert log.events("read") == []
        changed = [3.5] * 96
        server.units[7].show("meter-1", Meter.cells, GOOD, changed)
        await client.read_input_registers(220, count=72, device_id=7)
        [event] = await eventually(lambda: log.events("read"), "the whole array")
    assert event["value"] == pytest.approx([3.6] * 60 + [3.5] * 36)


@pytest.mark.parametrize(
    ("requests", "tags"),
    [
        ([(500, 120), (620, 40)], ["strings", "faults"]),
        ([(500, 119), (620, 39)], ["strings"]),
    ],
)
async def test_interleaved_arrays_are_read_once_a_poll(
    log: Log, requests: list[tuple[int, int]], tags: list[str]
) -> None:
    async with meter(log) as (_, client):
        for _ in range(3):
            for address, count in requests:
                await client.read_input_registers(address, count=count, device_id=7)
        await eventually(lambda: len(log.events("read")) == 3 * len(tags), "the reads")
    assert [event["tag"] for event in log.events("read")] == 3 * tags


async def test_what_lies_between_the_elements_of_an_array_can_be_read(log: Log) -> None:
    async with meter(log) as (_, client):
        words = (await client.read_input_registers(400, count=9, device_id=7)).registers
        assert words == [20, 0, 0, 0, 0x10000 - 21, 0, 0, 0, 22]
        [event] = await eventually(lambda: log.events("read"), "the read in the log")
    assert event["value"] == [20, -21, 22]


@pytest.mark.parametrize(("address", "count"), [(6, 1), (4, 3), (21, 1), (0, 125)])
async def test_undeclared_registers_answer_exception_2(log: Log, address: int, count: int) -> None:
    async with meter(log) as (_, client):
        answer = await client.read_input_registers(address, count=count, device_id=7)
        assert answer.exception_code == 2
    assert log.events("read") == []


async def test_an_illegal_register_takes_its_block_down_as_often_as_asked(log: Log) -> None:
    async with meter(log) as (server, client):
        server.units[7].refuse("meter-1", "cell", 2)
        codes = []
        for _ in range(3):
            answer = await client.read_holding_registers(10, count=3, device_id=7)
            codes.append(answer.exception_code if answer.isError() else 0)
        assert codes == [2, 2, 0]
        assert not (await client.read_holding_registers(10, count=1, device_id=7)).isError()
    refused = {(event["tag"], event["code"]) for event in log.events("refused")}
    assert refused == {("voltage", 2), ("cell", 2), ("tripped", 2), ("warm", 2)}


async def test_a_bad_value_is_absent_or_a_device_failure(log: Log) -> None:
    async with meter(log) as (server, client):
        unit = server.units[7]
        unit.show("meter-1", Meter.voltage, BAD_DEVICE_FAILURE, None)
        unit.show("meter-1", Meter.power, BAD_DEVICE_FAILURE, None)
        unit.show("meter-1", Meter.cell, BAD_DEVICE_FAILURE, None)
        assert (await client.read_holding_registers(11, count=1, device_id=7)).exception_code == 4
        await client.read_holding_registers(10, count=1, device_id=7)
        await client.read_input_registers(0, count=2, device_id=7)
        await eventually(lambda: len(log.events("read")) == 2, "two reads without a value")
        unit.show("meter-1", Meter.cell, GOOD, 3.5)
        assert not (await client.read_holding_registers(11, count=1, device_id=7)).isError()
    assert [(e["tag"], e["status"], e["value"]) for e in log.events("read")][:2] == [
        ("voltage", BAD_NO_DATA, None), ("power", BAD_NO_DATA, None),
    ]  # fmt: skip


async def test_a_late_answer_carries_its_own_transaction_id(log: Log) -> None:
    async with meter(log) as (server, _):
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        gate = server.gates[7]
        gate.delay_s, gate.delays_left = 0.2, 1
        ask = bytes([0, 0, 0, 6, 7, 4, 0, 0, 0, 2])
        writer.write(b"\x00\x01" + ask)
        await writer.drain()
        await eventually(lambda: gate.delays_left == 0, "the first request is on its way")
        writer.write(b"\x00\x02" + ask)
        frames = [await reader.readexactly(13) for _ in range(2)]
        assert [frame[1] for frame in frames] == [1, 2]
        writer.close()
        await writer.wait_closed()
        await eventually(lambda: len(log.events("read")) == 2, "the reads in the log")
        assert log.events("read")[0]["late_ms"] >= 190


async def test_a_stalled_unit_answers_nothing_and_its_neighbour_does(log: Log) -> None:
    async with meter(log) as (server, client):
        server.unit(8).add("meter-2", Meter, "")
        server.gates[7].shut()
        client.comm_params.timeout_connect = 0.2
        with pytest.raises(ModbusException):
            await client.read_input_registers(0, count=2, device_id=7)
        assert not (await client.read_input_registers(0, count=2, device_id=8)).isError()
        assert {event["station"] for event in log.events("read")} <= {"meter-2"}
        server.gates[7].open()


async def test_an_unknown_unit_is_a_gateway_error(log: Log) -> None:
    async with meter(log) as (_, client):
        assert (await client.read_input_registers(0, count=2, device_id=9)).exception_code == 11


async def test_links_are_reset(log: Log) -> None:
    async with meter(log) as (server, client):
        await client.read_input_registers(0, count=2, device_id=7)
        assert server.reset_links() == 1
        await eventually(lambda: not client.connected, "the reset")
        await client.connect()
        assert not (await client.read_input_registers(0, count=2, device_id=7)).isError()


async def test_only_commands_are_written(log: Log) -> None:
    async with meter(log) as (_, client):
        assert not (await client.write_coil(3, True, device_id=7)).isError()
        assert (await client.write_register(11, 5, device_id=7)).exception_code == 2
    [event] = log.events("command")
    assert (event["station"], event["command"], event["value"]) == ("meter-1", "reset", 1)


async def test_a_taken_address_is_an_error(log: Log) -> None:
    async with meter(log) as (server, _):
        with pytest.raises(OSError, match="cannot listen"):
            await ModbusServer("127.0.0.1", server.port, log).start()
