"""The order of notifications, and the seam to the library's session."""

from __future__ import annotations

import inspect
from typing import cast

from asyncua import ua
from asyncua.client.ua_session import UaSession
from asyncua.ua.ua_binary import struct_to_binary
from hypothesis import given
from hypothesis import strategies as st

from edge.sources.notification import Notification
from edge.sources.opcua_history import History
from edge.sources.opcua_nodes import Limits
from edge.sources.opcua_past import Memory, Stream
from edge.sources.opcua_report import Reporter
from edge.sources.publish import MISSING_MAX, Order, Publisher
from edge.sources.source import Item, Past, SourceStatus
from stations.declare import Node
from tests.sources.recorder import Recorder, tag
from wire.clock import SystemClock
from wire.site.connections import OpcuaConfig

NOW_MS = 1_790_000_000_000


def test_the_seam_has_not_moved() -> None:
    """Fails when the library changes what publish.py builds upon."""
    parameters = inspect.signature(UaSession._send_request).parameters
    assert list(parameters)[:3] == ["self", "request", "timeout"]
    callers = [
        name for name, member in inspect.getmembers(UaSession, inspect.isfunction)
        if "ensure_publish_loop" in member.__code__.co_names
    ]  # fmt: skip
    assert callers == ["create_subscription"]
    assert "_send_request" in UaSession.create_monitored_items.__code__.co_names


def test_one_after_another_nothing_is_missing() -> None:
    order = Order()
    assert [order.offer(sequence) for sequence in (1, 2, 3)] == [(True, [])] * 3


def test_a_repeat_is_known() -> None:
    order = Order()
    order.offer(1)
    order.offer(2)
    assert order.offer(1) == (False, [])
    assert order.offer(3) == (True, [])


def test_a_keep_alive_uses_no_number_and_shows_what_is_missing() -> None:
    order = Order()
    assert order.offer(1, is_keep_alive=True) == (False, [])
    assert order.offer(1) == (True, [])
    assert order.offer(4, is_keep_alive=True) == (False, [2, 3])
    assert order.offer(4) == (True, [])


def test_after_the_last_number_comes_one() -> None:
    order = Order()
    order._next = 0xFFFF_FFFF
    assert order.offer(0xFFFF_FFFF) == (True, [])
    assert order.offer(2) == (True, [1])
    assert order.offer(0xFFFF_FFFF) == (False, [])


def test_of_billions_that_a_server_skips_a_bounded_number_is_named() -> None:
    is_new, missing = Order().offer(1 << 30)
    assert is_new and len(missing) == MISSING_MAX
    assert (missing[0], missing[-1]) == ((1 << 30) - MISSING_MAX, (1 << 30) - 1)


@given(st.lists(st.integers(1, 40), min_size=1, max_size=40))
def test_every_number_up_to_the_highest_is_either_new_or_missing_exactly_once(
    arrivals: list[int],
) -> None:
    order = Order()
    seen: list[int] = []
    for sequence in arrivals:
        is_new, missing = order.offer(sequence)
        seen += [*missing, *([sequence] if is_new else [])]
    assert seen == list(range(1, max(arrivals) + 1))


async def test_a_notification_that_comes_twice_is_not_acknowledged_before_it_is_safe() -> None:
    item = Item(1, tag("speed", int, Node("Speed")))
    status, recorder = SourceStatus(), Recorder(done_at_once=False)
    config = OpcuaConfig(url="opc.tcp://m:4840")
    memory = Memory("m", config, [item], Past())
    reporter = Reporter("m", [item], status, memory, Past())
    reporter.sink = recorder
    publisher = Publisher(cast(UaSession, None), SystemClock(), status)
    change = ua.MonitoredItemNotification()
    change.ClientHandle, change.Value = 1, ua.DataValue(ua.Variant(7, ua.VariantType.Int64))
    body = struct_to_binary(ua.DataChangeNotification([change]))
    history = History(publisher, {}, Limits(), reporter.expected, status)
    stream = Stream(5, publisher=publisher)
    for _ in range(2):
        is_new, _ = stream.order.offer(1)
        if is_new:
            await reporter.notification(Notification(5, 1, (body,)), 0, stream, history)
    assert publisher._take() == []
    (report,) = recorder.reports
    report.done()
    assert publisher._take() == [(5, 1)]


async def test_the_gap_behind_a_time_that_cannot_be_ends_when_it_came() -> None:
    """Some servers say the end of the year 9999 for "no time"; no history reaches that far."""
    item = Item(1, tag("speed", int, Node("Speed")))
    status, recorder = SourceStatus(), Recorder(done_at_once=False)
    memory = Memory("m", OpcuaConfig(url="opc.tcp://m:4840"), [item], Past())
    known = Past("agent restarted", {}, {1: NOW_MS * 10_000})
    reporter = Reporter("m", [item], status, memory, known)
    reporter.sink = recorder
    publisher = Publisher(cast(UaSession, None), SystemClock(), status)
    history = History(publisher, {}, Limits(), reporter.expected, status)
    await reporter.bridge({1: 253_402_300_799 * 10_000_000}, NOW_MS + 5_000, True, history)
    (gap,) = recorder.gaps
    assert (gap.from_ms, gap.to_ms) == (NOW_MS, NOW_MS + 5_000)
