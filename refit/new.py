"""`refit new ...`: what an engineer begins with."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(name="new", help="What an engineer begins with.")


@app.callback()
def new() -> None:
    """What an engineer begins with."""


@app.command()
def kind(
    name: Annotated[str, typer.Argument(help="Its name, such as `wash` or `paint_booth`.")],
    to: Annotated[
        Path, typer.Option("--to", help="The checkout of Refit.", metavar="FOLDER")
    ] = Path(),
) -> None:
    """Write the folder of a new kind of station, complete and with a test that passes.

    A declaration, rules, records, a model for the simulation, golden cases, a page and a test: a
    small station that works as it stands. What it says is an example, to be replaced.
    """
    from refit.new_kind import NoKind, make
    from refit.sites import WRONG

    try:
        files = make(name, to)
    except NoKind as error:
        typer.echo(f"refit new kind: {error}", err=True)
        raise typer.Exit(WRONG) from error
    for path in files:
        typer.echo(path)
    typer.echo(
        "\nnow:\n"
        f"    pytest tests/stations/{name} tests/stations/test_cases.py -k {name}\n"
        f"    refit tags {name}\n"
        f"    make reference    # docs/reference/tags-{name}.md; its records, too"
    )
