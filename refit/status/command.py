"""The command: what is wrong in one screen, or as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from refit.status.gather import Gathered

app = typer.Typer()


@app.command()
def status(
    site: Annotated[
        Path, typer.Option(help="The site file; it says who is to be asked.", metavar="FILE")
    ],
    url: Annotated[
        str | None, typer.Option(help="Where the historian is, such as http://plant:9101.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="The findings as one JSON object.")] = False,
) -> None:
    """What is wrong with a running site, and since when: one screen, the worst first.

    Asks the historian, and the agents of this machine for what they know better. Changes nothing.
    Ends with 0 when all is well, with 1 when something has failed, with 2 for a wrong site.
    """
    from refit.sites import WRONG, open_site
    from refit.status.gather import gather
    from refit.watching.client import NoAddress, checked, url_of

    loaded = open_site(site)
    try:
        found = gather(loaded, checked(url) if url is not None else url_of(loaded))
    except NoAddress as error:
        typer.echo(f"refit status: {error}", err=True)
        raise typer.Exit(WRONG) from error
    if json:
        _print_json(found)
    else:
        _print(found, loaded.name)
    if any(one.is_failure for one in found.findings):
        raise typer.Exit(1)


def _print_json(found: Gathered) -> None:
    import orjson

    typer.echo(orjson.dumps(found, option=orjson.OPT_INDENT_2).decode())


def _print(found: Gathered, name: str) -> None:
    import time

    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 160
    now_ms = round(time.time() * 1000)
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    for one in found.findings:
        style = "bold red" if one.is_failure else "yellow"
        table.add_row(Text(one.what, style), _since(one.since_ms, now_ms), Text(one.said))
    failures = sum(one.is_failure for one in found.findings)
    warnings = len(found.findings) - failures
    head = "all is well" if not found.findings else f"{failures} wrong, {warnings} to look at"
    console.print(Text.assemble((f"{name}: ", "bold"), (head, "red" if failures else "green")))
    if found.findings:
        console.print(table)
    if found.agents or found.historian:
        well = f"online: {found.agents} agents, {found.stations} stations with {found.tags} tags"
        console.print(well, style="dim")


def _since(since_ms: int | None, now_ms: int) -> str:
    """A time as a person on the shop floor reads it, by the clock of this machine."""
    import time

    if since_ms is None:
        return ""
    began = time.localtime(since_ms / 1000)
    seconds = max(now_ms - since_ms, 0) // 1000
    days, hours, minutes = seconds // 86_400, seconds // 3600 % 24, seconds // 60 % 60
    lasted = f"{days} d {hours} h" if days else f"{hours} h {minutes:02} min"
    if seconds < 3600:
        lasted = f"{minutes} min" if minutes else f"{seconds} s"
    told = time.strftime("%H:%M:%S" if not days else "%Y-%m-%d %H:%M", began)
    return f"since {told} ({lasted})"
