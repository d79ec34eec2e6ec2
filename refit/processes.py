"""The processes of a run on one machine: started in order, watched, and ended cleanly."""

from __future__ import annotations

import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType

POLL_S = 0.05
END_S = 2.5
TAIL_LINES = 12
PORTS = range(20_000, 32_000)


class Ended(RuntimeError):
    """A process has ended that ought to run; the message holds the end of its log."""


class Processes:
    """Child processes by name. Each writes its log to `folder`/NAME.log."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.children: dict[str, subprocess.Popen[bytes]] = {}
        folder.mkdir(parents=True, exist_ok=True)

    def start(self, name: str, *arguments: str | Path) -> subprocess.Popen[bytes]:
        """Start `refit ARGUMENTS` in a session of its own, so that Ctrl-C reaches only us."""
        return self.spawn(name, [sys.executable, "-m", "refit.main", *map(str, arguments)])

    def spawn(
        self, name: str, command: Sequence[str | Path], environment: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Start a program that need not be ours, in a session of its own."""
        with self.log(name).open("ab") as log:
            self.children[name] = subprocess.Popen(
                list(map(str, command)),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
            )
        return self.children[name]

    def log(self, name: str) -> Path:
        """Where a process writes what it has to say."""
        return self.folder / f"{name}.log"

    def check(self) -> None:
        """Ended when one of the processes is not running any more."""
        for name, child in list(self.children.items()):
            if child.poll() is not None:
                lines = self.log(name).read_text(errors="replace").splitlines()[-TAIL_LINES:]
                told = "\n    ".join(lines) or "it wrote nothing"
                why = f"{name} ended with code {child.returncode}"
                raise Ended(f"{why}; the end of {self.log(name)}:\n    {told}")

    def wait_for(self, what: str, is_true: Callable[[], bool], seconds: float) -> None:
        """Wait until something holds; Ended when a process dies, TimeoutError if it never does."""
        deadline = time.monotonic() + seconds
        while not is_true():
            self.check()
            if time.monotonic() > deadline:
                raise TimeoutError(f"{what} did not come within {seconds:.0f} s; see {self.folder}")
            time.sleep(POLL_S)

    def end(self, names: Sequence[str] | None = None, seconds: float = END_S) -> list[str]:
        """SIGTERM to these (default: all) at once; returns those that had to be killed."""
        ending = {
            name: self.children.pop(name)
            for name in (list(self.children) if names is None else names)
        }
        for child in ending.values():
            if child.poll() is None:
                child.send_signal(signal.SIGTERM)
        deadline, killed = time.monotonic() + seconds, []
        for name, child in ending.items():
            try:
                child.wait(max(deadline - time.monotonic(), 0.01))
            except subprocess.TimeoutExpired:
                killed.append(name)
                child.kill()
                child.wait()
        return killed

    def __enter__(self) -> Processes:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody uses now, all different.

    Below those that systems give to outgoing connections, so that none is taken by chance.
    """
    found: list[int] = []
    for port in random.sample(PORTS, len(PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise OSError(f"no {count} ports are free between {PORTS.start} and {PORTS.stop}")


def listens(port: int) -> bool:
    """Whether something accepts connections at this port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0
