"""When a host may ask an edge node for its births: with jitter, a cooldown and backoff.

Without these a host that starts, or a faulty edge, makes a whole plant give birth at once.
"""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """Every request waits 0 to `jitter_ms`; the next one the cooldown, which doubles up to max."""

    jitter_ms: int = 2_000
    cooldown_ms: int = 5_000
    cooldown_ms_max: int = 300_000


class Asker:
    """The pending request of one edge node: there is never more than one."""

    def __init__(self, pace: Pace, rng: random.Random) -> None:
        self._pace = pace
        self._rng = rng
        self._cooldown_ms = pace.cooldown_ms
        self._asked_ms: int | None = None
        self._due_ms: int | None = None

    @property
    def due_ms(self) -> int | None:
        """When the pending request goes out; None when there is none."""
        return self._due_ms

    def ask(self, now_ms: int) -> None:
        """Births are needed; nothing happens while a request is pending."""
        if self._due_ms is not None:
            return
        earliest = now_ms
        if self._asked_ms is not None and self._asked_ms <= now_ms:
            earliest = max(now_ms, self._asked_ms + self._cooldown_ms)
        self._due_ms = earliest + int(self._rng.uniform(0, self._pace.jitter_ms))

    def cancel(self) -> None:
        """The births have come, or nobody is there to give them."""
        self._due_ms = None

    def take(self, now_ms: int) -> bool:
        """True when the request is to be sent now; it is not pending any more then."""
        if self._due_ms is None:
            return False
        # A clock set back must not put a request off for hours.
        too_far = self._due_ms - now_ms > self._pace.cooldown_ms_max + self._pace.jitter_ms
        if now_ms < self._due_ms and not too_far:
            return False
        if self._asked_ms is None or not 0 <= now_ms - self._asked_ms <= 2 * (
            self._cooldown_ms + self._pace.jitter_ms
        ):
            self._cooldown_ms = self._pace.cooldown_ms
        else:
            self._cooldown_ms = min(2 * self._cooldown_ms, self._pace.cooldown_ms_max)
        self._asked_ms, self._due_ms = now_ms, None
        return True
