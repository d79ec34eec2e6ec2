"""The machine of a trial: an OPC UA server whose tags count 1, 2, 3, ... at a given rate.

The environment variable OPCSIM names a program that serves such tags at high rates; without it our
own `benchmarks.counting_server` does, which is a Python program and reaches far less. Both are
driven alike: arguments --port --tags --hz --state; "go K" on the standard input lets every tag
count K further; the answer is "done SEQUENCE errors E skipped_s S".
"""

from __future__ import annotations

import os
import queue
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from benchmarks.children import ROOT
from refit.processes import free_ports

VARIABLE = "OPCSIM"
START_S = 60.0
LATE_S = 30.0


@dataclass(frozen=True, slots=True)
class Done:
    """What the generator says at its end; `skipped_s` is how far it fell behind its rate."""

    written: int
    errors: int
    skipped_s: float


def fast() -> Path | None:
    """The fast generator, when there is one."""
    path = os.environ.get(VARIABLE)
    return Path(path) if path else None


def name() -> str:
    """Which generator is used, in words."""
    return "a compiled OPC UA server" if fast() else "our own OPC UA server in Python"


class Generator:
    """A running generator: `tags` Doubles ns=1;s=t00000 ... of `hz` changes a second each."""

    def __init__(self, folder: Path, tags: int, hz: float) -> None:
        self.folder, self.tags, self.hz = folder, tags, hz
        self.port = free_ports(1)[0]
        self.url = f"opc.tcp://127.0.0.1:{self.port}"
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()

    @property
    def names(self) -> list[str]:
        """The names of the tags."""
        return [f"t{number:05}" for number in range(self.tags)]

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def __enter__(self) -> Generator:
        program = fast()
        command = (
            [program, "opcua"] if program else [sys.executable, "-m", "benchmarks.counting_server"]
        )
        settings = {
            "--port": self.port, "--tags": self.tags, "--hz": self.hz,
            "--state": self.folder / "generator.state",
        }  # fmt: skip
        with (self.folder / "generator.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*map(str, command), *(str(part) for pair in settings.items() for part in pair)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, cwd=ROOT, text=True,
            )  # fmt: skip
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        self._line("ready", START_S)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()

    def go(self, count: int) -> None:
        """Let every tag count `count` further."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"go {count}\n")
        self._process.stdin.flush()

    def done(self, seconds: float) -> Done:
        """Wait for the end of a `go` that should take this long."""
        words = self._line("done", seconds + LATE_S).split()
        return Done(int(words[1]), int(words[3]), float(words[5]))

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line.strip())

    def _line(self, start: str, seconds: float) -> str:
        while True:
            try:
                line = self._lines.get(timeout=seconds)
            except queue.Empty:
                raise TimeoutError(
                    f"the generator did not say {start!r} in {seconds:.0f} s; see {self.folder}"
                ) from None
            if line.startswith(start):
                return line
