"""Free ports of the loopback, and waiting for what happens there."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable


def until(holds: Callable[[], object], what: str, timeout_s: float = 10.0) -> None:
    """Wait until it holds; AssertionError that says what was waited for when it never does."""
    never = threading.Event()
    deadline = time.monotonic() + timeout_s
    while not holds():
        assert time.monotonic() < deadline, f"waited {timeout_s:g} s in vain until {what}"
        never.wait(0.01)


def free_port() -> int:
    """A TCP port of the loopback that nobody uses at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def accepts(port: int) -> bool:
    """Whether somebody listens there."""
    try:
        socket.create_connection(("127.0.0.1", port), 1.0).close()
    except OSError:
        return False
    return True
