"""Ranges of outbox positions, and the text in which the historian confirms them.

The text is "<outbox id> 1-120,125,130-140". Live data and backlog interleave, so one mark of how
far the store has come would not do.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable
from typing import TypeAlias

Range: TypeAlias = tuple[int, int]
POSITION_MAX = (1 << 63) - 1
RANGES_MAX = 256
TEXT_MAX = 16_384
_OUTBOX = re.compile(r"[!-~]{1,128}\Z")
_RANGE = re.compile(r"(\d{1,19})(?:-(\d{1,19}))?\Z", re.ASCII)


class RangeSet:
    """A set of positions as merged ranges. At the bound the range least recently added to goes.

    What is forgotten is not acknowledged any more; if that matters the agent sends it again.
    """

    def __init__(self, ranges_max: int = RANGES_MAX) -> None:
        self.forgotten = 0
        self._ranges_max = ranges_max
        self._starts: list[int] = []
        self._ends: list[int] = []
        self._touched: list[int] = []
        self._turn = 0

    def add(self, first: int, last: int | None = None) -> None:
        """Add one position, or all from `first` to `last`; ValueError when they are none."""
        last = first if last is None else last
        if not 0 < first <= last <= POSITION_MAX:
            raise ValueError(f"{first}-{last} is no range of positions")
        self._turn += 1
        low = bisect_right(self._starts, first)
        if low and self._ends[low - 1] >= first - 1:
            low -= 1
        high = bisect_right(self._starts, last + 1)
        if low < high:
            first = min(first, self._starts[low])
            last = max(last, self._ends[high - 1])
        self._starts[low:high] = [first]
        self._ends[low:high] = [last]
        self._touched[low:high] = [self._turn]
        if len(self._starts) > self._ranges_max:
            self._forget()

    def _forget(self) -> None:
        oldest = self._touched.index(min(self._touched))
        for column in (self._starts, self._ends, self._touched):
            del column[oldest]
        self.forgotten += 1

    def __contains__(self, position: int) -> bool:
        index = bisect_right(self._starts, position) - 1
        return index >= 0 and position <= self._ends[index]

    def __len__(self) -> int:
        return len(self._starts)

    @property
    def ranges(self) -> tuple[Range, ...]:
        """The ranges, rising and apart from each other."""
        return tuple(zip(self._starts, self._ends, strict=True))


def write(outbox: str, ranges: Iterable[Range]) -> str:
    """The text that confirms these ranges of an outbox."""
    parts = (str(first) if first == last else f"{first}-{last}" for first, last in ranges)
    return f"{outbox} {','.join(parts)}"


def read(text: str) -> tuple[str, tuple[Range, ...]]:
    """Outbox id and ranges of a confirmation; ValueError when it is none."""
    if len(text) > TEXT_MAX:
        raise ValueError(f"an acknowledgement of {len(text)} characters is over {TEXT_MAX}")
    outbox, _, listed = text.partition(" ")
    if not is_outbox(outbox):
        raise ValueError(f"no outbox id: {outbox[:40]!r}")
    return outbox, tuple(_range(part) for part in listed.split(",")) if listed else ()


def is_outbox(outbox: str) -> bool:
    """True for 1 to 128 visible ASCII characters, so that a blank can end it."""
    return bool(_OUTBOX.match(outbox))


def _range(text: str) -> Range:
    found = _RANGE.match(text)
    if found is None:
        raise ValueError(f"no range of positions: {text[:40]!r}")
    first = int(found[1])
    last = int(found[2]) if found[2] else first
    if not 0 < first <= last <= POSITION_MAX:
        raise ValueError(f"no range of positions: {text!r}")
    return first, last
