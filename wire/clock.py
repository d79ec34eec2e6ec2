"""Time as it is passed in everywhere: nothing below the command line reads a clock of its own."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """The time of day, which may step, and a time that only goes on."""

    def now_ms(self) -> int:
        """UTC in milliseconds since 1970."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment; never steps, for intervals and deadlines."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now_ms(self) -> int:
        """UTC in milliseconds since 1970."""
        return time.time_ns() // 1_000_000

    def monotonic(self) -> float:
        """Seconds since some moment; never steps."""
        return time.monotonic()
