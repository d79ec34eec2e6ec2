"""A sink that keeps what it was given, and lets a test wait for something to become true."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from edge.sources.source import Gap, Report, Source
from stations.declare import Node, Register, Tag

DEADLINE_S = 20.0


class Recorder:
    """Reports, gaps and link changes in order; `report` waits while `free` is not set."""

    def __init__(self, *, done_at_once: bool = True) -> None:
        self.reports: list[Report] = []
        self.gaps: list[Gap] = []
        self.links: list[tuple[bool, str]] = []
        self.order: list[str] = []
        self.free = asyncio.Event()
        self.free.set()
        self._done_at_once = done_at_once
        self._changed = asyncio.Event()

    async def report(self, report: Report) -> None:
        await self.free.wait()
        self.reports.append(report)
        self.order.append("report")
        if self._done_at_once:
            report.done()
        self._changed.set()

    async def gap(self, gap: Gap) -> None:
        self.gaps.append(gap)
        self.order.append("gap")
        self._changed.set()

    def link(self, up: bool, why: str) -> None:
        self.links.append((up, why))
        self.order.append("up" if up else "down")
        self._changed.set()

    def rows(self, number: int) -> list[tuple[int, Any]]:
        """(Status, value) of every sample of a tag, in the order of arrival."""
        return [
            (int(report.samples.status[row]), report.samples.row(row))
            for report in self.reports
            for row in range(len(report.samples))
            if report.samples.tag[row] == number
        ]

    async def until(self, is_true: Callable[[], bool], what: str) -> None:
        """Wait until something is true; looked at whenever the sink is given something."""
        try:
            async with asyncio.timeout(DEADLINE_S):
                while not is_true():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            raise AssertionError(f"not within {DEADLINE_S} s: {what}; {self.links}") from None


@asynccontextmanager
async def running(source: Source, sink: Recorder) -> AsyncIterator[asyncio.Task[None]]:
    """Run a source for a while; when it is cancelled it must be gone soon."""
    task = asyncio.create_task(source.run(sink))
    try:
        yield task
    finally:
        task.cancel()
        async with asyncio.timeout(DEADLINE_S):
            await asyncio.gather(task, return_exceptions=True)
        assert task.cancelled(), task.exception()


def tag(name: str, kind: Any, at: Node | Register, **more: Any) -> Tag[Any]:
    """A tag outside of a declaration."""
    made: Tag[Any] = Tag(kind, at, doc="For a test.", **more)
    object.__setattr__(made, "name", name)
    return made
