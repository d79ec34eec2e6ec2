"""A whole simulated site: it starts, moves vehicles, has faults on demand, and stops at once."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from asyncua import Client, ua
from pymodbus.client import AsyncModbusTcpClient

from simulators import control
from simulators.plant import simulate
from stations.status import BAD_DEVICE_FAILURE, BAD_SENSOR_FAILURE
from tests.servers import free_port
from tests.simulators.helpers import DEADLINE_S, eventually
from wire.site import Site, load

pytestmark = pytest.mark.system

SITE = """
[site]
name = "test"
[[agent]]
name = "pc-1"
[[station]]
name = "inspection-1"
kind = "inspection"
line = "line-1"
agent = "pc-1"
opcua = {{ url = "opc.tcp://127.0.0.1:{opcua}", root = "nsu=urn:one;Inspection" }}
[station.modbus.brakes]
url = "tcp://127.0.0.1:{modbus}"
[station.modbus.slip]
url = "tcp://127.0.0.1:{modbus}"
unit = 2
[station.modbus.suspension]
url = "tcp://127.0.0.1:{modbus}"
unit = 3
[[station]]
name = "studio-1"
kind = "studio"
line = "line-1"
agent = "pc-1"
opcua = {{ url = "opc.tcp://127.0.0.1:{opcua}", root = "nsu=urn:two;Studio" }}
modbus = {{ url = "tcp://127.0.0.1:{modbus}", unit = 4 }}
[[station]]
name = "meter-1"
kind = "device"
agent = "pc-1"
tags = "meter.csv"
modbus = {{ url = "tcp://127.0.0.1:{modbus}", unit = 5 }}
"""
METER = """name,address,type,unit,doc
power,input 0 float32,float,W,Active power.
"""


class Run:
    """A running simulation."""

    def __init__(self, folder: Path) -> None:
        self.opcua, self.modbus, self.control = free_port(), free_port(), free_port()
        text = SITE.format(opcua=self.opcua, modbus=self.modbus)
        (folder / "site.toml").write_text(text)
        (folder / "meter.csv").write_text(METER)
        self.site: Site = load(folder / "site.toml")
        self.log = folder / "truth.jsonl"

    async def ask(self, what: Callable[..., Any], *args: Any, **named: Any) -> Any:
        """Use the control client, which blocks, beside the simulation."""
        return await asyncio.to_thread(what, self.control, *args, **named)

    def lines(self, *having: str) -> list[str]:
        """The log's lines with all these texts."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [line for line in lines if all(text in line for text in having)]


@asynccontextmanager
async def running(folder: Path, speed: float = 1.0, **named: Any) -> AsyncIterator[Run]:
    run, stop, ready = Run(folder), asyncio.Event(), asyncio.Event()
    async with asyncio.TaskGroup() as group:
        group.create_task(
            simulate(
                run.site, speed=speed, seed=1, log=run.log, control_port=run.control,
                stop=stop, ready=ready.set, tick_s=0.02, **named,
            )
        )  # fmt: skip
        async with asyncio.timeout(DEADLINE_S):
            await ready.wait()
        yield run
        stop.set()


async def read(run: Run, root: str, *names: str) -> ua.DataValue:
    async with Client(f"opc.tcp://127.0.0.1:{run.opcua}") as client:
        uri, name = root.split(";")
        index = await client.get_namespace_index(uri)
        steps = [f"{index}:{step}" for step in (name, *names)]
        node = await client.nodes.objects.get_child(steps)
        return await node.read_data_value(raise_on_bad_status=False)


async def test_vehicles_move_along_the_line(tmp_path: Path) -> None:
    async with running(tmp_path, speed=300.0, drain_s=0.0) as run:
        seen = '"station":"studio-1","tag":"visit"'
        await eventually(lambda: len(run.lines(seen, '"value":"v-')) >= 3, "three vehicles")
        status = await run.ask(control.status)
        assert list(status["stations"]) == ["inspection-1", "studio-1", "meter-1"]
        assert status["stations"]["meter-1"]["vehicle"] is None
        visits = [line.split('"value":"')[1] for line in run.lines(seen, '"value":"v-')]
        assert visits == sorted(set(visits))


async def test_the_first_values_are_there_when_it_is_ready(tmp_path: Path) -> None:
    async with running(tmp_path, drain_s=0.0) as run:
        visit = await read(run, "urn:two;Studio", "Vehicle", "Visit")
        assert visit.Value.Value.startswith("v-")
        client = AsyncModbusTcpClient("127.0.0.1", port=run.modbus, reconnect_delay=0)
        await client.connect()
        assert not (await client.read_input_registers(0, count=2, device_id=5)).isError()
        client.close()
        await eventually(lambda: run.lines('"read"', '"power"'), "the read in the log")


async def test_stopped_models_change_nothing_and_servers_answer(tmp_path: Path) -> None:
    async with running(tmp_path, speed=100.0, drain_s=0.0) as run:
        await run.ask(control.stop_models)
        count = len(run.lines('"change"'))
        before = await read(run, "urn:two;Studio", "Vehicle", "Visit")
        assert not (await run.ask(control.status))["models"]
        assert await read(run, "urn:two;Studio", "Vehicle", "Visit") == before
        assert len(run.lines('"change"')) == count


async def test_it_stops_without_waiting_for_its_clients(tmp_path: Path) -> None:
    loop = asyncio.get_running_loop()
    async with running(tmp_path) as run:
        client = Client(f"opc.tcp://127.0.0.1:{run.opcua}")
        await client.connect()
        asked_s = loop.time()
    assert loop.time() - asked_s < DEADLINE_S
    await client.disconnect()


async def test_faults_of_a_tag_come_and_go(tmp_path: Path) -> None:
    async with running(tmp_path, drain_s=0.0) as run:
        place = ("urn:two;Studio", "Vehicle", "Visit")
        good = await read(run, *place)

        async def shows(status: int) -> ua.DataValue:
            found = f'"studio-1","tag":"visit","ticks":{{}},"status":{status}'.split("{}")
            await eventually(lambda: run.lines(*found), f"status {status}")
            return await read(run, *place)

        await run.ask(control.fault, "studio-1", "bad", tag="visit")
        bad = await shows(BAD_DEVICE_FAILURE)
        assert (bad.StatusCode.value, bad.Value.Value) == (BAD_DEVICE_FAILURE, None)
        lines = '"studio-1","tag":"visit"', f'"value":"{good.Value.Value}"'
        before = len(run.lines(*lines))
        await run.ask(control.clear, "studio-1")
        await eventually(lambda: len(run.lines(*lines)) > before, "the good value again")
        before = len(run.lines(*lines))
        await run.ask(control.fault, "studio-1", "sensor", tag="visit", for_ms=100)
        await shows(BAD_SENSOR_FAILURE)
        await eventually(lambda: len(run.lines(*lines)) > before, "the good value once more")
        assert (await run.ask(control.status))["stations"]["studio-1"]["faults"] == []


async def test_a_missing_node_and_an_illegal_register(tmp_path: Path) -> None:
    async with running(tmp_path, drain_s=0.0) as run:
        await run.ask(control.fault, "studio-1", "missing", tag="visit")
        with pytest.raises(ua.UaError, match="BadNoMatch"):
            await read(run, "urn:two;Studio", "Vehicle", "Visit")
        client = AsyncModbusTcpClient("127.0.0.1", port=run.modbus, reconnect_delay=0)
        await client.connect()
        await run.ask(control.fault, "meter-1", "illegal", tag="power", times=1)
        answers = [await client.read_input_registers(0, count=2, device_id=5) for _ in range(2)]
        assert [answer.isError() for answer in answers] == [True, False]
        client.close()
        await run.ask(control.clear)
        assert (await read(run, "urn:two;Studio", "Vehicle", "Visit")).Value.Value


async def test_a_stall_ends_by_itself(tmp_path: Path) -> None:
    async with running(tmp_path, drain_s=0.0) as run:
        client = AsyncModbusTcpClient("127.0.0.1", port=run.modbus, timeout=5, reconnect_delay=0)
        await client.connect()
        loop = asyncio.get_running_loop()
        asked_s = loop.time()
        await run.ask(control.fault, "meter-1", "stall", for_ms=500)
        assert not (await client.read_input_registers(0, count=2, device_id=5)).isError()
        assert loop.time() - asked_s > 0.45
        client.close()


async def test_a_dropped_session_and_reset_links(tmp_path: Path) -> None:
    async with running(tmp_path, drain_s=0.0) as run:
        client = AsyncModbusTcpClient("127.0.0.1", port=run.modbus, reconnect_delay=0)
        await client.connect()
        assert not (await client.read_input_registers(0, count=2, device_id=5)).isError()
        await run.ask(control.fault, "meter-1", "reset")
        await eventually(lambda: not client.connected, "the reset")
        client.close()

        async def is_over() -> bool:
            faults = (await run.ask(control.status))["stations"]["meter-1"]["faults"]
            return faults == []

        while not await is_over():
            pass


@pytest.mark.parametrize(
    ("station", "name", "tag", "why"),
    [
        ("nowhere", "stall", None, "no station 'nowhere'"),
        ("studio-1", "flood", None, "no fault 'flood'"),
        ("studio-1", "bad", None, "needs the name of a tag"),
        ("studio-1", "bad", "colour", "no tag 'colour'"),
        ("studio-1", "stall", "visit", "whole station"),
    ],
)
async def test_a_wrong_wish_is_refused_with_the_reason(
    tmp_path: Path, station: str, name: str, tag: str | None, why: str
) -> None:
    async with running(tmp_path, stations=["studio-1"], drain_s=0.0) as run:
        with pytest.raises(control.Refused, match=why):
            await run.ask(control.fault, station, name, tag=tag)


async def test_the_same_seed_shows_the_same_values(tmp_path: Path) -> None:
    firsts = []
    for name in ("one", "other"):
        folder = tmp_path / name
        folder.mkdir()
        async with running(folder, drain_s=0.0) as run:
            await run.ask(control.stop_models)
        wanted = ("n", "station", "tag", "status", "value")
        firsts.append([line for line in _parsed(run.lines('"change"'), wanted)][:60])
    assert firsts[0] == firsts[1]


def _parsed(lines: list[str], wanted: tuple[str, ...]) -> list[dict[str, Any]]:
    return [{key: json.loads(line)[key] for key in wanted} for line in lines]
