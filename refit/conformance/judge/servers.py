"""Several MQTT servers: a host is at each of them, an edge node at one and goes to the next.

Judged only where a recording has more than one server.
"""

from __future__ import annotations

from collections.abc import Sequence

from refit.conformance.judge.book import Book
from refit.conformance.judge.conversation import Conversation
from refit.conformance.judge.reading import host_of, spoken, state
from refit.conformance.packets import Packet

OPS = "operational-behavior"
EVERYWHERE = f"{OPS}-primary-application-state-with-multiple-servers-state-subs"
WALKS = f"{OPS}-primary-application-state-with-multiple-servers-walk"
OWN_TIMES = f"{OPS}-host-application-multi-server-timestamp"
LEAVE_MS_MAX = 10_000


def several(
    book: Book, log: Sequence[Packet], found: Sequence[Conversation], primary: str | None
) -> None:
    """What can be said of several servers, where there are several."""
    servers = {one.server for one in found}
    if len(servers) < 2:
        return
    for host in {host for one in found for host in one.hosts()}:
        mine = [one for one in found if host in one.hosts()]
        _host(book, log, host, mine, servers)
    if primary is None:
        return
    for node in {node for one in found for node in _nodes(one)}:
        _edge(book, [one for one in found if node in _nodes(one)], primary, log[-1].at_ms)


def _nodes(one: Conversation) -> set[tuple[str, str]]:
    """Who speaks, as the Will says it: a session may end before any birth."""
    connect = one.connect
    will = spoken(connect.will) if connect is not None and connect.will is not None else None
    return {will.node} if will is not None and one.role == "edge" else set()


def _host(
    book: Book, log: Sequence[Packet], host: str, mine: list[Conversation], servers: set[int]
) -> None:
    """STATE is said at every server; with the time of the CONNECT there, and of no other."""
    connections = {one.number for one in mine}
    times: dict[int, int] = {}
    said_at: set[int] = set()
    for packet in log:
        if packet.connection not in connections or packet.by_broker:
            continue
        will = state(packet.will.payload) if packet.will is not None else None
        if packet.kind == "CONNECT" and will is not None:
            times[packet.server] = will[1]
        said = state(packet.payload) if host_of(packet.topic) == host else None
        if packet.kind != "PUBLISH" or said is None or not said[0]:
            continue
        said_at.add(packet.server)
        own = times.get(packet.server)
        if any(other != own for other in times.values()):  # else it could be that of another
            where = f"connection {packet.connection}, {packet.topic}"
            what = f"timestamp {said[1]}, that of the CONNECT to this server is {own}"
            book.see(OWN_TIMES, said[1] == own, where, what)
    silent = sorted(servers - said_at)
    book.see(EVERYWHERE, not silent, f"host {host}", f"no STATE at the servers {silent}")


def _edge(book: Book, mine: list[Conversation], primary: str, end_ms: int) -> None:
    mine = sorted(mine, key=lambda one: one.began_ms)
    for one, following in zip(mine, [*mine[1:], None], strict=True):
        where = f"connection {one.number}"
        filters = [pattern for packet in one.own for pattern, _ in packet.filters]
        if filters:
            fine = any(host_of(pattern) == primary for pattern in filters)
            book.see(EVERYWHERE, fine, where, f"no subscription to the STATE of {primary}")
        offline_ms = _offline_ms(one, primary)
        if offline_ms is None:
            continue
        if min(one.end_ms, end_ms) - offline_ms > LEAVE_MS_MAX:
            book.see(WALKS, False, where, "its primary host is offline here, and it stayed")
        elif following is not None:
            fine = following.server != one.server
            book.see(WALKS, fine, where, "it came back to where its primary host is offline")


def _offline_ms(one: Conversation, primary: str) -> int | None:
    """When the primary host went offline for good, as this connection was told."""
    last: tuple[bool, int] | None = None
    since_ms: int | None = None
    for packet in one.packets:
        if not packet.by_broker or packet.kind != "PUBLISH" or host_of(packet.topic) != primary:
            continue
        said = state(packet.payload)
        if said is None or (last is not None and said[1] < last[1]):
            continue
        last = said
        since_ms = None if said[0] else packet.at_ms
    return since_ms
