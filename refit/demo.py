"""`refit demo`: a whole line on this machine, as separate processes, with a live table."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def demo(
    speed: Annotated[
        float, typer.Option(help="How much faster the machines run; source times stay real.")
    ] = 20.0,
    seconds: Annotated[
        float | None, typer.Option("--for", help="End by itself after so many seconds.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="No table; count every value at the end and print JSON.")
    ] = False,
    folder: Annotated[
        Path | None, typer.Option("--dir", help="Keep everything of the run in this folder.")
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed makes the same vehicles.")] = 0,
) -> None:
    """Run a production line of simulated machines, two agents, broker, historian and store.

    Everything runs on 127.0.0.1 on free ports. Ctrl-C ends all of it. With --for the run ends by
    itself, and every value that the machines offered is counted against what is stored; the exit
    code is 0 only when nothing was lost, doubled or refused.
    """
    import json
    import signal
    import tempfile

    from refit.demo_plant import DemoPlant
    from refit.processes import Ended
    from refit.table import show

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the children must not outlive us
    with tempfile.TemporaryDirectory(prefix="refit-demo-", ignore_cleanup_errors=True) as temporary:
        if not as_json:
            typer.echo("starting machines, broker, historian and agents (some seconds) ...")
        try:
            with DemoPlant(folder or Path(temporary), speed, seed) as plant:
                if seconds is None and not as_json:
                    show(plant)
                    kept = f"; all of it stays in {folder}" if folder else "; --dir keeps the data"
                    typer.echo(f"ending all processes{kept} ...")
                    return
                plant.wait(20.0 if seconds is None else seconds)
                result = plant.finish()
        except (Ended, TimeoutError) as error:
            typer.echo(f"refit demo: {error}", err=True)
            raise typer.Exit(1) from error
        except KeyboardInterrupt:
            typer.echo("refit demo: interrupted, nothing was counted", err=True)
            raise typer.Exit(130) from None
    typer.echo(json.dumps(result.as_json()) if as_json else result.summary())
    for problem in (*plant.files.problems, result.none_made()):
        if problem:
            typer.echo(f"refit demo: {problem}", err=True)
    for example in result.total.examples:
        typer.echo(f"refit demo: {example}", err=True)
    raise typer.Exit(0 if result.is_clean else 1)
