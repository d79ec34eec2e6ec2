"""The OPC UA source against servers that take little at once, fall silent or end a subscription."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from asyncua import ua
from asyncua.client.ua_session import UaSession
from asyncua.common.utils import ServiceError
from asyncua.server.internal_session import InternalSession

from edge.sources import opcua_session, publish
from edge.sources.notification import Notification
from edge.sources.opcua import OpcuaSource
from edge.sources.source import Item
from stations.declare import Node
from stations.status import BAD_NODE_ID_UNKNOWN, GOOD
from tests.sources.opcua_server import Machine
from tests.sources.recorder import Recorder, running, tag
from tests.sources.relay import Relay
from wire.clock import SystemClock
from wire.site.connections import OpcuaConfig

pytestmark = pytest.mark.system

MANY = [Item(number, tag(f"t{number}", int, Node(f"T{number}"))) for number in range(25)]
ANGLE = Item(1, tag("angle", float, Node("Angle")))


@asynccontextmanager
async def reading(
    machine: Machine, items: Sequence[Item], sink: Recorder, url: str | None = None, **more: Any
) -> AsyncIterator[OpcuaSource]:
    config = OpcuaConfig(url=url or machine.url, root="nsu=urn:studio;Studio1", publishing_ms=20)
    source = OpcuaSource("studio", config, items, SystemClock(), random.Random(1), **more)
    async with running(source, sink):
        await sink.until(lambda: any(report.first for report in sink.reports), "the first report")
        yield source
    await machine.stop()


def many() -> Machine:
    return Machine({f"T{number}": number for number in range(len(MANY))})


def all_read(sink: Recorder) -> bool:
    return all(sink.rows(item.number) == [(GOOD, item.number)] for item in MANY)


async def test_no_request_asks_for_more_than_the_server_takes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked: list[int] = []
    create, translate = UaSession.create_monitored_items, UaSession.translate_browsepaths_to_nodeids

    async def counted_items(self: UaSession, parameters: Any) -> Any:
        asked.append(len(parameters.ItemsToCreate))
        return await create(self, parameters)

    async def counted_paths(self: UaSession, paths: Any) -> Any:
        asked.append(len(paths))
        return await translate(self, paths)

    monkeypatch.setattr(UaSession, "create_monitored_items", counted_items)
    monkeypatch.setattr(UaSession, "translate_browsepaths_to_nodeids", counted_paths)
    machine, sink = many(), Recorder()
    await machine.start()
    ids = ua.ObjectIds
    for limit, most in (
        (ids.Server_ServerCapabilities_OperationLimits_MaxMonitoredItemsPerCall, 10),
        (ids.Server_ServerCapabilities_OperationLimits_MaxNodesPerTranslateBrowsePathsToNodeIds, 7),
    ):
        await machine.server.get_node(ua.NodeId(limit)).write_value(ua.UInt32(most))
    async with reading(machine, MANY, sink):
        await sink.until(lambda: all_read(sink), "every tag")
    assert asked == [7, 7, 7, 4, 10, 10, 5]


async def test_every_change_is_asked_for_unless_the_tag_says_an_interval(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A server samples at the interval that it is asked for: 0 means that no change is left out."""
    asked: dict[int, ua.MonitoringParameters] = {}
    create = UaSession.create_monitored_items

    async def noted(self: UaSession, parameters: Any) -> Any:
        for one in parameters.ItemsToCreate:
            asked[one.RequestedParameters.ClientHandle] = one.RequestedParameters
        return await create(self, parameters)

    monkeypatch.setattr(UaSession, "create_monitored_items", noted)
    slow = Item(2, tag("slow", float, Node("Angle"), every_ms=500))
    slowest = Item(3, tag("slowest", float, Node("Angle"), every_ms=60_000))
    machine, sink = Machine({"Angle": 1.0}), Recorder()
    await machine.start()
    async with reading(machine, [ANGLE, slow, slowest], sink):
        pass
    found = {
        number: (one.SamplingInterval, one.QueueSize, one.DiscardOldest, one.Filter.Body)
        for number, one in asked.items()
    }
    # The queue bridges 10 s; without a filter the trigger is a change of status or value.
    assert found == {
        1: (0.0, 1000, True, None), 2: (500.0, 20, True, None), 3: (60_000.0, 2, True, None),
    }  # fmt: skip


async def test_a_server_that_takes_less_than_it_says_gets_less(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    original = InternalSession.create_monitored_items

    async def refusing(self: InternalSession, parameters: Any) -> Any:
        if len(parameters.ItemsToCreate) > 4:
            raise ServiceError(ua.StatusCodes.BadTooManyOperations)
        return await original(self, parameters)

    monkeypatch.setattr(InternalSession, "create_monitored_items", refusing)
    machine, sink = many(), Recorder()
    await machine.start()
    async with reading(machine, MANY, sink) as source:
        await sink.until(lambda: all_read(sink), "every tag")
        assert source.status.reconnects == 0


async def test_a_silent_server_is_left_and_its_values_come_after(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(opcua_session, "KEEP_ALIVE_S", 0.2)
    monkeypatch.setattr(opcua_session, "REQUEST_TIMEOUT_S", 1.0)
    machine, sink = Machine({"Angle": 1.0}), Recorder()
    await machine.start()
    async with Relay(machine.port) as relay:
        url = f"opc.tcp://127.0.0.1:{relay.port}"
        async with reading(machine, [ANGLE], sink, url):
            relay.open.clear()
            await machine.write("Angle", 2.0)
            await sink.until(lambda: not sink.links[-1][0], "the news that it is silent")
            relay.open.set()
            await sink.until(lambda: (GOOD, 2.0) in sink.rows(1), "the value after")
            await sink.until(lambda: sink.links[-1][0], "the news that it is back")
    assert [gap.numbers for gap in sink.gaps] == [(1,)]


async def test_a_subscription_that_the_server_ends_is_made_anew(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    original = publish.parse_publish
    ended: list[int] = []

    def ending(answer: bytes) -> Notification:
        found = original(answer)
        if found.changes and found.sequence == 2 and not ended:
            ended.append(found.sequence)
            return replace(found, changes=(), status=int(ua.StatusCodes.BadTimeout))
        return found

    monkeypatch.setattr(publish, "parse_publish", ending)
    machine, sink = Machine({"Angle": 1.0}), Recorder()
    await machine.start()
    async with reading(machine, [ANGLE], sink) as source:
        await machine.write("Angle", 2.0)
        await sink.until(lambda: (GOOD, 2.0) in sink.rows(1), "the value after")
        assert source.status.reconnects == 1
    assert [gap.reason for gap in sink.gaps] == ["subscription lost"]
    assert "ended the subscription" in sink.links[1][1]


async def test_a_node_that_vanishes_is_named_and_costs_only_itself() -> None:
    machine, sink = Machine({"Angle": 1.0, "T0": 0}), Recorder()
    await machine.start()
    async with reading(machine, [ANGLE, MANY[0]], sink) as source:
        gone = ua.DataValue(
            ua.Variant(None, ua.VariantType.Null), ua.StatusCode(ua.UInt32(BAD_NODE_ID_UNKNOWN))
        )
        await machine.write("T0", gone)
        await sink.until(lambda: (BAD_NODE_ID_UNKNOWN, None) in sink.rows(0), "the news")
        assert source.status.bad == {"t0": "the server no longer has this node"}
        await machine.write("Angle", 2.0)
        await sink.until(lambda: (GOOD, 2.0) in sink.rows(1), "the other")
        assert source.status.connected
