"""Looking at a Modbus device with the eyes of the agent: one poll by its own source."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from random import Random
from statistics import median

from edge.live.compare import Now, value_now
from edge.live.findings import Checked, Finding, Problem
from edge.sources.blocks import units_of
from edge.sources.fault import MachineFault
from edge.sources.modbus import ModbusSource
from edge.sources.modbus_line import Line, Refusal
from edge.sources.source import Gap, Item, Report
from stations.status import (
    BAD_NO_COMMUNICATION,
    BAD_NODE_ID_UNKNOWN,
    BAD_TIMEOUT,
)
from wire.clock import SystemClock
from wire.site import addresses
from wire.site.connections import ModbusConfig

PINGS = 3
PROBLEMS = {
    BAD_NODE_ID_UNKNOWN: Problem.MISSING,
    BAD_TIMEOUT: Problem.SILENT,
    BAD_NO_COMMUNICATION: Problem.SILENT,
}


class OnePoll:
    """A sink that waits until every item was reported once, or the link is lost."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.now: dict[int, Now] = {}
        self.fault = ""
        self.took_s: dict[int, float] = {}
        self._missing = {item.number for item in items}
        self._ended = asyncio.Event()
        self._began_s = 0.0

    async def report(self, report: Report) -> None:
        """Keep the first sample of each tag."""
        samples = report.samples
        for row, number in enumerate(samples.tag.tolist()):
            self.now.setdefault(number, Now(int(samples.status[row]), samples.row(row)))
            self.took_s.setdefault(number, time.perf_counter() - self._began_s)
        self._missing -= self.now.keys()
        report.done()
        if not self._missing:
            self._ended.set()

    async def gap(self, gap: Gap) -> None:
        """Nothing is missing in a look."""

    def link(self, up: bool, why: str) -> None:
        """A link that is lost ends the look."""
        if not up:
            self.fault = why
            self._ended.set()

    async def wait(self, source: ModbusSource) -> None:
        """Let the source run until all is seen."""
        self._began_s = time.perf_counter()
        running = asyncio.create_task(source.run(self))
        waiting = asyncio.create_task(self._ended.wait())
        try:
            await asyncio.wait((running, waiting), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (running, waiting):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task


async def look(
    name: str, config: ModbusConfig, items: Sequence[Item], checked: Checked, slow_ms: float
) -> None:
    """Poll every register once; MachineFault when the device does not answer."""
    sink = OnePoll(items)
    source = ModbusSource(name, config, items, SystemClock(), Random(0))
    await sink.wait(source)
    if not sink.fault and all(now.status == BAD_TIMEOUT for now in sink.now.values()):
        sink.fault = f"no answer within {config.timeout_ms} ms"
    if sink.fault:
        raise MachineFault(sink.fault)
    for item in items:
        now = sink.now[item.number]
        why = source.status.bad.get(item.tag.name)
        if why is None:
            checked.findings += value_now(item.tag, now)
        else:
            at = addresses.text_of(item.tag.at, item.tag.length)
            problem = PROBLEMS.get(now.status, Problem.UNREADABLE)
            checked.findings.append(Finding(problem, item.tag.name, at, why))
    good = [item for item in items if item.tag.name not in source.status.bad]
    checked.round_trip_ms = await _ping(config, good)
    _pace(config, items, sink, checked, slow_ms)


async def _ping(config: ModbusConfig, good: Sequence[Item]) -> float | None:
    """How long one answer takes, in ms, on a connection that is open; None when nothing answers."""
    taken: list[float] = []
    line = Line(config)
    with suppress(MachineFault, Refusal):
        await line.connect()
        for item in list(good[:1]) * PINGS:
            table, (unit, *_) = units_of(item)
            began = time.perf_counter()
            await line.read(table, unit.start, unit.count)
            taken.append((time.perf_counter() - began) * 1000)
    line.close()
    return round(median(taken), 1) if taken else None


def _pace(
    config: ModbusConfig, items: Sequence[Item], sink: OnePoll, checked: Checked, slow_ms: float
) -> None:
    """Whether the device answers in time, and whether a poll fits into its interval."""
    if checked.round_trip_ms is not None and checked.round_trip_ms > slow_ms:
        found = f"{checked.round_trip_ms:.0f} ms for one answer"
        checked.findings.append(Finding(Problem.SLOW, "", f"at most {slow_ms:g} ms", found))
    every_ms = min((item.tag.every_ms or config.every_ms for item in items), default=0)
    often = [one.number for one in items if (one.tag.every_ms or config.every_ms) == every_ms]
    taken = [sink.took_s[number] for number in often]
    poll_ms = (max(taken, default=0.0) - min(taken, default=0.0)) * 1000
    if poll_ms > every_ms:
        found = f"a poll of {len(often)} tags takes {poll_ms:.0f} ms"
        checked.findings.append(Finding(Problem.SLOW, "", f"every {every_ms} ms", found))
