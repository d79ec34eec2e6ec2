"""A link or an agent that goes and comes back: what is taken over, what is read, what is said."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from asyncua import ua
from asyncua.server.history import HistoryDict
from asyncua.server.internal_subscription import InternalSubscription

from edge.sources import opcua_session
from edge.sources.opcua import OpcuaSource
from edge.sources.publish import Publisher
from edge.sources.source import Item, Past
from stations.declare import Node
from tests.sources.opcua_server import Machine
from tests.sources.recorder import Recorder, running, tag
from wire.clock import SystemClock
from wire.site.connections import OpcuaConfig

pytestmark = pytest.mark.system

ANGLE = Item(1, tag("angle", float, Node("Angle")))
SPEED = Item(2, tag("speed", float, Node("Speed")))


@pytest.fixture(autouse=True)
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A transfer must be heard after a short time, and silence is noticed soon."""
    monkeypatch.setattr(opcua_session, "KEEP_ALIVE_S", 0.2)


@pytest.fixture
def transfers(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The subscriptions that the source has asked to take over."""
    asked: list[int] = []
    original = Publisher.transfer

    async def noted(self: Publisher, subscription: int) -> tuple[int, list[int]]:
        asked.append(subscription)
        return await original(self, subscription)

    monkeypatch.setattr(Publisher, "transfer", noted)
    return asked


@asynccontextmanager
async def reading(
    machine: Machine, sink: Recorder, past: Past | None = None, items: Sequence[Item] = (ANGLE,)
) -> AsyncIterator[OpcuaSource]:
    config = OpcuaConfig(url=machine.url, root="nsu=urn:studio;Studio1", publishing_ms=20)
    source = OpcuaSource(
        "studio", config, items, SystemClock(), random.Random(1), past=past,
    )  # fmt: skip
    async with running(source, sink):
        await sink.until(lambda: any(report.first for report in sink.reports), "the first report")
        yield source


def past_of(sink: Recorder) -> Past:
    """What an outbox would know of a source that reported so."""
    memos: dict[str, bytes] = {}
    ticks: dict[int, int] = {}
    for report in sink.reports:
        memos |= report.memo
        ticks |= dict(zip(report.samples.tag.tolist(), report.ticks.tolist(), strict=True))
    return Past("agent restarted", memos, ticks)


def values(sink: Recorder, number: int = 1) -> list[Any]:
    return [value for _, value in sink.rows(number)]


def cut(machine: Machine) -> None:
    """Break every connection; the sessions stay."""
    assert machine.server.bserver is not None
    for client in list(machine.server.bserver.clients):
        assert client.transport is not None
        client.transport.abort()


async def test_a_transfer_that_is_promised_and_not_kept_costs_nothing_and_is_not_asked_for_again(
    transfers: list[int],
) -> None:
    """This server answers Good to a transfer from a new session, and soon sends nothing more.

    First it answers a few requests of the session before, on the new connection and with numbers
    that may be those of other requests: then that session ends too.
    """
    machine, sink = Machine({"Angle": 0.0}), Recorder()
    await machine.start()
    async with reading(machine, sink):
        cut(machine)
        await sink.until(lambda: bool(transfers), "the transfer is asked for")
        for angle in range(1, 9):
            await machine.write("Angle", float(angle))
        await sink.until(lambda: _known(sink).get("transfers") is False, "it is known to be no use")
        asked = len(transfers)
        cut(machine)
        await sink.until(lambda: sink.order[-1] == "down", "the second loss")
        await sink.until(lambda: sink.order.count("report") > 0 and bool(sink.links[-1][0]), "up")
        await machine.write("Angle", 20.0)
        await sink.until(lambda: 20.0 in values(sink), "the value after")
    assert len(transfers) == asked
    assert {gap.reason for gap in sink.gaps} <= {"link down", "subscription lost"}
    assert sorted(set(values(sink))) == [*map(float, range(9)), 20.0]
    await machine.stop()


def _known(sink: Recorder) -> dict[str, Any]:
    """What the source knows of its server, by its last memo."""
    memos = [body for report in sink.reports for name, body in report.memo if name == "studio"]
    found: dict[str, Any] = orjson.loads(memos[-1]) if memos else {}
    return found


async def test_a_server_that_was_started_anew_is_not_asked_for_a_subscription_of_before(
    transfers: list[int],
) -> None:
    machine, sink = Machine({"Angle": 0.0}), Recorder()
    await machine.start()
    async with reading(machine, sink) as source:
        await machine.stop()
        await sink.until(lambda: not source.status.connected, "the loss")
        machine.values["Angle"] = 5.0
        await machine.start()
        await sink.until(lambda: 5.0 in values(sink), "the value after")
    assert transfers == []
    await machine.stop()


@asynccontextmanager
async def historised(chunk: int = 10_000, count: int = 0) -> AsyncIterator[Machine]:
    """A machine that keeps the values of its angle, and not those of its speed."""
    machine = Machine({"Angle": 0.0, "Speed": 0.0})
    await machine.start()
    machine.server.iserver.history_manager.set_storage(HistoryDict(chunk))
    await machine.server.historize_node_data_change(machine.nodes["Angle"], None, count)
    yield machine
    await machine.stop()


async def turned(machine: Machine, first: int, count: int) -> None:
    """Values of the angle, one each ms of the machine's clock, all of them in its history."""
    begin = datetime.now(UTC)
    for step in range(count):
        value = ua.Variant(float(first + step))
        at = begin + timedelta(milliseconds=step)
        await machine.write("Angle", ua.DataValue(value, SourceTimestamp=at))


@pytest.mark.parametrize("chunk", [10_000, 4])
async def test_after_a_restart_history_comes_before_the_first_live_value(chunk: int) -> None:
    async with historised(chunk) as machine:
        before, after = Recorder(), Recorder()
        await turned(machine, 1, 3)
        async with reading(machine, before, items=(ANGLE, SPEED)):
            await before.until(lambda: 3.0 in values(before), "the last value")
        await turned(machine, 10, 20)
        await machine.write("Speed", 7.0)
        async with reading(machine, after, past_of(before), (ANGLE, SPEED)):
            await turned(machine, 40, 1)
            await after.until(lambda: 40.0 in values(after), "a live value")
    assert values(after) == [*map(float, range(10, 30)), 40.0]
    old = [report for report in after.reports if report.historical]
    assert sum(len(report.samples) for report in old) == 19
    assert after.reports[: len(old)] == old, "all before the first live one"
    assert not any(report.first or report.memo for report in old)
    # Only the tag of which nothing is kept may lack something.
    assert [(gap.numbers, gap.reason) for gap in after.gaps] == [((2,), "agent restarted")]
    assert after.order.index("gap") < after.order.index("report")


async def test_a_history_that_forgot_the_beginning_leaves_a_gap_until_it_begins() -> None:
    async with historised(count=5) as machine:
        before, after = Recorder(), Recorder()
        await turned(machine, 1, 1)
        async with reading(machine, before):
            await before.until(lambda: 1.0 in values(before), "the value")
        await turned(machine, 10, 20)
        async with reading(machine, after, past_of(before)):
            await after.until(lambda: 29.0 in values(after), "the last value")
    assert values(after) == [25.0, 26.0, 27.0, 28.0, 29.0]
    (gap,) = after.gaps
    first = after.reports[0].samples.time[0]
    assert (gap.numbers, gap.reason, gap.to_ms) == ((1,), "agent restarted", first)


async def test_a_clock_that_was_set_back_while_nobody_listened_is_a_gap() -> None:
    async with historised() as machine:
        before, after = Recorder(), Recorder()
        async with reading(machine, before):
            pass
        late = datetime.now(UTC) - timedelta(hours=1)
        await machine.write("Angle", ua.DataValue(ua.Variant(3.0), SourceTimestamp=late))
        async with reading(machine, after, past_of(before)):
            await after.until(lambda: 3.0 in values(after), "the value")
    (gap,) = after.gaps
    assert gap.from_ms is not None and gap.from_ms < gap.to_ms


async def test_a_subscription_that_the_server_drops_without_a_word_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("edge.sources.opcua_session.REQUEST_TIMEOUT_S", 1.0)
    machine, sink = Machine({"Angle": 0.0}), Recorder()
    await machine.start()
    async with reading(machine, sink) as source:
        service = machine.server.iserver.subscription_service
        await service.delete_subscriptions(list(machine.subscriptions()))
        await machine.write("Angle", 2.0)
        await sink.until(lambda: 2.0 in values(sink), "the value after")
        assert source.status.reconnects == 1
    assert [gap.reason for gap in sink.gaps] == ["subscription lost"]
    await machine.stop()


async def test_a_smaller_queue_than_asked_for_is_said(caplog: pytest.LogCaptureFixture) -> None:
    machine, sink = Machine({"Angle": 0.0}), Recorder()
    await machine.start()
    machine.server.iserver.max_monitored_item_queue_size = 10
    async with reading(machine, sink) as source:
        assert source.status.counters["queue sizes reduced by the server"] == 1
    assert "a queue of 10 values instead of 1000" in caplog.text
    await machine.stop()


async def test_what_is_not_safe_when_the_agent_ends_is_not_acknowledged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The memo of a notification names its number, so that it is not asked for twice."""
    acknowledged: list[int] = []
    original = InternalSubscription.publish

    def taken(self: InternalSubscription, acks: list[int]) -> None:
        acknowledged.extend(acks)
        original(self, acks)

    monkeypatch.setattr(InternalSubscription, "publish", taken)
    machine, sink = Machine({"Angle": 0.0}), Recorder(done_at_once=False)
    await machine.start()
    async with reading(machine, sink):
        await machine.write("Angle", 1.0)
        await sink.until(lambda: 1.0 in values(sink), "the value")
    assert acknowledged == []
    memos = [dict(report.memo) for report in sink.reports]
    assert [b'"sequence":%d' % number in memo["studio#"] for number, memo in enumerate(memos, 1)]
    assert "studio" in memos[0] and all("studio" not in memo for memo in memos[1:])
    await machine.stop()
