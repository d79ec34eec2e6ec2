"""Options that commands about traces share, and how such a command ends."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

WIDTH = 140  # of a table that goes into a file or a pipe

TraceFile = Annotated[
    Path,
    typer.Argument(
        help="CSV with `Test Time / s`, `Voltage / V`, `Current / A` (charge positive).",
        metavar="TRACE.csv",
    ),
]
Cells = Annotated[
    int | None,
    typer.Option(
        min=1, help="Cells in series; by default as many as there are columns cell_1 ..., else 1.",
        metavar="N",
    ),
]  # fmt: skip
RatedAh = Annotated[
    float | None, typer.Option(help="Rated charge in Ah, for the state of health.", metavar="Q")
]
GainPct = Annotated[float, typer.Option(help="Limit of the current's gain error in %.")]
OffsetA = Annotated[float, typer.Option(help="Limit of the current's offset in A.")]
AlphaPctPerK = Annotated[
    float, typer.Option(help="Temperature coefficient of the capacity in % per K.")
]
RatedTemperature = Annotated[
    float, typer.Option(help="Temperature in degC to which the rated charge refers.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def ended(command: str, problems: Sequence[str], code: int = 2) -> typer.Exit:
    """Tell problems, a line each; what to raise then."""
    for one in problems:
        typer.echo(f"refit battery {command}: {one}", err=True)
    return typer.Exit(code)


def positive(command: str, **given: float | None) -> None:
    """End with 2 when an option that must be above 0 is not."""
    for name, value in given.items():
        if value is not None and not (value > 0 and math.isfinite(value)):
            option = "--" + name.replace("_", "-")
            raise ended(command, [f"{option} {value:g}: must be a number above 0"])


def not_negative(command: str, **given: float) -> None:
    """End with 2 when an option that may not be below 0 is."""
    for name, value in given.items():
        if not (value >= 0 and math.isfinite(value)):
            option = "--" + name.replace("_", "-")
            raise ended(command, [f"{option} {value:g}: must be a number, 0 or above"])


def say_json(found: Any) -> None:
    """Print as JSON; numbers keep what a measurement has, which is never 15 digits."""
    typer.echo(json.dumps(_rounded(found), ensure_ascii=False, allow_nan=False))


def _rounded(found: Any) -> Any:
    if isinstance(found, bool) or found is None or isinstance(found, (int, str)):
        return found
    if isinstance(found, float):
        return float(f"{found:.9g}")
    if isinstance(found, dict):
        return {key: _rounded(value) for key, value in found.items()}
    return [_rounded(one) for one in found]


def console_of() -> Console:
    """Where tables go; a pipe has no width of its own, and no number is cut short for it."""
    from rich.console import Console

    console = Console(markup=False, highlight=False)
    return console if console.is_terminal else Console(width=WIDTH, markup=False, highlight=False)
