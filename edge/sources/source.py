"""What the pipeline asks of a source: the protocol that OPC UA and Modbus keep alike.

A source reads one connection of one station for ever. It reports what it read, as it read it: it
does not suppress repeats, does not apply a deadband and does not correct a time. A node or a
register that fails costs only itself; a machine that fails costs only this source.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from stations.declare import Tag
from stations.samples import Samples

TICKS_PER_MS = 10_000


@dataclass(frozen=True, slots=True)
class Item:
    """One thing to read: the number of its tag on this agent, and the tag with its address."""

    number: int
    tag: Tag[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """What one notification or one request brought, in the order in which the machine gave it.

    `ticks` are the source times in 100 ns since 1970 UTC; `samples.time` is `ticks // 10_000`.
    `polled`: the times are ours because the machine gave none. `first`: the first report since the
    link came up. `done` is called once, on the event loop, after the report is safe on disk.
    `historical`: read from what the machine has kept, not live. `continues`: the source itself has
    said what is missing before this, a restart of the agent included. `memo` is what the source
    wants to know after a restart, by name: on disk together with the report.
    """

    samples: Samples
    ticks: NDArray[np.int64]
    received_ms: int
    polled: bool
    first: bool
    done: Callable[[], None]
    historical: bool = False
    continues: bool = False
    memo: tuple[tuple[str, bytes], ...] = ()


@dataclass(frozen=True, slots=True)
class Past:
    """What the outbox knows of a source that begins: its memos, and its tags' last source times.

    `reason`: why nobody has listened since then. `since_ms`: where no time is known, since when it
    may have been lost.
    """

    reason: str = ""
    memos: Mapping[str, bytes] = field(default_factory=dict)
    ticks: Mapping[int, int] = field(default_factory=dict)
    since_ms: int | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """Samples that may be missing: which tags, between which times (UTC ms), how many, and why.

    `from_ms` None: since before this source was first heard. `count` None: nobody knows.
    """

    numbers: tuple[int, ...]
    from_ms: int | None
    to_ms: int
    count: int | None
    reason: str


@dataclass(slots=True)
class SourceStatus:
    """How a source is doing, for the agent's health: read by anyone, written by the source alone.

    `bad` names the tags that cannot be read and says why; `counters` counts what must not stay
    hidden (missed polls, republished or lost notifications, requests without an answer).
    """

    connected: bool = False
    since_ms: int | None = None
    reconnects: int = 0
    last_heard_ms: int | None = None
    bad: dict[str, str] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)

    def count(self, what: str, by: int = 1) -> None:
        """Raise one of the counters."""
        self.counters[what] = self.counters.get(what, 0) + by


class Sink(Protocol):
    """Where a source hands its reports to: the pipeline, or a list in a test."""

    async def report(self, report: Report) -> None:
        """Take a report; waits while the way to the disk is full."""

    async def gap(self, gap: Gap) -> None:
        """Take the news that samples may be missing."""

    def link(self, up: bool, why: str) -> None:
        """Take the news that the machine can or cannot be reached."""


class Source(Protocol):
    """One connection to one machine."""

    name: str
    status: SourceStatus

    async def run(self, sink: Sink) -> None:
        """Read for ever, until cancelled; a fault of the machine never raises here."""
