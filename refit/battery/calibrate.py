"""`refit battery calibrate`: learn the pulse screen from pulses whose state of health is known."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from refit.battery.options import AsJson, ended, say_json

if TYPE_CHECKING:
    from refit.battery.pulse_tables import Pulses
    from stations.battery.screen import Screen

app = typer.Typer()


@app.command()
def calibrate(
    table: Annotated[
        Path,
        typer.Argument(
            help="CSV with row, group, chemistry, q_nominal_ah, u1 ... uN in V, soh_pct.",
            metavar="TABLE.csv",
        ),
    ],
    out: Annotated[Path, typer.Option(help="The model to write.", metavar="MODEL.json")],
    json: AsJson = False,
) -> None:
    """Learn, for each chemistry, the state of health from pulse voltages with its interval.

    `group` names the physical cell: cells, not rows, are what an interval is counted over. A
    chemistry with fewer than 20 cells is refused: no 95 % interval can be owed.

    Ends with 2 when the table is refused, and says why.
    """
    from refit.battery.pulse_tables import TableUnusable, as_model, read_pulses
    from refit.exporting.files import whole_file
    from stations.battery.screen import TooFewCells

    try:
        pulses = read_pulses(table, known=True)
        screens = _learned(pulses)
    except (TableUnusable, TooFewCells) as error:
        told = str(error) if str(error).startswith(str(table)) else f"{table}: {error}"
        raise ended("calibrate", [told]) from error
    import orjson

    with whole_file(out) as file:
        file.write(orjson.dumps(as_model(screens, pulses.volts.shape[1])))
    _told(screens, out, json)


def _learned(pulses: Pulses) -> dict[str, Screen]:
    import numpy as np

    from refit.running import progress_of
    from stations.battery.screen import Screen

    assert pulses.soh_pct is not None
    names = np.array(pulses.chemistry)
    found = {}
    with progress_of("chemistries") as progress:
        chosen = sorted(set(pulses.chemistry))
        for done, name in enumerate(chosen):
            progress(done, len(chosen))
            rows = names == name
            found[name] = Screen.learned(
                name, pulses.volts[rows], pulses.soh_pct[rows], pulses.group[rows],
                pulses.rated_ah[rows],
            )  # fmt: skip
    return found


def _told(screens: dict[str, Screen], out: Path, json: bool) -> None:
    import numpy as np

    found = {
        name: {
            "cells": screen.cells,
            "mae_left_out": float(np.abs(screen.left_out_error).mean()),
            "flat": screen.is_flat,
        }
        for name, screen in screens.items()
    }
    if json:
        say_json({"model": str(out), "chemistries": found})
        return
    for name, one in found.items():
        flat = "; flat: state of charge not identifiable, it will abstain" if one["flat"] else ""
        typer.echo(
            f"{name}: {one['cells']} cells, mean error of a cell left out"
            f" {one['mae_left_out']:.2f} points{flat}"
        )
    typer.echo(f"written to {out}", err=True)
