"""How long the simulated camera takes for a picture, by size, and for a vehicle once."""

from __future__ import annotations

import time
from typing import Any

from benchmarks.figure import Context, Figure, medians

SIZES = ((640, 360), (960, 540), (1920, 1080))
SHORT_SIZES = ((160, 90),)
ANGLES = (0.0, 40.0, 90.0, 215.0)


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
    return {
        "settings": context.settings
        | {"sizes": [list(size) for size in sizes], "samples": SAMPLES, "angles": list(ANGLES)},
        "triangles": len(car.mesh.triangles),
        "runs": runs,
        "median": medians(runs),
    }


FIGURE = Figure("studio_renderer", "seconds a picture of the simulated camera, by size", measure)
