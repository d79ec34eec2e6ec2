"""`refit export`: samples of a site as CSV or Parquet."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from refit.sites import WRONG

if TYPE_CHECKING:
    from plant.stores.store import Store
    from wire.site import Site

app = typer.Typer()
FILES = (".csv", ".parquet")
ENDINGS = {"": "csv", "csv": "csv", "txt": "csv", "parquet": "parquet", "pq": "parquet"}


@app.command()
def export(
    site: Annotated[Path, typer.Option(help="The site file.", metavar="FILE")],
    begin: Annotated[
        str, typer.Option("--from", help="The first time, such as 2026-11-01, or -1h: an hour ago.")
    ] = "-1h",
    end: Annotated[
        str, typer.Option("--until", help="The time before which the last sample is.")
    ] = "now",
    station: Annotated[
        list[str] | None,
        typer.Option(help="Only this station, or a pattern such as press-*.", metavar="NAME"),
    ] = None,
    tag: Annotated[
        list[str] | None,
        typer.Option(help="Only this tag, or a pattern such as force_*.", metavar="NAME"),
    ] = None,
    format: Annotated[
        str, typer.Option(help="csv or parquet; otherwise the ending of --to says it.")
    ] = "",
    to: Annotated[
        Path | None, typer.Option(help="Write there instead of standard output.", metavar="FILE")
    ] = None,
    wide: Annotated[
        bool, typer.Option("--wide", help="A row for each time, a column for each tag.")
    ] = False,
    every: Annotated[
        str, typer.Option(help="Means of the Good numbers over 1m, 15m, 1h ... instead of samples.")
    ] = "",
    zone: Annotated[
        str, typer.Option(help="Where --from and --until without an offset are meant.")
    ] = "UTC",
    measurement: Annotated[
        str | None, typer.Option(help="Samples of a measurement alone, such as station_state.")
    ] = None,
) -> None:
    """Give out the samples of a site from a time to before another, with their quality.

    Times in the file are RFC 3339 in UTC. A row stands for a sample (station after station), with
    --wide for a time. An empty cell is no value; NaN and Infinity are written as such. Windows of
    --every are whole: the range is widened to them. Ends with 1 when there is nothing, and writes
    nothing then. Parquet needs the extra: pip install "refit\\[parquet]".
    """
    from plant.stores.store import StoreUnavailable, StoreUnusable, TooManyRows
    from refit.exporting.choose import Unknown
    from refit.exporting.giving import Asked, Nothing, Wrong, give, range_of, window_ms
    from refit.sites import open_site
    from refit.times import NoTime
    from wire.clock import SystemClock

    try:
        span = range_of(begin, end, zone, SystemClock().now_ms())
        kind = _format(format, to)
        asked = Asked(*span, station or [], tag or [], kind, wide, window_ms(every), measurement)
        loaded = open_site(site)
        with closing(_store(loaded)) as store, _progress() as progress, _output(to) as file:
            rows = give(store, loaded, asked, file, progress)
    except NoTime as error:
        hint = ": a file is named by --to" if end.lower().endswith(FILES) else ""
        raise _ended(f"{error}{hint}", WRONG) from error
    except (Wrong, Unknown, StoreUnusable) as error:
        raise _ended(error, WRONG) from error
    except BrokenPipeError:
        raise  # whoever read has enough
    except (StoreUnavailable, Nothing, TooManyRows, OSError) as error:
        raise _ended(error, 1) from error
    except KeyboardInterrupt:
        raise _ended("interrupted, no file was written", 130) from None
    if to is not None:
        typer.echo(f"{rows} rows written to {to}", err=True)


def _ended(why: object, code: int) -> typer.Exit:
    typer.echo(f"refit export: {why}", err=True)
    return typer.Exit(code)


def _format(named: str, to: Path | None) -> str:
    """The format, checked before anything is read; Wrong when it cannot be written."""
    from importlib.util import find_spec

    from refit.exporting.giving import INSTALL, Wrong

    if to is not None and _is_time(to.name):
        raise Wrong(f"--to names a file; write --until {to} for the end of the range")
    ending = "" if to is None else to.suffix.lower().removeprefix(".")
    if not named and ending not in ENDINGS:
        raise Wrong(f'no format has the ending ".{ending}": write .csv or .parquet, or --format')
    kind = named.lower() or ENDINGS[ending]
    if kind == "parquet":
        if to is None:
            raise Wrong("Parquet is nothing for a terminal: name a file by --to")
        if find_spec("pyarrow") is None:
            raise Wrong(INSTALL)
    return kind


def _is_time(name: str) -> bool:
    from refit.times import NoTime, time_ms

    try:
        time_ms(name, 0)
    except NoTime:
        return False
    return True


def _store(site: Site) -> Store:
    """The store of a site to be read; StoreUnusable when there is none, which it does not make."""
    from plant.stores.factory import open_store
    from plant.stores.store import StoreUnusable

    if site.store.url.startswith("sqlite:") and not site.store.path.exists():
        raise StoreUnusable(f"there is no store at {site.store.path}: has the historian run?")
    return open_store(site.store)


@contextmanager
def _output(to: Path | None) -> Iterator[BinaryIO]:
    """The file, or standard output."""
    from refit.exporting.files import whole_file

    if to is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    with whole_file(to) as file:
        yield file


@contextmanager
def _progress() -> Iterator[Callable[[float], None]]:
    """A bar on a terminal; it stays out of the way of a table on the same one."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    is_shown = console.is_terminal and not sys.stdout.isatty()
    with Progress(console=console, transient=True, disable=not is_shown) as bar:
        task = bar.add_task("reading", total=1.0)
        yield lambda share: bar.update(task, completed=share)
