"""What processes use: CPU-seconds and memory, with their children."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from types import TracebackType

import psutil

from benchmarks.machine import busy_s

MIB = 1 << 20
EVERY_S = 0.25


def cpu_s(process: int) -> float:
    """CPU-seconds of a process and its living children; 0 when it is gone."""
    total = 0.0
    for one in _family(process):
        try:
            times = one.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def memory_mib(process: int) -> float:
    """Resident memory of a process and its living children in MiB; 0 when it is gone."""
    total = 0
    for one in _family(process):
        try:
            total += one.memory_info().rss
        except psutil.NoSuchProcess:
            continue
    return total / MIB


def _family(process: int) -> list[psutil.Process]:
    try:
        head = psutil.Process(process)
        return [head, *head.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def written_bytes(process: int) -> int:
    """Bytes that a process and its living children have caused to be written to a disk."""
    total = 0
    for one in _family(process):
        try:
            total += one.io_counters().write_bytes
        except (psutil.Error, AttributeError):
            continue  # not every system counts it
    return total


class Usage:
    """CPU, memory and disk of named processes between entering and leaving.

    `others_s` are the CPU-seconds of processes that are not named here.
    """

    def __init__(self, processes: Mapping[str, int]) -> None:
        self.processes = dict(processes)
        self.cpu_s: dict[str, float] = {}
        self.written: dict[str, int] = {}
        self.peak_mib = dict.fromkeys(self.processes, 0.0)
        self.end_mib: dict[str, float] = {}
        self.others_s = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Usage:
        self._before = {name: cpu_s(process) for name, process in self.processes.items()}
        self._written = {name: written_bytes(one) for name, one in self.processes.items()}
        self._self = psutil.Process().cpu_times()
        self._busy = busy_s()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()
        own = psutil.Process().cpu_times()
        mine = own.user + own.system - self._self.user - self._self.system
        for name, process in self.processes.items():
            self.cpu_s[name] = cpu_s(process) - self._before[name]
            self.written[name] = written_bytes(process) - self._written[name]
            self.end_mib[name] = memory_mib(process)
        self.others_s = max(0.0, busy_s() - self._busy - sum(self.cpu_s.values()) - mine)

    def _watch(self) -> None:
        while not self._stop.wait(EVERY_S):
            for name, process in self.processes.items():
                self.peak_mib[name] = max(self.peak_mib[name], memory_mib(process))
