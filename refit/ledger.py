"""`refit ledger ...`: look into the ledger of a site, give it out, and prove that it is whole."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from refit.running import progress_of

if TYPE_CHECKING:
    from plant.ledger import Ledger

app = typer.Typer(name="ledger", help="The records of a site: whole, readable, given out.")

SiteFile = Annotated[Path, typer.Option("--site", help="The site file.", metavar="FILE")]


@contextmanager
def _opened(
    site: Path, *, migrate: bool = False, progress: Callable[[int, int], None] | None = None
) -> Iterator[Ledger]:
    """The ledger of a site; the command ends with 2 where there is none, else with 1."""
    from plant.ledger import LedgerError, LedgerUnusable, open_ledger
    from refit.sites import WRONG, open_site
    from wire.clock import SystemClock

    loaded = open_site(site)
    try:
        clock, told = SystemClock(), progress or (lambda done, of: None)
        with open_ledger(
            loaded.ledger, clock, create=False, migrate=migrate, progress=told
        ) as ledger:
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
    with _opened(site) as ledger, progress_of("reading") as told:
        verdict = ledger.verify(told)
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
    json: Annotated[
        bool, typer.Option("--json", help="The records as they are, one a line.")
    ] = False,
) -> None:
    """Show the latest records."""
    with _opened(site) as ledger:
        found = ledger.find(visit=visit, station=station, kind=kind, limit=limit)
    if not found:
        typer.echo("no record fits", err=True)
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


@app.command()
def migrate(site: SiteFile) -> None:
    """Bring a ledger of an older version to the present one.

    The historian does the same when it starts; here one sees how far it is. All or nothing.
    """
    with progress_of("deriving") as told, _opened(site, migrate=True, progress=told) as ledger:
        typer.echo(f"ledger {ledger.identity}: {len(ledger)} entries, version {ledger.version}")


@app.command()
def rebuild(site: SiteFile) -> None:
    """Make the tables behind the views anew from the entries, which stay as they are."""
    with _opened(site) as ledger, progress_of("deriving") as told:
        entries = ledger.rebuild(told)
    typer.echo(f"the views show {entries} entries")


@app.command()
def grant(
    site: SiteFile,
    account: Annotated[str, typer.Argument(help="The account of PostgreSQL, such as grafana.")],
) -> None:
    """Let an account of the server read the views, for Grafana, and nothing else of the ledger.

    Ends with 1 when the account can read more than that.
    """
    with _opened(site) as ledger:
        more = ledger.grant(account)
    typer.echo(f"{account} may read the views")
    if more:
        typer.echo(
            f"{account} can read {', '.join(more)} too, take that away: it is a superuser, the"
            " owner, or has a grant",
            err=True,
        )
        raise typer.Exit(1)


@app.command()
def name(site: SiteFile) -> None:
    """Say which vehicles visits are: lines `VISIT VIN` on standard input.

    The VIN stands in one table that no view shows; there the vehicle has a pseudonym. Ends with 1
    when a line cannot be taken; the others are.
    """
    wrong = 0
    with _opened(site) as ledger:
        for number, line in enumerate(sys.stdin, 1):
            visit, _, vin = line.strip().partition(" ")
            try:
                if not vin.strip():
                    raise ValueError("write VISIT VIN")
                ledger.name_vehicle(visit, vin.strip())
            except ValueError as error:
                wrong += 1
                typer.echo(f"line {number}: {error}", err=True)
    if wrong:
        raise typer.Exit(1)


@app.command()
def forget(site: SiteFile) -> None:
    """Erase vehicles, for good: one VIN a line on standard input.

    Their visits and records stay, without a name. Backups have the VIN still. Ends with 1 when a
    line is no VIN that is known here, say because a letter is wrong; the others are erased.
    """
    visits = unknown = 0
    with _opened(site) as ledger:
        for number, line in enumerate(sys.stdin, 1):
            erased = ledger.forget_vehicle(line.strip())
            visits += erased
            if line.strip() and not erased:
                unknown += 1
                typer.echo(f"line {number}: no visit is of this vehicle", err=True)
    typer.echo(f"visits without a vehicle now: {visits}")
    if unknown:
        raise typer.Exit(1)
