"""The clock of the machine says UTC milliseconds, and seconds that only go on."""

from __future__ import annotations

import time

from wire.clock import Clock, SystemClock


def test_the_system_clock_is_utc_in_milliseconds() -> None:
    clock: Clock = SystemClock()
    assert abs(clock.now_ms() - time.time() * 1000) < 10_000
    assert clock.monotonic() <= clock.monotonic()
