"""Browsing a Modbus device: everything that answers is found, whatever else the device does."""

from __future__ import annotations

import asyncio
import random
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from edge.browse import modbus
from edge.browse.found import Found, unheard
from edge.browse.modbus import Options, config_of
from edge.browse.modbus_asker import Manners
from edge.browse.modbus_rows import Reading, spans_of
from edge.sources.fault import MachineFault
from simulators.modbus import ModbusServer
from simulators.truth import TruthLog
from tests.servers import free_port
from tests.simulators.helpers import Meter, eventually
from tests.sources.modbus_device import Device
from wire.registers import scale_span, span
from wire.site import device_csv, devices

pytestmark = pytest.mark.system

HASTY = Manners(pause_ms=0)


@asynccontextmanager
async def started(device: Device) -> AsyncIterator[str]:
    """The url of a device that runs."""
    await device.start()
    try:
        yield f"modbus://127.0.0.1:{device.port}?timeout=100 ms"
    finally:
        await device.stop()


async def look(device: Device, *ranges: str, manners: Manners = HASTY, **more: Any) -> Found:
    """What browsing these ranges brings."""
    spans = tuple(span for text in ranges for span in spans_of(text))
    async with started(device) as url:
        return await modbus.browse(config_of(url), Options(spans, manners=manners, **more), unheard)


def addresses(found: Found) -> list[int]:
    return [int(row.address.split()[1]) for row in found.rows]


def loads(found: Found) -> int:
    """How many tags the CSV gives when it is read; it has no problem."""
    device = devices.parse(Path("x.csv"), device_csv.text_of(found.rows))
    assert device.problems == ()
    return len(device.declaration.tags)


async def test_one_illegal_register_among_a_thousand_leaves_999() -> None:
    device = Device()
    device.bad = {500}
    found = await look(device, "holding 0-999")
    assert addresses(found) == [*range(500), *range(501, 1000)]
    assert loads(found) == 999
    assert [(one.address, one.reason) for one in found.skipped] == [
        ("holding 500", "Modbus exception 2 (illegal data address)")
    ]
    assert len(device.requests) < 40


@pytest.mark.parametrize("density", [0.01, 0.3, 0.9])
async def test_whatever_is_illegal_the_rest_is_found(seed: int, density: float) -> None:
    rng = random.Random(seed)
    device = Device()
    device.bad = {address for address in range(300) if rng.random() < density} | {40000, 50000}
    device.count_max = rng.choice((7, 125))
    found = await look(device, "input 0-299")
    assert addresses(found) == [one for one in range(300) if one not in device.bad]
    assert len(found.skipped) == len(device.bad) - 2
    edges = sum((one in device.bad) != (one + 1 in device.bad) for one in range(300))
    # A request for each that is illegal, some around each edge, and the limit is found by trying.
    assert len(device.requests) < len(device.bad) + 12 * edges + 2 * 300 / 7 + 30


async def test_every_table_is_found_with_what_was_read_there() -> None:
    device = Device()
    device.registers = {
        "holding": {1: 0x4366},
        "input": {0: 7, 1: 0xFFFF},
        "coil": {1: 1},
        "discrete": {},
    }
    found = await look(device, "0-1")
    shown = {row.address: (row.name, row.type, row.hint.partition(";")[0]) for row in found.rows}
    assert shown == {
        "coil 0": ("coil_0", "bool", "read 0"),
        "coil 1": ("coil_1", "bool", "read 1"),
        "discrete 0": ("discrete_0", "bool", "read 0"),
        "discrete 1": ("discrete_1", "bool", "read 0"),
        "input 0 uint16": ("input_0", "int", "read 7"),
        "input 1 uint16": ("input_1", "int", "read 65535"),
        "holding 0 uint16": ("holding_0", "int", "read 0"),
        "holding 1 uint16": ("holding_1", "int", "read 17254"),
    }
    assert loads(found) == 8


async def test_a_table_that_is_none_costs_one_request() -> None:
    device = Device()
    device.without = {"holding", "coil", "discrete"}
    found = await look(device, "0-99")
    assert addresses(found) == list(range(100))
    assert {(one.address, one.reason) for one in found.skipped} == {
        (f"{table} 0-99", f"{table} 0-99: the device has no such table")
        for table in ("holding", "coil", "discrete")
    }
    # A greeting and a look for SunSpec at three places beside.
    assert sum(table in device.without for table, _, _ in device.requests) == 3 + 1 + 3


async def test_a_device_that_gives_few_at_once_is_asked_for_few() -> None:
    device = Device()
    device.count_max = 20
    found = await look(device, "holding 0-999")
    assert addresses(found) == list(range(1000))
    assert max(count for _, _, count in device.requests[40:]) <= 20
    assert len(device.requests) < 110
    assert any("in parts of 15" in note for note in found.notes)


@pytest.mark.parametrize("bad", [set(), {0, 1, 2, 3}, {50, 51}, {10, 90}, set(range(40))])
async def test_a_device_that_knows_no_half_of_a_number_is_asked_for_pairs(bad: set[int]) -> None:
    device = Device()
    device.pairs, device.bad = True, bad
    found = await look(device, "input 0-99")
    lost = {pair + half for pair in range(0, 100, 2) for half in (0, 1) if bad & {pair, pair + 1}}
    assert addresses(found) == [one for one in range(100) if one not in lost]
    if bad:
        assert "input: single registers are refused, pairs are answered" in found.notes
    assert len(device.requests) < 40 + 3 * len(lost)


async def test_what_is_never_answered_costs_itself_alone() -> None:
    device = Device()
    device.mute = {3, 17}
    found = await look(device, "input 0-19", manners=Manners(pause_ms=0, registers_max=4))
    assert addresses(found) == [one for one in range(20) if one not in device.mute]
    assert [(one.address, one.reason) for one in found.skipped] == [
        ("input 3", "no answer"), ("input 17", "no answer"),
    ]  # fmt: skip


async def test_a_device_that_is_silent_too_often_is_left_alone() -> None:
    device = Device()
    device.mute = set(range(10, 100))
    manners = Manners(pause_ms=0, silences_max=3)
    found = await look(device, "input 0-99", "coil 0-5", manners=manners)
    assert found.rows == []
    (first, coils) = found.skipped
    assert first.reason.endswith(": not asked for: 3 requests were left without an answer")
    assert coils.address == "coil 0-5"


async def test_a_device_that_falls_silent_ends_it_with_what_was_found() -> None:
    device = Device()

    def progress(what: str, done: int, total: int | None = None) -> None:
        assert total == 1000
        device.silent = done >= 500

    async with started(device) as url:
        options = Options(tuple(spans_of("holding 0-999")), manners=HASTY)
        found = await modbus.browse(config_of(url), options, progress)
    assert addresses(found) == list(range(500))
    (rest,) = found.skipped
    assert rest.address == "holding 500-999"
    assert rest.reason == "holding 500-999: not asked for: the device answers no longer"


async def test_a_device_that_closes_the_connection_is_asked_on_another_one() -> None:
    device = Device()
    device.closing = {4}
    found = await look(device, "holding 0-7", manners=Manners(pause_ms=0, registers_max=2))
    assert addresses(found) == [0, 1, 2, 3, 5, 6, 7]
    assert [one.reason for one in found.skipped] == ["the device closes the connection"]


async def test_a_busy_device_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.browse.modbus_asker.BUSY_S", 0.01)
    device = Device()
    device.busy = 2
    assert addresses(await look(device, "holding 0-9")) == list(range(10))


async def test_the_budget_is_kept_and_what_is_left_is_said() -> None:
    device = Device()
    found = await look(device, "holding 0-9999", manners=Manners(pause_ms=0, requests_max=10))
    assert len(device.requests) == 10
    (rest,) = found.skipped
    assert rest.address == f"holding {len(found.rows)}-9999"
    assert "budget of 10 requests" in rest.reason


async def test_requests_come_one_by_one_with_rests_between() -> None:
    device = Device()
    manners = Manners(pause_ms=30)
    times: list[float] = []
    async with started(device) as url:
        options = Options(tuple(spans_of("holding 0-999")), manners=manners)

        def progress(what: str, done: int, total: int | None = None) -> None:
            times.append(asyncio.get_running_loop().time())

        await modbus.browse(config_of(url), options, progress)
    assert len(times) == 8
    assert all(after - before >= 0.03 for before, after in pairwise(times))


async def test_a_device_that_says_nothing_is_a_fault() -> None:
    device = Device()
    device.silent = True
    with pytest.raises(MachineFault, match="no answer: is there such a unit"):
        await look(device, "0-9")


async def test_a_device_that_is_not_there_is_a_fault() -> None:
    with pytest.raises(MachineFault, match="no connection"):
        await modbus.browse(
            config_of(f"modbus://127.0.0.1:{free_port()}"), Options(tuple(spans_of("0-9")))
        )


async def test_it_says_what_it_is_and_which_units_there_are() -> None:
    device = Device()
    device.identity = {0: b"Acme", 1: b"PM-1", 2: b"V2.0"}
    found = await look(device, "coil 0-3", units=(1, 3))
    assert found.notes[0] == "units that answer: 1, 2, 3 of 1 to 3"
    assert "it says that it is: vendor Acme, product PM-1, revision V2.0" in found.notes


async def test_a_sunspec_device_shows_its_models() -> None:
    words = [0x5375, 0x6E53, 1, 4, 0x4163, 0x6D65, 0x2031, 0, 203, 3, 2301, 2302, 0xFFFF, 0xFFFF, 0]
    device = Device()
    device.registers["holding"] = dict(enumerate(words, 40000))
    found = await look(device, "holding 0-1")
    rows = {row.address: row for row in found.rows}
    assert rows["holding 40010 uint16"].doc == (
        "Holding register 40010; SunSpec model 203 (three-phase meter, star), offset 2."
    )
    assert 'text/3 "Acme 1"' in rows["holding 40004 uint16"].hint
    assert addresses(found) == [0, 1, *range(40000, 40013)]
    assert found.notes[:3] == [
        "SunSpec at holding 40000",
        "SunSpec model 1 (common) at holding 40002, 4 registers",
        "SunSpec model 203 (three-phase meter, star) at holding 40008, 3 registers",
    ]


async def test_the_command_writes_a_csv_and_says_what_it_left_out(tmp_path: Path) -> None:
    device = Device()
    device.bad = {5}
    to, skipped = tmp_path / "meter.csv", tmp_path / "skipped.csv"
    async with started(device) as url:
        words = ("browse", url, "--range", "holding 0-9", "--as", "holding 0-3 float32 CDAB",
                 "--pause", "1 ms", "--to", to, "--skipped", skipped)  # fmt: skip
        run = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "refit.main", *map(str, words), stderr=asyncio.subprocess.PIPE
        )
        _, told = await run.communicate()
    assert run.returncode == 0, told
    assert b"7 tags in" in told and b"1 left out: Modbus exception 2" in told
    assert "holding 5,holding 5," in skipped.read_text()
    device_read = devices.read(to)
    assert device_read.problems == ()
    head, first, *_ = to.read_text().splitlines()
    assert head == "name,address,type,doc,hint"
    assert first.startswith("holding_0,holding 0 float32 CDAB,float,")


async def test_a_look_that_is_broken_off_gives_what_it_has_found(tmp_path: Path) -> None:
    device, to = Device(), tmp_path / "meter.csv"
    async with started(device) as url:
        words = ("browse", url, "--range", "holding 0-9999", "--block", "10", "--to", to)
        run = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "refit.main", *map(str, words), stderr=asyncio.subprocess.PIPE
        )
        await eventually(lambda: len(device.requests) > 10, "it asks")
        run.send_signal(signal.SIGINT)
        _, told = await run.communicate()
    assert run.returncode == 0, told
    assert b"-9999: not asked for: stopped by a signal" in told
    assert len(devices.read(to).declaration.tags) >= 30


async def test_every_register_of_a_simulated_device_is_found_and_no_other() -> None:
    server = ModbusServer("127.0.0.1", free_port(), TruthLog(None))
    server.unit(7).add("meter-1", Meter, "")
    declared = {
        (table, address)
        for tag in Meter.tags
        for table, start, count in [span(tag)]
        for address in range(start, start + count)
    }
    declared.add(("coil", 3))  # a command
    declared |= {place[:2] for tag in Meter.tags if (place := scale_span(tag))}
    await server.start()
    try:
        config = config_of(f"modbus://127.0.0.1:{server.port}?unit=7")
        options = Options(tuple(spans_of("0-700")), units=(6, 7), manners=HASTY)
        found = await modbus.browse(config, options)
    finally:
        await server.stop()
    shown = {(row.address.split()[0], int(row.address.split()[1])) for row in found.rows}
    assert shown == declared
    assert "units that answer: 7 of 6 to 7" in found.notes


async def test_the_units_that_answer_are_said_when_the_one_that_was_asked_does_not() -> None:
    server = ModbusServer("127.0.0.1", free_port(), TruthLog(None))
    server.unit(7).add("meter-1", Meter, "")
    await server.start()
    try:
        options = Options(tuple(spans_of("0-3")), units=(6, 8), manners=HASTY)
        with pytest.raises(MachineFault, match="answer: 7 of 6 to 8; asked was unit 1: Modbus"):
            await modbus.browse(config_of(f"modbus://127.0.0.1:{server.port}"), options)
    finally:
        await server.stop()


async def test_numbers_are_read_as_somebody_says_and_in_steps_from_the_first() -> None:
    device = Device()
    device.bad = {13}
    readings = tuple(map(Reading.of, ("holding 1-4 uint32", "holding 10-15 float32 CDAB", "int16")))
    found = await look(device, "holding 0-15", readings=readings)
    assert [row.address for row in found.rows] == [
        "holding 0 int16", "holding 1 uint32", "holding 3 uint32", "holding 5 int16",
        "holding 6 int16", "holding 7 int16", "holding 8 int16", "holding 9 int16",
        "holding 10 float32 CDAB", "holding 12 int16", "holding 14 float32 CDAB",
    ]  # fmt: skip
    assert loads(found) == 11
