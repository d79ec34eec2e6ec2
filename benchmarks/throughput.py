"""Sustained values a second without loss, and what each million of values costs.

A rate is held when every value is stored exactly once, the generator kept its pace, and the last
value was stored within two seconds of being written. The plain chain goes through the same trials.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from benchmarks import generator, naive
from benchmarks.chain import Chain, Load, trial
from benchmarks.figure import Context, Figure, medians
from benchmarks.generator import Generator
from benchmarks.naive import Naive
from benchmarks.road import Road

Make = Callable[..., Any]
Steps = tuple[tuple[int, float], ...]
OURS: Steps = (
    (100, 10.0), (1_000, 10.0), (1_000, 20.0), (1_000, 30.0), (1_000, 40.0), (1_000, 50.0),
    (1_000, 60.0), (1_000, 80.0),
)  # fmt: skip
PLAIN: Steps = ((100, 10.0), (100, 20.0), (1_000, 4.0), (1_000, 6.0), (1_000, 8.0), (1_000, 10.0))
SLOW: Steps = ((100, 2.0), (100, 5.0), (100, 10.0), (100, 20.0))
SHORT: Steps = ((100, 2.0), (100, 5.0))
SHORT_S = 3.0


def measure(context: Context) -> dict[str, Any]:
    """Every rate `repeats` times, upward until one is never held."""
    steps = SHORT if context.short else OURS if generator.fast() else SLOW
    result: dict[str, Any] = {
        "settings": context.settings | {"generator": generator.name()},
        "ours": _climb(context, "ours", Road, steps),
    }
    why = naive.missing()
    if why:
        context.say(f"the plain chain is not measured: {why}")
        result["plain_missing"] = why
    else:
        steps = steps if context.short or not generator.fast() else PLAIN
        result["plain"] = _climb(context, "the plain chain", Naive, steps)
    return result


def _climb(
    context: Context, name: str, make: Make, steps: Sequence[tuple[int, float]]
) -> dict[str, Any]:
    seconds = SHORT_S if context.short else context.seconds
    rates, best = [], 0.0
    for tags, hz in steps:
        load = Load(tags, hz, seconds)
        runs = []
        for number in range(1, context.repeats + 1):
            context.say(f"{name}: {load.rate:,.0f} values/s, {number} of {context.repeats}")
            runs.append(_one(context, make, load))
            _tell(context, runs[-1])
        held = sum(run["held"] for run in runs)
        rates.append({"held": held, "of": len(runs), "median": medians(runs), "runs": runs})
        if 2 * held > len(runs):
            best = load.rate
        if not held:
            break
    return {"held_values_per_s": best, "rates": rates}


def _one(context: Context, make: Make, load: Load) -> dict[str, Any]:
    folder = context.trial("throughput")
    with Generator(folder, load.tags, load.hz) as machine, make(folder, machine) as chain:
        started: Chain = chain
        started.start()
        return trial(started, machine, load, context.patience_s)


def _tell(context: Context, run: dict[str, Any]) -> None:
    account, cost = run["account"], run["cpu_s_per_million"]
    costs = ", ".join(f"{name} {used}" for name, used in cost.items())
    context.say(
        f"    {'held' if run['held'] else 'NOT HELD'}: {account['stored']:,} of"
        f" {account['written']:,} stored, {account['lost']} lost, {account['doubled']} doubled, lag"
        f" {run['lag_s']} s, others {run['cores_of_others']} cores; CPU-s per million: {costs}"
    )


FIGURE = Figure(
    "throughput",
    "values a second from an OPC UA server into the store without loss, and their cost",
    measure,
)
