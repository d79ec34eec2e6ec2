"""Looking at real machines of a site: what differs is found, and a dead one costs no other."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from asyncua import ua

from edge.live.check import Manner, check
from edge.live.findings import Checked, Problem
from tests.servers import free_port
from tests.sources.modbus_device import Device
from tests.sources.opcua_server import Machine
from tests.system.commands import refit
from wire.site import Site, load

pytestmark = pytest.mark.system

SITE = """
[site]
name = "site"
[[agent]]
name = "pc-1"
[[station]]
name = "studio-1"
kind = "device"
agent = "pc-1"
tags = "studio.csv"
opcua = {{ url = "opc.tcp://127.0.0.1:{studio}", root = "nsu=urn:studio;Studio1" }}
modbus = {{ url = "tcp://127.0.0.1:{cabinet}", timeout = "500 ms" }}
[[station]]
name = "dead-1"
kind = "device"
agent = "pc-1"
tags = "dead.csv"
opcua = {{ url = "opc.tcp://127.0.0.1:{dead}" }}
modbus = {{ url = "tcp://127.0.0.1:{dead}" }}
"""
STUDIO = """name,address,type,low,high
angle,Angle,float,0,360
name,Name,int,,
curve,Curve,float[4],,
gone,Gone,float,,
nobody,nsu=urn:nobody;s=Speed,float,,
by_id,nsu=urn:studio;s=Nowhere,float,,
voltage,input 0 uint16,int,207,253
current,input 1 uint16,int,,
power,input 2 uint16,int,,
"""


@asynccontextmanager
async def machines(folder: Path) -> AsyncIterator[tuple[Site, Machine, Device]]:
    """A studio with three nodes and three registers, of which the second is refused."""
    studio = Machine({"Angle": 400.0, "Name": "one", "Curve": [1.0, 2.0, 3.0]})
    cabinet = Device()
    cabinet.registers["input"] = {0: 3, 1: 5, 2: 6}
    cabinet.bad = {1}
    await studio.start()
    await cabinet.start()
    (folder / "studio.csv").write_text(STUDIO)
    (folder / "dead.csv").write_text("name,address,type\na,i=2258,text\nb,coil 1,bool\n")
    file = folder / "site.toml"
    ports = {"studio": studio.port, "cabinet": cabinet.port, "dead": free_port()}
    file.write_text(SITE.format(**ports))
    try:
        yield load(file), studio, cabinet
    finally:
        await cabinet.stop()
        await studio.stop()


def told(checked: Checked) -> dict[str, Problem]:
    return {one.tag: one.problem for one in checked.findings}


async def test_what_differs_is_found_and_a_dead_machine_costs_only_itself(tmp_path: Path) -> None:
    heard: list[Checked] = []
    async with machines(tmp_path) as (site, studio, _):
        found = await check(site.stations, Manner(timeout_s=20.0), heard.append)
        assert studio.subscriptions() == {}
    by_name = {(one.station, one.connection): one for one in found}
    assert len(heard) == len(found) == 4
    opcua, modbus = by_name["studio-1", "opcua"], by_name["studio-1", "modbus"]
    assert told(opcua) == {
        "gone": Problem.MISSING, "nobody": Problem.MISSING, "by_id": Problem.MISSING,
        "name": Problem.TYPE, "curve": Problem.LENGTH, "angle": Problem.UNBELIEVABLE,
    }  # fmt: skip
    assert (opcua.tags, opcua.as_declared(), opcua.has_errors) == (6, 0, True)
    assert opcua.round_trip_ms is not None
    assert told(modbus) == {"current": Problem.MISSING, "voltage": Problem.UNBELIEVABLE}
    assert "illegal data address" in modbus.findings[0].found
    for connection in ("opcua", "modbus"):
        dead = by_name["dead-1", connection]
        assert dead.fault and dead.has_errors and dead.as_declared() == 0


async def test_a_device_that_is_silent_and_one_that_never_ends(tmp_path: Path) -> None:
    async with machines(tmp_path) as (site, _, cabinet):
        cabinet.silent = True
        stations = [site.station("studio-1")]
        found = await check(stations, Manner(), lambda _: None)
        assert "no answer" in found[1].fault and not found[0].fault
        found = await check(stations, Manner(timeout_s=0.2), lambda _: None)
        assert found[1].fault == "not done within 0.2 s"


async def test_what_is_slow(tmp_path: Path) -> None:
    async with machines(tmp_path) as (site, _, _):
        found = await check([site.station("studio-1")], Manner(slow_ms=0.0), lambda _: None)
    for one in found:
        assert [finding.problem for finding in one.findings if not finding.tag] == [Problem.SLOW]


async def test_the_command(tmp_path: Path) -> None:
    import asyncio

    async with machines(tmp_path) as (_, studio, cabinet):
        studio_file = tmp_path / "studio.csv"

        def run(*words: str) -> tuple[int, str, str]:
            done = refit("check", tmp_path / "site.toml", "--live", *words)
            return done.returncode, done.stdout, done.stderr

        code, shown, _ = await asyncio.to_thread(run)
        assert code == 1
        assert "no such node" in shown and "dead-1 opcua" in shown
        code, _, said = await asyncio.to_thread(run, "--station", "nobody")
        assert code == 2 and "known are studio-1, dead-1" in said
        studio_file.write_text("name,address,type\nangle,Angle,float\npower,input 2 uint16,int\n")
        await studio.write("Angle", ua.Variant(5.0))
        cabinet.bad = set()
        code, shown, _ = await asyncio.to_thread(run, "--station", "studio-1", "--json")
        assert code == 0
        assert [one["as_declared"] for one in json.loads(shown)] == [1, 1]
