"""One session with one OPC UA server: connect with security, subscribe, close in time."""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from asyncua import Client, ua

from edge.sources.bounds import bound_decoder
from edge.sources.fault import MachineFault, describe, machine
from edge.sources.opcua_nodes import LINK_IS_LOST, Limits, Refused, resolve
from edge.sources.opcua_security import SecureClient, secure
from edge.sources.publish import Publisher
from edge.sources.source import Item, SourceStatus
from wire.site.connections import OpcuaConfig

bound_decoder()
log = logging.getLogger(__name__)

REQUEST_TIMEOUT_S = 4.0
PROBE_S = 5.0
SESSION_TIMEOUT_S = 30.0  # a killed agent's session is gone after that
KEEP_ALIVE_S = 2.0  # also how soon a subscription that was taken over must be heard
LIFETIME_S = 120.0  # how long a subscription outlives a sink that takes nothing, or its agent
CLOSE_S = 0.8
EVERY_CHANGE_MS = 10  # so fast at most does a tag without an interval change on average
QUEUE_MAX = 10_000
NOTIFICATIONS_MAX = 10_000  # items in one notification


@asynccontextmanager
async def connected(
    config: OpcuaConfig,
    *,
    timeout_s: float = REQUEST_TIMEOUT_S,
    keeps: Callable[[], bool] = lambda: False,
) -> AsyncIterator[Client]:
    """A client with an active session; on the way out the session is closed, in less than 1 s.

    Its subscriptions end with it unless the server `keeps` them for whoever takes them over.
    """
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
            await _close(client, keeps())
        client.disconnect_socket()


async def _close(client: Client, keeps: bool) -> None:
    try:
        with machine():
            async with asyncio.timeout(CLOSE_S):
                if keeps:
                    await client.uaclient.session.close_session(False)
                await client.disconnect()
    except MachineFault as fault:
        log.info("the session did not close in time: %s", fault)


class Subscription:
    """The monitored items of one session."""

    def __init__(
        self, client: Client, config: OpcuaConfig, publisher: Publisher, status: SourceStatus,
        limits: Limits,
    ) -> None:  # fmt: skip
        self._client = client
        self._config = config
        self._publisher = publisher
        self._status = status
        self._limits = limits
        self.id = 0
        self.items: dict[int, int] = {}  # MonitoredItemId by tag number
        self.nodes: dict[int, ua.NodeId] = {}
        self.keep_alive_s = KEEP_ALIVE_S
        self._told: set[int] = set()

    @property
    def silence_s(self) -> float:
        """After how long without a word the subscription is lost."""
        return 2 * self.keep_alive_s + REQUEST_TIMEOUT_S

    async def open(self) -> None:
        """Create the subscription."""
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
        self.id = made.SubscriptionId
        self.keep_alive_s = made.RevisedMaxKeepAliveCount * made.RevisedPublishingInterval / 1000

    async def take_over(self, id: int, items: Mapping[int, int], keep_alive_s: float) -> Taken:
        """Ask for a subscription that another session began; Good is not yet a proof."""
        status, available = await self._publisher.transfer(id)
        if status & 0x8000_0000:
            log.info("subscription %d is not taken over: %s", id, ua.StatusCode(status).name)
            return Taken(False, is_refused=status in _NEVER)
        self.id, self.items, self.keep_alive_s = id, dict(items), keep_alive_s
        return Taken(True, available=tuple(available))

    async def delete(self) -> None:
        """Let the server forget it; one that it does not know any more is no fault."""
        try:
            with machine():
                await self._client.uaclient.session.delete_subscriptions([self.id])
        except MachineFault as fault:
            if not isinstance(fault.__cause__, ua.UaStatusCodeError):
                raise

    async def find(self, items: Sequence[Item]) -> None:
        """Look up the nodes of items that are monitored already."""
        found, _ = await resolve(self._client, self._config.root, items, self._limits)
        self.nodes.update(found)

    async def add(self, items: Sequence[Item]) -> dict[int, Refused]:
        """Create monitored items; those that cannot be created, with the reason."""
        await self._remove([item.number for item in items])
        found, refused = await resolve(self._client, self._config.root, items, self._limits)
        self.nodes.update(found)
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
        parameters.SubscriptionId = self.id
        parameters.TimestampsToReturn = ua.TimestampsToReturn.Both
        parameters.ItemsToCreate = [
            asked(item, nodes[item.number], self._config.bridge_ms) for item in items
        ]
        try:
            with machine():
                results = await self._client.uaclient.session.create_monitored_items(parameters)
        except MachineFault as fault:
            code = getattr(fault.__cause__, "code", None)
            if code is None or code in LINK_IS_LOST:
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
            self.items[item.number] = result.MonitoredItemId
            self._compare(item, result)
        return refused

    def _compare(self, item: Item, result: ua.MonitoredItemCreateResult) -> None:
        """Say what the server grants less of than it was asked for."""
        sampling_ms, queue = sampling(item, self._config.bridge_ms)
        if result.RevisedQueueSize < queue:
            self._status.count("queue sizes reduced by the server")
            if queue not in self._told:
                self._told.add(queue)
                log.warning(
                    "%s: the server gives %s a queue of %d values instead of %d: an absence of %d"
                    " ms is not bridged for all tags", self._config.url, item.tag.name,
                    result.RevisedQueueSize, queue, self._config.bridge_ms,
                )  # fmt: skip
        if result.RevisedSamplingInterval > max(sampling_ms, self._config.publishing_ms):
            self._status.count("sampling intervals raised by the server")

    async def _remove(self, numbers: Sequence[int]) -> None:
        ids = [self.items.pop(number) for number in numbers if number in self.items]
        if ids:
            parameters = ua.DeleteMonitoredItemsParameters()
            parameters.SubscriptionId, parameters.MonitoredItemIds = self.id, ids
            with machine():
                await self._client.uaclient.session.delete_monitored_items(parameters)


# A server that says so will never do it; others may have lost the subscription, or the session that
# it belongs to: then open62541 says BadUserAccessDenied to the user whose it is.
_NEVER = (
    ua.StatusCodes.BadServiceUnsupported, ua.StatusCodes.BadNotImplemented,
    ua.StatusCodes.BadNotSupported,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Taken:
    """Whether a transfer was answered with Good, and the numbers that are still there of it."""

    is_good: bool
    is_refused: bool = False
    available: tuple[int, ...] = ()


def sampling(item: Item, bridge_ms: int) -> tuple[float, int]:
    """Sampling interval in ms (0: every change) and the queue that bridges an absence."""
    every_ms = item.tag.every_ms
    queue = max(2, math.ceil(bridge_ms / (every_ms or EVERY_CHANGE_MS)))
    return float(every_ms or 0), min(queue, QUEUE_MAX)


def asked(item: Item, node: ua.NodeId, bridge_ms: int) -> ua.MonitoredItemCreateRequest:
    """The wish for a monitored item.

    Without a filter the trigger is StatusValue, by definition (OPC 10000-4, 7.22.2).
    """
    request = ua.MonitoredItemCreateRequest()
    request.ItemToMonitor.NodeId = node
    request.ItemToMonitor.AttributeId = ua.AttributeIds.Value
    request.MonitoringMode = ua.MonitoringMode.Reporting
    parameters = request.RequestedParameters
    parameters.ClientHandle = item.number
    parameters.SamplingInterval, parameters.QueueSize = sampling(item, bridge_ms)
    parameters.DiscardOldest = True
    return request
