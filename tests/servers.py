"""Real servers for tests, on free ports of the loopback; a missing one fails where CI is set."""

from __future__ import annotations

import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from tests.conftest import missing

MOSQUITTO = "/usr/sbin/mosquitto"


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


class Mosquitto:
    """The broker as its makers ship it, with a configuration of our own."""

    def __init__(self, folder: Path, settings: Iterable[str] = ("allow_anonymous true",)) -> None:
        program = shutil.which("mosquitto") or MOSQUITTO
        if not Path(program).exists():
            missing("Mosquitto", "apt-get install mosquitto")
        self.port = free_port()
        self._program = program
        self._folder = folder
        self._settings = tuple(settings)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> Mosquitto:
        """Run it until `stop`; returns when it accepts connections."""
        lines = ["user root", "persistence false", f"listener {self.port} 127.0.0.1"]
        config = self._folder / f"mosquitto-{self.port}.conf"
        config.write_text("\n".join([*lines, *self._settings]) + "\n")
        with (self._folder / "mosquitto.log").open("ab") as output:
            self._process = subprocess.Popen(
                [self._program, "-c", str(config)], stdout=output, stderr=subprocess.STDOUT
            )
        until(lambda: accepts(self.port), "Mosquitto listens")
        return self

    def stop(self, *, kill: bool = False) -> None:
        """End it, or kill it."""
        if self._process is not None:
            (self._process.kill if kill else self._process.terminate)()
            self._process.wait(10)
            self._process = None

    def __enter__(self) -> Mosquitto:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
