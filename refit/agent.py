"""`refit agent`: reads the stations of one station PC; what it reads is kept until it is stored."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def agent(
    site: Annotated[Path, typer.Option(help="The site file.", metavar="FILE")],
    name: Annotated[str, typer.Option(help="Which agent of the site file this is.")],
    drain: Annotated[
        float, typer.Option(help="Seconds to go on sending what waits, when told to end.")
    ] = 0.0,
) -> None:
    """Read the stations of one station PC over OPC UA and Modbus and publish them (Sparkplug B).

    What is read is on disk before it is acknowledged to the machine, and stays there until the
    historian has confirmed it. Runs until SIGTERM or Ctrl-C, then ends cleanly. On SIGHUP it takes
    up the changed site file: only stations that changed lose their connection. When it cannot
    begin, it ends with 2 if that will stay so (a wrong site), with 1 if a port or a disk is
    not there.
    """
    import asyncio
    from importlib.metadata import version
    from random import SystemRandom

    from refit.lean import lean
    from refit.running import loading, stopped_by_signals

    with loading(), lean():
        from edge.agent import Agent
        from edge.health import METRICS, Health
        from edge.outbox_file import OutboxError
        from edge.reload import Reload
        from refit.reloading import reloads
        from refit.service import Service
        from refit.sites import WRONG, open_site
        from wire.clock import SystemClock
        from wire.listening import Door
        from wire.logs import start_logging
        from wire.metrics import StatusServer
        from wire.site.problems import Wrong
        from wire.sparkplug.births import TooLarge
        from wire.tls import TlsError

    start_logging(f"agent {name}")
    loaded = open_site(site)

    async def run() -> None:
        made = Agent(loaded, name, SystemClock(), SystemRandom(), version("refit"), METRICS)
        health = Health(made)
        port, listen = loaded.agent(name).http, loaded.agent(name).listen
        try:
            status = StatusServer(
                health.metrics(), health.status, host=listen, port=port, door=Door.of(loaded.http)
            )
        except OSError as error:
            told = f"port {port} of {listen} for /metrics: {error.strerror}"
            raise OSError(f"{told}: is this agent running already?") from error
        with status, Service().running():
            again = reloads(site, Reload(made).take)
            await made.run(stopped_by_signals(), health.run, again, drain_s=drain)

    try:
        asyncio.run(run())
    except (LookupError, OutboxError, TooLarge, TlsError, Wrong) as error:
        typer.echo(f"refit agent: {error}", err=True)
        raise typer.Exit(WRONG) from error
