"""How long the queries of Grafana's panels take over a day of the demo's line."""

from __future__ import annotations

from statistics import median, quantiles
from typing import Any

from benchmarks import machine
from benchmarks.figure import Context, Figure

HOURS, SHORT_HOURS = 2, 1


def measure(context: Context) -> dict[str, Any]:
    """Fill the stores once, then ask every panel of every dashboard for the whole day."""
    from tests.dashboards.asking import ask
    from tests.dashboards.filled import day

    hours = SHORT_HOURS if context.short else HOURS
    boards: dict[str, list[tuple[float, str]]] = {}
    with day(context.trial("dashboards"), hours) as filled:
        context.say(f"{filled.samples:,} values are in the stores")
        others = machine.wait_until_quiet(context.patience_s)
        for one in ask(filled):
            boards.setdefault(one.board, []).append((1000 * one.seconds, one.name))
    return {
        "settings": context.settings | {"simulated_hours": hours},
        "values": filled.samples,
        "records": filled.records,
        "cores_of_others": others,
        "queries": sum(map(len, boards.values())),
        "boards": {name: _summary(taken) for name, taken in boards.items()},
    }


def _summary(taken: list[tuple[float, str]]) -> dict[str, Any]:
    times = sorted(ms for ms, _ in taken)
    slowest_ms, slowest = max(taken)
    return {
        "queries": len(times),
        "median_ms": round(median(times), 1),
        "p95_ms": round(quantiles(times, n=20, method="inclusive")[-1], 1),
        "slowest_ms": round(slowest_ms, 1),
        "slowest": slowest,
    }


FIGURE = Figure("dashboards", "every query of every panel in Grafana over a day", measure)
