"""`refit media ...`: the files of a site's records: serve them, look at them, fetch one."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from refit.running import progress_of

if TYPE_CHECKING:
    from plant.ledger import Ledger
    from plant.media.directory import DirectoryMedia
    from plant.media.wanted import Wanted
    from wire.site import Site

app = typer.Typer(name="media", help="The files of records: pictures, videos, traces.")

SiteFile = Annotated[Path, typer.Option("--site", help="The site file.", metavar="FILE")]


@app.command()
def serve(site: SiteFile) -> None:
    """Run the media store of a site over HTTP or HTTPS, on the machine that its url names.

    With url "embedded" the historian does that, without this command. Runs until SIGTERM or Ctrl-C,
    then ends cleanly.
    """
    import asyncio
    from contextlib import ExitStack

    from refit.running import loading, stopped_by_signals

    with loading():
        from plant.media.process import Unusable, run
        from plant.media.server import MediaServer
        from refit.service import Service
        from refit.sites import WRONG, open_site
        from wire.clock import SystemClock
        from wire.logs import start_logging

    start_logging("media")
    loaded = open_site(site)

    async def until_stopped() -> None:
        with ExitStack() as service:

            def started(media: MediaServer) -> None:
                service.enter_context(Service().running(lambda: media.alive))

            await run(loaded, SystemClock(), stopped_by_signals(), started)

    try:
        asyncio.run(until_stopped())
    except Unusable as error:
        typer.echo(f"refit media: {error}", err=True)
        raise typer.Exit(1 if error.may_pass else WRONG) from error


@dataclass
class Opened:
    """The media store's folder, its index and the ledger, as a command needs them."""

    site: Site
    store: DirectoryMedia
    ledger: Ledger
    wanted: Wanted
    now_ms: int


@contextmanager
def _opened(path: Path) -> Iterator[Opened]:
    """All of a site's media store on this machine; the command ends when something is not there."""
    from plant.ledger import LedgerError, LedgerUnusable, open_ledger
    from plant.media.directory import DirectoryMedia
    from plant.media.wanted import Wanted
    from refit.sites import WRONG, open_site
    from wire.clock import SystemClock

    site, clock = open_site(path), SystemClock()
    if not site.media.url:
        typer.echo("refit media: the site has no media store: [media] says where it is", err=True)
        raise typer.Exit(WRONG)
    folder = site.media.folder
    if not folder.is_dir():
        typer.echo(
            f"refit media: there is no {folder} on this machine; run it where the media store is",
            err=True,
        )
        raise typer.Exit(WRONG)
    try:
        with open_ledger(site.ledger, clock, create=False) as ledger, Wanted(folder) as wanted:
            store = DirectoryMedia(folder, clock, free_min=site.media.free_bytes_min)
            yield Opened(site, store, ledger, wanted, clock.now_ms())
    except LedgerError as error:
        typer.echo(f"refit media: {error}", err=True)
        raise typer.Exit(WRONG if isinstance(error, LedgerUnusable) else 1) from error


@app.command()
def status(
    site: SiteFile,
    limit: Annotated[int, typer.Option(help="Show so many incomplete records.", min=0)] = 20,
    recheck: Annotated[
        bool,
        typer.Option("--recheck", help="Look for every file again, say after a restored backup."),
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False,
) -> None:
    """Say what the media store has, which records are not complete, and what nobody names.

    A record is complete when all its files are there. Runs on the machine of the media store.
    """
    import orjson

    with _opened(site) as media:
        with progress_of("reading") as told:
            media.wanted.refresh(media.ledger, media.store, told, recheck=recheck)
        files = list(media.store.stored())
        before_ms = media.now_ms - media.site.media.orphan_ms_min
        orphans = list(media.wanted.orphans(files, before_ms))
        counts, lacking = media.wanted.counts(), media.wanted.incomplete(limit)
        found = {
            "files": len(files),
            "bytes": sum(one.bytes for one in files),
            "free_bytes": media.store.free_bytes(),
            "partial_uploads": sum(1 for _ in media.store.partials()),
            "records_with_files": counts.records,
            "complete": counts.complete,
            "incomplete": counts.records - counts.complete,
            "orphans": len(orphans),
            "orphan_bytes": sum(one.bytes for one in orphans),
        }
    if json:
        typer.echo(orjson.dumps(found))
        return
    for name, value in found.items():
        typer.echo(f"{name.replace('_', ' '):<20} {value:>16,}")
    for one in lacking:
        typer.echo(
            f"{one.time}  {one.station}  {one.kind}  {one.id}:"
            f" {one.missing} of {one.files} files are missing"
        )


@app.command()
def collect(
    site: SiteFile,
    older: Annotated[
        str | None,
        typer.Option(help="Only files not claimed for so long, such as 30 d; default: the site's."),
    ] = None,
    delete: Annotated[
        bool, typer.Option("--delete", help="Remove them; without it they are shown.")
    ] = False,
) -> None:
    """Find files that no record names (orphans), and with --delete remove them.

    A file that an agent has asked for since is never removed, nor is one that a record names. Runs
    on the machine of the media store, which may go on serving.
    """
    from plant.media.collect import collect as orphans_of
    from refit.sites import WRONG
    from wire.site.media import ORPHAN_MS_MIN
    from wire.site.problems import Wrong
    from wire.site.values import duration_ms

    with _opened(site) as media:
        try:
            age_ms = duration_ms(older) if older else media.site.media.orphan_ms_min
        except Wrong as wrong:
            typer.echo(f"refit media: --older: {wrong.what} ({wrong.hint})", err=True)
            raise typer.Exit(WRONG) from wrong
        if age_ms < ORPHAN_MS_MIN:
            typer.echo("refit media: --older: write 2 d at least: agents ask every day", err=True)
            raise typer.Exit(WRONG)
        files = size = 0
        with progress_of("reading") as told:
            before_ms = media.now_ms - age_ms
            for one in orphans_of(
                media.store, media.ledger, media.wanted, before_ms, delete=delete, progress=told
            ):
                files, size = files + 1, size + one.bytes
                typer.echo(f"{one.sha256}  {one.bytes:>14,}  {one.type}")
    word = "removed" if delete else "would be removed: say --delete"
    typer.echo(f"{files} files, {size:,} bytes {word}", err=True)


@app.command()
def get(
    hash: Annotated[str, typer.Argument(help="SHA-256 of the file, 64 hexadecimal digits.")],
    site: SiteFile,
    to: Annotated[
        Path | None, typer.Option(help="Write there instead of standard output.", metavar="FILE")
    ] = None,
) -> None:
    """Fetch a file from the media store over HTTP, and verify that it is the one.

    The token of the site file must be that of an agent or a reader.
    """
    import hashlib
    import itertools
    import sys
    from contextlib import closing, nullcontext

    from refit.sites import WRONG, open_site
    from wire.media.client import MediaClient, MediaError
    from wire.media.protocol import HASH
    from wire.tls import TlsError, client_context

    config = open_site(site).media
    if not config.enabled or not HASH.match(hash):
        why = "the site has no media store" if not config.enabled else f"{hash} is no SHA-256"
        typer.echo(f"refit media: {why}", err=True)
        raise typer.Exit(WRONG)
    digest = hashlib.sha256()
    try:
        context = client_context(config.ca_file) if config.tls else None
        with closing(MediaClient(config.base_url, config.token, context)) as client:
            parts = client.read(hash)
            first = next(parts, b"")  # before a file is made of what may not be there
            with to.open("wb") if to else nullcontext(sys.stdout.buffer) as file:
                for part in itertools.chain([first], parts):
                    digest.update(part)
                    file.write(part)
                file.flush()
    except (MediaError, TlsError, OSError) as error:
        typer.echo(f"refit media: {error}", err=True)
        raise typer.Exit(1) from error
    if digest.hexdigest() != hash:
        typer.echo("refit media: what came is another file: it is damaged there", err=True)
        raise typer.Exit(1)
