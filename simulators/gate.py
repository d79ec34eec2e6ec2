"""A gate through which bytes pass at once, late, or not until it opens: how a machine stalls."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

HELD_MAX = 10_000


class Gate:
    """Lets deliveries through in order: at once, after `delay_s`, or when `is_shut` ends.

    `delays_left` bounds how many deliveries come late; None: all of them.
    """

    def __init__(self) -> None:
        self.delay_s = 0.0
        self.delays_left: int | None = None
        self.dropped = 0
        self._held: deque[Callable[[], None]] = deque()
        self._free_at = 0.0
        self._is_shut = False

    @property
    def is_shut(self) -> bool:
        """True while nothing gets through."""
        return self._is_shut

    def shut(self) -> None:
        """Hold everything from now on."""
        self._is_shut = True

    def open(self) -> None:
        """Let everything through again: first, in order, what was held."""
        self._is_shut = False
        while self._held and not self._is_shut:
            self.put(self._held.popleft())

    def put(self, deliver: Callable[[], None]) -> None:
        """Deliver when it is time; what exceeds the bound while shut is dropped and counted."""
        if self._is_shut:
            if len(self._held) < HELD_MAX:
                self._held.append(deliver)
            else:
                self.dropped += 1
            return
        loop = asyncio.get_running_loop()
        now = loop.time()
        self._free_at = max(now + self._delay(), self._free_at)
        if self._free_at > now:
            loop.call_at(self._free_at, self._deliver, deliver)
        else:
            deliver()

    def _delay(self) -> float:
        if self.delays_left is None or self.delay_s == 0.0:
            return self.delay_s
        if self.delays_left == 0:
            return 0.0
        self.delays_left -= 1
        return self.delay_s

    def _deliver(self, deliver: Callable[[], None]) -> None:
        # The gate may have been shut while this was on its way.
        if self._is_shut:
            self.put(deliver)
        else:
            deliver()
