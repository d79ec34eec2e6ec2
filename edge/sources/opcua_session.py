"""One session with one OPC UA server: connect with security, subscribe, close in time."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from asyncua import Client, ua

from edge.sources.bounds import bound_decoder
from edge.sources.fault import MachineFault, describe, machine
from edge.sources.opcua_nodes import Limits, Refused, read_limits, resolve
from edge.sources.opcua_security import SecureClient, secure
from edge.sources.publish import Publisher
from edge.sources.source import Item, SourceStatus
from wire.site.connections import OpcuaConfig

bound_decoder()
log = logging.getLogger(__name__)

REQUEST_TIMEOUT_S = 4.0
PROBE_S = 5.0
SESSION_TIMEOUT_S = 30.0  # a killed agent's session is gone after that
KEEP_ALIVE_S = 5.0
LIFETIME_S = 120.0  # how long a subscription outlives a sink that takes nothing
CLOSE_S = 0.8
BRIDGE_MS = 10_000  # the absence that the server's queues bridge
QUEUE_WHEN_EVERY_CHANGE = 1000
NOTIFICATIONS_MAX = 10_000  # items in one notification


@asynccontextmanager
async def connected(
    config: OpcuaConfig, *, timeout_s: float = REQUEST_TIMEOUT_S
) -> AsyncIterator[Client]:
    """A client with an active session; on the way out the session is closed, in less than 1 s."""
    client = SecureClient(config.url, timeout=timeout_s, watchdog_intervall=PROBE_S)
    client.session_timeout = int(SESSION_TIMEOUT_S * 1000)
    client.name = client.description = "Refit"
    is_open = False
    try:
        await secure(client, config)
        with machine():
            await client.connect()
        is_open = True
        yield client
    finally:
        if is_open:
            await _close(client)
        client.disconnect_socket()


async def _close(client: Client) -> None:
    try:
        with machine():
            await asyncio.wait_for(client.disconnect(), CLOSE_S)
    except MachineFault as fault:
        log.info("the session did not close in time: %s", fault)


class Subscription:
    """The monitored items of one session."""

    def __init__(
        self, client: Client, config: OpcuaConfig, publisher: Publisher, status: SourceStatus
    ) -> None:
        self._client = client
        self._config = config
        self._publisher = publisher
        self._status = status
        self._limits = Limits()
        self._id = 0
        self._items: dict[int, int] = {}

    async def open(self) -> None:
        """Read the server's limits and create the subscription."""
        self._limits = await read_limits(self._client)
        interval_ms = float(self._config.publishing_ms)
        parameters = ua.CreateSubscriptionParameters()
        parameters.RequestedPublishingInterval = interval_ms
        parameters.RequestedMaxKeepAliveCount = max(1, round(KEEP_ALIVE_S * 1000 / interval_ms))
        parameters.RequestedLifetimeCount = max(
            3 * parameters.RequestedMaxKeepAliveCount, math.ceil(LIFETIME_S * 1000 / interval_ms)
        )
        parameters.MaxNotificationsPerPublish = NOTIFICATIONS_MAX
        parameters.PublishingEnabled = True
        made = await self._publisher.create_subscription(parameters)
        self._id = made.SubscriptionId
        self.silence_s = (
            made.RevisedMaxKeepAliveCount * made.RevisedPublishingInterval / 1000 * 2
            + REQUEST_TIMEOUT_S
        )

    async def add(self, items: Sequence[Item]) -> dict[int, Refused]:
        """Create monitored items; those that cannot be created, with the reason."""
        await self._remove([item.number for item in items])
        found, refused = await resolve(self._client, self._config.root, items, self._limits)
        known = [item for item in items if item.number in found]
        for start in range(0, len(known), self._limits.items):
            batch = known[start : start + self._limits.items]
            refused |= await self._create(batch, found)
        return refused

    async def _create(
        self, items: Sequence[Item], nodes: dict[int, ua.NodeId]
    ) -> dict[int, Refused]:
        """Create one batch; a server that refuses the whole of it gets its halves."""
        parameters = ua.CreateMonitoredItemsParameters()
        parameters.SubscriptionId = self._id
        parameters.TimestampsToReturn = ua.TimestampsToReturn.Both
        parameters.ItemsToCreate = [asked(item, nodes[item.number]) for item in items]
        try:
            with machine():
                results = await self._client.uaclient.session.create_monitored_items(parameters)
        except MachineFault as fault:
            code = getattr(fault.__cause__, "code", None)
            if code is None or code in _LINK_IS_LOST:
                raise
            if len(items) == 1:
                return {items[0].number: Refused(int(code), describe(fault))}
            half = len(items) // 2
            first = await self._create(items[:half], nodes)
            return first | await self._create(items[half:], nodes)
        if len(results) != len(items):
            raise MachineFault(f"{len(results)} answers to {len(items)} monitored items")
        return self._note(items, results)

    def _note(
        self, items: Sequence[Item], results: Sequence[ua.MonitoredItemCreateResult]
    ) -> dict[int, Refused]:
        refused: dict[int, Refused] = {}
        for item, result in zip(items, results, strict=True):
            if not result.StatusCode.is_good():
                why = f"the server refuses it ({result.StatusCode.name})"
                refused[item.number] = Refused(result.StatusCode.value, why)
                continue
            self._items[item.number] = result.MonitoredItemId
            sampling_ms, queue = sampling(item)
            if result.RevisedQueueSize < queue:
                self._status.count("queue sizes reduced by the server")
            if result.RevisedSamplingInterval > max(sampling_ms, self._config.publishing_ms):
                self._status.count("sampling intervals raised by the server")
        return refused

    async def _remove(self, numbers: Sequence[int]) -> None:
        ids = [self._items.pop(number) for number in numbers if number in self._items]
        if ids:
            parameters = ua.DeleteMonitoredItemsParameters()
            parameters.SubscriptionId, parameters.MonitoredItemIds = self._id, ids
            with machine():
                await self._client.uaclient.session.delete_monitored_items(parameters)


_LINK_IS_LOST = (
    ua.StatusCodes.BadSessionIdInvalid, ua.StatusCodes.BadSessionClosed,
    ua.StatusCodes.BadSubscriptionIdInvalid, ua.StatusCodes.BadSecureChannelIdInvalid,
    ua.StatusCodes.BadShutdown, ua.StatusCodes.BadServerHalted,
)  # fmt: skip


def sampling(item: Item) -> tuple[float, int]:
    """Sampling interval in ms (0: every change) and queue size of an item."""
    every_ms = item.tag.every_ms
    if not every_ms:
        return 0.0, QUEUE_WHEN_EVERY_CHANGE
    return float(every_ms), min(max(2, math.ceil(BRIDGE_MS / every_ms)), QUEUE_WHEN_EVERY_CHANGE)


def asked(item: Item, node: ua.NodeId) -> ua.MonitoredItemCreateRequest:
    """The wish for a monitored item.

    Without a filter the trigger is StatusValue, by definition (OPC 10000-4, 7.22.2).
    """
    request = ua.MonitoredItemCreateRequest()
    request.ItemToMonitor.NodeId = node
    request.ItemToMonitor.AttributeId = ua.AttributeIds.Value
    request.MonitoringMode = ua.MonitoringMode.Reporting
    parameters = request.RequestedParameters
    parameters.ClientHandle = item.number
    parameters.SamplingInterval, parameters.QueueSize = sampling(item)
    parameters.DiscardOldest = True
    return request
