"""What systemd is told of a long-running command: ready, alive, ending (sd_notify(3)).

Outside of systemd nothing is told. The watchdog is fed from the event loop and only while `alive`
says so: a process that hangs is started again by systemd.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager

import structlog

log = structlog.get_logger()


class Service:
    """The socket of systemd, taken out of the environment: a child must not speak for us."""

    def __init__(self, environment: MutableMapping[str, str] = os.environ) -> None:
        address = environment.pop("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address
        every_us = environment.pop("WATCHDOG_USEC", "")
        meant = environment.pop("WATCHDOG_PID", "") in ("", str(os.getpid()))
        self.watchdog_s = int(every_us) / 1e6 if every_us.isdecimal() and meant else None

    def say(self, word: str) -> None:
        """Tell systemd one thing, such as `READY=1`."""
        if self._address:
            try:
                with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as to:
                    to.sendto(word.encode(), self._address)
            except OSError as error:
                # Whoever is not heard has its own ways; values must not stop flowing for that.
                log.warning("systemd cannot be told", word=word, why=str(error))

    @contextmanager
    def running(self, alive: Callable[[], bool] = lambda: True) -> Iterator[None]:
        """Ready now, fed while it lasts, ending afterwards. Needs a running event loop."""
        self.say("READY=1")
        task = asyncio.get_running_loop().create_task(self._feed(alive))
        try:
            yield
        finally:
            task.cancel()
            self.say("STOPPING=1")

    async def _feed(self, alive: Callable[[], bool]) -> None:
        while self.watchdog_s is not None:
            if alive():
                self.say("WATCHDOG=1")
            await asyncio.sleep(self.watchdog_s / 3)
