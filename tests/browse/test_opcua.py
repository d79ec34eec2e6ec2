"""Browsing an OPC UA server: what becomes a tag, what is left out and why, whatever its limits."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from asyncua import Server, ua
from asyncua.client.ua_session import UaSession
from asyncua.common.node import Node

from edge.browse import opcua, requests
from edge.browse.filters import Filter
from edge.browse.found import Found, unheard
from edge.browse.opcua import Options
from edge.sources.fault import MachineFault
from tests.servers import free_port
from wire.site import device_csv, devices
from wire.site.connections import OpcuaConfig

pytestmark = pytest.mark.system

URI = "http://maker.example/press/"
UNECE = "http://www.opcfoundation.org/UA/units/un/cefact"


@asynccontextmanager
async def served(others: int = 0) -> AsyncIterator[tuple[str, int, Server]]:
    """A server of one namespace of ours, which lies behind so many others."""
    server = Server()
    await server.init()
    url = f"opc.tcp://127.0.0.1:{free_port()}"
    server.set_endpoint(url)
    server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    for number in range(others):
        await server.register_namespace(f"urn:other:{number}")
    index = await server.register_namespace(URI)
    async with server:
        yield url, index, server


async def look(url: str, options: Options | None = None, root: str = "") -> Found:
    return await opcua.browse(OpcuaConfig(url=url, root=root), options or Options(), unheard)


async def press(index: int, server: Server) -> Node:
    """A press with one of everything."""
    made = await server.nodes.objects.add_object(index, "Press")
    force = await made.add_variable(index, "Force", 12.5)
    await force.add_property(0, "EURange", ua.Range(0.0, 80.0))
    await force.add_property(0, "InstrumentRange", ua.Range(-5.0, 100.0))
    unit = ua.EUInformation(UNECE, 5129559, ua.LocalizedText("kN"), ua.LocalizedText("kilo"))
    await force.add_property(0, "EngineeringUnits", unit)
    await force.write_attribute(
        ua.AttributeIds.Description, ua.DataValue(ua.LocalizedText("Force of the ram"))
    )
    for kind in ("SByte", "Byte", "Int16", "UInt16", "Int32", "UInt32", "Int64", "UInt64"):
        await made.add_variable(index, f"As {kind}", ua.Variant(1, ua.VariantType[kind]))
    await made.add_variable(index, "Closed", True)
    await made.add_variable(index, "Closed?", False)
    await made.add_variable(index, "Name", "press 1")
    await made.add_variable(index, "Curve", [1.0, 2.0, 3.0])
    await made.add_variable(index, "Words", ["a", "b"])
    mode = await made.add_variable(index, "Mode", ua.Variant(1, ua.VariantType.UInt32))
    states = [ua.LocalizedText("Off"), ua.LocalizedText("Automatic")]
    await mode.add_property(0, "EnumStrings", states)
    await made.add_variable(index, "Range", ua.Range(1.0, 2.0))
    secret = await made.add_variable(index, "Secret", 1)
    await secret.unset_attr_bit(ua.AttributeIds.UserAccessLevel, ua.AccessLevel.CurrentRead)
    axis = await made.add_object(index, "Axis")
    await axis.add_reference(made, ua.ObjectIds.Organizes)  # a ring
    return made


async def test_one_of_everything(tmp_path: Path) -> None:
    async with served(others=2) as (url, index, server):
        await press(index, server)
        found = await look(url)
    rows = {row.name: row for row in found.rows}
    force = rows["press_force"]
    assert (force.type, force.unit, force.low, force.high) == ("float", "kN", -5.0, 100.0)
    assert force.doc == "Force of the ram"
    assert force.address.startswith(f"nsu={URI};i=")
    assert {row.type for name, row in rows.items() if name.startswith("press_as_")} == {"int"}
    assert sum(name.startswith("press_as_") for name in rows) == 8
    closed = [name for name in rows if name.startswith("press_closed")]
    assert len(closed) == 2 and all(rows[name].type == "bool" for name in closed)
    assert (rows["press_name"].type, rows["press_curve"].type) == ("text", "float[3]")
    assert rows["press_mode"].doc.endswith(": 0 = Off, 1 = Automatic")
    left_out = {one.path: one.reason for one in found.skipped}
    assert left_out["Press/Words"] == "an array of String"
    assert left_out["Press/Range"] == "a structure is no type of a tag"
    assert left_out["Press/Secret"] == "not readable with this account"
    assert "describes" in left_out["Press/Force/EURange"]
    device_csv.write(tmp_path / "press.csv", found.rows)
    device = devices.read(tmp_path / "press.csv")
    assert device.problems == ()
    assert len(device.declaration.tags) == len(found.rows)


async def test_the_same_rows_whatever_the_order_of_namespaces() -> None:
    texts = []
    for others in (0, 3):
        async with served(others) as (url, index, server):
            folder = await server.nodes.objects.add_folder(
                ua.NodeId("Line", index), ua.QualifiedName("Line", index)
            )
            for number in range(5):
                name = f"Speed{number}"
                await folder.add_variable(ua.NodeId(name, index), name, float(number))
            texts.append(device_csv.text_of((await look(url)).rows))
    assert texts[0] == texts[1]


async def test_a_filter_a_root_a_depth_and_a_type() -> None:
    async with served() as (url, index, server):
        for line in range(2):
            folder = await server.nodes.objects.add_folder(index, f"Line{line}")
            axis = await folder.add_object(index, "Axis")
            await axis.add_variable(index, "Speed", 1.0)
            await axis.add_variable(index, "On", True)
            await folder.add_variable(index, "Count", 1)
        every = [
            (Options(Filter(["Line0/*/**"])), "", ["line0_axis_speed", "line0_axis_on"]),
            (Options(Filter(["*/Count"])), "", ["line0_count", "line1_count"]),
            (Options(Filter(regex="[12]/.*Speed$")), "", ["line1_axis_speed"]),
            (Options(Filter(without=["**/Axis/*"])), "", ["line0_count", "line1_count"]),
            (Options(types=("bool",)), "", ["line0_axis_on", "line1_axis_on"]),
            (Options(depth=2), "", ["line0_count", "line1_count"]),
            (Options(), f"nsu={URI};Line1/Axis", ["speed", "on"]),
        ]  # fmt: skip
        for options, root, wanted in every:
            found = await look(url, options, root)
            assert [row.name for row in found.rows] == wanted
        beside = await look(url, Options(Filter(["Lane*/**"])))
        assert (beside.rows, len(beside.notes)) == ([], 1)
        assert beside.notes[0].startswith("no path fits the filter; there are Line0/Count, ")
        with pytest.raises(MachineFault, match="no node 'Nowhere'"):
            await look(url, root="Nowhere")
        with pytest.raises(ValueError, match="no regular expression"):
            await look(url, Options(Filter(regex="[")))


async def test_paths_stay_where_a_server_numbers_its_nodes_anew() -> None:
    rows = []
    for order in (["Speed", "Torque"], ["Torque", "Speed"]):
        async with served(others=len(rows)) as (url, index, server):
            axis = await server.nodes.objects.add_object(index, "Axis")
            for name in order:
                await axis.add_variable(index, name, 1.0)
            await axis.add_variable(index, "2:1", 1.0)
            await axis.add_variable(0, "Elsewhere", 1.0)
            found = await look(url, Options(by_path=True), f"nsu={URI};Axis")
            rows.append({row.name: row.address for row in found.rows})
    assert rows[0]["speed"] == rows[1]["speed"] == "Speed"
    assert rows[0]["torque"] == rows[1]["torque"] == "Torque"
    assert rows[0]["elsewhere"].startswith("i=")
    assert rows[0]["tag_2_1"].startswith(f"nsu={URI};i=")
    assert found.notes == ["2 addresses are NodeIds: their names alone do not say them"]


async def test_small_batches_and_continuation_points(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    original = requests.Requests.read

    async def counted(self: Any, wanted: Any) -> Any:
        asked.append(len(wanted))
        return await original(self, wanted)

    async with served() as (url, index, server):
        folder = await server.nodes.objects.add_folder(index, "Many")
        for number in range(60):
            await folder.add_variable(index, f"V{number}", float(number))
        whole = await look(url)
        monkeypatch.setattr(requests, "BATCH", 7)
        monkeypatch.setattr(requests, "REFERENCES_MAX", 11)
        monkeypatch.setattr(requests.Requests, "read", counted)
        assert (await look(url)).rows == whole.rows
    assert len(whole.rows) == 60


async def test_a_value_that_nobody_can_decode_costs_only_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    original = UaSession.read

    async def failing(self: UaSession, parameters: ua.ReadParameters) -> list[ua.DataValue]:
        for one in parameters.NodesToRead:
            if one.NodeId.Identifier == "Odd" and one.AttributeId == ua.AttributeIds.Value:
                raise struct.error("unpack requires a buffer of 4 bytes")
        return await original(self, parameters)

    monkeypatch.setattr(UaSession, "read", failing)
    async with served() as (url, index, server):
        for name in ("One", "Odd", "Other"):
            node = await server.nodes.objects.add_variable(
                ua.NodeId(name, index), name, 1.5, datatype=ua.NodeId(ua.ObjectIds.BaseDataType)
            )
            assert await node.read_value() == 1.5
        found = await look(url)
    assert {row.name: row.type for row in found.rows} == {"one": "float", "other": "float"}
    assert [one.reason for one in found.skipped if one.path == "Odd"] == [
        "of no certain type, and without a value now"
    ]


async def test_the_progress_is_told_to_the_end() -> None:
    heard: dict[str, list[tuple[int, int | None]]] = {}
    async with served() as (url, index, server):
        for number in range(120):
            await server.nodes.objects.add_variable(index, f"V{number}", number)
        await opcua.browse(
            OpcuaConfig(url=url),
            Options(),
            lambda what, done, total=None: heard.setdefault(what, []).append((done, total)),
        )
    assert list(heard) == ["browsing", "reading"]
    for told in heard.values():
        assert told == sorted(told) and told[-1][0] == told[-1][1]


async def test_a_server_that_is_not_there() -> None:
    with pytest.raises(MachineFault):
        await look(f"opc.tcp://127.0.0.1:{free_port()}")
