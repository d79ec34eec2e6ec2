"""`refit battery partial`: the capacity from a part of the range between two rests."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from refit.battery.options import (
    AlphaPctPerK,
    AsJson,
    Cells,
    GainPct,
    OffsetA,
    RatedAh,
    RatedTemperature,
    TraceFile,
    ended,
    not_negative,
    positive,
    say_json,
)

if TYPE_CHECKING:
    from stations.battery.window import Window

app = typer.Typer()
KEYS = (
    "capacity_ah", "u95_ah", "moved_ah", "soc_start_pct", "soc_end_pct", "window_pct", "valid",
    "reasons", "method", "n", "conditions",
)  # fmt: skip


@app.command()
def partial(
    trace: TraceFile,
    ocv: Annotated[
        Path,
        typer.Option(
            help="Curve of one cell at rest: CSV with `SOC / %` and `Voltage / V`.",
            metavar="OCV.csv",
        ),
    ],
    u95_max_pct: Annotated[
        float, typer.Option(help="Largest uncertainty (k = 2) in % of the capacity.")
    ] = 5.0,
    slip_max_pct: Annotated[
        float,
        typer.Option(help="By how much ageing may have shifted the curve, in % of SOC."),
    ] = 3.0,
    rated_ah: RatedAh = None,
    cells: Cells = None,
    gain_pct: GainPct = 0.1,
    offset_a: OffsetA = 0.05,
    alpha_pct_per_k: AlphaPctPerK = 0.5,
    rated_temperature: RatedTemperature = 25.0,
    json: AsJson = False,
) -> None:
    """Capacity = charge between the widest pair of rests, over the change of the state of charge.

    The state of charge is read from the curve; how far a relaxation had still to go is worked out
    from the rest itself. A capacity less certain than asked is not valid: `window_too_small`.
    The capacity is that of the temperature at which it was measured.

    Ends with 2 when the trace or the curve is refused, and says why.
    """
    from refit.battery.curves import read_curve
    from refit.battery.traces import TraceUnusable, instrument, read_trace
    from stations.battery.window import Voltmeter, window_capacity

    positive("partial", rated_ah=rated_ah, u95_max_pct=u95_max_pct)
    not_negative("partial", slip_max_pct=slip_max_pct)
    given = instrument("partial", gain_pct, offset_a, alpha_pct_per_k, rated_temperature)
    try:
        found = window_capacity(
            read_trace(trace, cells, rated_ah), read_curve(ocv), given,
            meter=Voltmeter(slip_pct=slip_max_pct), u95_max_pct=u95_max_pct, rated_ah=rated_ah,
        )  # fmt: skip
    except TraceUnusable as error:
        raise ended("partial", [str(error)]) from error
    say_json(_told(found)) if json else _show(found)


def _told(found: Window) -> dict[str, Any]:
    told = {key: getattr(found, key) for key in KEYS}
    told["budget"] = [
        {"term": one.term, "u_ah": one.u, "assumption": one.assumption} for one in found.budget
    ]
    return told


def _show(found: Window) -> None:
    from rich.table import Table

    from refit.battery.options import console_of

    console = console_of()
    if found.capacity_ah is None:
        console.print(f"no capacity: {', '.join(found.reasons)}")
        return
    console.print(
        f"{found.capacity_ah:.3f} Ah +- {found.u95_ah:.3f} Ah (k = 2),"
        f" {'valid' if found.valid else 'NOT valid'}; {found.moved_ah:.3f} Ah moved from"
        f" {found.soc_start_pct:.1f} to {found.soc_end_pct:.1f} % SOC"
    )
    if found.reasons:
        console.print(", ".join(found.reasons))
    budget = Table(box=None)
    for column in ("term", "u in Ah", "assumed"):
        budget.add_column(column)
    for term in found.budget:
        budget.add_row(term.term, f"{term.u:.5f}", term.assumption)
    console.print(budget)
