"""`refit browse`: what a machine has, as a CSV of tags."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import typer

from refit import browse_options as asked
from refit.sites import WRONG

if TYPE_CHECKING:
    from edge.browse.found import Found, Progress, Skipped

app = typer.Typer()

Look = Callable[["Progress"], Coroutine[Any, Any, "Found"]]
ACCOUNT = ("root", "security", "cert_file", "key_file", "user", "password_file", "password_env")
REASONS_MAX = 20
UNIT_MAX = 255


@app.command()
def browse(
    context: typer.Context,
    url: asked.Url,
    to: asked.To = None,
    skipped: asked.Skips = None,
    force: asked.Force = False,
    path: asked.Paths = None,
    without: asked.Without = None,
    regex: asked.Regex = "",
    types: asked.Types = None,
    root: asked.Root = "",
    depth: asked.Depth = None,
    by_path: asked.ByPath = False,
    properties: asked.Properties = False,
    server: asked.Server = False,
    security: asked.Security = "None",
    pki: asked.Pki = Path("var/browse.pki"),
    cert_file: asked.CertFile = None,
    key_file: asked.KeyFile = None,
    user: asked.User = None,
    password_file: asked.PasswordFile = None,
    password_env: asked.PasswordEnv = None,
    ranges: asked.Ranges = None,
    readings: asked.Readings = None,
    units: asked.Units = None,
    pause: asked.Pause = "50 ms",
    requests: asked.Requests = 5000,
    block: asked.Block = 125,
) -> None:
    """Look through a machine and write a CSV of tags: types, units, ranges, what each one is.

    An OPC UA server says all of that itself. A Modbus device says only which registers it has: each
    becomes a number, with a hint how it could be read, and what it means is for you to say. It is
    asked gently (one request at a time, with rests and a budget) and never written to.

    Nothing is left out in silence: what cannot be a tag is counted by reason on standard error,
    and listed with --skipped. Ends with 1 when the machine cannot be looked through or has no tags.
    """
    for file in (to, skipped):
        if file is not None and file.exists() and not force:
            _end(f"{file} is there already", WRONG, "--force replaces it")
    looks = {"opc.tcp": _opcua, "modbus": _modbus, "tcp": _modbus, "rtu": _modbus}
    scheme = url.partition(":")[0]
    if scheme not in looks:
        _end(f'"{url}" is no machine', WRONG, 'begin it with "opc.tcp://", "modbus://" or "rtu:"')
    _refuse(context, asked.OF_MODBUS if scheme == "opc.tcp" else asked.OF_OPCUA)
    with _told():
        found = _run(looks[scheme](url, context.params))
        _write(found, to, skipped)


def _opcua(url: str, params: dict[str, Any]) -> Look:
    from edge.browse import opcua
    from edge.browse.filters import Filter
    from wire.site.connections import OpcuaConfig, Pki
    from wire.site.devices import KINDS
    from wire.site.problems import Wrong, closest

    for word in params["types"] or ():
        if word not in KINDS:
            raise Wrong(f'"{word}" is no type of a tag', closest(word, KINDS))
    said = {key: str(params[key]) for key in ACCOUNT if params[key]}
    config = OpcuaConfig.model_validate({"url": url, **said}, context={"folder": Path.cwd()})
    config.keep_in(Pki(params["pki"].absolute(), f"--pki {params['pki']}"))
    options = opcua.Options(
        wanted=Filter(params["path"] or (), params["regex"], params["without"] or ()),
        types=tuple(params["types"] or ()),
        depth=params["depth"],
        properties=params["properties"],
        server=params["server"],
        by_path=params["by_path"],
    )
    return lambda progress: opcua.browse(config, options, progress)


def _modbus(url: str, params: dict[str, Any]) -> Look:
    from edge.browse import modbus
    from edge.browse.modbus_asker import Manners
    from edge.browse.modbus_rows import Reading, spans_of
    from refit.running import stopped_by_signals
    from wire.site.problems import Wrong
    from wire.site.values import duration_ms

    units = spans_of(f"coil {params['units']}")[0] if params["units"] else None
    if units is not None and units.last > UNIT_MAX:
        raise Wrong(f"no unit is {units.last}", f"write --units 1-20; the last one is {UNIT_MAX}")
    options = modbus.Options(
        spans=tuple(span for text in params["ranges"] or ("0-199",) for span in spans_of(text)),
        readings=tuple(Reading.of(text) for text in params["readings"] or ()),
        units=(units.first, units.last) if units else None,
        manners=Manners(duration_ms(params["pause"]), params["requests"], params["block"]),
    )
    config = modbus.config_of(url)

    async def look(progress: Progress) -> Found:
        # A long look that is broken off gives what it has found so far.
        return await modbus.browse(config, options, progress, stopped_by_signals().is_set)

    return look


def _refuse(context: typer.Context, names: tuple[str, ...]) -> None:
    """An option of another sort of machine is a mistake, not something to ignore."""
    for option in context.command.params:
        source = context.get_parameter_source(option.name or "")
        if option.name in names and source is not None and source.name == "COMMANDLINE":
            _end(f"{option.opts[0]} is not for such a machine", WRONG, "leave it out")


def _run(look: Look) -> Found:
    """Look through the machine with a progress bar."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeElapsedColumn as Elapsed

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Elapsed())
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        tasks: dict[str, Any] = {}

        def progress(what: str, done: int, total: int | None = None) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done, total=total)

        return asyncio.run(look(progress))


@contextmanager
def _told() -> Iterator[None]:
    """What goes wrong in here ends the command with one line that says what."""
    import logging

    from pydantic import ValidationError

    from edge.sources.fault import MachineFault

    for library in ("asyncua", "pymodbus"):
        logging.getLogger(library).setLevel(logging.CRITICAL)
    try:
        yield
    except ValidationError as error:
        (detail, *_) = error.errors(include_url=False)
        wrong = detail.get("ctx", {}).get("error", detail["msg"])
        where = ".".join(map(str, detail["loc"]))
        _end(f"{where}: {wrong}" if where else str(wrong), WRONG, getattr(wrong, "hint", ""))
    except MachineFault as fault:
        refused = isinstance(fault.__cause__, ConnectionRefusedError)
        _end(str(fault), 1, "is it on, are address and port right?" if refused else "")
    except OSError as error:
        _end(f"{error.filename or ''}: {error.strerror or error}", 1)
    except ValueError as error:
        _end(str(error), WRONG, getattr(error, "hint", ""))


def _end(what: str, code: int, hint: str = "") -> NoReturn:
    typer.echo(f"refit browse: {what}{f': {hint}' if hint else ''}", err=True)
    raise typer.Exit(code)


def _write(found: Found, to: Path | None, skipped: Path | None) -> None:
    from wire.site import device_csv

    if not found.rows:
        typer.echo("no tags: nothing is written", err=True)
    elif to is None:
        typer.echo(device_csv.text_of(found.rows), nl=False)
    else:
        device_csv.write(to, found.rows)
    if skipped is not None:
        device_csv.write_text(skipped, _skipped(found.skipped))
    where = f" in {to}" if to is not None and found.rows else ""
    count = len(found.rows)
    typer.echo(f"{count} tag{'' if count == 1 else 's'}{where}", err=True)
    reasons = found.reasons()
    for reason, number in reasons.most_common(REASONS_MAX):
        typer.echo(f"{number} left out: {reason}", err=True)
    if len(reasons) > REASONS_MAX:
        typer.echo(f"and {len(reasons) - REASONS_MAX} more reasons", err=True)
    for note in found.notes:
        typer.echo(note, err=True)
    if not found.rows:
        raise typer.Exit(1)


def _skipped(skipped: list[Skipped]) -> str:
    import csv
    import io

    file = io.StringIO(newline="")
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(("path", "address", "reason"))
    writer.writerows((one.path, one.address, one.reason) for one in skipped)
    return file.getvalue()
