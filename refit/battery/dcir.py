"""`refit battery dcir`: the resistance of every pulse of a trace."""

from __future__ import annotations

from typing import TYPE_CHECKING

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
    from stations.battery.dcir import Pulse

app = typer.Typer()
KEYS = (
    "start_s", "direction", "current_a", "soc_pct", "r_mohm", "u95_mohm", "valid", "reasons",
    "temperature_degc",
)  # fmt: skip


@app.command()
def dcir(
    trace: TraceFile,
    cells: Cells = None,
    rated_ah: RatedAh = None,
    gain_pct: GainPct = 0.1,
    offset_a: OffsetA = 0.05,
    alpha_pct_per_k: AlphaPctPerK = 0.5,
    rated_temperature: RatedTemperature = 25.0,
    json: AsJson = False,
) -> None:
    """Find every pulse (a rest, then a step of at most 120 s) and its resistances.

    Times count from the last row of the rest; a time has a resistance only when a row lies within
    5 % of it. A pulse whose edge was not sampled (over 1 s between rest and step) or whose current
    fell by more than 5 % is not valid. The uncertainty (k = 2) is that of the voltage's steps and
    the current's gain; an offset cancels in the difference. No temperature is corrected for:
    compare resistances of one temperature only. The state of charge is told where the trace has a
    full charge and the capacity.

    Ends with 2 when the trace is refused, and says why.
    """
    from refit.battery.traces import TraceUnusable, instrument, read_trace
    from stations.battery.dcir import find_pulses

    positive("dcir", rated_ah=rated_ah)
    given = instrument("dcir", gain_pct, offset_a, alpha_pct_per_k, rated_temperature)
    try:
        found = find_pulses(read_trace(trace, cells, rated_ah), given, rated_ah)
    except TraceUnusable as error:
        raise ended("dcir", [str(error)]) from error
    if json:
        say_json({"pulses": [{key: getattr(one, key) for key in KEYS} for one in found]})
    else:
        _show(found)


def _show(found: tuple[Pulse, ...]) -> None:
    from rich.table import Table

    from refit.battery.options import console_of
    from stations.battery.resistance import SECONDS, name

    times = [name(seconds) for seconds in SECONDS]
    table = Table(box=None, caption="R in mOhm after so many seconds")
    for column in ("start s", "direction", "A", "SOC %", *times, "valid", "reasons"):
        table.add_column(column, justify="left" if column in ("direction", "reasons") else "right")
    for one in found:
        told = [f"{one.r_mohm[time]:.3f}" if time in one.r_mohm else "" for time in times]
        soc = "" if one.soc_pct is None else f"{one.soc_pct:.1f}"
        table.add_row(
            f"{one.start_s:g}", one.direction, f"{one.current_a:g}", soc, *told,
            "yes" if one.valid else "no", ", ".join(one.reasons),
        )  # fmt: skip
    console = console_of()
    console.print(table)
    if not found:
        console.print("no pulse was found: a rest, then a step of at most 120 s")
