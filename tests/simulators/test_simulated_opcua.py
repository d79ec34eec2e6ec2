"""A simulated OPC UA server: what is declared is there, where and as it is declared."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from asyncua import Client, ua
from asyncua.crypto.cert_gen import setup_self_signed_certificate
from asyncua.crypto.security_policies import SecurityPolicyBasic256Sha256
from cryptography.x509.oid import ExtendedKeyUsageOID

from simulators.opcua import OpcuaServer
from tests.servers import free_port
from tests.simulators.helpers import DEADLINE_S, Log, Table, eventually, path, table_server
from wire.site import OpcuaConfig

pytestmark = pytest.mark.system


async def test_values_have_the_declared_place_and_type(tmp_path: Path, log: Log) -> None:
    server = await table_server(log, tmp_path)
    kinds = ua.VariantType
    async with Client(server.config.url) as client:
        plc = await client.get_namespace_index("urn:plc")
        nodes = {
            "state": (await path(client, "State"), kinds.Int32, 0),
            "angle": (await path(client, "Table", "Angle"), kinds.Double, 0.0),
            "turns": (await path(client, "Table", "Turns"), kinds.Int64, 7),
            "locked": (await path(client, "Table", "Locked"), kinds.Boolean, False),
            "visit": (await path(client, "Visit"), kinds.String, "v-2026-000001"),
            "lamps": (await path(client, "Lamps"), kinds.Double, [1.0, 2.0, 3.0]),
            "counts": (client.get_node(f"ns={plc};s=DB10.Counts"), kinds.Int64, [4, 5]),
            "hours": (client.get_node("ns=5;s=DB10.Hours"), kinds.Double, 12.5),
        }
        for node, kind, value in nodes.values():
            read = await node.read_data_value()
            assert (read.Value.VariantType, read.Value.Value) == (kind, value)
            assert read.SourceTimestamp is not None
        angle = nodes["angle"][0]
        limits = await (await angle.get_child("0:EURange")).read_value()
        assert (limits.Low, limits.High) == (0, 360)
        unit = await (await angle.get_child("0:EngineeringUnits")).read_value()
        assert unit.DisplayName.Text == "deg"
        with pytest.raises(ua.UaError, match=r"BadUserAccessDenied|BadNotWritable"):
            await angle.write_value(5.0)
    await server.stop()


async def test_a_command_is_a_boolean_that_a_client_may_write(tmp_path: Path, log: Log) -> None:
    server = await table_server(log, tmp_path)
    async with Client(server.config.url) as client:
        await (await path(client, "Commands", "Start")).write_value(True)
        await eventually(lambda: log.events("command"), "the command")
    await server.stop()
    [event] = log.events("command")
    assert (event["station"], event["command"], event["value"]) == ("table-1", "start", True)


async def test_stations_share_a_server(tmp_path: Path, log: Log) -> None:
    config = OpcuaConfig(url=f"opc.tcp://127.0.0.1:{free_port()}")
    server = OpcuaServer(config, log, tmp_path)
    await server.init()
    await server.add("a", Table.moved({}), "nsu=urn:line;A")
    await server.start()
    async with Client(config.url) as client:
        index = await client.get_namespace_index("urn:line")
        await client.nodes.objects.get_child([f"{index}:A", f"{index}:Table", f"{index}:Angle"])
    await server.stop()


async def test_source_times_rise_though_the_clock_stands(tmp_path: Path, log: Log) -> None:
    server = await table_server(log, tmp_path)
    server.ticks = lambda: 17_000_000_000_000_000
    for angle in (1.0, 2.0, 3.0):
        await server.show("table-1", Table.angle, 0, angle)
    await server.stop()
    ticks = [event["ticks"] for event in log.events("change", tag="angle")]
    assert ticks == sorted(set(ticks))


async def test_a_secured_server_lets_in_only_secured_clients(tmp_path: Path, log: Log) -> None:
    server = await table_server(log, tmp_path, security="Basic256Sha256,SignAndEncrypt")
    key, certificate = tmp_path / "client.pem", tmp_path / "client.der"
    uri = "urn:refit:test"
    use = [ExtendedKeyUsageOID.CLIENT_AUTH]
    await setup_self_signed_certificate(key, certificate, uri, "localhost", use, {})
    client = Client(server.config.url)
    client.application_uri = uri
    await client.set_security(SecurityPolicyBasic256Sha256, certificate, key)
    async with client:
        assert await (await path(client, "Table", "Turns")).read_value() == 7
    with pytest.raises(ua.UaError):
        async with Client(server.config.url):
            pass
    await server.stop()


async def test_only_the_right_account_gets_in(tmp_path: Path, log: Log) -> None:
    secret = tmp_path / "password"
    secret.write_text("open sesame\n")
    server = await table_server(log, tmp_path, user="operator", password_file=secret)
    for password, is_right in (("open sesame", True), ("wrong", False)):
        client = Client(server.config.url)
        client.set_user("operator")
        client.set_password(password)
        if is_right:
            async with client:
                assert await (await path(client, "Table", "Turns")).read_value() == 7
        else:
            with pytest.raises(ua.UaError, match="BadUserAccessDenied"):
                await client.connect()
    await server.stop()


async def test_a_taken_address_is_an_error(tmp_path: Path, log: Log) -> None:
    server = await table_server(log, tmp_path)
    other = OpcuaServer(server.config, log, tmp_path)
    await other.init()
    with pytest.raises(OSError, match="in use"):
        await other.start()
    await server.stop()


async def test_stopping_waits_for_nobody(tmp_path: Path, log: Log) -> None:
    server = await table_server(log, tmp_path)
    async with asyncio.timeout(DEADLINE_S):
        await server.stop()
