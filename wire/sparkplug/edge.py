"""What a host knows of one edge node, and what its messages mean once they are in order."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np

from wire.sparkplug import commands, metrics
from wire.sparkplug import schema_pb2 as schema
from wire.sparkplug.acknowledge import RangeSet, is_outbox
from wire.sparkplug.asker import Asker, Pace
from wire.sparkplug.codec import payload_of, seq_of, timestamp_of
from wire.sparkplug.columns import Data, UnknownMetric, samples_of
from wire.sparkplug.datatypes import Scalar, Undecodable
from wire.sparkplug.effects import EdgeId, Health, HostEffect, Offline, Online, Received
from wire.sparkplug.lookup import Device, Full, Numbers, learn, number_of, text_of
from wire.sparkplug.reorder import Order, elapsed
from wire.topics import Verb


@dataclass(frozen=True, slots=True)
class HostSettings:
    """The times and bounds of a host; all times in ms. `group`: hear this group alone."""

    reorder_ms: int = 2_000
    pace: Pace = field(default_factory=Pace)
    may_ask: bool = True
    acknowledge_every_ms: int = 200
    acknowledge_repeat_ms: int = 5_000
    reborn_ms: int = 10_000
    edges_max: int = 1_000
    devices_max: int = 1_000
    metrics_max: int = 100_000
    group: str | None = None


@dataclass(frozen=True, slots=True)
class Message:
    """One message of an edge node that has a sequence number."""

    verb: Verb
    device: str
    payload: schema.Payload
    size: int
    mark: int


class Edge:
    """One edge node. It is `online` from birth to death, and `born` while its births are known."""

    def __init__(
        self,
        id: EdgeId,
        settings: HostSettings,
        fresh_number: Callable[[], int],
        rng: random.Random,
        counts: Counter[str],
    ) -> None:
        self.id = id
        self.online = self.born = False
        self.server = 0
        self.outbox = ""
        self.confirmed = RangeSet()
        self.asker = Asker(settings.pace, rng)
        self._settings = settings
        self._counts = counts
        self._numbers = Numbers(fresh_number, settings.metrics_max)
        self._order: Order[Message] = Order(settings.reorder_ms)
        self._bd_seq: int | None = None
        self._birth_ms: int | None = None
        self._birth_mark = 0
        self._devices: dict[str, Device] = {}
        self._alive: set[str] = set()
        self._missing: set[str] = set()
        self._missing_ms = 0
        self._health: dict[str, Scalar | None] = {}
        self._is_dirty = False
        self._acknowledged_ms: int | None = None

    def is_at(self, server: int, verb: Verb, payload: schema.Payload) -> bool:
        """Whether a message comes from where the node is; a newer birth says that it has moved.

        A Will that the server before says late, and what was still on its way there, say nothing.
        """
        if server == self.server:
            return True
        if self.online and (verb is not Verb.NBIRTH or self._is_older(payload)):
            return False
        self.server = server
        return True

    def _is_older(self, payload: schema.Payload) -> bool:
        sent = timestamp_of(payload)
        return sent is not None and self._birth_ms is not None and sent < self._birth_ms

    def device(self, station: str) -> Device | None:
        """What the current birth says of a device ("": the node); None before a birth."""
        return self._devices.get(station)

    def need_birth(self, cause: str, now_ms: int) -> None:
        """Something cannot be understood without new births: count why, and have them asked for."""
        self._counts[cause] += 1
        self._counts[f"rebirth: {cause}"] += 1
        if self._settings.may_ask:
            self.asker.ask(now_ms)

    def node_birth(self, payload: schema.Payload, mark: int, now_ms: int) -> list[HostEffect]:
        """NBIRTH: everything known before is void; devices must be born again."""
        if self.born and mark == self._birth_mark and payload.timestamp:
            self._counts["repeated message"] += 1
            return []
        birth = payload_of(payload)
        node = learn("", birth, self._numbers)
        bd_seq = number_of(birth, metrics.BDSEQ)
        data = samples_of(payload, node, now_ms, is_birth=True)
        birth_ms = timestamp_of(payload)
        early = [
            message
            for message in self._order.clear()
            if birth_ms is not None and (timestamp_of(message.payload) or -1) >= birth_ms
        ]
        self._counts["skipped metric"] += node.skipped
        self._order.start(birth.seq or 0)
        self._bd_seq, self._birth_ms, self._birth_mark = bd_seq, birth_ms, mark
        self._missing, self._missing_ms = self._missing | self._alive, now_ms
        self._alive, self._devices, self._health = set(), {"": node}, {}
        self.online = self.born = True
        self.asker.cancel()
        self._take_outbox(text_of(birth, metrics.OUTBOX))
        self._is_dirty, self._acknowledged_ms = True, None
        time = now_ms if birth_ms is None else birth_ms
        effects: list[HostEffect] = [Online(self.id, "", time, node)]
        effects += self._node_values(data, node, time, is_birth=True)
        for message in early:
            effects += self.take(message, now_ms)
        return effects

    def _take_outbox(self, outbox: str) -> None:
        outbox = outbox if is_outbox(outbox) else ""
        if outbox != self.outbox:
            self.outbox, self.confirmed = outbox, RangeSet()

    def node_death(self, payload: schema.Payload, now_ms: int) -> list[HostEffect]:
        """NDEATH: counts only with the bdSeq of the current birth; a second one changes nothing."""
        if number_of(payload_of(payload), metrics.BDSEQ) != self._bd_seq:
            self._counts["death of another session"] += 1
            return []
        return self.lost(now_ms, "NDEATH")

    def lost(self, now_ms: int, why: str) -> list[HostEffect]:
        """The node and all its devices are gone, at the host's own time."""
        if not self.online:
            return []
        gone = ["", *sorted(self._alive | self._missing)]
        self.online = self.born = False
        self._alive, self._missing = set(), set()
        self._order.clear()
        self.asker.cancel()
        return [Offline(self.id, station, now_ms, why) for station in gone]

    def take(self, message: Message, now_ms: int) -> list[HostEffect]:
        """DBIRTH, DDEATH or DATA has come, in whatever order."""
        if not self.born:
            self.need_birth("data before birth", now_ms)
            return []
        if self._is_older(message.payload):
            self._counts["older than the birth"] += 1
            return []
        seq = seq_of(message.payload)
        if seq is None:
            self._counts["no sequence number"] += 1
            return []
        effects: list[HostEffect] = []
        repeated = self._order.repeated
        for ready in self._order.offer(seq, message, message.size, now_ms, message.mark):
            effects += self._understand(ready, now_ms)
        self._counts["repeated message"] += self._order.repeated - repeated
        return effects

    def _understand(self, message: Message, now_ms: int) -> list[HostEffect]:
        try:
            if message.verb is Verb.DBIRTH:
                return self._device_birth(message, now_ms)
            if message.verb is Verb.DDEATH:
                return self._device_death(message, now_ms)
            return self._data(message, now_ms)
        except UnknownMetric:
            self.need_birth("unknown metric", now_ms)
        except Undecodable:
            self._counts["undecodable payload"] += 1
        except Full:
            self._counts["too many metrics"] += 1
        return []

    def _device_birth(self, message: Message, now_ms: int) -> list[HostEffect]:
        name = message.device
        if name not in self._devices and len(self._devices) > self._settings.devices_max:
            self._counts["too many devices"] += 1
            return []
        device = learn(name, payload_of(message.payload), self._numbers)
        data = samples_of(message.payload, device, now_ms, is_birth=True)
        self._counts["skipped metric"] += device.skipped
        self._devices[name] = device
        self._alive.add(name)
        self._missing.discard(name)
        sent = timestamp_of(message.payload)
        effects: list[HostEffect] = [
            Online(self.id, name, now_ms if sent is None else sent, device, data.samples)
        ]
        # Our own agents send every value as DATA with a position; others say first values here.
        return effects if self.outbox else [*effects, *self._received(name, data, device)]

    def _device_death(self, message: Message, now_ms: int) -> list[HostEffect]:
        if message.device not in self._alive:
            self._counts["death of an unknown device"] += 1
            return []
        self._alive.discard(message.device)
        sent = timestamp_of(message.payload)
        return [Offline(self.id, message.device, now_ms if sent is None else sent, "DDEATH")]

    def _data(self, message: Message, now_ms: int) -> list[HostEffect]:
        device = self._devices.get(message.device)
        if device is None:
            self.need_birth("data before birth", now_ms)
            return []
        data = samples_of(message.payload, device, now_ms)
        if not message.device:
            sent = timestamp_of(message.payload)
            time = now_ms if sent is None else sent
            return self._node_values(data, device, time, is_birth=False)
        if message.device not in self._alive and not data.historical:
            self.need_birth("data before birth", now_ms)
            return []
        if data.outbox != self.outbox and data.position is not None:
            # Two agents of one name: what one has sent must not be acknowledged to the other.
            self.need_birth("data of another outbox", now_ms)
            return []
        return self._received(message.device, data, device)

    def _received(self, station: str, data: Data, device: Device) -> list[HostEffect]:
        self._counts["value contradicts its datatype"] += data.wrong
        if not len(data.samples) and data.position is None:
            return []
        position = data.position if self.outbox else None
        return [
            Received(self.id, station, data.samples, position, self.outbox, data.historical, device)
        ]

    def _node_values(
        self, data: Data, node: Device, time_ms: int, *, is_birth: bool
    ) -> list[HostEffect]:
        """A node's health by name; what else it says as samples of the station ""."""
        health = [number for number, one in node.names.items() if _is_health(one.name)]
        is_of_health = np.isin(data.samples.tag, np.array(health, np.uint32))
        effects: list[HostEffect] = []
        if is_of_health.any():
            for index in np.flatnonzero(is_of_health).tolist():
                name = node.names[int(data.samples.tag[index])].name
                value = cast("Scalar | None", data.samples.row(index))
                self._health[name.removeprefix(metrics.HEALTH)] = value
            effects.append(Health(self.id, time_ms, dict(self._health)))
        if is_birth and self.outbox:
            return effects
        rest = replace(data, samples=data.samples[~is_of_health])
        return [*effects, *self._received("", rest, node)]

    def confirm(self, outbox: str, position: int) -> None:
        """The store holds this position."""
        if not outbox or outbox != self.outbox:
            self._counts["commit of another outbox"] += 1
            return
        self.confirmed.add(position)
        self._is_dirty = True

    def tick(self, now_ms: int) -> tuple[list[bytes], list[HostEffect]]:
        """Time goes on: the commands to send to this node now, and what has become known."""
        send: list[bytes] = []
        if self._order.is_expired(now_ms):
            # What waits may belong to births that were lost: only new ones make it readable.
            self._counts["message behind a gap"] += len(self._order.clear())
            self.born = False
            self.need_birth("reorder timeout", now_ms)
        if self.asker.take(now_ms):
            self._counts["rebirth requests"] += 1
            send.append(commands.rebirth(now_ms))
        if self._is_acknowledgement_due(now_ms):
            self._is_dirty, self._acknowledged_ms = False, now_ms
            send.append(commands.acknowledgement(now_ms, self.outbox, self.confirmed.ranges))
        effects: list[HostEffect] = []
        if self._missing and elapsed(now_ms, self._missing_ms, self._settings.reborn_ms):
            effects += self._gone(sorted(self._missing), now_ms)
            self._missing = set()
        return send, effects

    def _gone(self, stations: Iterable[str], now_ms: int) -> list[HostEffect]:
        return [Offline(self.id, name, now_ms, "not born again") for name in stations]

    def _is_acknowledgement_due(self, now_ms: int) -> bool:
        if not self.online or not self.outbox or not len(self.confirmed):
            return False
        if self._acknowledged_ms is None:
            return True
        settings = self._settings
        interval = settings.acknowledge_every_ms if self._is_dirty else None
        wait = settings.acknowledge_repeat_ms if interval is None else interval
        return elapsed(now_ms, self._acknowledged_ms, wait)


def _is_health(name: str) -> bool:
    return name.startswith(metrics.HEALTH)
