"""`refit media ...`: the files of a site's records: serve them, look at them, fetch one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(name="media", help="The files of records: pictures, videos, traces.")

SiteFile = Annotated[Path, typer.Option("--site", help="The site file.", metavar="FILE")]


@app.command()
def serve(site: SiteFile) -> None:
    """Run the media store of a site over HTTP or HTTPS, on the machine that its url names.

    With url "embedded" the historian does that, without this command. Runs until SIGTERM or Ctrl-C,
    then ends cleanly.
    """
    import asyncio

    from refit.running import loading, stopped_by_signals

    with loading():
        from plant.media.process import Unusable, run
        from refit.sites import WRONG, open_site
        from wire.clock import SystemClock
        from wire.logs import start_logging

    start_logging("media")
    loaded = open_site(site)

    async def until_stopped() -> None:
        await run(loaded, SystemClock(), stopped_by_signals())

    try:
        asyncio.run(until_stopped())
    except Unusable as error:
        typer.echo(f"refit media: {error}", err=True)
        raise typer.Exit(WRONG) from error
