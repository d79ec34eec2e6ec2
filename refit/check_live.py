"""`refit check --live`: the machines of a site beside what the site says of them."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
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
    show_strays(site, _chosen(site, stations))
    found = _look(_chosen(site, stations), Manner(float(slow_ms), timeout_s))
    if as_json:
        typer.echo(json.dumps([one.document() for one in found], indent=2, ensure_ascii=False))
    else:
        _show(found)
    if any(one.has_errors for one in found):
        raise typer.Exit(1)


def show_strays(site: Site, stations: Sequence[StationConfig]) -> None:
    """Warn of machines without security whose names lead out of the cell network.

    `refit check` alone looks up no names; here the machines are asked anyway.
    """
    import ipaddress

    from wire.site.security import outside

    for station in stations:
        networks = [ipaddress.ip_network(one) for one in site.cells_of(station.agent)]
        opcua = station.opcua
        hosts = [one.host for one in station.modbus.values() if not one.serial]
        hosts += [opcua.host] if opcua is not None and opcua.security == "None" else []
        for host in dict.fromkeys(hosts) if networks else ():
            strays = [one for one in addresses_of(host) if one != host and outside(one, networks)]
            if strays:
                cells = " or ".join(map(str, networks))
                typer.echo(
                    f"warning: {station.name}: {host} is {', '.join(strays)}, outside of the cell"
                    f" network {cells}, and without security",
                    err=True,
                )


def addresses_of(host: str) -> list[str]:
    """The addresses of a name; none when it has none, which the connection itself says."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return []
    return list(dict.fromkeys(str(place[0]) for *_, place in found))


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
