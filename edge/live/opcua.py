"""Looking at an OPC UA server with the eyes of the agent: its addresses, limits and requests."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from asyncua import Client, ua

from edge.browse.found import unheard
from edge.browse.opcua_facts import Facts, read_facts
from edge.browse.opcua_walk import Variable
from edge.browse.requests import Requests, local
from edge.live.compare import Now, compare
from edge.live.findings import Checked, Finding, Problem
from edge.sources.fault import machine
from edge.sources.opcua_nodes import Limits, read_limits, resolve
from edge.sources.opcua_session import asked, connected, sampling
from edge.sources.publish import Publisher
from edge.sources.source import Item, SourceStatus
from wire.clock import SystemClock
from wire.site.connections import OpcuaConfig

PINGS = 5
TIMEOUT_S = 10.0
_STATE = ua.NodeId(ua.ObjectIds.Server_ServerStatus_State)


@dataclass(frozen=True, slots=True)
class Revised:
    """What the server made of the wish for a monitored item."""

    sampling_ms: float
    queue: int
    wanted_queue: int


async def look(
    config: OpcuaConfig, items: Sequence[Item], checked: Checked, slow_ms: float
) -> None:
    """Compare every item with its node; MachineFault when the server fails on the way."""
    async with connected(config, timeout_s=TIMEOUT_S) as client:
        requests = Requests(client)
        await requests.open()
        await _ping(requests, checked, slow_ms)
        limits = await read_limits(client)
        nodes, refused = await resolve(client, config.root, items, limits)
        for item in items:
            if item.number in refused:
                why = refused[item.number].why
                checked.findings.append(Finding(Problem.MISSING, item.tag.name, "", why))
        there = [item for item in items if item.number in nodes]
        facts = await _facts(requests, there, nodes)
        values = await requests.read([(nodes[one.number], ua.AttributeIds.Value) for one in there])
        revised = await _revised(client, config, there, nodes, limits)
        _compare(config, there, facts, values, revised, checked)
    _queues(revised, checked)


async def _ping(requests: Requests, checked: Checked, slow_ms: float) -> None:
    taken: list[float] = []
    for _ in range(PINGS):
        began = time.perf_counter()
        await requests.read([(_STATE, ua.AttributeIds.Value)])
        taken.append((time.perf_counter() - began) * 1000)
    checked.round_trip_ms = round(median(taken), 1)
    if checked.round_trip_ms > slow_ms:
        found = f"{checked.round_trip_ms:.0f} ms for one value"
        checked.findings.append(Finding(Problem.SLOW, "", f"at most {slow_ms:g} ms", found))


async def _facts(
    requests: Requests, items: Sequence[Item], nodes: dict[int, ua.NodeId]
) -> dict[int, Facts]:
    """What the server says of the node of each item, by tag number."""
    variables = {nodes[item.number]: Variable(nodes[item.number], (), "") for item in items}
    async for node, references, _ in requests.children(list(variables), ua.ObjectIds.HasProperty):
        for reference in references:
            name = reference.BrowseName.Name or ""
            variables[node].properties.setdefault(name, local(reference.NodeId))
    facts = await read_facts(requests, list(variables.values()), unheard)
    return {item.number: facts[nodes[item.number]] for item in items}


async def _revised(
    client: Client, config: OpcuaConfig, items: Sequence[Item], nodes: dict[int, ua.NodeId],
    limits: Limits,
) -> dict[int, Revised]:  # fmt: skip
    """Create the agent's monitored items, disabled, in a subscription that publishes nothing."""
    wanted = ua.CreateSubscriptionParameters()
    wanted.RequestedPublishingInterval = float(config.publishing_ms)
    wanted.RequestedLifetimeCount, wanted.RequestedMaxKeepAliveCount = 1000, 100
    wanted.PublishingEnabled = False
    session = client.uaclient.session
    publisher = Publisher(session, SystemClock(), SourceStatus())
    found: dict[int, Revised] = {}
    with machine():
        made = await publisher.create_subscription(wanted)
        for start in range(0, len(items), limits.items):
            batch = items[start : start + limits.items]
            parameters = ua.CreateMonitoredItemsParameters()
            parameters.SubscriptionId = made.SubscriptionId
            parameters.TimestampsToReturn = ua.TimestampsToReturn.Both
            for item in batch:
                one = asked(item, nodes[item.number], config.bridge_ms)
                one.MonitoringMode = ua.MonitoringMode.Disabled
                parameters.ItemsToCreate.append(one)
            results = await session.create_monitored_items(parameters)
            for item, result in zip(batch, results, strict=True):
                if result.StatusCode.is_good():
                    wanted_queue = sampling(item, config.bridge_ms)[1]
                    found[item.number] = Revised(
                        result.RevisedSamplingInterval, result.RevisedQueueSize, wanted_queue
                    )
    return found


def _compare(
    config: OpcuaConfig, items: Sequence[Item], facts: dict[int, Facts],
    values: Sequence[ua.DataValue], revised: dict[int, Revised], checked: Checked,
) -> None:  # fmt: skip
    for item, value in zip(items, values, strict=True):
        status = 0 if value.StatusCode is None else value.StatusCode.value
        told = None if value.Value is None else value.Value.Value
        now = Now(status, told)
        if item.number in revised:
            asked_ms = max(sampling(item, config.bridge_ms)[0], config.publishing_ms)
            now = Now(status, told, revised[item.number].sampling_ms, asked_ms)
        checked.findings += compare(item.tag, facts[item.number], now)


def _queues(revised: dict[int, Revised], checked: Checked) -> None:
    """Queues that the server cuts: one finding, because it does so for all alike."""
    short = [one for one in revised.values() if one.queue < one.wanted_queue]
    if short:
        least = min(short, key=lambda one: one.queue)
        declared = f"{least.wanted_queue} values between two publications"
        found = f"{least.queue} for {len(short)} tags"
        checked.findings.append(Finding(Problem.QUEUE, "", declared, found))
