"""Everything that the simulator needs of asyncua beyond its public interface, in one file.

Seen at `_pop_publish_result`, `enqueue_datachange_event`, `publish`, `republish` and
`delete_monitored_items` of a server-side subscription; at the protocol's transport; and at the
stored attributes of a node. tests/simulators/test_opcua_seam.py fails when one of them moves.
"""

from __future__ import annotations

import asyncio
import copy
import gc
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any, Protocol

from asyncua import Server, ua
from asyncua.common.utils import ServiceError
from asyncua.server.address_space import (
    AddressSpace,
    AttributeValue,
    NodeData,
    NodeManagementService,
)
from asyncua.server.binary_server_asyncio import BinaryServer, OPCUAProtocol
from asyncua.server.internal_server import InternalServer
from asyncua.server.internal_subscription import InternalSubscription
from asyncua.server.standard_address_space import standard_address_space

from simulators.gate import Gate
from stations.status import OVERFLOW

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# As many as the library itself keeps for Republish.
SENT_MAX = 5_000
TICKS_TO_1970 = 116_444_736_000_000_000


class Instant(datetime):
    """A time with 100 ns, which OPC UA has and datetime has not."""

    ticks: int

    @classmethod
    def of(cls, ticks: int) -> Instant:
        """From 100 ns since 1970 UTC."""
        time = EPOCH + timedelta(microseconds=ticks // 10)
        instant = cls(*time.timetuple()[:6], time.microsecond, UTC)
        instant.ticks = ticks
        return instant

    def __sub__(self, other: Any) -> Any:
        """The library asks for the microseconds since 1601 and multiplies by 10."""
        return _Since(self.ticks + TICKS_TO_1970)

    def __deepcopy__(self, memo: dict[int, Any]) -> Instant:
        return self


class _Since:
    def __init__(self, ticks: int) -> None:
        self.ticks = ticks

    def __floordiv__(self, unit: timedelta) -> _Since:
        return self

    def __rmul__(self, factor: int) -> int:
        return self.ticks


class Watcher(Protocol):
    """Who wants to know what a server offers and what its clients acknowledge."""

    def offered(self, node: ua.NodeId, value: ua.DataValue, first: bool) -> int | None:
        """A report of a monitored item was queued; returns its number, None if of no interest."""

    def overflowed(self, node: ua.NodeId, value: ua.DataValue, number: int | None) -> None:
        """A queued report was discarded because the item's queue was full."""

    def acknowledged(self, subscription: int, sequence: int, numbers: list[int]) -> None:
        """A client acknowledged a notification with the reports of these numbers."""

    def gone(self, node: ua.NodeId) -> None:
        """A monitored item was deleted."""


class _Tap:
    """Sits on one subscription of the server and tells the watcher what happens there."""

    def __init__(self, subscription: InternalSubscription, watcher: Watcher) -> None:
        self.subscription, self.watcher = subscription, watcher
        self.seen: set[int] = set()
        self.queued: dict[int, int] = {}
        self.sent: dict[int, list[int]] = {}
        items = subscription.monitored_item_srv
        self.items = items._monitored_items
        self.enqueue = subscription.enqueue_datachange_event
        self.pop = subscription._pop_publish_result
        self.publish = subscription.publish
        self.delete = items.delete_monitored_items
        replaced: dict[str, Any] = {
            "enqueue_datachange_event": self.on_enqueue,
            "_pop_publish_result": self.on_pop,
            "publish": self.on_publish,
            "republish": self.on_republish,
        }
        vars(subscription).update(replaced)
        vars(items).update({"delete_monitored_items": self.on_delete})

    async def on_enqueue(self, item: int, event: Any, size: int) -> None:
        node = self.items[item].read_value_id.NodeId
        number = self.watcher.offered(node, event.Value, item not in self.seen)
        self.seen.add(item)
        if number is not None:
            self.queued[id(event)] = number
        queue = self.subscription._triggered_datachanges.get(item, ())
        lost = queue[0] if size and len(queue) >= size else None
        await self.enqueue(item, event, size)
        if lost is not None:
            self.watcher.overflowed(node, lost.Value, self.queued.pop(id(lost), None))
            if size > 1:
                self._mark(self.subscription._triggered_datachanges[item])

    def _mark(self, queue: list[Any]) -> None:
        """OPC 10000-4, 5.13.1.5: the oldest report that is left says that others were lost."""
        event, value = queue[0], queue[0].Value
        code = (value.StatusCode.value if value.StatusCode else 0) | OVERFLOW
        marked = copy.copy(event)
        marked.Value = replace(value, StatusCode=ua.StatusCode(code))
        queue[0] = marked
        if id(event) in self.queued:
            self.queued[id(marked)] = self.queued.pop(id(event))

    def on_pop(self) -> ua.PublishResult:
        result = self.pop()
        message = result.NotificationMessage
        numbers = [
            self.queued.pop(id(event))
            for part in message.NotificationData or ()
            for event in getattr(part, "MonitoredItems", ())
            if id(event) in self.queued
        ]
        if message.NotificationData:
            self.sent[message.SequenceNumber] = numbers
            if len(self.sent) > SENT_MAX:
                del self.sent[next(iter(self.sent))]
        return result

    def on_publish(self, acknowledgements: Any) -> None:
        for sequence in acknowledgements:
            if sequence in self.sent:
                numbers = self.sent.pop(sequence)
                identifier = self.subscription.data.SubscriptionId
                self.watcher.acknowledged(identifier, sequence, numbers)
        self.publish(acknowledgements)

    def on_republish(self, sequence: int) -> ua.NotificationMessage:
        """As the standard has it: kept until acknowledged, an error when it is not there."""
        result = self.subscription._not_acknowledged_results.get(sequence)
        if result is None:
            raise ServiceError(ua.StatusCodes.BadMessageNotAvailable)
        return result.NotificationMessage

    def on_delete(self, identifiers: list[int]) -> Any:
        for item in identifiers:
            if item in self.items:
                self.watcher.gone(self.items[item].read_value_id.NodeId)
        return self.delete(identifiers)


class _Transport:
    """What the library writes to: the real transport behind the gate."""

    def __init__(self, real: asyncio.Transport, gate: Gate) -> None:
        self.real, self.gate = real, gate

    def write(self, data: bytes) -> None:
        self.gate.put(lambda: None if self.real.is_closing() else self.real.write(data))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


class _Protocol(OPCUAProtocol):
    outward: Gate
    inward: Gate

    def connection_made(self, transport: Any) -> None:
        super().connection_made(_Transport(transport, self.outward))  # type: ignore[arg-type]

    def data_received(self, data: bytes) -> None:
        self.inward.put(lambda: OPCUAProtocol.data_received(self, data))


class _BinaryServer(BinaryServer):
    outward: Gate
    inward: Gate

    def _make_protocol(self) -> OPCUAProtocol:
        protocol = _Protocol(
            self.iserver, self._policies, self.clients, self.closing_tasks, self.limits
        )
        protocol.outward, protocol.inward = self.outward, self.inward
        return protocol


@cache
def _standard_nodes() -> dict[ua.NodeId, NodeData]:
    """The standard address space, made once: it takes more than a second."""
    space = AddressSpace()
    was_collecting = gc.isenabled()
    gc.disable()
    try:
        standard_address_space.fill_address_space(NodeManagementService(space))
    finally:
        if was_collecting:
            gc.enable()
    return dict(space._nodes)


class _InternalServer(InternalServer):
    async def load_standard_address_space(self, shelf_file: Any = None) -> None:
        for identifier, node in _standard_nodes().items():
            mine = NodeData(identifier)
            mine.attributes = {k: AttributeValue(v.value) for k, v in node.attributes.items()}
            # The descriptions themselves only change when a standard node is renamed.
            mine.references = list(node.references)
            self.aspace[identifier] = mine


@dataclass
class Hidden:
    """A node that was taken away, and the references to it."""

    data: NodeData
    links: list[tuple[NodeData, Any]] = field(default_factory=list)


class GatedServer(Server):
    """An asyncua server whose links can stall and break and whose subscriptions are watched."""

    def __init__(self, watcher: Watcher) -> None:
        super().__init__(_InternalServer())
        self.watcher = watcher
        self.outward, self.inward = Gate(), Gate()
        # Its clock task would make every stop wait for up to a second.
        self.disable_clock()
        service = self.iserver.subscription_service
        self._create = service.create_subscription
        vars(service).update({"create_subscription": self._create_subscription})

    async def _create_subscription(self, *args: Any, **named: Any) -> Any:
        result = await self._create(*args, **named)
        service = self.iserver.subscription_service
        _Tap(service.subscriptions[result.SubscriptionId], self.watcher)
        return result

    async def start(self) -> None:
        """Listen; as the library's own, with links that pass the gate."""
        await self._setup_server_nodes()
        await self.iserver.start()
        host, port = self._get_bind_socket_info()
        bserver = _BinaryServer(self.iserver, host or "127.0.0.1", port or 0, self.limits)
        bserver.outward, bserver.inward = self.outward, self.inward
        bserver.set_policies(self._policies)
        self.bserver = bserver
        try:
            await bserver.start()
        except OSError:
            self.bserver = None
            await self.iserver.stop()
            raise

    async def stop(self) -> None:
        """Close every session, also those without a link, and listen no longer."""
        await self.drop_sessions()
        await super().stop()

    def reset_links(self) -> int:
        """Break every connection; sessions and subscriptions stay. Returns how many."""
        clients = list(self.bserver.clients) if self.bserver else []
        for client in clients:
            if client.transport is not None:
                client.transport.abort()
        return len(clients)

    async def drop_sessions(self) -> int:
        """Close every session with its subscriptions and break its connection."""
        for session in list(self.iserver._external_sessions.values()):
            await session.close_session(True)
        return self.reset_links()

    async def drop_subscriptions(self) -> int:
        """Delete every subscription; sessions and connections stay. Returns how many."""
        service = self.iserver.subscription_service
        identifiers = list(service.subscriptions)
        await service.delete_subscriptions(identifiers)
        return len(identifiers)

    async def show(self, node: ua.NodeId, value: ua.DataValue) -> None:
        """Put a value into a node and offer it to the monitored items.

        Unlike the library's write it keeps a value beside a Bad status, as many machines do.
        """
        data = self.iserver.aspace.get(node)
        if data is None:
            return
        attribute = data.attributes[ua.AttributeIds.Value]
        attribute.value = value
        for handle, callback in list(attribute.datachange_callbacks.items()):
            await callback(handle, value)

    def on_write(self, node: ua.NodeId, then: Callable[[Any], Awaitable[None]]) -> None:
        """Call `then` with the new value whenever a client writes this node."""

        async def written(_: int, value: ua.DataValue) -> None:
            await then(value.Value.Value if value.Value else None)

        self.iserver.aspace.add_datachange_callback(node, ua.AttributeIds.Value, written)

    async def hide(self, node: ua.NodeId, ticks: int) -> Hidden | None:
        """Take a node away; its monitored items hear so and are dead from then on."""
        space = self.iserver.aspace
        data = space.get(node)
        if data is None:
            return None
        attribute = data.attributes[ua.AttributeIds.Value]
        status = ua.StatusCode(ua.StatusCodes.BadNodeIdUnknown)
        last = ua.DataValue(None, StatusCode=status, SourceTimestamp=Instant.of(ticks))
        for handle, callback in list(attribute.datachange_callbacks.items()):
            await callback(handle, last)
            space._handle_to_attribute_map.pop(handle, None)
        attribute.datachange_callbacks.clear()
        hidden = Hidden(data)
        for reference in data.references:
            parent = None if reference.IsForward else space.get(reference.NodeId)
            for back in [r for r in parent.references if r.NodeId == node] if parent else ():
                parent.references.remove(back)
                hidden.links.append((parent, back))
        del space[node]
        return hidden

    def restore(self, hidden: Hidden) -> None:
        """Put a hidden node back where it was."""
        self.iserver.aspace[hidden.data.nodeid] = hidden.data
        for parent, reference in hidden.links:
            parent.references.append(reference)
