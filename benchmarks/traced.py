"""Runs a historian and notes, at the moment in which a write has become durable, what was in it.

    python -m benchmarks.traced historian TRACE SITE_FILE        ours, after Store.write
    python -m benchmarks.traced script TRACE SCRIPT ARGUMENTS    the plain one, after /write

TRACE gets two columns in NumPy's format: source time of a value and when it was stored, in UTC ms.
The clock is read in the historian's own process, so nothing is polled and nothing is rounded down.
"""

from __future__ import annotations

import runpy
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np

NS_PER_MS = 1_000_000


class Trace:
    """What was stored and when, kept in memory until the end."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.parts: list[tuple[int, Any]] = []

    def note(self, source: Any) -> None:
        """`source` has become durable now."""
        self.parts.append((time.time_ns(), source))

    def save(self, columns: Sequence[tuple[int, np.ndarray[Any, Any]]]) -> None:
        """Write source times (ms) and, for each, when it was stored (ms)."""
        source = np.concatenate([times for _, times in columns] or [np.zeros(0)])
        stored = np.concatenate(
            [np.full(len(times), at / NS_PER_MS) for at, times in columns] or [np.zeros(0)]
        )
        np.save(self.path, np.stack([source.astype(np.float64), stored]))


def historian(trace: Trace, site: str) -> None:
    """Our historian, whose store tells the trace what it has committed."""
    import plant.process as process
    from benchmarks.road import STATION
    from plant.stores.store import Points, Refusal, Store
    from refit.historian import historian as command
    from wire.site import StoreConfig

    opened = process.open_store

    def traced(config: StoreConfig) -> Store:
        store = opened(config)
        write = store.write

        def noting(points: Sequence[Points]) -> list[list[Refusal]]:
            refused = write(points)
            trace.note([one.samples.time for one in points if one.measurement == STATION])
            return refused

        store.write = noting  # type: ignore[method-assign]
        return store

    process.open_store = traced
    command(Path(site))
    columns = [(at, times) for at, parts in trace.parts for times in parts]
    trace.save(columns)


def script(trace: Trace, path: str, arguments: list[str]) -> None:
    """A Python program that writes line protocol with urllib3."""
    import urllib3

    request = urllib3.PoolManager.request

    def noting(self: Any, method: str, url: str, *args: Any, **kw: Any) -> Any:
        answer = request(self, method, url, *args, **kw)
        if "/write" in url and answer.status < 300:
            trace.note(kw.get("body", b""))
        return answer

    def end(number: int, frame: FrameType | None) -> None:
        raise SystemExit(0)

    urllib3.PoolManager.request = noting  # type: ignore[method-assign]
    signal.signal(signal.SIGTERM, end)
    sys.argv = [path, *arguments]
    try:
        runpy.run_path(path, run_name="__main__")
    finally:
        trace.save([(at, _times(body)) for at, body in list(trace.parts)])


def _times(body: bytes | str) -> np.ndarray[Any, Any]:
    """The times of line protocol in ns, as ms."""
    text = body.decode() if isinstance(body, bytes) else body
    times = [int(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line]
    return np.array(times, np.float64) / NS_PER_MS


def main() -> None:
    what, path, program, *arguments = sys.argv[1:]
    trace = Trace(Path(path))
    if what == "historian":
        historian(trace, program)
    else:
        script(trace, program, arguments)


if __name__ == "__main__":
    main()
