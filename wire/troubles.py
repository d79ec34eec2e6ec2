"""Since when each problem has lasted: what a process answers under `since_ms` of /healthz."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable

from wire.clock import Clock

_COUNT = re.compile(r"(?<![^\s(])\d+(\.\d+)?(?=[,;.)]?(\s|$))")  # a word that is a number


class Troubles:
    """The problems of this moment, each with the time at which it was first seen.

    A text whose counts change ("failed 3 times") stays the same problem; a number inside a name
    ("press-1") tells it from others. May be called from any thread, at least as often as problems
    may come and go.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._since: dict[str, int] = {}

    def since(self, problems: Iterable[str]) -> dict[str, int]:
        """When each of these began, UTC ms; what is no longer among them is forgotten."""
        listed = list(problems)
        now_ms = self._clock.now_ms()
        with self._lock:
            keys = {problem: _COUNT.sub("#", problem) for problem in listed}
            self._since = {key: self._since.get(key, now_ms) for key in keys.values()}
            return {problem: self._since[key] for problem, key in keys.items()}
