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
) -> None:
    """Show the tags of a kind or of a CSV: type, unit, limits, address and what they mean."""
    from rich.console import Console

    declaration = _declaration(kind)
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
