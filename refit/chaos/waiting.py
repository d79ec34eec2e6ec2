"""Waiting for what happens in other processes."""

from __future__ import annotations

import time
from collections.abc import Callable

LOOK_S = 0.02


def until(
    holds: Callable[[], object], what: str, timeout_s: float, look_s: float = LOOK_S
) -> float:
    """Wait until it holds; the seconds it took. TimeoutError that says what never came."""
    began = time.monotonic()
    while not holds():
        if time.monotonic() - began > timeout_s:
            raise TimeoutError(f"waited {timeout_s:g} s in vain until {what}")
        time.sleep(look_s)
    return time.monotonic() - began
