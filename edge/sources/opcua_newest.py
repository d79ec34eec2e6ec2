"""The newest source time of a machine, also of one whose clock is set back."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from edge.sources.source import TICKS_PER_MS

STEP_TICKS = 1000 * TICKS_PER_MS  # that much behind its newest a tag's clock was set back
SETTLE_MS = 15_000  # for so long queues may still bring values of before


class Newest:
    """`ticks`: the newest source time that was handed on, -1 when there is none.

    Behind a clock that was set back that is a time of the new clock, although one of the old was
    later: a gap that begins then must hold what the new clock says. By tag no time falls but for
    that; and until every tag may have shown it, only those count which have.
    """

    def __init__(self, last: NDArray[np.int64], told_ms: int | None = None) -> None:
        self._high = last.copy()
        self._stepped = np.zeros(len(last), bool)
        self._stepped_ms: int | None = None
        self._highest = int(last.max(initial=-1))
        self.ticks = self._highest if told_ms is None else told_ms * TICKS_PER_MS

    @property
    def ms(self) -> int | None:
        """The newest time in ms; None when there is none."""
        return self.ticks // TICKS_PER_MS if self.ticks >= 0 else None

    @property
    def is_behind(self) -> bool:
        """Whether the clock has not come to where it was before it was set back."""
        return 0 <= self.ticks < self._highest - STEP_TICKS

    def note(
        self, places: NDArray[np.intp], ticks: NDArray[np.int64], last: NDArray[np.int64],
        received_ms: int,
    ) -> None:  # fmt: skip
        """Rows of these tags (by place) were handed on; `last` is by tag, after them."""
        np.maximum.at(self._high, places, ticks)
        newest = last[places]
        fell = newest < self._high[places] - STEP_TICKS
        if fell.any():
            self._fall(places[fell], newest[fell], received_ms)
        counted = newest[self._stepped[places]] if self._is_settling(received_ms) else newest
        self.ticks = max(self.ticks, int(counted.max(initial=-1)))
        self._highest = max(self._highest, self.ticks)

    def _fall(self, places: NDArray[np.intp], newest: NDArray[np.int64], received_ms: int) -> None:
        self._high[places] = newest
        is_new = not self._is_settling(received_ms) or bool(self._stepped[places].any())
        fresh = int(newest.max())
        if is_new and fresh >= self.ticks - STEP_TICKS:
            return  # one that was still while the others have long shown it
        if is_new:
            self._stepped[:] = False
            self._stepped_ms, self.ticks = received_ms, fresh
        self._stepped[places] = True

    def _is_settling(self, received_ms: int) -> bool:
        return self._stepped_ms is not None and received_ms - self._stepped_ms <= SETTLE_MS


def reach(from_ms: int | None, to_ms: int, received_ms: int) -> tuple[int | None, int]:
    """From when to when samples may be missing, also where the clock was set back in between.

    Then what is missing has times of the old clock, and of the new one from before `to_ms`.
    """
    if from_ms is None or from_ms <= to_ms:
        return from_ms, to_ms
    away_ms = max(0, received_ms - from_ms)
    return min(from_ms, to_ms - away_ms), max(from_ms, to_ms, received_ms)
