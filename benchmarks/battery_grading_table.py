"""The page of the grading of simulated packs: docs/battery-grading.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

ROWS = (
    ("far_unsafe_passed", "unsafe by more than u95, or with a safety fault: passed", "0"),
    ("near_unsafe_passed", "beyond a gate by less than u95: passed", "<= 2.5 %"),
    ("held_of_gradable", "HOLD, of packs without a fault that asks for it", "<= 15 % (full)"),
    ("held_of_all", "HOLD, of all packs", ""),
    ("weak_named", "weak modules named", ">= 95 %"),
    ("sound_named_weak", "other modules named weak", "<= 1 %"),
    ("soh_within_u95", "state of health within its u95 of the truth", ""),
    ("grade_a_below_80", "graded A with a true state of health below 80 %", ""),
)
HEAD = """# Grading of simulated packs

This page is written by `python -m benchmarks.battery_grading`; do not edit it.

Every pack is simulated from one real cell ([how](explanations/simulated-packs.md)), so these
figures say how evaluation and rules behave on packs whose truth is known, not how well real packs
are graded. Faults are put in on purpose, several of them near the limits of the gates. *Pass* is
grade A, B or C. Intervals: 95 %, Wilson.
"""
TAIL = """
Unsafe is a pack with a runaway or a stuck contactor, or whose true isolation or true spread of
cells at rest is beyond its gate. Faults that ask for HOLD: stuck contactor, runaway, drifting
current sensor, isolation leak, imbalance. A weak module is one whose true charge is 5 % and more
below the median module; packs whose test never got as far are not counted there.
"""


def page(results: Mapping[str, Mapping[str, Any]]) -> str:
    """The whole page."""
    return HEAD + "".join(table(one) for one in results.values()) + TAIL


def table(result: Mapping[str, Any]) -> str:
    """One protocol's figures."""
    grades = ", ".join(f"{name} {count}" for name, count in result["grades"].items())
    faults = ", ".join(f"{name} {count}" for name, count in result["faults"].items())
    lines = [
        "",
        f"## Protocol `{result['protocol']}`, {result['packs']} packs ({result['pack']})",
        f"Grades: {grades}. Faults: {faults}.",
        "",
        "| what | share | 95 % interval | goal |",
        "|---|---|---|---|",
    ]
    for key, what, goal in ROWS:
        one = result[key]
        value = "none" if one["share"] is None else f"{100 * one['share']:.2f} %"
        interval = f"{100 * one['low']:.2f} to {100 * one['high']:.2f} %" if one["of"] else ""
        lines.append(f"| {what} | {one['hits']} of {one['of']}, {value} | {interval} | {goal} |")
    lines += [
        "",
        f"State of health: mean error {_points(result['soh_bias_pct'])}, mean absolute error"
        f" {_points(result['soh_mae_pct'])}, median u95 {_points(result['soh_u95_median_pct'])}."
        f" The run took {result['seconds']:.0f} s.",
        "",
    ]
    return "\n".join(lines)


def _points(value: float | None) -> str:
    return "none" if value is None else f"{value:.2f} points"
