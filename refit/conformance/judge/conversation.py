"""A recording cut into conversations: one per connection, with who it was that spoke."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from refit.conformance.judge.book import Book
from refit.conformance.judge.reading import COMMANDS, host_of, spoken
from refit.conformance.packets import END, NOTE, Packet

FOREVER = 1 << 62


@dataclass
class Conversation:
    """What one client and its broker said. Notes of the recording stand in it at their time."""

    number: int
    packets: list[Packet] = field(default_factory=list)
    end_ms: int = FOREVER

    @property
    def connect(self) -> Packet | None:
        return next((one for one in self.packets if one.kind == "CONNECT"), None)

    @property
    def client_id(self) -> str:
        return self.connect.client_id if self.connect is not None else ""

    @property
    def server(self) -> int:
        return self.packets[0].server

    @property
    def began_ms(self) -> int:
        return self.packets[0].at_ms

    @property
    def own(self) -> list[Packet]:
        """What the client said."""
        return [one for one in self.packets if not one.by_broker and one.kind not in (END, NOTE)]

    @property
    def role(self) -> str:
        """ "edge", "host" or "": by its Will, else by what it publishes or subscribes to."""
        wills = [self.connect.will] if self.connect is not None and self.connect.will else []
        for packet in (*wills, *(one for one in self.own if one.kind == "PUBLISH")):
            if host_of(packet.topic) is not None:
                return "host"
            said = spoken(packet)
            if said is not None:
                return "host" if said.verb in COMMANDS else "edge"
        filters = [name for one in self.own for name, _ in one.filters]
        if any("/NCMD/" in name for name in filters):
            return "edge"
        return "host" if any(name.startswith("spBv1.0") for name in filters) else ""

    def nodes(self) -> set[tuple[str, str]]:
        """The edge nodes that gave birth here."""
        found = (spoken(one) for one in self.own if one.kind == "PUBLISH")
        return {said.node for said in found if said is not None and said.verb == "NBIRTH"}

    def hosts(self) -> set[str]:
        """The host ids that this client claims by its Will."""
        will = self.connect.will if self.connect is not None else None
        host = host_of(will.topic) if will is not None else None
        return set() if host is None else {host}


def conversations(log: Sequence[Packet]) -> list[Conversation]:
    """The conversations of a recording, in the order in which they began."""
    found: dict[int, Conversation] = {}
    for packet in log:
        if packet.kind == NOTE:
            for one in found.values():
                if one.end_ms == FOREVER:
                    one.packets.append(packet)
            continue
        one = found.setdefault(packet.connection, Conversation(packet.connection))
        one.packets.append(packet)
        if packet.kind == END:
            one.end_ms = min(one.end_ms, packet.at_ms)
    return list(found.values())


def rivals(book: Book, found: Sequence[Conversation]) -> None:
    """Two at once who say that they are the same; two nodes that differ by letter case alone."""
    for index, one in enumerate(found):
        for other in found[:index]:
            if other.end_ms <= one.began_ms:
                continue
            where = f"connections {other.number} and {one.number}"
            strangers = one.client_id != other.client_id
            for node in one.nodes() & other.nodes():
                if strangers:
                    book.see(UNIQUE, False, where, f"two edge nodes are {node}")
                else:
                    book.see(SINGLE, False, where, f"{node} is connected twice")
            if strangers and one.hosts() & other.hosts():
                book.see(HOST_UNIQUE, False, where, "two hosts of one id")
    _letter_case(book, found)


UNIQUE = (
    "intro-edge-node-id-uniqueness topic-structure-namespace-unique-edge-node-descriptor "
    "payloads-nbirth-edge-node-descriptor"
)
SINGLE = "operational-behavior-primary-application-state-with-multiple-servers-single-server"
HOST_UNIQUE = "operational-behavior-host-application-host-id"
CASE = "case-sensitivity-sparkplug-ids"
ACROSS = "topic-structure-namespace-duplicate-device-id-across-edge-node"


def _letter_case(book: Book, found: Sequence[Conversation]) -> None:
    ids: dict[tuple[str, ...], set[tuple[str, ...]]] = {}
    devices: dict[str, set[tuple[str, str]]] = {}
    for one in found:
        for node in one.nodes():
            book.see(f"{UNIQUE} {SINGLE}", True, "", "")
            ids.setdefault(tuple(level.lower() for level in node), set()).add(node)
        for host in one.hosts():
            book.see(HOST_UNIQUE, True, "", "")
            ids.setdefault((host.lower(),), set()).add((host,))
        for packet in one.own:
            said = spoken(packet) if packet.kind == "PUBLISH" else None
            if said is not None and said.verb == "DBIRTH" and said.device:
                key = (*said.node, said.device)
                ids.setdefault(tuple(level.lower() for level in key), set()).add(key)
                devices.setdefault(said.device, set()).add(said.node)
    for written in ids.values():
        book.see(CASE, len(written) == 1, "ids", f"{sorted(written)} differ by letter case alone")
    if any(len(nodes) > 1 for nodes in devices.values()):
        book.see(ACROSS, True, "", "")
