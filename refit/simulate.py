"""`refit simulate` and `refit fault`: machines that are none, and what can go wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def simulate(
    site: Annotated[Path, typer.Option(help="The site file.", metavar="FILE")],
    station: Annotated[
        list[str] | None,
        typer.Option(help="Only this station; may be given several times.", metavar="NAME"),
    ] = None,
    speed: Annotated[
        float, typer.Option(help="How much faster the machines run; source times stay real.")
    ] = 1.0,
    seed: Annotated[int, typer.Option(help="The same seed makes the same vehicles.")] = 0,
    log: Annotated[
        Path | None, typer.Option(help="Write every offered value there (JSON lines).")
    ] = None,
    control: Annotated[
        int | None, typer.Option(help="Port on 127.0.0.1 for `refit fault`; 0 takes a free one.")
    ] = None,
) -> None:
    """Serve every machine of a site on the addresses that the site file gives.

    OPC UA servers and Modbus devices with exactly the nodes and registers that the stations
    declare, vehicles that move along the lines, and values that behave like the real ones.
    """
    import asyncio
    import gc

    from refit.running import stopped_by_signals
    from refit.sites import WRONG, open_site
    from simulators.plant import simulate as serve
    from wire.logs import start_logging

    start_logging("simulate")
    loaded = open_site(site)
    for name in station or ():
        loaded.station(name)

    async def run() -> None:
        await serve(
            loaded,
            stations=station or None,
            speed=speed,
            seed=seed,
            log=log,
            control_port=control,
            stop=stopped_by_signals(),
            ready=lambda: typer.echo("ready", err=True),
        )

    try:
        asyncio.run(run())
    except OSError as error:
        typer.echo(f"refit simulate: {error}; is another simulator running?", err=True)
        raise typer.Exit(WRONG) from error
    # The address spaces go with the process; to collect them first would take seconds.
    gc.freeze()


@app.command()
def fault(
    station: Annotated[str, typer.Argument(help="Which station it happens to.")],
    name: Annotated[
        str,
        typer.Argument(
            help="What happens, or `clear`. To one tag (--tag): bad, bad-kept, uncertain, sensor,"
            " frozen, missing, illegal. To the whole station: stall, late, drop, reset,"
            " unsubscribe."
        ),
    ],
    control: Annotated[int, typer.Option(help="The simulator's control port.")],
    tag: Annotated[str | None, typer.Option(help="Only this tag.")] = None,
    for_: Annotated[
        str | None,
        typer.Option("--for", help='For how long, such as "5 s"; otherwise until cleared.'),
    ] = None,
    times: Annotated[int | None, typer.Option(help="How many times.")] = None,
) -> None:
    """Let something go wrong in a running simulator."""
    from simulators import control as endpoint
    from wire.site.values import duration_ms

    try:
        if name == "clear":
            ended = endpoint.clear(control, station, None, tag)["cleared"]
            told = f"{ended} fault{'' if ended == 1 else 's'} cleared"
        else:
            for_ms = None if for_ is None else duration_ms(for_)
            endpoint.fault(control, station, name, tag=tag, for_ms=for_ms, times=times)
            told = f"{name} is in force"
    except (endpoint.Refused, ValueError) as error:
        hint = f": {error.hint}" if getattr(error, "hint", "") else ""
        typer.echo(f"refit fault: {error}{hint}", err=True)
        raise typer.Exit(2) from error
    except OSError as error:
        typer.echo(f"refit fault: no simulator answers at port {control}: {error}", err=True)
        raise typer.Exit(2) from error
    typer.echo(told)
