"""The messages of one edge node in the order of their sequence numbers (chapter 5, Host ordering).

A message that comes too early waits. There is one timer: it runs from the arrival of the oldest
message that waits, so it starts with a gap, stops when all gaps are closed, and cannot double.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

T = TypeVar("T")
BYTES_MAX = 16 << 20


def elapsed(now_ms: int, since_ms: int, interval_ms: int) -> bool:
    """True when the interval has passed, and also when the clock was set back behind `since_ms`."""
    return not 0 <= now_ms - since_ms < interval_ms


@dataclass(frozen=True, slots=True)
class _Early(Generic[T]):
    item: T
    size: int
    mark: int
    arrived_ms: int


class Order(Generic[T]):
    """Releases items in the order of numbers modulo 256; at most 255 items and `bytes_max` wait.

    An item that comes twice is known by its number and `mark` (0: no mark, never known again).
    """

    def __init__(self, timeout_ms: int, bytes_max: int = BYTES_MAX) -> None:
        self.expected = 0
        self.repeated = 0
        self._timeout_ms = timeout_ms
        self._bytes_max = bytes_max
        self._early: dict[int, _Early[T]] = {}
        self._recent: dict[int, int] = {}
        self._overrun = False

    def __len__(self) -> int:
        return len(self._early)

    def start(self, after: int) -> None:
        """Begin anew behind this number; nothing waits any more."""
        self.clear()
        self._recent = {}
        self.expected = (after + 1) % 256

    def clear(self) -> list[T]:
        """Stop the timer and give back what was waiting, in order."""
        waiting = sorted(self._early, key=lambda seq: (seq - self.expected) % 256)
        items = [self._early[seq].item for seq in waiting]
        self._early = {}
        self._overrun = False
        return items

    def offer(self, seq: int, item: T, size: int, now_ms: int, mark: int = 0) -> list[T]:
        """One item has arrived; the items that are in order now."""
        if seq != self.expected:
            self._wait(seq, _Early(item, size, mark, now_ms))
            return []
        ready = [item]
        self._pass(mark)
        while (early := self._early.pop(self.expected, None)) is not None:
            ready.append(early.item)
            self._pass(early.mark)
        return ready

    def _pass(self, mark: int) -> None:
        self._recent[self.expected] = mark
        self.expected = (self.expected + 1) % 256
        # Half the circle is remembered; what is further away counts as early, not as repeated.
        self._recent.pop((self.expected + 127) % 256, None)

    def _wait(self, seq: int, early: _Early[T]) -> None:
        known = self._early.get(seq)
        mark = known.mark if known is not None else self._recent.get(seq, 0)
        if mark and mark == early.mark:
            self.repeated += 1
            return
        self._overrun |= known is not None
        self._early.setdefault(seq, early)
        self._overrun |= sum(one.size for one in self._early.values()) > self._bytes_max

    def is_expired(self, now_ms: int) -> bool:
        """True when a gap has been open for the time-out, or no more can wait."""
        if not self._early:
            return False
        oldest = next(iter(self._early.values())).arrived_ms
        return self._overrun or elapsed(now_ms, oldest, self._timeout_ms)
