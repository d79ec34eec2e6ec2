"""The table of the inspection's judgement in docs/performance.md."""

from __future__ import annotations

from typing import Any


def table(result: dict[str, Any]) -> str:
    """A section of the page."""
    lines = ["| case | CPU, median, ms | CPU, 99 of 100, ms |", "| --- | --- | --- |"]
    lines += [
        f"| {name.replace('_', ' ')} | {one['median_ms']} | {one['p99_ms']} |"
        for name, one in result["cases"].items()
    ]
    compared = result["compared"]
    outcomes = ", ".join(f"{name}: {count:,}" for name, count in compared["outcomes"].items())
    return (
        "## An inspection judged\n"
        "From the JSON of a full inspection to its judgement, with the rule set loaded before"
        f" ({result['load_ms']} ms of CPU for {result['rule_set']}). Aim: 5 ms.\n\n"
        + "\n".join(lines)
        + f"\n\nBeside it a plain judge (tests/stations/inspection/plain.py: tables and if, no"
        f" shared code) over {compared['cases']:,} random cases from seeds:"
        f" **{len(compared['different'])} differences** in result, letter, last day, codes, places"
        f" and open items. What came out: {outcomes}; {compared['codes']} different codes.\n"
    )
