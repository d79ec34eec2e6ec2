"""The raw trace of a run as CSV with BDF column names, a row a sample; it outlives restarts."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import TextIO

from stations.battery.trace import columns_of

SYNC_S = 10.0  # so much of a trace a power cut may cost
TAIL = 4096


class Recording:
    """Appends rows; what a kill left half written of the last row is cut off first."""

    def __init__(self, path: Path, cells: int) -> None:
        self.path, self._cells = path, cells
        self._file: TextIO | None = None
        self._synced_s = -math.inf

    def __enter__(self) -> Recording:
        is_new = not self.path.exists() or not self.path.stat().st_size
        if not is_new:
            _cut_half_a_row(self.path)
        self._file = self.path.open("a", encoding="utf-8", newline="")
        if is_new:
            self._file.write(",".join(columns_of(self._cells)) + "\n")
            self._sync(-math.inf)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._file is not None:
            self._sync(math.inf)
            self._file.close()

    def last_s(self) -> float:
        """Time of the last row, 0 when there is none."""
        with self.path.open("rb") as file:
            file.seek(max(0, self.path.stat().st_size - TAIL * (1 + self._cells // 100)))
            last = file.read().splitlines()[-1].split(b",", 1)[0]
        try:
            return float(last)
        except ValueError:  # the head
            return 0.0

    def add(
        self, time_s: float, voltage_v: float | None, current_a: float | None, step: str,
        degc: float | None, cells_v: Sequence[float] | None,
    ) -> None:  # fmt: skip
        """One sample; without voltage or current it is none and makes no row."""
        if voltage_v is None or current_a is None or self._file is None:
            return
        cells = [""] * self._cells if cells_v is None else [f"{one:.4g}" for one in cells_v]
        warm = "" if degc is None else f"{degc:.2f}"
        row = [
            f"{time_s:.3f}",
            f"{voltage_v:.4f}",
            f"{current_a:.5f}",
            step.replace(",", " "),
            warm,
        ]
        self._file.write(",".join([*row, *cells]) + "\n")
        if time_s - self._synced_s >= SYNC_S:
            self._sync(time_s)

    def _sync(self, time_s: float) -> None:
        assert self._file is not None
        self._file.flush()
        os.fsync(self._file.fileno())
        self._synced_s = time_s


def _cut_half_a_row(path: Path) -> None:
    with path.open("rb+") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 65_536))
        tail = file.read()
        file.truncate(size - (len(tail) - tail.rfind(b"\n") - 1))
