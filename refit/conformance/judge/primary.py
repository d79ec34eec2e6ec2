"""How an edge node follows the STATE of its primary host, on one connection."""

from __future__ import annotations

from typing import Protocol

from refit.conformance.judge.book import Book
from refit.conformance.judge.reading import BIRTHS, DATA, Spoken, host_of, state
from refit.conformance.packets import Packet

GRACE_MS = 300
LEAVE_MS_MAX = 5_000

WAITS = (
    "message-flow-edge-node-birth-publish-phid-wait "
    "operational-behavior-edge-node-birth-sequence-wait"
)
RIGHT_ID = "message-flow-edge-node-birth-publish-phid-wait-id"
ONLINE = "message-flow-edge-node-birth-publish-phid-wait-online"
NEWEST = "message-flow-edge-node-birth-publish-phid-wait-timestamp"
LEAVES = "operational-behavior-edge-node-termination-host-offline"
LEAVES_WHOLE = "message-flow-edge-node-birth-publish-phid-offline"
STAYS = "operational-behavior-edge-node-termination-host-offline-timestamp"
COMES_BACK = "operational-behavior-edge-node-termination-host-offline-reconnect"


class Remembers(Protocol):
    left_for_host: bool


class Primary:
    """What the host has said here, and whether the node has done what follows from it."""

    def __init__(self, book: Book, host: str | None, memory: Remembers, grace_ms: int) -> None:
        self._book, self._host, self._memory, self._grace_ms = book, host, memory, grace_ms
        self._last: tuple[bool, int] | None = None
        self._forms: set[str] = set()  # what was heard that must not bring births
        self._offline_ms: int | None = None
        self._leave_ms: int | None = None
        self._stale_ms: int | None = None
        self._is_told = False
        self._hears_it_alone = False
        if memory.left_for_host and host is not None:
            book.see(COMES_BACK, True, "", "")
            memory.left_for_host = False

    def subscribed(self, packet: Packet) -> None:
        """Who asks for the STATE of one host is not told that of another."""
        self._hears_it_alone |= any(
            host_of(pattern) == self._host is not None for pattern, _ in packet.filters
        )

    def stopped(self) -> None:
        """The node is told to stop: it leaves for that and for no STATE."""
        self._stale_ms = None

    def heard(self, packet: Packet, *, is_born: bool) -> None:
        """A STATE comes to the node."""
        if self._host is None:
            return
        said = state(packet.payload)
        if host_of(packet.topic) != self._host:
            self._forms.add(RIGHT_ID)
            return
        if said is None:
            return
        online, at_ms = said
        if self._last is not None and at_ms < self._last[1]:
            self._forms.add(NEWEST)
            if not online and is_born and self._last[0]:
                self._stale_ms = packet.at_ms
            return
        was_online, self._last = self._last is not None and self._last[0], said
        if not online:
            self._forms.add(ONLINE)
            if was_online:
                self._offline_ms = packet.at_ms
                self._leave_ms = packet.at_ms if is_born else None

    def said(self, said: Spoken) -> None:
        """The node publishes."""
        if self._host is None:
            return
        at_ms = said.timestamp or said.packet.at_ms
        if said.verb in BIRTHS:
            self._birth(said, at_ms)
        if self._leave_ms is not None and said.verb in (*BIRTHS, *DATA):
            late = at_ms - self._leave_ms
            fine = late <= self._grace_ms
            self._book.see(LEAVES, fine, said.where, f"{late} ms after its host went offline")
        if said.verb in DATA and self._stale_ms is not None:
            self._book.see(STAYS, True, said.where, "")
            self._stale_ms = None
        if said.verb == "NDEATH":
            self._is_told = True
            self._left_for_nothing(said.where)

    def _birth(self, said: Spoken, at_ms: int) -> None:
        online = self._last is not None and self._last[0]
        just_left = self._offline_ms is not None and at_ms - self._offline_ms <= self._grace_ms
        fine = online or just_left
        self._book.see(WAITS, fine, said.where, "its primary host is not online")
        if fine and self._hears_it_alone:
            self._book.see(RIGHT_ID, True, said.where, "")
        for name in (RIGHT_ID, ONLINE, NEWEST):
            if name in self._forms or name == ONLINE:
                self._book.see(name, fine, said.where, "born by a STATE that does not count")

    def _left_for_nothing(self, where: str) -> None:
        if self._stale_ms is not None and self._leave_ms is None:
            names = f"{STAYS} {NEWEST}"
            self._book.see(names, False, where, "left for a STATE older than the last")
        self._stale_ms = None

    def ended(self, packet: Packet) -> None:
        """DISCONNECT, or the end of the connection."""
        where = f"connection {packet.connection}, {packet.kind}"
        if packet.kind == "DISCONNECT":
            self._left_for_nothing(where)
        if self._leave_ms is not None:
            self._book.see(LEAVES, True, where, "")
            self._book.see(LEAVES_WHOLE, self._is_told, where, "left its host without NDEATH")
            self._memory.left_for_host = True
            self._leave_ms = None

    def over(self, end_ms: int) -> None:
        """The recording of this connection ends."""
        if self._leave_ms is not None and end_ms - self._leave_ms > LEAVE_MS_MAX:
            names = f"{LEAVES} {LEAVES_WHOLE}"
            self._book.see(names, False, "end", "its host is offline, and it stayed")
