"""How long the simulated camera takes for a picture, by size, and for a vehicle once.

The long form makes the two large pictures as well, once, each in a process of its own, whose
highest memory is told: `python -m benchmarks.studio_renderer underbody FILE` makes one.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.figure import Context, Figure, medians

SIZES = ((640, 360), (960, 540), (1920, 1080))
SHORT_SIZES = ((160, 90),)
ANGLES = (0.0, 40.0, 90.0, 215.0)
LARGE = ("underbody", "interior")
LARGE_S = 3600.0


def measure(context: Context) -> dict[str, Any]:
    """Seconds of processor and of wall time a frame, the mean of four angles."""
    from simulators.studio import views
    from simulators.studio.picture import SAMPLES, photograph
    from simulators.studio.style import Look
    from simulators.studio.vehicle import vehicle

    sizes = SHORT_SIZES if context.short else SIZES
    look = Look.of(7, "estate", "blue")
    runs = []
    for number in range(context.repeats):
        vehicle.cache_clear()
        began = time.process_time()
        car = vehicle(look)
        run = {"vehicle_cpu_s": round(time.process_time() - began, 3)}
        for width, height in sizes:
            wall, processor = time.perf_counter(), time.process_time()
            for angle in ANGLES:
                photograph(car, views.ring(look, angle, width, height))
            run[f"{height}p_s"] = round((time.perf_counter() - wall) / len(ANGLES), 3)
            run[f"{height}p_cpu_s"] = round((time.process_time() - processor) / len(ANGLES), 3)
        runs.append(run)
        context.say(f"run {number + 1}: {run}")
    large = [] if context.short else [_large(context, kind) for kind in LARGE]
    return {
        "large": large,
        "settings": context.settings
        | {"sizes": [list(size) for size in sizes], "samples": SAMPLES, "angles": list(ANGLES)},
        "triangles": len(car.mesh.triangles),
        "runs": runs,
        "median": medians(runs),
    }


def _large(context: Context, kind: str) -> dict[str, Any]:
    """One large picture, made by a process of its own."""
    words = [sys.executable, "-m", "benchmarks.studio_renderer", kind]
    file = context.trial(kind) / f"{kind}.jpg"
    done = subprocess.run([*words, file], capture_output=True, check=True, timeout=LARGE_S)
    run: dict[str, Any] = json.loads(done.stdout)
    context.say(f"{kind}: {run}")
    return run


def make_large(kind: str, file: Path) -> dict[str, Any]:
    """The whole strip of the underbody or the whole panorama as a file; what it has taken."""
    from simulators.studio import views
    from simulators.studio.album import PANORAMA, UNDERBODY, jpeg
    from simulators.studio.panorama import cube, equirectangular
    from simulators.studio.picture import photograph
    from simulators.studio.style import Look
    from simulators.studio.vehicle import vehicle

    began = time.perf_counter()
    car = vehicle(Look.of(7, "estate", "blue"))
    if kind == "underbody":
        picture = photograph(car, views.underbody(*UNDERBODY))
    else:
        picture = equirectangular(cube(car, PANORAMA // 4), PANORAMA)
    file.write_bytes(jpeg(picture))
    used = resource.getrusage(resource.RUSAGE_SELF)
    return {
        "kind": kind,
        "width": picture.shape[1],
        "height": picture.shape[0],
        "s": round(time.perf_counter() - began, 1),
        "cpu_s": round(used.ru_utime + used.ru_stime, 1),
        "peak_mib": round(used.ru_maxrss / 1024),
        "bytes": file.stat().st_size,
    }


FIGURE = Figure("studio_renderer", "seconds a picture of the simulated camera, by size", measure)


if __name__ == "__main__":
    print(json.dumps(make_large(sys.argv[1], Path(sys.argv[2]))))
