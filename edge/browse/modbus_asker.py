"""Asking a Modbus device gently: one request at a time, with pauses, up to a budget, never a write.

A device that stops answering is left alone: what is not known then is said, not asked again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from edge.sources.fault import MachineFault
from edge.sources.modbus_line import Line, Refusal, Silence, Words

GATEWAY, BUSY = (10, 11), (5, 6)
BUSY_TRIES, BUSY_S = 4, 0.5
CLOSES_MAX, CLOSED_S = 10, 0.5


@dataclass(frozen=True, slots=True)
class Manners:
    """How gently: the pause between requests, and how much at most."""

    pause_ms: int = 50
    requests_max: int = 5_000
    registers_max: int = 125
    silences_max: int = 20


class Unread(Exception):
    """A request brought no values: why, and the code of the exception when the device gave one."""

    def __init__(self, why: str, code: int | None = None) -> None:
        super().__init__(why)
        self.code = code


class Enough(Exception):
    """Nothing more is to be asked of this device: why."""


class Asker:
    """Puts requests to one device until `is_stopped`; `requests` is how many there were."""

    def __init__(
        self, line: Line, manners: Manners, is_stopped: Callable[[], bool] = lambda: False
    ) -> None:
        self.requests = 0
        self._is_stopped = is_stopped
        self._line = line
        self._manners = manners
        self._silences = 0
        self._closes = 0
        self._answered: tuple[str, int, int] | None = None

    async def read(self, table: str, start: int, count: int) -> Words:
        """The values; Unread when there are none, Enough when no more is to be asked."""
        for tries_left in reversed(range(BUSY_TRIES)):
            try:
                words = await self._ask(table, start, count)
            except Refusal as refusal:
                if refusal.code in GATEWAY:
                    raise Enough(str(refusal)) from refusal
                self._answered = (table, start, count)
                if refusal.code in BUSY and tries_left:
                    await asyncio.sleep(BUSY_S)
                    continue
                raise Unread(str(refusal), refusal.code) from refusal
            except Silence as silence:
                await self._silent()
                raise Unread("no answer") from silence
            except MachineFault as fault:
                await self._reconnect(fault)
                raise Unread("the device closes the connection") from fault
            self._answered = (table, start, count)
            return words
        raise AssertionError("the last try returns or raises")

    async def greet(self, places: Iterable[tuple[str, int]]) -> None:
        """Find one place that is answered, if only by a refusal; MachineFault when none is."""
        why: Exception | None = None
        for table, address in places:
            try:
                await self.read(table, address, 1)
            except (Unread, Enough) as unread:
                why = unread
            if self._answered is not None:
                return
        raise MachineFault(f"{why}: is there such a unit?") from why

    async def identify(self) -> dict[int, str]:
        """What the device says that it is (function 43/14), by object id; empty when nothing."""
        self._count()
        await asyncio.sleep(self._manners.pause_ms / 1000)
        try:
            return await self._line.identify()
        except (Refusal, MachineFault):
            return {}

    async def _ask(self, table: str, start: int, count: int) -> Words:
        self._count()
        await asyncio.sleep(self._manners.pause_ms / 1000)
        return await self._line.read(table, start, count)

    def _count(self) -> None:
        if self._is_stopped():
            raise Enough("stopped by a signal")
        if self.requests >= self._manners.requests_max:
            raise Enough(f"the budget of {self._manners.requests_max} requests is used up")
        self.requests += 1

    async def _silent(self) -> None:
        """Was it this request alone, or does the device answer nothing any more?"""
        self._silences += 1
        if self._silences >= self._manners.silences_max:
            raise Enough(f"{self._silences} requests were left without an answer")
        if self._answered is None:
            return
        try:
            await self._ask(*self._answered)
        except Refusal:
            return
        except MachineFault as fault:
            raise Enough("the device answers no longer") from fault

    async def _reconnect(self, fault: MachineFault) -> None:
        self._closes += 1
        if self._closes >= CLOSES_MAX:
            raise Enough(f"the device closed the connection {self._closes} times") from fault
        await asyncio.sleep(CLOSED_S)
        try:
            await self._line.connect()
        except MachineFault as gone:
            raise Enough(f"the device closed the connection: {gone}") from gone
