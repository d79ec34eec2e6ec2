"""The places of asyncua that the simulator looks into: these tests fail when one of them moves."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import struct
from pathlib import Path

import pytest
from asyncua import Client, ua
from asyncua.ua.ua_binary import struct_to_binary

from simulators.opcua_seam import TICKS_TO_1970, Instant
from stations.status import BAD_NODE_ID_UNKNOWN, OVERFLOW
from tests.simulators.helpers import Log, Table, eventually, path, subscribed, table_server

TICKS = 17_953_737_335_701_793


def test_a_source_time_keeps_its_100_ns_on_the_wire() -> None:
    value = ua.DataValue(ua.Variant(1.5), SourceTimestamp=Instant.of(TICKS))
    for one in (value, copy.deepcopy(value)):
        assert struct.pack("<q", TICKS + TICKS_TO_1970) in struct_to_binary(one)


@pytest.mark.system
async def test_every_write_of_a_monitored_item_is_offered_and_arrives(
    tmp_path: Path, log: Log
) -> None:
    server = await table_server(log, tmp_path)
    async with Client(server.config.url) as client:
        seen = await subscribed(client, await path(client, "Table", "Angle"))
        for angle in (1.0, 2.0, 3.0):
            await server.show("table-1", Table.angle, 0, angle)
        await eventually(lambda: len(seen.values) == 4, "three writes in one interval")
        assert seen.values == [0.0, 1.0, 2.0, 3.0]
        await server.show("table-1", Table.turns, 0, 8)
        await eventually(lambda: len(log.events("ack")) >= 2, "acknowledgements")
    await eventually(lambda: log.events("gone"), "the deletion of the item")
    await server.stop()
    offered = log.events("item", "write")
    assert [(e["event"], e["tag"], e["value"]) for e in offered] == [
        ("item", "angle", 0.0),
        ("write", "angle", 1.0), ("write", "angle", 2.0), ("write", "angle", 3.0),
    ]  # fmt: skip
    ticks = [event["ticks"] for event in offered]
    assert ticks == sorted(set(ticks))
    acknowledged = [n for event in log.events("ack") for n in event["numbers"]]
    assert acknowledged == [event["n"] for event in offered]
    assert [e["n"] for e in log.events()] == list(range(1, log.count + 1))


@pytest.mark.system
async def test_a_full_queue_loses_the_oldest_and_says_so(tmp_path: Path, log: Log) -> None:
    server = await table_server(log, tmp_path)
    async with Client(server.config.url) as client:
        node = await path(client, "Table", "Angle")
        seen = await subscribed(client, node, queue=3, period_ms=300)
        for angle in range(1, 8):
            await server.show("table-1", Table.angle, 0, float(angle))
        await eventually(lambda: len(seen.values) == 4, "what the queue held")
        assert seen.values == [0.0, 5.0, 6.0, 7.0]
        assert seen.statuses == [0, OVERFLOW, 0, 0]
    await server.stop()
    lost = log.events("overflow")
    assert [event["value"] for event in lost] == [1.0, 2.0, 3.0, 4.0]
    writes = {event["n"]: event for event in log.events("write")}
    assert [writes[event["of"]]["value"] for event in lost] == [1.0, 2.0, 3.0, 4.0]


@pytest.mark.system
async def test_a_notification_is_kept_until_it_is_acknowledged(tmp_path: Path, log: Log) -> None:
    server = await table_server(log, tmp_path)
    async with Client(server.config.url) as client:
        await subscribed(client, await path(client, "Table", "Angle"))
        service = server.server.iserver.subscription_service
        subscription = next(iter(service.subscriptions.values()))
        await eventually(lambda: log.events("ack"), "the acknowledgement")
        await server.show("table-1", Table.angle, 0, 5.0)
        subscription.publish = lambda acknowledgements: None  # type: ignore[method-assign]
        kept = subscription._not_acknowledged_results
        sequence = await eventually(lambda: next(iter(kept), None), "the notification")
        for _ in range(2):
            message = subscription.republish(sequence)
            assert message.NotificationData[0].MonitoredItems[0].Value.Value.Value == 5.0
        with pytest.raises(ua.UaError, match="BadMessageNotAvailable"):
            await client.uaclient.session.republish(
                subscription.data.SubscriptionId, sequence + 1000
            )
    await server.stop()


@pytest.mark.system
async def test_a_hidden_node_is_gone_and_comes_back(tmp_path: Path, log: Log) -> None:
    server = await table_server(log, tmp_path)
    async with Client(server.config.url) as client:
        node = await path(client, "Table", "Angle")
        seen = await subscribed(client, node)
        await server.hide("table-1", "angle")
        await eventually(lambda: len(seen.values) == 2, "the news that the node is gone")
        assert (seen.values[1], seen.statuses[1]) == (None, BAD_NODE_ID_UNKNOWN)
        with pytest.raises(ua.UaError, match="BadNoMatch"):
            await path(client, "Table", "Angle")
        with pytest.raises(ua.UaError, match="BadNodeIdUnknown"):
            await node.read_value()
        await server.show("table-1", Table.angle, 0, 9.0)
        server.restore("table-1", "angle")
        await server.show("table-1", Table.angle, 0, 9.5)
        assert await (await path(client, "Table", "Angle")).read_value() == 9.5
    await server.stop()
    assert [event["status"] for event in log.events("item", "write")][1:] == [BAD_NODE_ID_UNKNOWN]


@pytest.mark.system
async def test_a_bad_value_may_be_kept(tmp_path: Path, log: Log) -> None:
    server = await table_server(log, tmp_path)
    async with Client(server.config.url) as client:
        node = await path(client, "Table", "Angle")
        await server.show("table-1", Table.angle, 0x8000_0000, 4.0)
        value = await node.read_data_value(raise_on_bad_status=False)
        assert (value.Value.Value, value.StatusCode.value) == (4.0, 0x8000_0000)
        await server.show("table-1", Table.angle, 0x8000_0000, None)
        value = await node.read_data_value(raise_on_bad_status=False)
        assert value.Value.Value is None
        await server.show("table-1", Table.angle, 0, 6.0)
        assert await node.read_value() == 6.0
    await server.stop()


@pytest.mark.system
async def test_a_shut_gate_answers_nothing_and_then_all(tmp_path: Path, log: Log) -> None:
    server = await table_server(log, tmp_path)
    async with Client(server.config.url, timeout=20) as client:
        seen = await subscribed(client, await path(client, "Table", "Angle"))
        node = await path(client, "Table", "Turns")
        server.server.inward.shut()
        server.server.outward.shut()
        asked = asyncio.ensure_future(node.read_value())
        for angle in (1.0, 2.0):
            await server.show("table-1", Table.angle, 0, angle)
        await asyncio.wait([asked], timeout=0.3)
        assert not asked.done()
        assert seen.values == [0.0]
        server.server.inward.open()
        server.server.outward.open()
        assert await asked == 7
        await eventually(lambda: seen.values == [0.0, 1.0, 2.0], "what was queued")
    await server.stop()


@pytest.mark.system
@pytest.mark.parametrize(("drops", "sessions"), [(True, 0), (False, 1)])
async def test_links_break_with_and_without_their_sessions(
    tmp_path: Path, drops: bool, sessions: int, log: Log
) -> None:
    server = await table_server(log, tmp_path)
    client = Client(server.config.url)
    await client.connect()
    await subscribed(client, await path(client, "Table", "Angle"))
    known = server.server.iserver._external_sessions
    assert len(known) == 1
    if drops:
        await server.server.drop_sessions()
    else:
        assert server.server.reset_links() == 1
    await eventually(lambda: not server.server.bserver.clients, "the end of the link")  # type: ignore[union-attr]
    assert len(known) == sessions
    assert len(log.events("gone")) == (1 if drops else 0)
    # There is nobody left to say goodbye to.
    with contextlib.suppress(ConnectionError, ua.UaError):
        await client.disconnect()
    await server.stop()
