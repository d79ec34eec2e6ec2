"""The machine on which a figure was taken, and who else used it meanwhile."""

from __future__ import annotations

import os
import platform
import sqlite3
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

import psutil

PACKAGES = (
    "refit", "asyncua", "pymodbus", "paho-mqtt", "iotcore", "numpy", "protobuf", "pydantic",
    "orjson", "influxdb-client", "SQLAlchemy", "psycopg",
)  # fmt: skip
QUIET_CORES = 0.15
LOOK_S = 2.0


def about() -> dict[str, Any]:
    """Cores, memory, and two small measures by which this machine can be compared to others."""
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / (1 << 30), 1),
        "architecture": platform.machine(),
        "system": platform.system(),
        "python_loop_ms": round(_loop_ms(), 1),
        "fsync_ms": round(_fsync_ms(), 3),
        "taken": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def versions() -> dict[str, str]:
    """Versions of what takes part."""
    found = {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


def load_average() -> float:
    """Processes that ran or wanted to run, mean of the last minute."""
    return round(os.getloadavg()[0], 2)


def busy_s() -> float:
    """CPU-seconds that all processes of this machine have used since it started."""
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0))


def wait_until_quiet(patience_s: float) -> float:
    """Wait until nobody else computes, `patience_s` at most; cores in use at the last look."""
    until = time.monotonic() + patience_s
    while True:
        before, began = busy_s(), time.monotonic()
        time.sleep(min(LOOK_S, max(patience_s, 0.2)))
        cores = (busy_s() - before) / (time.monotonic() - began)
        if cores < QUIET_CORES or time.monotonic() > until:
            return round(cores, 2)


def _loop_ms() -> float:
    """A loop of one million additions in Python: the best of five."""
    times = []
    for _ in range(5):
        began, total = time.perf_counter(), 0
        for number in range(1_000_000):
            total += number
        times.append(time.perf_counter() - began)
    return min(times) * 1000


def _fsync_ms() -> float:
    """Appending 4 KiB to a file and waiting until it is on disk: the median of fifty."""
    times = []
    with tempfile.TemporaryFile() as file:
        for _ in range(50):
            began = time.perf_counter()
            file.write(b"\0" * 4096)
            file.flush()
            os.fsync(file.fileno())
            times.append(time.perf_counter() - began)
    return median(times) * 1000


def peak_mib() -> int:
    """The most memory that this process had resident."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) >> 10
    raise RuntimeError("this system does not tell the peak of a process's memory")
