"""The truth log: what the simulated machines offered, to be compared with what was stored.

JSON lines, each with a running number `n`: `change` (a value or status changed), `item`, `write`,
`overflow`, `ack` and `gone` (OPC UA), `read`, `refused` and `command`. See `opcua_seam.py` and
`modbus.py` for what each says exactly.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import orjson

FLUSH_S = 0.1


class TruthLog:
    """Appends events to a file; without a file it only counts them.

    One that `survives` goes on after the last whole line of its file, and each event is there at
    once: a simulator that is killed has then not offered anything of which the log does not know.
    """

    def __init__(self, path: Path | None, *, survives: bool = False) -> None:
        self.count = 0
        self._lines: list[bytes] = []
        self._survives = survives
        if path is not None and survives and path.exists():
            self.count = _mended(path)
        self._file: BinaryIO | None = None if path is None else _opened(path, self.count)

    def add(self, event: str, station: str, **fields: Any) -> int:
        """Note an event; returns its running number, which begins with 1."""
        self.count += 1
        if self._file is not None:
            line = {"n": self.count, "event": event, "station": station, **fields}
            self._lines.append(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
            if self._survives:
                self.flush()
        return self.count

    def flush(self) -> None:
        """Hand everything noted so far to the operating system."""
        if self._file is not None and self._lines:
            self._file.write(b"".join(self._lines))
            self._lines.clear()

    async def flush_often(self) -> None:
        """Flush every 100 ms until cancelled: a killed simulator loses no more than that."""
        while True:
            await asyncio.sleep(FLUSH_S)
            self.flush()

    def close(self) -> None:
        """Flush and close the file."""
        self.flush()
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> TruthLog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _mended(path: Path) -> int:
    """The number of the last event in a file; what is torn after it is cut off."""
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    with path.open("r+b") as file:
        file.truncate(len(whole))
    return int(orjson.loads(whole.splitlines()[-1])["n"]) if whole else 0


def _opened(path: Path, count: int) -> BinaryIO:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("ab" if count else "wb", buffering=0)
