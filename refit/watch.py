"""`refit watch`: all tags of a running site in a live table."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from refit.sites import WRONG

if TYPE_CHECKING:
    from refit.watching.board import Board, Row
    from refit.watching.client import Client
    from refit.watching.view import View

app = typer.Typer()


@app.command()
def watch(
    site: Annotated[
        Path | None,
        typer.Option(help="The site file; it says where the historian is.", metavar="FILE"),
    ] = None,
    url: Annotated[
        str | None, typer.Option(help="Where the historian is, such as http://plant:9101.")
    ] = None,
    token_file: Annotated[
        Path | None, typer.Option(help="With --url: file whose text is the token.", metavar="FILE")
    ] = None,
    ca_file: Annotated[
        Path | None,
        typer.Option(help="With --url https://...: authorities to trust.", metavar="FILE"),
    ] = None,
    station: Annotated[
        list[str] | None,
        typer.Option(help="Only this station; may be given several times.", metavar="NAME"),
    ] = None,
    words: Annotated[
        str, typer.Option("--filter", help="Only tags with these words; -word: without it.")
    ] = "",
    sort: Annotated[
        str, typer.Option(help="station, tag, value, quality, age or rate; -rate: downwards.")
    ] = "station",
    every: Annotated[float, typer.Option(help="Seconds between two looks.", min=0.1)] = 1.0,
    once: Annotated[bool, typer.Option("--once", help="Print the table once and end.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="A JSON object a line for every tag that has changed.")
    ] = False,
) -> None:
    """Show every tag of a site with value, quality, age and history, live in the terminal.

    It asks the historian over HTTP and nobody else: neither the broker nor an agent notices it.
    Keys: / filter, s sort, r reverse, space pause, q quit, ? help. Without a terminal, or with
    --once, the table is printed once.
    """
    from refit.watching.client import Away, Client, NoAddress, checked, url_of
    from refit.watching.view import SORTS, View
    from wire.site import HttpConfig

    order = sort.removeprefix("-")
    if order not in SORTS:
        typer.echo(f"refit watch: no order {sort!r}; known are {', '.join(SORTS)}", err=True)
        raise typer.Exit(WRONG)
    if (site is None) == (url is None):
        typer.echo("refit watch: give --site FILE or --url http://HOST:PORT", err=True)
        raise typer.Exit(WRONG)
    view = View(filter=words, sort=order, is_descending=sort.startswith("-"))
    try:
        if url is None:
            loaded = _site(site)
            client = Client(url_of(loaded), loaded.http)
        else:
            client = Client(checked(url), HttpConfig(token_file=token_file, ca_file=ca_file))
        _show(client, view, every, station or [], once=once, as_json=as_json)
    except NoAddress as error:
        typer.echo(f"refit watch: {error}", err=True)
        raise typer.Exit(WRONG) from error
    except Away as error:
        typer.echo(f"refit watch: no answer from {client.url}: {error}", err=True)
        raise typer.Exit(1) from error
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def _site(file: Path | None) -> Any:
    from refit.sites import open_site

    return open_site(file or Path("site.toml"))


def _show(
    client: Client, view: View, every_s: float, stations: list[str], *, once: bool, as_json: bool
) -> None:
    from rich.console import Console

    from refit.watching.live import live

    if as_json:
        _lines(client, view, every_s, stations, once=once)
        return
    console = Console()
    if once or not console.is_terminal or not sys.stdin.isatty():
        _print(client, view, stations, console)
        return
    live(client, view, every_s, stations, console, sys.stdin.fileno())


def _looked(client: Client, stations: list[str]) -> Board:
    """What the historian says now; ends with 2 when a station is not known."""
    import time

    from refit.watching.board import Board

    board = Board()
    board.take(client.ask(), time.time())
    unknown = [name for name in stations if name not in board.stations]
    if unknown:
        known = ", ".join(board.stations)
        typer.echo(f"refit watch: no station {unknown[0]!r}; known are {known}", err=True)
        raise typer.Exit(WRONG)
    return board


def _print(client: Client, view: View, stations: list[str], console: Any) -> None:
    import time

    from refit.watching.screen import table
    from refit.watching.view import shown

    board = _looked(client, stations)
    if not console.is_terminal:
        console.width = 160
    now_s = time.time()
    rows = shown(board, view, now_s, stations)
    if not rows:
        typer.echo("no tag fits" if view.filter else "there is no tag yet", err=True)
    console.print(table(board, rows, now_s, console.width))


def _lines(client: Client, view: View, every_s: float, stations: list[str], *, once: bool) -> None:
    import time

    from refit.watching.client import Away
    from refit.watching.view import fits

    board = _looked(client, stations)
    while True:
        for row in board.changed:
            if (not stations or row.station in stations) and fits(row, board, view.filter):
                typer.echo(_line(row))
        if once:
            return
        time.sleep(every_s)
        try:
            board.take(client.ask("" if board.away else board.token), time.time())
        except Away as error:
            if not board.away:
                typer.echo(f"refit watch: no answer from {client.url}: {error}", err=True)
            board.lost(str(error), time.time())


def _line(row: Row) -> str:
    import orjson

    from refit.times import text_of

    told = {
        "station": row.station, "tag": row.tag,
        "time": None if row.time_ms is None else text_of(row.time_ms),
        "value": row.value, "unit": row.unit, "quality": row.quality, "status": row.status,
    }  # fmt: skip
    return orjson.dumps(told).decode()
