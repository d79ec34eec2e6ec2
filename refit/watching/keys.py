"""Keys of a terminal one by one, without Enter; the terminal is as before at every exit."""

from __future__ import annotations

import os
import select
import termios
from collections import deque
from types import TracebackType
from typing import Any

ESCAPE_S = 0.05  # a lone Escape is one that nothing follows within this time
NAMES = {
    b"[A": "up", b"[B": "down", b"[5~": "page-up", b"[6~": "page-down", b"[H": "home",
    b"[F": "end", b"[1~": "home", b"[4~": "end", b"OH": "home", b"OF": "end", b"OA": "up",
    b"OB": "down",
}  # fmt: skip
CONTROL = {
    "\r": "enter", "\n": "enter", "\x7f": "backspace", "\x08": "backspace", "\x03": "ctrl-c",
    "\x04": "q", "\x06": "page-down", "\x02": "page-up",
}  # fmt: skip


def keys_of(data: bytes) -> tuple[list[str], bytes]:
    """The keys that some bytes are, and the bytes of one that is not whole yet."""
    found: list[str] = []
    while data:
        if data[0] == 0x1B:
            size = _sequence(data)
            if size is None:
                return found, data
            found.append(NAMES.get(data[1:size], "escape" if size == 1 else "unknown"))
        else:
            size = _sign_size(data[0])
            if len(data) < size:
                return found, data
            sign = data[:size].decode(errors="replace")
            found.append(CONTROL.get(sign, sign))
        data = data[size:]
    return found, b""


def _sign_size(first: int) -> int:
    return 1 if first < 0xC0 else 2 if first < 0xE0 else 3 if first < 0xF0 else 4


def _sequence(data: bytes) -> int | None:
    """How many bytes an escape sequence has (ECMA-48, 5.4); None when it is not whole."""
    if len(data) == 1:
        return None
    if data[1:2] == b"O":
        return 3 if len(data) > 2 else None
    if data[1:2] != b"[":
        return 1
    for index in range(2, len(data)):
        if 0x40 <= data[index] <= 0x7E:
            return index + 1
    return None


class Keys:
    """The keyboard while it is entered: no echo, no Enter, no Ctrl-Z that would leave it so."""

    def __init__(self, file: int) -> None:
        self._file = file
        self._before: list[Any] | None = None
        self._data = b""
        self._waiting: deque[str] = deque()

    def __enter__(self) -> Keys:
        self._before = termios.tcgetattr(self._file)
        raw = termios.tcgetattr(self._file)
        raw[3] &= ~(termios.ICANON | termios.ECHO | termios.ISIG)
        raw[6][termios.VMIN], raw[6][termios.VTIME] = 1, 0
        termios.tcsetattr(self._file, termios.TCSADRAIN, raw)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._before is not None:
            # What was typed ahead is not for the shell.
            termios.tcsetattr(self._file, termios.TCSAFLUSH, self._before)

    def next(self, seconds: float) -> str | None:
        """The next key; None when none comes within some seconds, "q" when the terminal is gone."""
        if not self._waiting and self._is_readable(seconds):
            data = os.read(self._file, 1024)
            if not data:
                return "q"
            found, self._data = keys_of(self._data + data)
            while self._data and self._is_readable(ESCAPE_S):
                more = os.read(self._file, 1024)
                if not more:
                    break
                again, self._data = keys_of(self._data + more)
                found += again
            if self._data[:1] == b"\x1b":
                found, self._data = [*found, "escape"], b""
            self._waiting += found
        return self._waiting.popleft() if self._waiting else None

    def _is_readable(self, seconds: float) -> bool:
        return bool(select.select([self._file], [], [], seconds)[0])
