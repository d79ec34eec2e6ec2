"""`refit battery capacity`: charge, energy and state of health of every cycle of a trace."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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
    positive,
    say_json,
)

if TYPE_CHECKING:
    from stations.battery.capacity import Capacity
    from stations.battery.trace import Instrument

app = typer.Typer()
KEYS = (
    "cycle", "charge_ah", "discharge_ah", "charge_wh", "discharge_wh", "rate_c",
    "temperature_degc", "complete", "soh_pct", "u95_pct", "reasons",
)  # fmt: skip


@app.command()
def capacity(
    trace: TraceFile,
    rated_ah: RatedAh = None,
    cells: Cells = None,
    gain_pct: GainPct = 0.1,
    offset_a: OffsetA = 0.05,
    alpha_pct_per_k: AlphaPctPerK = 0.5,
    rated_temperature: RatedTemperature = 25.0,
    json: AsJson = False,
) -> None:
    """Charge, energy and state of health of every cycle: a charge and the discharge after it.

    Rests and pulses under 120 s do not end a cycle; rests are not integrated. A cycle that was not
    from full to empty is not complete and has no state of health. The uncertainty (k = 2) is that
    of the instrument as the options assume it.

    Ends with 2 when the trace is refused, and says why.
    """
    from refit.battery.traces import TraceUnusable, instrument, read_trace
    from stations.battery.capacity import capacity as of

    positive("capacity", rated_ah=rated_ah)
    given = instrument("capacity", gain_pct, offset_a, alpha_pct_per_k, rated_temperature)
    try:
        found = of(read_trace(trace, cells, rated_ah), given, rated_ah)
    except TraceUnusable as error:
        raise ended("capacity", [str(error)]) from error
    say_json(_told(found, given)) if json else _show(found)


def _told(found: Capacity, given: Instrument) -> dict[str, Any]:
    best = found.best
    terms = best.budget if best is not None else ()
    return {
        "cycles": [{key: getattr(one, key) for key in KEYS} for one in found.cycles],
        "budget": [
            {"term": one.term, "u_ah": one.u, "assumption": one.assumption} for one in terms
        ],
        "budget_of_cycle": best.cycle if best is not None else None,
        "instrument": {
            "gain_pct": given.gain_pct,
            "offset_a": given.offset_a,
            "alpha_pct_per_k": given.alpha_pct_per_k,
            "rated_temperature_degc": given.rated_temperature_degc,
        },
        "method": found.method,
        "reasons": found.reasons,
    }


def _show(found: Capacity) -> None:
    from rich.table import Table

    from refit.battery.options import console_of

    console = console_of()
    table = Table(box=None)
    for column in ("cycle", "charge Ah", "discharge Ah", "Wh in", "Wh out", "C", "degC", "SoH %"):
        table.add_column(column, justify="right")
    table.add_column("u95 %", justify="right")
    table.add_column("complete")
    table.add_column("reasons")
    for one in found.cycles:
        numbers = (one.charge_ah, one.discharge_ah, one.charge_wh, one.discharge_wh)
        more = (one.rate_c, one.temperature_degc, one.soh_pct, one.u95_pct)
        cells = ["" if value is None else f"{value:.4f}" for value in numbers]
        cells += ["" if value is None else f"{value:.2f}" for value in more]
        table.add_row(
            str(one.cycle), *cells, "yes" if one.complete else "no", ", ".join(one.reasons)
        )
    console.print(table)
    for reason in found.reasons:
        console.print(f"the whole trace: {reason}")
    if found.best is None:
        return
    budget = Table(title=f"uncertainty of cycle {found.best.cycle}", box=None)
    for column in ("term", "u in Ah", "assumed"):
        budget.add_column(column)
    for term in found.best.budget:
        budget.add_row(term.term, f"{term.u:.5f}", term.assumption)
    console.print(budget)
