"""`refit tags`: what a kind of station, or a CSV of tags, declares."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from refit.sites import WRONG, show_problems

if TYPE_CHECKING:
    from rich.table import Table

    from stations.declare import Station, Tag

app = typer.Typer()


@app.command()
def tags(
    kind: Annotated[str, typer.Argument(help="A kind of station, or a CSV of tags.")],
    csv: Annotated[bool, typer.Option("--csv", help="As a CSV of tags, for a `device`.")] = False,
    to: Annotated[
        Path | None, typer.Option(help="Write the CSV there.", metavar="FILE", show_default=False)
    ] = None,
) -> None:
    """Show the tags of a kind or of a CSV: type, unit, limits, address and what they mean.

    As a CSV they are a `device`: a machine that has the values of a kind and none of its rules.
    What a CSV cannot say (states, commands, rules) is told on standard error.
    """
    from rich.console import Console

    declaration = _declaration(kind)
    if csv or to is not None:
        _write(declaration, to)
        return
    console = Console()
    if not console.is_terminal:
        console.width = 200
    console.print((declaration.__doc__ or "").partition("\n")[0], highlight=False, markup=False)
    console.print(_tags(declaration))
    if declaration.commands:
        console.print(_commands(declaration))
    states = {tag.states: None for tag in declaration.tags if tag.states is not None}
    for state in states:
        table = _table("state", state.__name__, "what it means")
        for member in state:
            table.add_row(str(member.value), member.name, member.doc)
        console.print(table)


def _write(declaration: type[Station], to: Path | None) -> None:
    from wire.site import device_csv

    rows = [device_csv.row_of(tag) for tag in declaration.tags]
    if to is None:
        typer.echo(device_csv.text_of(rows), nl=False)
    elif to.exists():
        typer.echo(f"refit tags: {to} is there already; name another file", err=True)
        raise typer.Exit(WRONG)
    else:
        try:
            device_csv.write(to, rows)
        except OSError as error:
            typer.echo(f"refit tags: {to}: {error.strerror}", err=True)
            raise typer.Exit(1) from error
        typer.echo(f"{len(rows)} tags in {to}", err=True)
    for lost in device_csv.unsaid(declaration):
        typer.echo(f"not in a CSV: {lost}", err=True)


def _declaration(kind: str) -> type[Station]:
    from stations import kinds
    from wire.site import devices

    path = Path(kind)
    if path.suffix.lower() == ".csv" or path.is_file():
        device = devices.read(path)
        if device.problems:
            show_problems(device.problems, "error")
            raise typer.Exit(WRONG)
        return device.declaration
    if kind not in kinds.names():
        known = ", ".join(kinds.names())
        typer.echo(f"no kind {kind!r}: known are {known}, or give the path of a CSV", err=True)
        raise typer.Exit(WRONG)
    return kinds.find(kind).station


def _table(*columns: str) -> Table:
    from rich.table import Table

    table = Table()
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _tags(declaration: type[Station]) -> Table:
    from rich.text import Text

    from wire.site import addresses

    table = _table("tag", "type", "unit", "limits", "every", "address", "what it is")
    for tag in declaration.tags:
        every = f"{tag.every_ms} ms" if tag.every_ms else ""
        address = addresses.text_of(tag.at, tag.length)
        cells = (tag.name, type_of(tag), tag.unit, limits_of(tag), every, address, tag.doc)
        table.add_row(*(Text(cell) for cell in cells))
    return table


def type_of(tag: Tag[Any]) -> str:
    """The type of a tag in words; of one with states, their name."""
    from wire.site import devices

    return tag.states.__name__ if tag.states is not None else devices.type_of(tag)


def limits_of(tag: Tag[Any]) -> str:
    """The limits of a tag, such as `0 .. 16`; "" when it has none."""
    if tag.low is None and tag.high is None:
        return ""
    low = "" if tag.low is None else f"{tag.low:.12g}"
    high = "" if tag.high is None else f"{tag.high:.12g}"
    return f"{low} .. {high}".strip()


def _commands(declaration: type[Station]) -> Table:
    from wire.site import addresses

    table = _table("command", "address", "what it does")
    for command in declaration.commands:
        table.add_row(command.name, addresses.text_of(command.at), command.doc)
    return table
