"""How much one sender or reader may ask at once: a bucket for each, refilled as time passes."""

from __future__ import annotations

import threading
from collections import OrderedDict

KNOWN_MAX = 1000
BURST_S = 2.0


class Rates:
    """Allows `rate` things a second to each, and BURST_S of it at once (`burst` at least).

    What has been allowed may be more than was left: whoever took it waits the longer.
    """

    def __init__(self, rate: float, burst: float = 0.0) -> None:
        self._rate, self._burst = rate, max(rate * BURST_S, burst)
        self._levels: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def wait_s(self, who: str, now_s: float) -> float:
        """How long somebody has to wait before the next; 0 when it is allowed now."""
        with self._lock:
            level = self._level(who, now_s)
            return 0.0 if level > 0 else (1.0 - level) / self._rate

    def take(self, who: str, amount: float, now_s: float) -> None:
        """Note what somebody was given; those not heard of for longest are forgotten."""
        with self._lock:
            self._levels[who] = (self._level(who, now_s) - amount, now_s)
            self._levels.move_to_end(who)
            while len(self._levels) > KNOWN_MAX:
                self._levels.popitem(last=False)

    def _level(self, who: str, now_s: float) -> float:
        level, then_s = self._levels.get(who, (self._burst, now_s))
        return min(level + (now_s - then_s) * self._rate, self._burst)
