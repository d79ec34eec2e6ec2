"""Mosquitto, the broker of the system tests."""

from __future__ import annotations

import shutil
import signal
import subprocess
from collections.abc import Iterable
from pathlib import Path

from tests.conftest import missing
from tests.servers.ports import accepts, free_port, until

MOSQUITTO = "/usr/sbin/mosquitto"


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
        config = self.configuration()
        with (self._folder / "mosquitto.log").open("ab") as output:
            self._process = subprocess.Popen(
                [self._program, "-c", str(config)], stdout=output, stderr=subprocess.STDOUT
            )
        until(lambda: accepts(self.port), "Mosquitto listens")
        return self

    def configuration(self) -> Path:
        """The file that it is started with."""
        lines = ["user root", "persistence false", f"listener {self.port} 127.0.0.1"]
        config = self._folder / f"mosquitto-{self.port}.conf"
        config.write_text("\n".join([*lines, *self._settings]) + "\n")
        return config

    def reload(self) -> None:
        """Let it read its configuration again, as `systemctl reload` does."""
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

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
