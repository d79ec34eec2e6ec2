"""How long a CSV of 10,000 tags takes to become a declaration; claimed is less than a second."""

from __future__ import annotations

import time
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.figure import Context, Figure
from wire.site import devices

HEADER = "name,address,type,unit,scale,low,high,deadband,every,on,doc\n"


def written(path: Path, tags: int) -> Path:
    """A CSV with this many tags, a third of each usual sort."""
    rows = []
    for number in range(tags):
        if number % 3 == 0:
            address = f"input {2 * (number % 32000)} float32 CDAB on=bus{number // 32000}"
            rows.append(
                f"value_{number},{address},float,kW,,0,100,0.1,1 s,,Power of load {number}."
            )
        elif number % 3 == 1:
            rows.append(f"count_{number},Loads/{number}/Count,int,,,0,,,,,Starts of load {number}.")
        else:
            rows.append(f"is_on_{number},ns=3;s=Load{number}.On,bool,,,,,,,,Load {number} runs.")
    path.write_text(HEADER + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def measure(context: Context) -> dict[str, Any]:
    """Five readings of one file."""
    tags = 1_000 if context.short else 10_000
    path = written(context.trial("csv") / "plant.csv", tags)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        device = devices.read(path)
        times.append(round(time.perf_counter() - start, 3))
        if len(device.declaration.tags) != tags:
            raise RuntimeError(f"{path} gave {len(device.declaration.tags)} tags")
    context.say(f"{tags:,} tags: {median(times)} s")
    return {"settings": {"tags": tags}, "runs": times, "median": {"seconds": median(times)}}


FIGURE = Figure("load_csv", "seconds until a CSV of 10,000 tags has become a declaration", measure)
