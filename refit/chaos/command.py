"""`refit chaos`: a small plant, faults put on it, and the account of every value at the end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

if TYPE_CHECKING:
    from refit.chaos.fault import Fault
    from refit.chaos.runs import Wish
    from refit.chaos.trial import Outcome

app = typer.Typer()
WRONG = 2


@app.command()
def chaos(
    seed: Annotated[int | None, typer.Option(help="Replay the faults of this seed.")] = None,
    minutes: Annotated[float, typer.Option(min=0.1, help="How long random faults go on.")] = 3.0,
    rate: Annotated[
        float, typer.Option(min=20, help="Values that the machines offer a second.")
    ] = 500.0,
    fault: Annotated[
        list[str] | None,
        typer.Option(help="Only this fault; may be given several times.", metavar="NAME"),
    ] = None,
    times: Annotated[
        int | None, typer.Option(min=1, help="So many rounds, instead of --minutes.")
    ] = None,
    each: Annotated[
        bool, typer.Option("--each", help="Each fault alone, --times (1) times, counted by itself.")
    ] = False,
    longest: Annotated[
        float, typer.Option(min=5, help="Seconds that a fault with a random length lasts at most.")
    ] = 20.0,
    store: Annotated[
        str, typer.Option(help="sqlite, influxdb, or the path of an influxd.", metavar="STORE")
    ] = "sqlite",
    broker: Annotated[str, typer.Option(help="embedded or mosquitto.")] = "embedded",
    machine: Annotated[
        str,
        typer.Option(
            help="Instead of our simulators an OPC UA server whose tags count, started by this"
            " command with --port --tags --hz --state.",
            metavar="COMMAND",
        ),
    ] = "",
    kernel: Annotated[
        bool,
        typer.Option(
            "--kernel", help="Links whose packets the kernel can drop (root only): more faults."
        ),
    ] = False,
    list_: Annotated[bool, typer.Option("--list", help="Name all faults, and end.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="The account as JSON.")] = False,
    folder: Annotated[
        Path | None, typer.Option("--dir", help="Run in this folder and keep it.", metavar="DIR")
    ] = None,
    results: Annotated[
        Path | None, typer.Option(help="Append what was measured to this file.", metavar="FILE")
    ] = None,
    page: Annotated[
        Path | None,
        typer.Option(help="Write the results in this file as a Markdown page.", metavar="FILE"),
    ] = None,
) -> None:
    """Put faults on a small plant of real processes, and count what became of every value.

    Simulated machines, broker, historian, store and agent run in a temporary folder on 127.0.0.1.
    What the machines had acknowledged must be in the store or a dead letter, nothing may be there
    that they did not offer, and what nobody saw must lie in a gap record. The exit code is 0 only
    when all of that holds; otherwise the folder is kept and named. The same seed puts the same
    faults in the same order on the plant.
    """
    import random
    import signal

    from refit.chaos import runs
    from refit.chaos.page import text_of
    from refit.chaos.programs import NotInstalled
    from wire.logs import start_quiet_logging

    if page is not None:
        typer.echo(text_of(page), nl=False)
        return
    if broker not in ("embedded", "mosquitto"):
        _end(f"no broker {broker!r}: embedded or mosquitto")
    if store not in ("sqlite", "influxdb") and not Path(store).exists():
        _end(f"no store {store!r}: sqlite, influxdb, or the path of an influxd")
    faults = _chosen(fault or [], runs.has(store, broker, machine, kernel), everything=list_)
    if not (each or fault or list_):
        faults = [one for one in faults if not one.apart]
    if list_:
        for one in faults:
            typer.echo(f"{one.name:<30} {one.sentence}")
        return
    start_quiet_logging()
    number = random.SystemRandom().randrange(1 << 32) if seed is None else seed
    typer.echo(f"refit chaos: --seed {number} replays this", err=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # the children must not outlive us
    wish = runs.Wish(number, rate, minutes, times, longest, store, broker, folder, machine, kernel)
    try:
        outcomes = _run(wish, faults, each=each, results=results)
    except NotInstalled as error:
        _end(str(error))
    except KeyboardInterrupt:
        typer.echo("refit chaos: interrupted, nothing was counted", err=True)
        raise typer.Exit(130) from None
    _print(outcomes, as_json=as_json)
    raise typer.Exit(0 if all(outcome.is_clean for outcome in outcomes.values()) else 1)


def _chosen(names: list[str], has: frozenset[str], *, everything: bool) -> list[Fault]:
    from refit.chaos.faults import FAULTS

    known = {one.name: one for one in FAULTS}
    for name in names:
        if name not in known:
            _end(f"no fault {name!r}; `refit chaos --list` names them")
        if missing := known[name].needs - has:
            _end(f"{name} needs {' and '.join(sorted(missing))}: {_how(missing)}")
    wanted = [known[name] for name in dict.fromkeys(names)] or list(FAULTS)
    return wanted if everything else [one for one in wanted if one.fits(has)]


def _how(missing: frozenset[str]) -> str:
    if "root" in missing:
        return "it mounts a small disk, so run it as root, with /dev/loop-control and mkfs.ext4"
    return "see --store, --broker, --machine, --kernel"


def _run(
    wish: Wish, faults: list[Fault], *, each: bool, results: Path | None
) -> dict[str, Outcome]:
    """The runs with a progress bar on a terminal."""
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from refit.chaos import runs

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    found: dict[str, Outcome] = {}
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=1.0)

        def told(what: str, share: float) -> None:
            bar.update(task, description=what, completed=share)

        for name, outcome in runs.all_of(wish, faults, each, told):
            found[name] = outcome
            if results is not None:
                runs.keep(results, name, wish, outcome)
            if each and not console.is_terminal:
                typer.echo(f"refit chaos: {runs.line(name, outcome)}", err=True)
    return found


def _print(outcomes: dict[str, Outcome], *, as_json: bool) -> None:
    import json

    from refit.chaos import runs

    if as_json:
        typer.echo(json.dumps({name: one.as_json() for name, one in outcomes.items()}))
        return
    for name, outcome in outcomes.items():
        typer.echo(runs.line(name, outcome))
        for problem in (*filter(None, [outcome.error]), *outcome.account.problems):
            typer.echo(f"    {problem}", err=True)
        if outcome.folder:
            typer.echo(f"    everything of this run is in {outcome.folder}", err=True)


def _end(what: str) -> NoReturn:
    typer.echo(f"refit chaos: {what}", err=True)
    raise typer.Exit(WRONG)
