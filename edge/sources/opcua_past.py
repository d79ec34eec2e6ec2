"""What outlives a session, and with the outbox's help the agent: the subscription at the server.

A subscription is taken over (TransferSubscriptions, OPC 10000-4, 5.14.7) only from the same start
of the same server, for the same items and account. Which of its notifications are safe is committed
together with their samples, so that none is asked for twice and none is left out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import orjson
from asyncua import Client, ua

from edge.sources.fault import machine
from edge.sources.publish import Order, Publisher
from edge.sources.source import Item, Past
from stations.declare import Node
from wire.site.connections import OpcuaConfig

Memo = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """What is at the server. `transfers`: whether a transfer has ever been of use; None: not tried.

    `started` is the server's own start time: after another one its subscription ids are others'.
    """

    server: str = ""
    started: str = ""
    asked: str = ""
    subscription: int = 0
    monitored: dict[int, int] = field(default_factory=dict)
    keep_alive_s: float = 0.0
    transfers: bool | None = None


@dataclass(slots=True, eq=False)
class Stream:
    """The notifications of one subscription, over all sessions that it is read in."""

    id: int
    order: Order = field(default_factory=Order)
    publisher: Publisher | None = None
    under_way: set[int] = field(default_factory=set)

    def take(self, sequence: int) -> None:
        """A notification is on its way to the disk."""
        self.under_way.add(sequence)

    def safe(self, sequence: int) -> None:
        """It is there: the server may forget it."""
        self.under_way.discard(sequence)
        if self.publisher is not None:
            self.publisher.acknowledge(self.id, sequence)

    def taken_over(self, publisher: Publisher, available: Sequence[int]) -> None:
        """Go on in another session; what is safe and still there is acknowledged once more."""
        self.publisher = publisher
        for sequence in available:
            if self.order.is_past(sequence) and sequence not in self.under_way:
                publisher.acknowledge(self.id, sequence)


class Memory:
    """The facts and the stream of one source, and how both lie in the outbox."""

    def __init__(self, name: str, config: OpcuaConfig, items: Sequence[Item], past: Past) -> None:
        self.name = name
        self.facts = Facts()
        self.stream: Stream | None = None
        self._asked = _fingerprint(config, items)
        self.is_on_trial = False
        self._is_told = True
        self._account = f"{config.security} {config.user or ''}"
        self._server = self._started = ""
        self.newest_ms: int | None = None  # told only while a clock is behind where it was
        try:
            self._remember(past)
        except (ValueError, TypeError, KeyError, AttributeError):
            self.facts, self.stream = Facts(), None  # of another version: nothing is taken over

    def _remember(self, past: Past) -> None:
        if self.name not in past.memos:
            return
        told = orjson.loads(past.memos[self.name])
        told["monitored"] = {int(number): id for number, id in told["monitored"].items()}
        self.facts = Facts(**told)
        place = orjson.loads(past.memos.get(f"{self.name}#", b"{}"))
        self.newest_ms = place.get("newest_ms")
        order = Order()
        if place.get("subscription") == self.facts.subscription:
            order = Order(int(place["sequence"]))
        self.stream = Stream(self.facts.subscription, order)

    @property
    def usable(self) -> Stream | None:
        """The stream that may still be at this server; None when there cannot be one."""
        facts = self.facts
        is_same = (facts.server, facts.started, facts.asked) == (
            self._server, self._started, self._asked,
        )  # fmt: skip
        if self.stream is None or not (is_same and self._started) or facts.transfers is False:
            return None
        return self.stream

    def keeps(self, *, is_fault: bool) -> bool:
        """Whether the subscription is left at the server for the next session.

        At a polite end only where that is of use, or on trial: nobody may come for it.
        """
        does = self.facts.transfers
        if does is None:
            does = is_fault or self.is_on_trial
        return self.stream is not None and does

    async def meet(self, client: Client) -> None:
        """Look which server this is, and since when it has been running."""
        nodes = [
            ua.NodeId(ua.ObjectIds.Server_ServerArray),
            ua.NodeId(ua.ObjectIds.Server_ServerStatus_StartTime),
        ]
        with machine():
            found = await client.uaclient.session.read_attributes(nodes, ua.AttributeIds.Value)
        names, started = (one.Value.Value if one.Value is not None else None for one in found)
        name = names[0] if isinstance(names, list) and names else ""
        self._server = f"{name} {self._account}"
        self._started = started.isoformat() if isinstance(started, datetime) else ""
        if self.facts.server != self._server:
            self.facts = Facts(server=self._server)
        elif self.facts.started != self._started and self.facts.transfers is False:
            self.facts = replace(self.facts, transfers=None)  # another version of it may do it

    def begin(self, stream: Stream, monitored: dict[int, int], keep_alive_s: float) -> None:
        """Another subscription is the source's from now on."""
        self.stream = stream
        self._change(
            started=self._started, asked=self._asked, subscription=stream.id,
            monitored=dict(monitored), keep_alive_s=keep_alive_s,
        )  # fmt: skip

    def monitor(self, monitored: dict[int, int]) -> None:
        """Items were added or removed."""
        if monitored != self.facts.monitored:
            self._change(monitored=dict(monitored))

    def transfers(self, does: bool) -> None:
        """Whether a transfer was of use."""
        self.is_on_trial = False
        if self.facts.transfers is not does:
            self._change(transfers=does)

    def _change(self, **facts: Any) -> None:
        self.facts = replace(self.facts, **facts)
        self._is_told = False

    def memo(self, stream: Stream, sequence: int, newest_ms: int | None = None) -> Memo:
        """What goes to the disk together with the notification that has this sequence number."""
        place = {"subscription": stream.id, "sequence": sequence}
        if newest_ms is not None:
            place["newest_ms"] = newest_ms
        found = [(f"{self.name}#", orjson.dumps(place))]
        if not self._is_told:
            self._is_told = True
            found.append((self.name, orjson.dumps(self.facts, option=orjson.OPT_NON_STR_KEYS)))
        return tuple(found)


def _fingerprint(config: OpcuaConfig, items: Sequence[Item]) -> str:
    """What was asked of the server: a subscription for anything else is of no use."""
    told: list[Any] = [config.url, config.root, config.security, config.user, config.publishing_ms]
    told.append(config.bridge_ms)
    for item in items:
        assert isinstance(item.tag.at, Node)
        told.append([item.number, item.tag.at.path, item.tag.every_ms])
    return hashlib.sha256(orjson.dumps(told)).hexdigest()
