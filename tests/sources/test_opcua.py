"""The OPC UA source against a server that misbehaves."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from asyncua import ua
from asyncua.client.ua_session import UaSession
from asyncua.server.internal_subscription import InternalSubscription

from edge.sources import publish
from edge.sources.fault import MachineFault
from edge.sources.notification import Notification
from edge.sources.opcua import OpcuaSource
from edge.sources.source import Item
from stations.declare import Node
from stations.status import BAD_SENSOR_FAILURE, BAD_TYPE_MISMATCH, GOOD
from tests.sources.opcua_server import Machine
from tests.sources.recorder import Recorder, running, tag
from wire.clock import SystemClock
from wire.site.connections import OpcuaConfig

pytestmark = pytest.mark.system

ANGLE = Item(1, tag("angle", float, Node("Angle")))


@asynccontextmanager
async def reading(
    machine: Machine, items: Sequence[Item], sink: Recorder, **more: Any
) -> AsyncIterator[OpcuaSource]:
    await machine.start()
    config = OpcuaConfig(url=machine.url, root="nsu=urn:studio;Studio1", publishing_ms=20)
    source = OpcuaSource("studio", config, items, SystemClock(), random.Random(1), **more)
    async with running(source, sink):
        await sink.until(lambda: any(report.first for report in sink.reports), "the first report")
        yield source
    await machine.stop()


def _values(sink: Recorder, number: int) -> list[Any]:
    return [value for _, value in sink.rows(number)]


async def test_a_notification_is_acknowledged_only_after_done(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    acknowledged: list[int] = []
    original = InternalSubscription.publish

    def taken(self: InternalSubscription, acks: list[int]) -> None:
        acknowledged.extend(acks)
        original(self, acks)

    monkeypatch.setattr(InternalSubscription, "publish", taken)
    machine, sink = Machine({"Angle": 0.0}), Recorder(done_at_once=False)
    async with reading(machine, [ANGLE], sink):
        for angle in range(1, 10):
            await machine.write("Angle", float(angle))
            await sink.until(lambda want=angle: float(want) in _values(sink, 1), "the value")
        assert acknowledged == []
        sink.reports[3].done()
        await machine.write("Angle", 50.0)
        await sink.until(lambda: 50.0 in _values(sink, 1), "the value after")
        await machine.write("Angle", 51.0)
        await sink.until(lambda: 51.0 in _values(sink, 1), "one more")
        assert acknowledged == [4]
        sink.reports[4].done()
    assert acknowledged == [4, 5], "what is safe is still told when the source stops"


async def test_the_librarys_own_publish_loop_never_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: UaSession) -> None:
        raise AssertionError("the library publishes by itself")

    monkeypatch.setattr(UaSession, "ensure_publish_loop", fail)
    sink = Recorder()
    async with reading(Machine({"Angle": 1.0}), [ANGLE], sink) as source:
        assert source.status.reconnects == 0


async def test_every_write_between_two_publications_arrives_in_order() -> None:
    machine, sink = Machine({"Angle": 0.0}), Recorder()
    async with reading(machine, [ANGLE], sink):
        for angle in range(1, 301):
            await machine.write("Angle", float(angle))
        await sink.until(lambda: _values(sink, 1)[-1] == 300.0, "the last write")
    assert _values(sink, 1) == [float(angle) for angle in range(301)]


async def test_a_lost_notification_is_asked_for_again(monkeypatch: pytest.MonkeyPatch) -> None:
    original = publish.parse_publish
    dropped = asyncio.Event()

    def losing(answer: bytes) -> Notification:
        found = original(answer)
        if found.changes and found.sequence == 3 and not dropped.is_set():
            dropped.set()
            return replace(found, changes=())
        return found

    monkeypatch.setattr(publish, "parse_publish", losing)
    machine, sink = Machine({"Angle": 0.0}), Recorder()
    async with reading(machine, [ANGLE], sink) as source:
        await machine.write("Angle", 1.0)
        await sink.until(lambda: 1.0 in _values(sink, 1), "the second")
        await machine.write("Angle", 2.0)
        await dropped.wait()
        await machine.write("Angle", 3.0)
        await sink.until(lambda: 3.0 in _values(sink, 1), "the fourth")
        assert source.status.counters["notifications republished"] == 1
    assert _values(sink, 1) == [0.0, 1.0, 2.0, 3.0]
    assert sink.gaps == []


async def test_a_link_that_breaks_while_a_notification_is_asked_for_again_is_a_gap(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The next session may go on with the same subscription, behind what was not had."""
    original, skipped = publish.parse_publish, asyncio.Event()

    def skipping(answer: bytes) -> Notification:
        found = original(answer)
        if found.sequence == 2 and found.changes and not skipped.is_set():
            skipped.set()
            return replace(found, sequence=4)
        return found

    async def broken(_: publish.Publisher, subscription: int, sequence: int) -> None:
        raise MachineFault(f"the link breaks at {sequence} of {subscription}")

    monkeypatch.setattr(publish, "parse_publish", skipping)
    monkeypatch.setattr(publish.Publisher, "republish", broken)
    machine, sink = Machine({"Angle": 0.0}), Recorder()
    async with reading(machine, [ANGLE], sink):
        await machine.write("Angle", 1.0)
        await skipped.wait()
        await sink.until(lambda: bool(sink.gaps), "the gap")
    assert sink.gaps[0].reason == "notification lost"


async def test_another_type_costs_only_itself_and_heals() -> None:
    odd = Item(2, tag("odd", int, Node("Odd")))
    machine, sink = Machine({"Angle": 1.0, "Odd": ua.Variant("text")}), Recorder()
    async with reading(machine, [ANGLE, odd], sink) as source:
        assert sink.rows(2) == [(BAD_TYPE_MISMATCH, None)]
        assert "INT" in source.status.bad["odd"]
        assert _values(sink, 1) == [1.0]
    machine.values["Odd"] = 5
    sink = Recorder()
    async with reading(machine, [ANGLE, odd], sink) as source:
        assert sink.rows(2) == [(GOOD, 5)] and source.status.bad == {}


async def test_not_a_number_and_a_bad_status_are_samples() -> None:
    machine, sink = Machine({"Angle": 1.0}), Recorder()
    async with reading(machine, [ANGLE], sink):
        await machine.write("Angle", math.nan)
        await machine.write("Angle", _failed())
        await sink.until(lambda: len(sink.rows(1)) == 3, "three samples")
    assert math.isnan(sink.rows(1)[1][1])
    assert sink.rows(1)[2] == (BAD_SENSOR_FAILURE, None)


def _failed() -> ua.DataValue:
    return ua.DataValue(
        ua.Variant(None, ua.VariantType.Null), ua.StatusCode(ua.UInt32(BAD_SENSOR_FAILURE))
    )


async def test_another_namespace_index_after_a_restart() -> None:
    machine, sink = Machine({"Angle": 1.0}), Recorder()
    by_id = Item(2, tag("by_id", float, Node("nsu=urn:studio;s=Nowhere")))
    wide = Item(3, tag("wide", float, Node("nsu=urn:studio;i=99999999999")))
    async with reading(machine, [ANGLE, by_id, wide], sink) as source:
        await machine.stop()
        await sink.until(lambda: sink.order.count("down") == 1, "the loss")
        machine.values["Angle"] = 7.0
        await machine.start(others=3)
        await sink.until(lambda: 7.0 in _values(sink, 1), "the value after the restart")
        assert set(source.status.bad) == {"by_id", "wide"}
    assert [gap.reason for gap in sink.gaps] == ["link down"]


async def test_a_session_that_the_server_forgets_is_built_anew() -> None:
    machine, sink = Machine({"Angle": 1.0}), Recorder()
    async with reading(machine, [ANGLE], sink) as source:
        await machine.drop_sessions()
        await sink.until(
            lambda: sum(report.first for report in sink.reports) == 2, "the first report after"
        )
        await machine.write("Angle", 2.0)
        await sink.until(lambda: 2.0 in _values(sink, 1), "the next value")
        assert source.status.reconnects == 1
    assert len(sink.gaps) == 1


async def test_a_missing_node_is_found_when_it_appears() -> None:
    late = Item(2, tag("late", float, Node("Late")))
    machine, sink = Machine({"Angle": 1.0}), Recorder()
    async with reading(machine, [ANGLE, late], sink, retry_bad_s=(0.05, 0.1)) as source:
        assert list(source.status.bad) == ["late"]
        parent = await machine.nodes["Angle"].get_parent()
        assert parent is not None
        index = machine.nodes["Angle"].nodeid.NamespaceIndex
        await parent.add_variable(index, "Late", 4.0)
        await sink.until(lambda: 4.0 in _values(sink, 2), "the node")
        assert source.status.bad == {}


async def test_no_session_and_no_subscription_is_left_behind() -> None:
    machine, sink = Machine({"Angle": 1.0}), Recorder()
    await machine.start()
    config = OpcuaConfig(url=machine.url, root="nsu=urn:studio;Studio1")
    source = OpcuaSource("studio", config, [ANGLE], SystemClock(), random.Random(1))
    async with running(source, sink):
        await sink.until(lambda: bool(sink.reports), "a report")
        assert len(machine.subscriptions()) == 1
    assert machine.subscriptions() == {}
    await machine.stop()
