"""`refit battery screen`: the state of health of cells from a few pulses, or why none is said."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from refit.battery.options import AsJson, ended, positive, say_json

if TYPE_CHECKING:
    from stations.battery.screen import Answer

app = typer.Typer()


@app.command()
def screen(
    table: Annotated[
        Path,
        typer.Argument(
            help="CSV with row, chemistry, q_nominal_ah, u1 ... uN in V.", metavar="TABLE.csv"
        ),
    ],
    model: Annotated[
        Path, typer.Option(help="What `refit battery calibrate` wrote.", metavar="MODEL.json")
    ],
    half_width_max: Annotated[
        float, typer.Option(help="Widest half interval that is of use, in points of SoH.")
    ] = 5.0,
    json: AsJson = False,
) -> None:
    """Say the state of health of each row with a 95 % interval, in the order of the rows.

    It abstains where the interval is wider than asked (`interval_too_wide`), where the row is
    unlike what was learned (`out_of_domain`), and for chemistries whose flat voltage hides the
    state of charge (`soc_not_identifiable`).

    Ends with 2 when the table or the model is refused, and says why.
    """
    from refit.battery.pulse_tables import TableUnusable, read_model, read_pulses
    from stations.battery.screen import screened

    positive("screen", half_width_max=half_width_max)
    try:
        pulses = read_pulses(table, known=False)
        screens, voltages = read_model(model)
        if pulses.volts.shape[1] != voltages:
            raise TableUnusable(
                f"{table}: {pulses.volts.shape[1]} voltages in a row, but {model} was learned from"
                f" {voltages}"
            )
    except TableUnusable as error:
        raise ended("screen", [str(error)]) from error
    answers = screened(screens, pulses.chemistry, pulses.volts, pulses.rated_ah, half_width_max)
    rows = [_told(row, answer) for row, answer in zip(pulses.row, answers, strict=True)]
    say_json(rows) if json else _show(rows)


def _told(row: int | str, answer: Answer) -> dict[str, Any]:
    return {
        "row": row,
        "soh_pct": answer.soh_pct,
        "low_pct": answer.low_pct,
        "high_pct": answer.high_pct,
        "abstain": answer.abstain,
        "reason": answer.reason,
    }


def _show(rows: list[dict[str, Any]]) -> None:
    from rich.table import Table

    from refit.battery.options import console_of

    table = Table(box=None)
    for column in ("row", "SoH %", "low %", "high %", "reason"):
        table.add_column(column, justify="left" if column == "reason" else "right")
    for one in rows:
        numbers = (one["soh_pct"], one["low_pct"], one["high_pct"])
        cells = ["" if number is None else f"{number:.1f}" for number in numbers]
        table.add_row(str(one["row"]), *cells, one["reason"] or "")
    console = console_of()
    console.print(table)
    said = sum(not one["abstain"] for one in rows)
    console.print(f"{said} of {len(rows)} answered")
