"""`refit check --live`: the machines of a site beside what the site says of them."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

import typer

from refit.sites import WRONG

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from edge.live.check import Manner
    from edge.live.findings import Checked
    from wire.site import Site, StationConfig

SHOWN_MAX = 200  # findings of one connection in the table; --json has all


def check_live(
    site: Site, stations: Sequence[str], *, slow_ms: int, timeout_s: float, as_json: bool
) -> None:
    """Look at the machines and show what differs; exit code 1 when something is to be put right."""
    from edge.live.check import Manner

    for library in ("asyncua", "pymodbus", "edge"):
        logging.getLogger(library).setLevel(logging.CRITICAL)
    found = _look(_chosen(site, stations), Manner(float(slow_ms), timeout_s))
    if as_json:
        typer.echo(json.dumps([one.document() for one in found], indent=2, ensure_ascii=False))
    else:
        _show(found)
    if any(one.has_errors for one in found):
        raise typer.Exit(1)


def _chosen(site: Site, names: Sequence[str]) -> list[StationConfig]:
    try:
        return [site.station(name) for name in names] or list(site.stations)
    except LookupError as error:
        typer.echo(f"refit check: {error.args[0]}", err=True)
        raise typer.Exit(WRONG) from error


def _look(stations: list[StationConfig], manner: Manner) -> list[Checked]:
    from rich.console import Console
    from rich.progress import Progress

    from edge.live.check import check

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        total = sum((one.opcua is not None) + len(one.modbus) for one in stations)
        looking = bar.add_task("looking at the machines", total=total)
        return asyncio.run(check(stations, manner, lambda _: bar.advance(looking)))


def _show(found: list[Checked]) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 160
    for name in dict.fromkeys(one.station for one in found):
        mine = [one for one in found if one.station == name]
        for one in mine:
            console.print(_line(one), markup=False, soft_wrap=True)
        if any(one.findings for one in mine):
            console.print(_table(mine))
        _more(console, mine)


def _line(one: Checked) -> str:
    told = f"{one.station} {one.connection} {one.url}: "
    if one.fault:
        return f"{told}{one.fault}"
    fast = "" if one.round_trip_ms is None else f", round trip {one.round_trip_ms:g} ms"
    return f"{told}{one.as_declared()} of {one.tags} tags as declared{fast}"


def _table(connections: list[Checked]) -> Table:
    from rich.table import Table
    from rich.text import Text

    table = Table()
    for column in ("tag", "what differs", "declared", "found"):
        table.add_column(column, overflow="fold")
    for one in connections:
        for finding in one.findings[:SHOWN_MAX]:
            problem = Text(str(finding.problem), "red" if finding.is_error else "yellow")
            tag = finding.tag or f"all of {one.connection}"
            table.add_row(Text(tag), problem, Text(finding.declared), Text(finding.found))
    return table


def _more(console: Console, connections: list[Checked]) -> None:
    hidden = sum(max(0, len(one.findings) - SHOWN_MAX) for one in connections)
    if hidden:
        console.print(f"and {hidden} more: --json lists all")
