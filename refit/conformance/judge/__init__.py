"""The judge: what a recorded MQTT conversation shows of every assertion of Sparkplug 3.0.

It knows nothing of our own code but the generated reader of the payloads, so that it does not share
its mistakes. Where the specification contradicts itself it follows what the reference decided.
"""

from __future__ import annotations

from collections.abc import Sequence

from refit.conformance.judge.book import Book
from refit.conformance.judge.conversation import Conversation, conversations, rivals
from refit.conformance.judge.edge import Edges
from refit.conformance.judge.host import Hosts
from refit.conformance.judge.primary import GRACE_MS
from refit.conformance.judge.servers import several
from refit.conformance.packets import Packet

__all__ = ["Book", "judge"]


def judge(log: Sequence[Packet], *, primary: str | None = None, grace_ms: int = GRACE_MS) -> Book:
    """Judge a whole recording; `primary` is the host id that the edges are to follow.

    `grace_ms`: how long it may take an edge to hear what has passed the recorder.
    """
    book = Book()
    edges, hosts = Edges(book, primary, grace_ms), Hosts(book)
    found = conversations(log)
    rivals(book, found)
    several(book, log, found, primary)
    end_ms = log[-1].at_ms if log else 0
    for one in found:
        _judge(one, edges, hosts, end_ms)
    return book


def _judge(one: Conversation, edges: Edges, hosts: Hosts, end_ms: int) -> None:
    if one.role == "edge":
        edges.session(one, end_ms)
    elif one.role == "host":
        hosts.session(one, end_ms)
