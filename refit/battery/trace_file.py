"""The raw trace of a run as CSV with the names of the Battery Data Format."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    from simulators.battery.bench import Run

ROWS = 500  # written at once


class Digest(Protocol):
    """What hashes."""

    def update(self, data: bytes, /) -> None:
        """Take more."""


def write_trace(path: Path, run: Run) -> str:
    """Write all columns; returns the file's SHA-256.

    Cells are empty in rows in which they were not sampled, and negative while they are balanced.
    """
    import numpy as np

    from stations.battery.trace import columns_of

    count = run.cells_v.shape[1]
    cells, none = ",%.3f" * count, "," * count
    digest = hashlib.sha256()
    sampled = np.isfinite(run.cells_v[:, 0]).tolist()
    columns = (run.time_s, run.voltage_v, run.current_a, run.step, run.degc)
    rows = zip(*(np.asarray(one).tolist() for one in columns), strict=True)
    with path.open("wb") as file:
        lines = [",".join(columns_of(count))]
        for at, row in enumerate(rows):
            tail = cells % tuple(run.cells_v[at].tolist()) if sampled[at] else none
            time_s, volts, amperes, step, degc = row
            lines.append(f"{time_s:.1f},{volts:.4f},{amperes:.4f},{step},{degc:.2f}{tail}")
            if len(lines) == ROWS:
                _put(file, digest, lines)
        _put(file, digest, lines)
    return digest.hexdigest()


def _put(file: BinaryIO, digest: Digest, lines: list[str]) -> None:
    if lines:
        data = ("\n".join(lines) + "\n").encode()
        file.write(data)
        digest.update(data)
        lines.clear()
