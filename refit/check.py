"""`refit check`: is a site file right, and what does it say?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from refit.check_live import check_live
from refit.sites import WRONG, shortened, show_problems

if TYPE_CHECKING:
    from rich.table import Table

    from wire.site import Problem, Site, StationConfig

app = typer.Typer()
OUTBOX_ID_BYTES = 32


@app.command()
def check(
    site: Annotated[Path, typer.Argument(help="The site file.", metavar="FILE")] = Path(
        "site.toml"
    ),
    named: Annotated[
        Path | None, typer.Option("--site", help="The same, as for other commands.", metavar="FILE")
    ] = None,
    live: Annotated[
        bool, typer.Option("--live", help="Compare it with the machines: connect to each.")
    ] = False,
    station: Annotated[
        list[str] | None,
        typer.Option(
            help="With --live: only this station; may be given several times.", metavar="NAME"
        ),
    ] = None,
    slow: Annotated[
        int, typer.Option(min=1, help="With --live: ms for one answer that are too many.")
    ] = 500,
    timeout: Annotated[
        float, typer.Option(help="With --live: seconds after which a machine is given up.")
    ] = 30.0,
    as_json: Annotated[bool, typer.Option("--json", help="With --live: print JSON.")] = False,
) -> None:
    """Check a site file with all that it names: every error at once, or a table of the stations.

    With --live the machines are looked at too: what is missing, of another type, not readable, in
    another unit or slow stands in a table for each station. Ends with 1 when a machine cannot be
    reached or something of it has to be put right; what is only good to know changes nothing.
    """
    from rich.console import Console

    from wire.site import examine

    if (station or as_json) and not live:
        typer.echo("refit check: --station and --json are for --live", err=True)
        raise typer.Exit(WRONG)
    examined = examine(named or site)
    show_problems(examined.problems, "error")
    show_problems(examined.warnings, "warning")
    if examined.site is None:
        raise typer.Exit(WRONG)
    _check_plans(examined.site)
    if unfit := _unfit(examined.site):
        show_problems(unfit, "error")
        raise typer.Exit(WRONG)
    if live:
        check_live(examined.site, station or (), slow_ms=slow, timeout_s=timeout, as_json=as_json)
        return
    console = Console()
    if not console.is_terminal:
        console.width = 160
    console.print(_stations(examined.site))
    for name, value in _places(examined.site):
        console.print(f"{name:<10} {value}", highlight=False, soft_wrap=True)


def _check_plans(site: Site) -> None:
    """A shot plan has to fit the cameras; ends with the code of a wrong site."""
    from edge.studio.plans import read_job
    from wire.site.problems import Problem, Wrong

    for station in site.stations:
        if station.capture is not None and station.cameras:
            try:
                read_job(station)
            except Wrong as wrong:
                problem = Problem(station.capture.plan, 0, station.name, wrong.what, wrong.hint)
                show_problems([problem], "error")
                raise typer.Exit(WRONG) from wrong


def _unfit(site: Site) -> list[Problem]:
    """The stations whose birth no message of this site can carry."""
    from edge.caps import topic_max
    from wire.mqtt.connection import PACKET_OVERHEAD_MAX
    from wire.site import Problem
    from wire.sparkplug import births
    from wire.sparkplug.edge_node import BYTES_MAX

    found = []
    for one in site.stations:
        cap = BYTES_MAX
        if site.broker.packet_max is not None:
            rest = PACKET_OVERHEAD_MAX + topic_max(site.name, one.agent)
            cap = min(cap, site.broker.packet_max - rest)
        tags = dict(enumerate(one.declaration.tags, 1))
        station = births.Station(one.name, one.line, one.kind, tags)
        try:
            births.check(station, site.name, "x" * OUTBOX_ID_BYTES, cap)
        except births.TooLarge as error:
            what, _, hint = str(error).partition(": ")
            found.append(Problem(site.file or Path(), 0, f"station {one.name}", what, hint))
    return found


def _stations(site: Site) -> Table:
    from rich.table import Table

    table = Table(
        title=f"{site.name}: {shortened(site.file) if site.file else ''}", title_justify="left"
    )
    for column in ("station", "kind", "line", "agent"):
        table.add_column(column)
    table.add_column("tags", justify="right")
    table.add_column("connections")
    for station in site.stations:
        tags = str(len(station.declaration.tags))
        table.add_row(
            station.name, station.kind, station.line, station.agent, tags, _connections(station)
        )
    return table


def _connections(station: StationConfig) -> str:
    found = [station.opcua.url] if station.opcua else []
    for name, modbus in station.modbus.items():
        found.append(f"{name + ' ' if name else ''}{modbus.url} unit {modbus.unit}")
    return "\n".join(found)


def _places(site: Site) -> list[tuple[str, str]]:
    broker = ", ".join([site.broker.url, *site.broker.others])
    if site.broker.embedded:
        broker = f"embedded, {site.broker.host}:{site.broker.port}"
    return [
        ("broker", broker),
        ("store", site.store.url),
        ("ledger", site.ledger.url),
        ("media", site.media.url or "none"),
        ("outbox", f"{site.outbox.folder}, delivery {site.outbox.delivery}"),
        ("agents", ", ".join(agent.name for agent in site.agents)),
        *([("not ours", ", ".join(one.name for one in site.foreign))] if site.foreign else []),
    ]
