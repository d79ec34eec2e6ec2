"""Line protocol from columns against influxdb-client's Point and plain f-strings, and the writing.

All make the same lines of 20 stations with 50 tags each, 50 values a line; then our store writes
them into a real InfluxDB, and reads them back to be compared.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from influxdb_client import Point, WritePrecision

from benchmarks import machine
from benchmarks.figure import Context, Figure, medians
from plant.stores.influx import InfluxStore
from plant.stores.influx.catalog import Catalog, Key
from plant.stores.influx.lines import arrange, encode
from plant.stores.store import Points
from stations.declare import Type
from stations.samples import Samples
from wire.site import StoreConfig
from wire.sparkplug.metrics import MetricName

STATIONS, TAGS = 20, 50
T0_MS = 1_767_225_600_000
VALUES, SHORT_VALUES = 500_000, 5_000
BATCHES = (1_000, 10_000, 50_000)
KEEP_MS = 10_000 * 86_400_000
SITE, LINE, KIND = "works", "line-1", "studio"
NAMES = [
    {n: MetricName(n, f"studio-{station}", f"tag_{n:02d}", Type.FLOAT) for n in range(TAGS)}
    for station in range(STATIONS)
]


def samples(values: int) -> list[Samples]:
    """So many values in turn, by station: every tag at the same times, 100 ms apart."""
    random = np.random.default_rng(1)
    steps = values // (STATIONS * TAGS)
    size = steps * TAGS
    return [
        Samples(
            np.tile(np.arange(TAGS, dtype=np.uint32), steps),
            T0_MS + np.repeat(np.arange(steps), TAGS) * 100,
            np.zeros(size, np.uint32),
            np.full(size, Type.FLOAT, np.uint8),
            random.normal(20.0, 3.0, size).view(np.uint64),
        )
        for _ in range(STATIONS)
    ]


def columns(work: list[Samples]) -> int:
    """Our way; how many bytes."""
    catalog, size = Catalog(0), 0
    for station, rows in enumerate(work):
        numbers = []
        for n in range(TAGS):
            key = Key(SITE, LINE, f"studio-{station}", KIND, f"tag_{n:02d}")
            catalog.add(key, T0_MS, Type.FLOAT)
            numbers.append(catalog.numbers[key])
        arranged = arrange(np.array(numbers)[rows.tag], rows, catalog.keys)
        catalog.tell(arranged)
        size += len(encode(arranged, catalog.keys)[0])
    return size


def f_strings(work: list[Samples]) -> int:
    """The usual fast code: a line is one f-string of what stands in dictionaries."""
    size = 0
    for station, rows in enumerate(work):
        tags, values, times = rows.tag.tolist(), rows.floats.tolist(), rows.time.tolist()
        lines: dict[int, list[str]] = {}
        for tag, value, at in zip(tags, values, times, strict=True):
            lines.setdefault(at, []).append(f"{NAMES[station][tag].name}={value}")
        head = f"{KIND},line={LINE},site={SITE},station=studio-{station}"
        size += len("\n".join(f"{head} {','.join(told)} {at}" for at, told in lines.items()))
    return size


def points(work: list[Samples]) -> int:
    """influxdb-client's Point, a point a line."""
    size = 0
    for station, rows in enumerate(work):
        tags, values, times = rows.tag.tolist(), rows.floats.tolist(), rows.time.tolist()
        made: dict[int, Point] = {}
        for tag, value, at in zip(tags, values, times, strict=True):
            if at not in made:
                made[at] = Point(KIND).tag("line", LINE).tag("site", SITE)
                made[at].tag("station", f"studio-{station}").time(at, WritePrecision.MS)
            made[at].field(NAMES[station][tag].name, value)
        size += len("\n".join(point.to_line_protocol() for point in made.values()))
    return size


WAYS: dict[str, Callable[[list[Samples]], int]] = {
    "columns (ours)": columns, "f-strings": f_strings, "influxdb-client Point": points,
}  # fmt: skip


def measure(context: Context) -> dict[str, Any]:
    """The three ways of encoding, then our store at a real InfluxDB with batches of three sizes."""
    values = SHORT_VALUES if context.short else VALUES
    work = samples(values)
    ways = []
    for name, way in WAYS.items():
        runs = [_encode(context, way, work, values) for _ in range(context.repeats)]
        ways.append({"way": name, "median": medians(runs), "runs": runs})
        context.say(f"{name}: {ways[-1]['median']}")
    writes = []
    for size in BATCHES:
        runs = [_write(context, work, size, values) for _ in range(context.repeats)]
        writes.append({"values_a_write": size, "median": medians(runs), "runs": runs})
        context.say(f"{size:,} a write: {writes[-1]['median']}")
    return {"settings": context.settings | {"values": values}, "encode": ways, "write": writes}


def _encode(
    context: Context, way: Callable[[list[Samples]], int], work: list[Samples], values: int
) -> dict[str, Any]:
    machine.wait_until_quiet(context.patience_s)
    began = time.process_time()
    size = way(work)
    return {
        "values_per_cpu_s": round(values / (time.process_time() - began)),
        "bytes_a_value": round(size / values, 1),
    }


def _write(context: Context, work: list[Samples], size: int, values: int) -> dict[str, Any]:
    from tests.servers import InfluxDB

    folder = context.trial("influxdb")
    with InfluxDB(folder) as server:
        config = StoreConfig(
            url=f"influxdb://127.0.0.1:{server.port}/bench", version=server.version,
            keep_ms=KEEP_MS, dead_letters=Path(folder / "dead.db"),
        )  # fmt: skip
        with closing(InfluxStore(config, since_ms=0)) as store:
            steps = max(1, size // (STATIONS * TAGS))
            store.write(_batch(work, 0, 1))  # the series are entered
            machine.wait_until_quiet(context.patience_s)
            busy, others = psutil.Process(server.pid), machine.busy_s()
            server_cpu, cpu, began = _cpu_s(busy), time.process_time(), time.perf_counter()
            for start in range(0, len(work[0]) // TAGS, steps):
                refused = store.write(_batch(work, start, start + steps))
                assert not any(refused)
            wall, cpu = time.perf_counter() - began, time.process_time() - cpu
            server_cpu = _cpu_s(busy) - server_cpu
            others = machine.busy_s() - others - cpu - server_cpu
            found = store.range("studio-7", "tag_07", 0, 1 << 52)
            wanted = work[7][work[7].tag == 7]
            if store.count() != values or found.value.tolist() != wanted.value.tolist():
                raise RuntimeError("not every value came back as it was written")
    return {
        "values_per_s": round(values / wall),
        "cpu_s_per_million": round(cpu / values * 1e6, 2),
        "server_cpu_s_per_million": round(server_cpu / values * 1e6, 2),
        "cores_of_others": round(max(0.0, others) / wall, 2),
    }


def _batch(work: list[Samples], start: int, end: int) -> list[Points]:
    rows = slice(start * TAGS, end * TAGS)
    return [
        Points(SITE, LINE, f"studio-{n}", KIND, NAMES[n], part[rows], T0_MS + 10**9)
        for n, part in enumerate(work)
    ]


def _cpu_s(process: psutil.Process) -> float:
    used = process.cpu_times()
    return float(used.user + used.system)


FIGURE = Figure(
    "influx_lines", "line protocol from columns, and writing it into a real InfluxDB", measure
)
