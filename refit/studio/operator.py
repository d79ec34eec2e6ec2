"""`refit studio operator`: what a capture asks at the station PC, and the answer."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()
NOTHING = 1


@app.command()
def operator(
    station: Annotated[str, typer.Argument(help="The studio.", metavar="STATION")],
    site: Annotated[Path, typer.Option(help="The site file.", metavar="FILE")] = Path("site.toml"),
    again: Annotated[
        bool, typer.Option("--again", help="Take again what failed: the table turns once more.")
    ] = False,
    go_on: Annotated[
        str, typer.Option("--go-on", help="Go on with an incomplete capture: why.", metavar="WHY")
    ] = "",
    wrong_vehicle: Annotated[
        bool, typer.Option("--wrong-vehicle", help="Give up: it is another vehicle.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what a capture asks the operator, with the frames that failed, or answer it.

    Runs on the station PC, where the agent has its folder. Without an answer it ends with 1 when
    nothing is asked. The agent takes an answer up within a second.
    """
    from edge.studio.operator import Choice, answer, asked
    from refit.sites import WRONG, open_site

    loaded = open_site(site)
    try:
        config = loaded.station(station)
    except LookupError as error:
        typer.echo(f"refit studio operator: {error}", err=True)
        raise typer.Exit(WRONG) from error
    if again + bool(go_on.strip()) + wrong_vehicle > 1:
        typer.echo("refit studio operator: give one answer", err=True)
        raise typer.Exit(WRONG)
    folder = loaded.outbox.folder / f"{config.agent}.studio" / station / "operator"
    try:
        asks = asked(folder)
    except ValueError as error:
        typer.echo(f"refit studio operator: {folder} holds no question: {error}", err=True)
        raise typer.Exit(WRONG) from error
    if asks is None:
        typer.echo("{}" if as_json else f"{station} asks nothing")
        raise typer.Exit(NOTHING)
    if again or wrong_vehicle or go_on.strip():
        choice = "again" if again else "wrong_vehicle" if wrong_vehicle else "go_on"
        given = {"capture": asks.capture, "choice": choice, "why": go_on.strip()}
        answer(folder, Choice.model_validate(given))
        typer.echo(f"{asks.capture}: {choice.replace('_', ' ')}")
        return
    if as_json:
        typer.echo(asks.model_dump_json(indent=2))
        return
    typer.echo(f"{asks.capture} of {asks.visit}: {', '.join(asks.about)}")
    for one in asks.failed:
        typer.echo(f"  {one.name}: {', '.join(one.reasons)}: {one.file}")
