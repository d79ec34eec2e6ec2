"""`refit broker`: the embedded MQTT broker of a small plant, on this machine alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def broker(
    site: Annotated[Path, typer.Option(help="The site file.", metavar="FILE")],
) -> None:
    """Run the embedded broker of a site (MQTT 3.1.1, on 127.0.0.1 only).

    Only for a site whose broker is "embedded"; without this command the historian starts it. Runs
    until SIGTERM or Ctrl-C.
    """
    import asyncio

    import structlog

    from plant.broker import EmbeddedBroker, start_broker
    from refit.running import stopped_by_signals
    from refit.sites import WRONG, open_site
    from wire.logs import start_logging

    start_logging("broker")
    log = structlog.get_logger("broker")
    loaded = open_site(site)
    if not loaded.broker.embedded:
        typer.echo(f"refit broker: the site's broker is {loaded.broker.url}, not ours", err=True)
        raise typer.Exit(WRONG)

    async def run(running: EmbeddedBroker) -> bool:
        """True when we were asked to end, False when the broker has ended by itself."""
        stop = stopped_by_signals()
        try:
            while not stop.is_set() and (running.running or running.deaf):
                if running.deaf:
                    log.error("the embedded broker answers nobody and is started again")
                    running.stop()
                    running = start_broker(running.port)
                try:
                    async with asyncio.timeout(WATCH_S):
                        await stop.wait()
                except TimeoutError:
                    continue
            return stop.is_set()
        finally:
            running.stop()

    try:
        asked = asyncio.run(run(start_broker(loaded.broker.port)))
    except (OSError, RuntimeError) as error:
        typer.echo(f"refit broker: port {loaded.broker.port}: {error}", err=True)
        raise typer.Exit(1) from error
    if not asked:
        typer.echo("refit broker: the broker has ended by itself", err=True)
        raise typer.Exit(1)


WATCH_S = 0.5
