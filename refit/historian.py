"""`refit historian`: puts what the agents send into the store and the ledger, and confirms it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def historian(
    site: Annotated[Path, typer.Option(help="The site file.", metavar="FILE")],
) -> None:
    """Store the samples and records of all agents of a site, and confirm what is on disk.

    A Sparkplug host application. With broker "embedded" it starts the broker, unless one listens
    there already. Runs until SIGTERM or Ctrl-C, then ends cleanly. On SIGHUP it ends its session
    and begins again with the changed site file; agents keep what comes meanwhile. When it cannot
    begin, it ends with 2 if that will stay so (a wrong site or database), with 1 if a port or a
    disk is not there.
    """
    import asyncio
    from contextlib import ExitStack

    from refit.running import loading, stopped_by_signals

    with loading():
        from plant.historian import Historian
        from plant.process import Unusable, run
        from refit.reloading import rounds
        from refit.service import Service
        from refit.sites import WRONG, open_site
        from wire.clock import SystemClock
        from wire.logs import start_logging
        from wire.site import Site

    start_logging("historian")
    loaded = open_site(site)

    serving: list[Historian] = []

    async def until_stopped() -> None:
        with ExitStack() as service:

            def started(historian: Historian, _: object) -> None:
                if not serving:
                    service.enter_context(Service().running(lambda: serving[-1].alive))
                serving[:] = [historian]

            async def serve(current: Site, over: asyncio.Event) -> None:
                await run(current, SystemClock(), over, started)

            await rounds(site, loaded, stopped_by_signals(), serve, Unusable)

    try:
        asyncio.run(until_stopped())
    except Unusable as error:
        for problem in error.problems:
            typer.echo(f"refit historian: {problem}", err=True)
        raise typer.Exit(1 if error.may_pass else WRONG) from error
