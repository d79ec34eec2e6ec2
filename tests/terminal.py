"""A command in a terminal of its own: what it shows, and keys that are pressed in it."""

from __future__ import annotations

import fcntl
import os
import re
import select
import struct
import subprocess
import termios
from types import TracebackType

from tests.servers import until
from tests.system.commands import REFIT

SEQUENCE = re.compile(rb"\x1b(?:\[[0-9;?]*[A-Za-z]|[()][A-Z0-9]|[=>])")
DEADLINE_S = 60.0


class Terminal:
    """`refit WORDS` in a pseudo-terminal of 40 rows and 160 columns."""

    def __init__(self, *words: str, rows: int = 40, columns: int = 160) -> None:
        self._ours, self.its = os.openpty()
        fcntl.ioctl(self.its, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        self.before = termios.tcgetattr(self.its)
        self.raw = b""
        self.process = subprocess.Popen(
            [*REFIT, *words], stdin=self.its, stdout=self.its, stderr=self.its,
            env={**os.environ, "TERM": "xterm-256color"},
        )  # fmt: skip

    def press(self, keys: str) -> None:
        """Type; what was shown before is forgotten."""
        self._read()
        self.raw = b""
        os.write(self._ours, keys.encode())

    def shows(self, text: str) -> bool:
        """Whether a text has been shown since the last key."""
        self._read()
        return text in SEQUENCE.sub(b"", self.raw).decode(errors="replace")

    def wait_for(self, text: str) -> None:
        """Wait until a text is shown."""
        until(lambda: self.shows(text), f"the terminal shows {text!r}", DEADLINE_S)

    def ended(self) -> int | None:
        """The exit code once the command has ended."""
        self._read()
        return self.process.poll()

    def _read(self) -> None:
        while select.select([self._ours], [], [], 0)[0]:
            self.raw += os.read(self._ours, 1 << 16)

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(10)
        os.close(self._ours)
        os.close(self.its)
