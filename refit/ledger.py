"""`refit ledger ...`: look into the ledger of a site, give it out, and prove that it is whole."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from plant.ledger import Ledger

app = typer.Typer(name="ledger", help="The records of a site: whole, readable, given out.")

SiteFile = Annotated[Path, typer.Option("--site", help="The site file.", metavar="FILE")]


@contextmanager
def _opened(site: Path) -> Iterator[Ledger]:
    """The ledger of a site; the command ends with 2 where there is none, else with 1."""
    from plant.ledger import Ledger, LedgerError, LedgerUnusable
    from refit.sites import WRONG, open_site
    from wire.clock import SystemClock

    loaded = open_site(site)
    try:
        with Ledger(loaded.ledger.url, SystemClock(), create=False) as ledger:
            yield ledger
    except LedgerError as error:
        typer.echo(f"refit ledger: {error}", err=True)
        raise typer.Exit(WRONG if isinstance(error, LedgerUnusable) else 1) from error


@app.command()
def verify(site: SiteFile) -> None:
    """Read every entry and say whether one was changed, removed, inserted or cut off.

    Prints the head of the chain: keep a copy of it elsewhere, and compare. Ends with 1 when
    something is wrong.
    """
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with _opened(site) as ledger, Progress(console=console, transient=True) as bar:
        reading = bar.add_task("reading", total=None, visible=console.is_terminal)
        verdict = ledger.verify(lambda done, of: bar.update(reading, completed=done, total=of))
    head = verdict.head
    typer.echo(f"ledger {head.ledger}: {verdict.entries} entries, head {head.hash.hex()}")
    for fault in verdict.faults:
        place = f"entry {fault.number}" if fault.number else "the ledger"
        typer.echo(f"{place}: {fault.what}", err=True)
    more = verdict.faults_found - len(verdict.faults)
    if more > 0:
        typer.echo(f"and {more} more", err=True)
    if not verdict.sound:
        raise typer.Exit(1)


@app.command()
def export(
    site: SiteFile,
    to: Annotated[
        Path | None, typer.Option(help="Write there instead of standard output.", metavar="FILE")
    ] = None,
) -> None:
    """Give out all entries as JSON lines, each with its hash, so that anybody can verify them."""
    with _opened(site) as ledger:
        if to is None:
            sys.stdout.buffer.writelines(ledger.export())
            sys.stdout.buffer.flush()
            return
        with to.open("wb") as file:
            file.writelines(ledger.export())
    typer.echo(f"written to {to}", err=True)


@app.command()
def show(
    site: SiteFile,
    visit: Annotated[str | None, typer.Option(help="Only this visit.")] = None,
    station: Annotated[str | None, typer.Option(help="Only this station.")] = None,
    kind: Annotated[
        str | None, typer.Option(help="Only this kind of record, and what is below it.")
    ] = None,
    limit: Annotated[int, typer.Option(help="At most so many, the latest first.", min=1)] = 20,
    json: Annotated[bool, typer.Option(help="The records as they are, one a line.")] = False,
) -> None:
    """Show the latest records."""
    with _opened(site) as ledger:
        found = ledger.find(visit=visit, station=station, kind=kind, limit=limit)
    for entry in found:
        if json:
            typer.echo(entry.body.decode())
        else:
            about = f"{entry.station}  {entry.kind}  {entry.visit or '-'}"
            typer.echo(f"{entry.number:>8}  {entry.time}  {about}")


@app.command()
def refused(
    site: SiteFile,
    limit: Annotated[int, typer.Option(help="At most so many, the latest first.", min=1)] = 20,
) -> None:
    """Show what did not become an entry, and why."""
    from datetime import UTC, datetime

    with _opened(site) as ledger:
        found = ledger.refusals(limit)
    for one in found:
        last = datetime.fromtimestamp(one.last_ms / 1000, UTC).isoformat(timespec="seconds")
        typer.echo(f"{last}  {one.agent}  {one.id or '-'}  {one.count} times: {one.why}")


@app.command()
def anchor(site: SiteFile) -> None:
    """Accept the ledger as it is now, say after a backup was restored. Verify it first."""
    with _opened(site) as ledger:
        head = ledger.anchor()
    typer.echo(f"accepted: entry {head.number}, head {head.hash.hex()}")
