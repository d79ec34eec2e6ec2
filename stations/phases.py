"""A machine's course of work in a simulation: states one after another, each with its seconds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Generic, TypeVar

S = TypeVar("S")


class Phases(Generic[S]):
    """A walk along a course of (state, seconds); it stays in the last one, whatever its seconds."""

    def __init__(self, course: Sequence[tuple[S, float]]) -> None:
        self.course = tuple(course)
        self.index = 0
        self.elapsed_s = 0.0

    @property
    def state(self) -> S:
        """The state that the walk has reached."""
        return self.course[self.index][0]

    def advance(self, seconds: float) -> Iterator[tuple[S, float, float]]:
        """The parts of this step as (state, seconds since its beginning: from, to).

        However long a step is, no state is skipped and each part ends where its state ends.
        """
        while True:
            state, length = self.course[self.index]
            last = self.index == len(self.course) - 1
            start = self.elapsed_s
            end = min(start + seconds, math.inf if last else length)
            seconds -= end - start
            self.elapsed_s = end
            yield state, start, end
            if last or end < length:
                return
            self.index, self.elapsed_s = self.index + 1, 0.0
            if seconds <= 0:
                return


def ramp(elapsed_s: float, length_s: float, start: float, end: float) -> float:
    """A value on its way from `start` to `end`, held before and after."""
    share = min(max(elapsed_s / length_s, 0.0), 1.0)
    return start + (end - start) * share


def settled(elapsed_s: float, constant_s: float, start: float, end: float) -> float:
    """A value that settles exponentially from `start` to `end` with this time constant."""
    return end + (start - end) * math.exp(-max(elapsed_s, 0.0) / constant_s)
