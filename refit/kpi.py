"""`refit kpi`: what the stations of a site have done, hour by hour, after ISO 22400-2."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from refit.sites import WRONG

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from stations.kpi import Account
    from wire.site import Site

app = typer.Typer()
TIMES = ("PBT", "APT", "ADET", "ADOT", "unknown")
HEADS = (*TIMES, "PRI x PQ", "PQ", "GQ", "availability", "effectiveness", "quality", "OEE")
RATIOS = ("availability", "effectiveness", "quality", "OEE")
FEWER = ("PBT", "APT", "ADOT", "unknown", "GQ", *RATIOS)
FEWEST = ("unknown", *RATIOS)
HOURS_MAX = 24 * 31
UNKNOWN_SHARE = 0.1  # of the planned time, from which on it is worth a word


@app.command()
def kpi(
    site: Annotated[Path, typer.Option(help="The site file.", metavar="FILE")],
    line: Annotated[str | None, typer.Option(help="Only this line.")] = None,
    hours: Annotated[
        int, typer.Option(min=1, max=HOURS_MAX, help="Full hours, the present one the last.")
    ] = 24,
    by_hour: Annotated[
        bool, typer.Option("--by-hour", help="A row for each hour, not only their sum.")
    ] = False,
) -> None:
    """Show numerators and denominators of the OEE, in minutes, as the store has the states now.

    Worked out here and now from what is stored, as the historian does; an empty cell is a ratio
    without a denominator. Ends with 1 when the store cannot be read, with 2 for a wrong site file.
    """
    from contextlib import closing

    from rich.console import Console

    from plant.kpi.hours import Hours
    from plant.points import Model
    from plant.stores.factory import open_store
    from plant.stores.store import StoreUnavailable, StoreUnusable, TooManyRows
    from refit.running import progress_of
    from refit.sites import open_site
    from stations.kpi import HOUR_MS
    from wire.clock import SystemClock

    loaded = open_site(site)
    names = _stations(loaded, line)
    now_ms = SystemClock().now_ms()
    present = now_ms // HOUR_MS * HOUR_MS
    every = list(range(present - (hours - 1) * HOUR_MS, present + 1, HOUR_MS))
    try:
        if loaded.store.url.startswith("sqlite:") and not loaded.store.path.exists():
            raise StoreUnusable(f"there is no store at {loaded.store.path}: has the historian run?")
        with closing(open_store(loaded.store)) as store, progress_of("reading") as told:
            source = Hours(loaded, store, Model(loaded))
            found: dict[str, dict[int, Account]] = {}
            for done, name in enumerate(names):
                told(done, len(names))
                found[name] = source.accounts(name, every, now_ms)
    except (StoreUnavailable, StoreUnusable, TooManyRows) as error:
        typer.echo(f"refit kpi: {error}", err=True)
        raise typer.Exit(WRONG if isinstance(error, StoreUnusable) else 1) from error
    console = Console()
    if not console.is_terminal:
        console.width = 160
    console.print(_fitting(found, console, by_hour=by_hour))
    if note := _unknown(found):
        console.print(note, highlight=False)


def _unknown(found: dict[str, dict[int, Account]]) -> str:
    """A word on hours of which nobody knows anything, when they are many; else ""."""
    from stations.kpi import HOUR_MS, Account

    total = sum((one for accounts in found.values() for one in accounts.values()), Account())
    if total.unknown_ms < UNKNOWN_SHARE * total.pbt_ms or not total.unknown_ms:
        return ""
    return (
        f"Of {total.pbt_ms / HOUR_MS:.1f} planned hours nothing is known of"
        f" {total.unknown_ms / HOUR_MS:.1f}: these count as planned and as nothing else."
        " For a site that is new choose fewer --hours."
    )


def _stations(site: Site, line: str | None) -> list[str]:
    """The stations that follow vehicles; the command ends with 2 when there is none."""
    from wire.site.problems import closest

    known = {one.line for one in site.stations}
    if line is not None and line not in known:
        typer.echo(
            f'refit kpi: no line is named "{line}" ({closest(line, sorted(known))})', err=True
        )
        raise typer.Exit(WRONG)
    names = [
        one.name for one in site.stations if one.scheme is not None and line in (None, one.line)
    ]
    if not names:
        typer.echo("refit kpi: no station here follows vehicles", err=True)
        raise typer.Exit(WRONG)
    return names


def _table(found: dict[str, dict[int, Account]], heads: Sequence[str], *, by_hour: bool) -> Table:
    from rich.table import Table

    from refit.times import text_of
    from stations.kpi import Account

    left_out = "" if len(heads) == len(HEADS) else "; a wider terminal shows more"
    table = Table(title=f"times in minutes{left_out}", title_justify="left")
    for head in ("station", "hour") if by_hour else ("station",):
        table.add_column(head, no_wrap=True)
    for head in heads:
        table.add_column(head, justify="right", no_wrap=True)
    for name, accounts in found.items():
        if by_hour:
            for hour, one in accounts.items():
                table.add_row(name, text_of(hour)[:16], *_cells(one, heads))
        else:
            table.add_row(name, *_cells(sum(accounts.values(), Account()), heads))
    return table


def _fitting(found: dict[str, dict[int, Account]], console: Console, *, by_hour: bool) -> Table:
    """The table with as many columns as the terminal has room for: none of them is cut."""
    unbound = console.options.update(width=1000)
    for heads in (HEADS, FEWER):
        table = _table(found, heads, by_hour=by_hour)
        if console.measure(table, options=unbound).maximum <= console.width:
            return table
    return _table(found, FEWEST, by_hour=by_hour)


def _cells(one: Account, heads: Sequence[str]) -> list[str]:
    times = (one.pbt_ms, one.apt_ms, one.adet_ms, one.adot_ms, one.unknown_ms, one.run_ms)
    ratios = (one.availability, one.effectiveness, one.quality, one.oee)
    every = [
        *(f"{ms / 60_000:.1f}" for ms in times),
        str(one.pq),
        str(one.gq),
        *("" if ratio is None else f"{ratio:.3f}" for ratio in ratios),
    ]
    return [cell for head, cell in zip(HEADS, every, strict=True) if head in heads]
