"""How long to wait before the next attempt: longer each time, and never all at one moment."""

from __future__ import annotations

from random import Random


class BackOff:
    """Waiting times that double from `first_s` to `max_s`, each drawn from its upper half."""

    def __init__(self, first_s: float, max_s: float, random: Random) -> None:
        self.first_s = first_s
        self.max_s = max_s
        self._random = random
        self._next_s = first_s

    def next_s(self) -> float:
        """The next waiting time in seconds."""
        wait = self._next_s
        self._next_s = min(2 * wait, self.max_s)
        return wait * self._random.uniform(0.5, 1.0)

    def reset(self) -> None:
        """What was waited for has come: the next wait is a short one again."""
        self._next_s = self.first_s
