"""The embedded store against two other ways into the same table: values/s and CPU-seconds.

Every way writes the same samples of 1,000 series, durably (`synchronous=FULL`), with the same
PRAGMAs, and must leave the same table behind; JSON is also looked at for exactness.
"""

from __future__ import annotations

import resource
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from benchmarks.figure import Context, Figure, medians
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
        raise RuntimeError(f"{len(stored)} of {len(truth)} values were stored")
    return int(np.count_nonzero(np.array(stored).view(np.uint64) != truth[order]))


def measure(context: Context) -> dict[str, Any]:
    """Every way with three sizes of transaction."""
    values = 20_000 if context.short else 200_000
    ways: dict[str, Way] = {"ours": ours, "row by row": rows, "json_each": json_text}
    table = []
    for size in (100, 1_000, 10_000):
        work = batches(values, size)
        for name, way in ways.items():
            runs = [_one(context, way, work, values) for _ in range(context.repeats)]
            table.append({"way": name, "values_a_commit": size, "median": medians(runs)})
            context.say(f"{name}, {size:,} a commit: {table[-1]['median']}")
    return {"settings": context.settings | {"values": values}, "rates": table}


def _one(context: Context, way: Way, work: list[Samples], values: int) -> dict[str, Any]:
    path = context.trial("store") / "samples.db"
    wall_s, cpu_s = way(path, work)
    inexact = wrong_values(path, work)
    path.unlink()
    return {
        "values_per_s": round(values / wall_s),
        "cpu_s_per_million": round(cpu_s / values * 1e6, 2),
        "inexact": inexact,
    }


FIGURE = Figure("sqlite_store", "the embedded store against two other ways into its table", measure)
