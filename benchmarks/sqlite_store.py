"""The embedded store against two other ways into the same table: values/s and CPU-seconds.

Run: python benchmarks/sqlite_store.py [VALUES]
Every way writes the same samples of 1,000 series, durably (`synchronous=FULL`), with the same
PRAGMAs, and must leave the same table behind; JSON is also looked at for exactness.
"""

from __future__ import annotations

import resource
import sqlite3
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import orjson

from plant.stores.sqlite import SqliteStore
from plant.stores.store import Points
from stations.declare import Type
from stations.samples import Samples
from wire.sparkplug.metrics import MetricName

SERIES = 1_000
T0 = 1_700_000_000_000
TABLE = (
    "CREATE TABLE sample (series INTEGER NOT NULL, time INTEGER NOT NULL, status INTEGER NOT NULL, "
    "value, PRIMARY KEY (series, time)) WITHOUT ROWID"
)
NAMES = {n: MetricName(n, "studio-1", f"tag_{n}", Type.FLOAT) for n in range(SERIES)}
Way = Callable[[Path, list[Samples]], tuple[float, float]]


def batches(values: int, size: int) -> list[Samples]:
    """Values of all series in turn, 100 ms apart, in batches as the historian writes them."""
    random = np.random.default_rng(1)
    made = []
    for start in range(0, values, size):
        row = np.arange(start, start + size)
        made.append(
            Samples(
                (row % SERIES).astype(np.uint32),
                T0 + row // SERIES * 100,
                np.zeros(size, np.uint32),
                np.full(size, Type.FLOAT, np.uint8),
                (random.random(size) * 100).view(np.uint64),
            )
        )
    return made


def timed(work: Callable[[], None]) -> tuple[float, float]:
    """Wall and CPU seconds."""
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    work()
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def ours(path: Path, work: list[Samples]) -> tuple[float, float]:
    """SqliteStore: sorted columns, one executemany."""
    store = SqliteStore(path)

    def run() -> None:
        for samples in work:
            store.write([Points("s", "l", "studio-1", "studio", NAMES, samples, T0 + 10**9)])

    try:
        return timed(run)
    finally:
        store.close()


def rows(path: Path, work: list[Samples]) -> tuple[float, float]:
    """executemany in the order of arrival, row by row made in Python: the usual code."""

    def write(connection: sqlite3.Connection, samples: Samples) -> None:
        numbers = samples.floats
        connection.executemany(
            "INSERT OR REPLACE INTO sample VALUES (?, ?, ?, ?)",
            (
                (int(samples.tag[i]), int(samples.time[i]), int(samples.status[i]),
                 float(numbers[i]))
                for i in range(len(samples))
            ),
        )  # fmt: skip

    return _through(path, work, write)


def json_text(path: Path, work: list[Samples]) -> tuple[float, float]:
    """NumPy columns as one JSON text that SQLite takes apart: no Python object per value."""

    def write(connection: sqlite3.Connection, samples: Samples) -> None:
        order = np.lexsort((samples.time, samples.tag))
        table = np.stack([samples.tag, samples.time, samples.status, samples.floats], 1)[order]
        connection.execute(
            "INSERT OR REPLACE INTO sample SELECT CAST(value ->> 0 AS INTEGER), "
            "CAST(value ->> 1 AS INTEGER), CAST(value ->> 2 AS INTEGER), value ->> 3 "
            "FROM json_each(?)",
            (orjson.dumps(table, option=orjson.OPT_SERIALIZE_NUMPY).decode(),),
        )

    return _through(path, work, write)


def _through(
    path: Path, work: list[Samples], write: Callable[[sqlite3.Connection, Samples], None]
) -> tuple[float, float]:
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "wal_autocheckpoint=8000"):
        connection.execute(f"PRAGMA {pragma}")
    connection.execute(TABLE)

    def run() -> None:
        for samples in work:
            connection.execute("BEGIN IMMEDIATE")
            write(connection, samples)
            connection.execute("COMMIT")

    try:
        return timed(run)
    finally:
        connection.close()


def wrong_values(path: Path, work: list[Samples]) -> int:
    """How many stored values differ from what was written, in any bit."""
    connection = sqlite3.connect(path)
    stored = [
        row[0] for row in connection.execute("SELECT value FROM sample ORDER BY time, series")
    ]
    connection.close()
    truth = np.concatenate([samples.value for samples in work])
    order = np.lexsort(
        (np.concatenate([s.tag for s in work]), np.concatenate([s.time for s in work]))
    )
    if len(stored) != len(truth):
        raise SystemExit(f"{len(stored)} of {len(truth)} values were stored")
    return int(np.count_nonzero(np.array(stored).view(np.uint64) != truth[order]))


def main() -> None:
    values = int(sys.argv[1]) if len(sys.argv) > 1 else 200_000
    ways: dict[str, Way] = {"ours": ours, "row by row": rows, "json_each": json_text}
    print("| way | values a commit | values/s | CPU-s per million values | inexact |")
    print("|---|---|---|---|---|")
    for size in (100, 1_000, 10_000):
        work = batches(values, size)
        for name, way in ways.items():
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "samples.db"
                wall, cpu = way(path, work)
                wrong = wrong_values(path, work)
            rate, cost = values / wall, cpu / values * 1e6
            print(f"| {name} | {size:,} | {rate:,.0f} | {cost:.1f} | {wrong} |", flush=True)


if __name__ == "__main__":
    main()
