"""From the source timestamp of a value to the moment in which it is durably stored."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import generator, naive
from benchmarks.chain import Load, trial
from benchmarks.figure import Context, Figure, medians
from benchmarks.generator import Generator
from benchmarks.naive import Naive
from benchmarks.road import Road

LOADS = ((100, 10.0), (1_000, 10.0))
SLOW = ((100, 5.0),)
SHORT_S = 5.0
FACTOR = 2  # a percentile wants more values than a rate


def measure(context: Context) -> dict[str, Any]:
    """p50, p95, p99 and the maximum at each load, the median of `repeats` runs."""
    loads = SLOW if context.short or not generator.fast() else LOADS
    result: dict[str, Any] = {
        "settings": context.settings | {"generator": generator.name(), "publishing_ms": 100},
        "ours": [_load(context, "ours", Road, *load) for load in loads],
    }
    why = naive.missing()
    if why:
        context.say(f"the plain chain is not measured: {why}")
        result["plain_missing"] = why
    else:
        result["plain"] = [_load(context, "the plain chain", Naive, *loads[0])]
    return result


def _load(
    context: Context, name: str, make: Callable[..., Any], tags: int, hz: float
) -> dict[str, Any]:
    load = Load(tags, hz, SHORT_S if context.short else FACTOR * context.seconds)
    runs = []
    for number in range(1, context.repeats + 1):
        context.say(f"{name}: {load.rate:,.0f} values/s, {number} of {context.repeats}")
        runs.append(_one(context, make, load))
        found = runs[-1]["latency_ms"]
        context.say(f"    p50 {found['p50']} ms, p99 {found['p99']} ms, at most {found['max']} ms")
    return {"values_per_s": load.rate, "median": medians(runs), "runs": runs}


def _one(context: Context, make: Callable[..., Any], load: Load) -> dict[str, Any]:
    folder = context.trial("latency")
    trace = folder / "trace.npy"
    with Generator(folder, load.tags, load.hz) as machine:
        with make(folder, machine, trace) as chain:
            chain.start()
            told = trial(chain, machine, load, context.patience_s)
        source, stored = np.load(trace)
    return told | {"latency_ms": _percentiles(source, stored, told["account"]["written"])}


def _percentiles(source: Any, stored: Any, written: int) -> dict[str, float]:
    """Of the values that the generator wrote: the newest; before them each tag was read once."""
    newest = np.argsort(source, kind="stable")[-written:]
    late = (stored - source)[newest]
    return {
        "p50": round(float(np.percentile(late, 50)), 1),
        "p95": round(float(np.percentile(late, 95)), 1),
        "p99": round(float(np.percentile(late, 99)), 1),
        "max": round(float(late.max()), 1),
        "values": len(late),
    }


FIGURE = Figure(
    "latency",
    "milliseconds from the source timestamp until the store's transaction is on disk",
    measure,
)
