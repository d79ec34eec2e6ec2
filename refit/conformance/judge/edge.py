"""The sessions of an edge node: births before data, unbroken seq, rebirths, devices.

A judge sits between node and broker: what passes it shortly after a request may have been on its
way before the node heard of it. So a message counts as an answer by the time that it says itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from refit.conformance.judge import envelope, session
from refit.conformance.judge.book import Book
from refit.conformance.judge.conversation import Conversation
from refit.conformance.judge.metrics import BDSEQ_SAME, Metrics, bd_seq_of_birth
from refit.conformance.judge.primary import Primary
from refit.conformance.judge.reading import DATA, Spoken, asks_rebirth, bd_seq, host_of, spoken
from refit.conformance.packets import END, NOTE, Packet

REBIRTH_MS_MAX = 10_000

FIRST = "principles-birth-certificates-order"
CONNECTED = "message-flow-edge-node-birth-publish-connect"
AFTER_NBIRTH = "message-flow-device-birth-publish-nbirth-wait"
SAME_NODE = "message-flow-device-birth-publish-dbirth-match-edge-node-topic"
DATA_ORDER = {"NDATA": "payloads-ndata-order", "DDATA": "payloads-ddata-order"}
BIRTH_ORDER = "payloads-dbirth-order"
LOST = "operational-behavior-device-ddeath"
UNIQUE_DEVICE = "topic-structure-namespace-unique-device-id"
STOPS = "operational-behavior-data-commands-rebirth-action-1"
ALL_BIRTHS = "operational-behavior-data-commands-rebirth-action-2"
REPEATS = "operational-behavior-data-commands-rebirth-action-3"
NO_DEATH = "requirement-9"


@dataclass
class Memory:
    """What is known of an edge node over its sessions."""

    bd_seq: int | None = None
    alive: set[str] = field(default_factory=set)
    left_for_host: bool = False


class Edges:
    """All edge nodes of a recording."""

    def __init__(self, book: Book, primary: str | None, grace_ms: int) -> None:
        self._book, self._primary, self._grace_ms = book, primary, grace_ms
        self._memory: dict[object, Memory] = {}

    def session(self, one: Conversation, end_ms: int) -> None:
        """Judge one connection; those of a node come in the order of their begin."""
        said = [found for packet in one.own if (found := _first(packet)) is not None]
        key = said[0].node if said else one.client_id
        memory = self._memory.setdefault(key, Memory())
        primary = Primary(self._book, self._primary, memory, self._grace_ms)
        EdgeSession(self._book, one, memory, primary, self._grace_ms).walk(end_ms)


def _first(packet: Packet) -> Spoken | None:
    publish = packet.will if packet.kind == "CONNECT" else packet
    return spoken(publish) if publish is not None and publish.topic else None


class EdgeSession:
    """One connection of an edge node."""

    def __init__(
        self, book: Book, one: Conversation, memory: Memory, primary: Primary, grace_ms: int
    ) -> None:
        self.book, self.one, self.memory = book, one, memory
        self.metrics = Metrics(book)
        self.filters = session.Filters([])
        self.primary, self.grace_ms = primary, grace_ms
        self.is_connected = self.is_first = False
        self.node: tuple[str, str] | None = None
        self.born_bd_seq: int | None = None
        self.bd_seq: int | None = None
        self.seq: int | None = None
        self.was_born = self.is_born = False
        self.last = ""
        self.alive: set[str] = set()
        self.expected: set[str] = set()
        self.born_now: set[str] = set()
        self.data_since_birth: set[str] = set()
        self.request_ms: int | None = None
        self.is_rebirth = False
        self.lost: dict[str, int] = {}

    def walk(self, end_ms: int) -> None:
        """Everything that was said, in its order."""
        for packet in self.one.packets:
            if packet.kind == NOTE:
                self._note(packet)
            elif packet.by_broker:
                self._heard(packet)
            elif packet.kind == "CONNECT":
                self.bd_seq = session.edge_will(self.book, packet, self.memory.bd_seq)
                self.memory.bd_seq = self.bd_seq if self.bd_seq is not None else None
            elif packet.kind == "SUBSCRIBE":
                self.filters.given += packet.filters
                self.primary.subscribed(packet)
            elif packet.kind == "PUBLISH":
                self._publish(packet)
            elif packet.kind in ("DISCONNECT", END):
                self.primary.ended(packet)
        session.leaving(self.book, self.one, self.was_born, self.last)
        self._end(min(end_ms, self.one.end_ms))

    def _note(self, packet: Packet) -> None:
        what, _, device = packet.topic.partition(" ")
        if what == "stop":
            self.primary.stopped()
        if what == "lost" and device in self.alive:
            self.lost[device] = packet.at_ms

    def _heard(self, packet: Packet) -> None:
        if packet.kind == "CONNACK":
            self.is_connected = packet.reason == 0
        elif packet.kind == "PUBLISH":
            said = spoken(packet)
            if said is not None and said.verb == "NCMD" and self.is_born:
                if asks_rebirth(said.payload) and self.request_ms is None:
                    self.request_ms = packet.at_ms
            elif host_of(packet.topic) is not None:
                self.primary.heard(packet, is_born=self.is_born)

    def _publish(self, packet: Packet) -> None:
        said = spoken(packet)
        where = f"connection {packet.connection}, {packet.topic}"
        if not self.is_first:
            self.is_first = True
            fine = said is not None and said.verb in ("NBIRTH", "NDEATH")
            self.book.see(FIRST, fine, where, "the first message is no NBIRTH")
        if said is None:
            envelope.strange(self.book, packet)
            return
        self.book.see(CONNECTED, self.is_connected, where, "no session was granted before it")
        envelope.topic(self.book, said)
        if not envelope.envelope(self.book, said):
            return
        self.primary.said(said)
        self.seq = envelope.sequence(self.book, said, self.seq)
        self.last = said.verb
        if said.verb == "NBIRTH":
            self._node_birth(said)
        elif said.verb == "DBIRTH":
            self._device_birth(said)
        elif said.verb in DATA:
            self._data(said)
        elif said.verb == "DDEATH":
            self._device_death(said)
        elif said.verb == "NDEATH":
            self._node_death(said)

    def _node_birth(self, said: Spoken) -> None:
        self.node = said.node
        bd_seq_of_birth(self.book, said)
        self.born_bd_seq = bd_seq(said.payload)
        names = f"{BDSEQ_SAME} {session.SAME_BDSEQ}" + (f" {REPEATS}" if self.was_born else "")
        what = f"bdSeq {self.born_bd_seq}, that of the Will is {self.bd_seq}"
        self.book.see(names, self.born_bd_seq == self.bd_seq, said.where, what)
        if self.was_born:
            self.book.see(NO_DEATH, self.is_born, said.where, "an NDEATH before a rebirth")
        session.subscribed(self.book, self.filters, said)
        self._missing(said.where)
        self.is_rebirth = self.was_born
        self.expected = set(self.alive if self.was_born else self.memory.alive)
        if self.request_ms is not None:
            self.book.see(STOPS, True, said.where, "")
            self.request_ms = None
        self.is_born = self.was_born = True
        self.alive, self.born_now, self.data_since_birth = set(), set(), set()
        self.lost.clear()
        self.metrics.clear()
        self.metrics.birth(said)

    def _device_birth(self, said: Spoken) -> None:
        device, see = said.device or "", self.book.see
        see(AFTER_NBIRTH, self.is_born, said.where, "no NBIRTH before it")
        if self.node is not None:
            see(SAME_NODE, said.node == self.node, said.where, f"the NBIRTH is of {self.node}")
        session.subscribed(self.book, self.filters, said)
        is_late = bool(self.data_since_birth) and device in self.expected - self.born_now
        what = "it was known before the NBIRTH, and data went out before it"
        see(BIRTH_ORDER, not is_late, said.where, what)
        for verb in self.data_since_birth if is_late else ():
            see(DATA_ORDER[verb], False, said.where, "data went out before this birth")
        twice = device in self.alive and not self.data_since_birth
        see(UNIQUE_DEVICE, not twice, said.where, "a second device of this id")
        self.alive.add(device)
        self.born_now.add(device)
        self.metrics.birth(said)

    def _missing(self, where: str) -> None:
        """A rebirth is followed by the births of all devices that were alive."""
        if self.is_rebirth:
            missing = self.expected - self.born_now
            self.book.see(ALL_BIRTHS, not missing, where, f"{sorted(missing)} not born again")
        self.is_rebirth = False

    def _data(self, said: Spoken) -> None:
        see, device = self.book.see, said.device or ""
        names = DATA_ORDER[said.verb]
        see(names, self.is_born, said.where, "no NBIRTH before it")
        self._missing(said.where)
        self.data_since_birth.add(said.verb)
        at_ms = said.timestamp or said.packet.at_ms
        if self.request_ms is not None:
            late = at_ms - self.request_ms
            see(STOPS, late <= self.grace_ms, said.where, f"data {late} ms after a rebirth request")
        if said.verb == "DDATA":
            is_old = all(metric.is_historical for metric in said.payload.metrics)
            fine = device in self.alive or (device in self.born_now and is_old)
            see(names, fine, said.where, "the device is not born, or dead")
            if device in self.lost and at_ms - self.lost[device] > self.grace_ms and not is_old:
                see(LOST, False, said.where, "data of a lost device, and no DDEATH")
        if self.is_born:
            self.metrics.data(said)

    def _device_death(self, said: Spoken) -> None:
        device = said.device or ""
        fine = device in self.alive
        self.book.see(LOST, fine, said.where, "the device was not alive")
        self.alive.discard(device)
        self.lost.pop(device, None)

    def _node_death(self, said: Spoken) -> None:
        session.death(self.book, said)
        number = bd_seq(said.payload)
        fine = number == self.bd_seq and (not self.was_born or number == self.born_bd_seq)
        what = f"bdSeq {number}, that of birth and Will are {self.born_bd_seq}, {self.bd_seq}"
        self.book.see(session.SAME_BDSEQ, fine, said.where, what)
        self.memory.alive = set(self.alive)
        self.is_born = False
        self.request_ms = None

    def _end(self, end_ms: int) -> None:
        where = f"connection {self.one.number}, end"
        if self.is_born:
            self.memory.alive = set(self.alive)
        if self.request_ms is not None and end_ms - self.request_ms > REBIRTH_MS_MAX:
            self.book.see(ALL_BIRTHS, False, where, "a rebirth request was not answered")
        for device, at_ms in self.lost.items():
            if self.is_born and end_ms - at_ms > REBIRTH_MS_MAX:
                self.book.see(LOST, False, where, f"no DDEATH for {device}")
        self.primary.over(end_ms)
