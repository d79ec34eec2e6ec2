"""Where agent and historian spend their time at 10,000 values/s, by a sampling profiler."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks import generator
from benchmarks.chain import Load, trial
from benchmarks.figure import Context, Figure
from benchmarks.generator import Generator
from benchmarks.road import Road

VARIABLE = "PYSPY"
RATE_HZ = 200
LOAD = (1_000, 10.0)
SLOW = (100, 5.0)
SHORT_S = 5.0
ROOMS = ("edge", "plant", "wire", "stations", "refit")
TOP = 16
# Where a thread stands that has nothing to do: the profiler cannot always tell.
WAITING = ("select", "_worker", "wait", "poll", "get", "acquire", "join", "accept")
FRAME = re.compile(r"(?P<function>.+) \((?P<file>[^()]*?)(?::\d+)?\)\Z")


def measure(context: Context) -> dict[str, Any]:
    """One run with a profiler on both processes; the time of libraries goes to who calls them."""
    program = os.environ.get(VARIABLE) or shutil.which("py-spy")
    if program is None:
        raise RuntimeError(f"there is no py-spy in the PATH, and {VARIABLE} names none")
    tags, hz = LOAD if generator.fast() else SLOW
    load = Load(tags, hz, SHORT_S if context.short else 2 * context.seconds)
    folder = context.trial("profile")
    with Generator(folder, load.tags, load.hz) as machine, Road(folder, machine) as road:
        road.start()
        context.say(f"profiling at {load.rate:,.0f} values/s")
        pids = {name: road.children.pids[name] for name in ("agent", "historian")}
        spies = {name: _spy(program, pid, folder / name, load) for name, pid in pids.items()}
        told = trial(road, machine, load, 0.0)
        for spy in spies.values():
            spy.wait(60)
    parts = {name: _shares(folder / f"{name}.txt") for name in pids}
    return {"settings": context.settings | {"samples_per_s": RATE_HZ}, "load": told} | parts


def _spy(program: str, pid: int, path: Path, load: Load) -> subprocess.Popen[bytes]:
    seconds = str(int(load.seconds))
    command = [
        program, "record", "--pid", str(pid), "--rate", str(RATE_HZ), "--duration", seconds,
        "--format", "raw", "--full-filenames", "--output", f"{path}.txt",
    ]  # fmt: skip
    with (path.with_suffix(".spy.log")).open("wb") as log:
        return subprocess.Popen(command, stdout=log, stderr=log)


def _shares(path: Path) -> dict[str, Any]:
    """Of all samples, the share of each of our functions, and of the innermost frames."""
    ours: Counter[str] = Counter()
    inner: Counter[str] = Counter()
    for line in path.read_text().splitlines():
        stack, _, count = line.rpartition(" ")
        frames = [_place(frame) for frame in stack.split(";")]
        if _is_waiting(frames[-1][0]):
            continue
        known = [name for name, is_ours in frames if is_ours]
        ours[known[-1] if known else "elsewhere"] += int(count)
        inner[frames[-1][0]] += int(count)
    total = sum(ours.values()) or 1
    return {
        "samples": total,
        "ours": {name: round(count / total, 4) for name, count in ours.most_common(TOP)},
        "innermost": {name: round(count / total, 4) for name, count in inner.most_common(TOP)},
    }


def _is_waiting(place: str) -> bool:
    """Whether the innermost frame is one of the standard library's waits."""
    file, _, function = place.rpartition(" ")
    return "/" not in file and function.rpartition(".")[2] in WAITING


def _place(frame: str) -> tuple[str, bool]:
    """A frame as `edge/pipeline.py run` or `asyncua/ua_binary.py from_binary`; is it our own?"""
    match = FRAME.match(frame)
    if match is None:
        return frame, False
    path = Path(match["file"])
    parts = path.parts
    if "site-packages" in parts:
        inside = parts[parts.index("site-packages") + 1 :]
        return f"{'/'.join(inside)} {match['function']}", False
    for room in ROOMS:
        if room in parts:
            inside = parts[len(parts) - 1 - parts[::-1].index(room) :]
            return f"{'/'.join(inside)} {match['function']}", True
    return f"{path.name} {match['function']}", False


FIGURE = Figure("profile", "where agent and historian spend their time at 10,000 values/s", measure)
