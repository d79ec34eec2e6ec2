"""A host application of Sparkplug B 3.0 as a pure state machine: no socket, clock or thread.

Every method returns what is to be sent and what was learnt, in order. Nothing that comes from
outside raises: what cannot be understood is counted in `counts` by its cause.
"""

from __future__ import annotations

import itertools
import random
import zlib
from collections import Counter

from wire import topics
from wire.sparkplug.codec import parse
from wire.sparkplug.compressed import opened
from wire.sparkplug.datatypes import Undecodable
from wire.sparkplug.edge import Edge, HostSettings, Message
from wire.sparkplug.effects import EdgeId, HostEffect, Publish
from wire.sparkplug.lookup import Device, Full
from wire.sparkplug.presence import Presence
from wire.topics import Address, Verb


class Host:
    """The historian's side of Sparkplug: its own STATE, and every edge node it hears.

    It may be at several `servers`, each with a number; an edge node is at one of them, and counts
    as being where its latest birth came from. Tag numbers in what it gives out are its own and
    stay for its life. `rng` spreads requests.
    """

    def __init__(
        self,
        host_id: str,
        *,
        rng: random.Random,
        settings: HostSettings | None = None,
        servers: int = 1,
    ) -> None:
        self.id = host_id
        self.counts: Counter[str] = Counter()
        self._rng = rng
        self._settings = settings or HostSettings()
        self._edges: dict[EdgeId, Edge] = {}
        self._numbers = itertools.count(1)
        self._presences = [Presence(host_id, number, self.counts) for number in range(servers)]
        self._is_stopping = False

    @property
    def subscriptions(self) -> tuple[tuple[str, int], ...]:
        """Topic filters and QoS that the connection needs before `connected` is called."""
        return ((topics.EVERYTHING, 1), (topics.state(self.id), 1))

    def announced(self, server: int = 0) -> bool:
        """True once the session there has said that we are online, and nobody said otherwise."""
        return self._presences[server].announced

    def edges(self) -> tuple[Edge, ...]:
        """Every edge node heard so far."""
        return tuple(self._edges.values())

    def device(self, edge: EdgeId, station: str) -> Device | None:
        """What the current birth says of a device ("": the node itself)."""
        known = self._edges.get(edge)
        return None if known is None else known.device(station)

    def will(self, now_ms: int, server: int = 0) -> Publish:
        """The Last Will for the CONNECT that follows; its timestamp is that of the STATE birth."""
        return self._presences[server].will(now_ms)

    def connected(self, now_ms: int, server: int = 0) -> list[HostEffect]:
        """The connection and its subscriptions stand: the first thing published is STATE."""
        return [self._presences[server].connected()]

    def disconnected(self, now_ms: int, server: int = 0) -> list[HostEffect]:
        """The connection is gone: nothing that was heard through it is current any more."""
        self._presences[server].disconnected()
        effects: list[HostEffect] = []
        for edge in self._edges.values():
            if edge.server == server:
                effects += edge.lost(now_ms, "host lost its broker")
        return effects

    def stop(self, now_ms: int) -> list[HostEffect]:
        """Leave on purpose: at each server STATE offline, stamped now, then the disconnect."""
        self._is_stopping = True
        return [effect for one in self._presences for effect in one.stop(now_ms)]

    def message(self, topic: str, payload: bytes, now_ms: int, server: int = 0) -> list[HostEffect]:
        """A message has come."""
        host = topics.parse_state(topic)
        if host is not None:
            return self._presences[server].heard(host, payload, now_ms)
        address = topics.parse(topic)
        if address is None:
            self.counts["unknown topic"] += 1
            return []
        if address.verb in (Verb.NCMD, Verb.DCMD):
            return []
        if self._settings.group not in (None, address.group):
            self.counts["another group"] += 1
            return []
        try:
            return self._edge_message(address, payload, now_ms, server)
        except Undecodable:
            self.counts["undecodable payload"] += 1
        except Full:
            self.counts["too many metrics"] += 1
        return []

    def committed(self, edge: EdgeId, outbox: str, position: int) -> None:
        """The store holds what this edge's outbox has at this position; `tick` will say so."""
        known = self._edges.get(edge)
        if known is None:
            self.counts["commit of an unknown edge"] += 1
        else:
            known.confirm(outbox, position)

    def tick(self, now_ms: int) -> list[HostEffect]:
        """Time goes on; call it at least every 100 ms while connected."""
        if self._is_stopping:
            return []
        effects: list[HostEffect] = []
        for edge in self._edges.values():
            if not self.announced(edge.server):
                continue
            payloads, learnt = edge.tick(now_ms)
            topic = topics.node(edge.id.group, Verb.NCMD, edge.id.agent) if payloads else ""
            effects += [Publish(topic, payload, server=edge.server) for payload in payloads]
            effects += learnt
        return effects

    def _edge_message(
        self, address: Address, payload: bytes, now_ms: int, server: int
    ) -> list[HostEffect]:
        message = opened(parse(payload))
        edge = self._edge(EdgeId(address.group, address.edge))
        if edge is None:
            self.counts["too many edge nodes"] += 1
            return []
        if not edge.is_at(server, address.verb, message):
            self.counts["at a server that the node has left"] += 1
            return []
        mark = zlib.crc32(payload) or 1
        if address.verb is Verb.NBIRTH:
            return edge.node_birth(message, mark, now_ms)
        if address.verb is Verb.NDEATH:
            return edge.node_death(message, now_ms)
        size = max(len(payload), message.ByteSize())
        heard = Message(address.verb, address.device, message, size, mark)
        return edge.take(heard, now_ms)

    def _edge(self, id: EdgeId) -> Edge | None:
        edge = self._edges.get(id)
        if edge is None and len(self._edges) < self._settings.edges_max:
            edge = Edge(id, self._settings, self._numbers.__next__, self._rng, self.counts)
            self._edges[id] = edge
        return edge
