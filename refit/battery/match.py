"""`refit battery match`: which modules of a stock belong into one pack."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from stations.battery.matching import Match, Module

app = typer.Typer()
NUMBERS = ("q_ah", "r10_mohm", "k_sd_mv_per_day", "ocv_v")
COLUMNS = ("module", *NUMBERS)
LIMITS = {"q_ah": (0, 2000), "r10_mohm": (0, 1000), "k_sd_mv_per_day": (-500, 500), "ocv_v": (0, 5)}
ROWS_MAX = 5000


class StockUnusable(Exception):
    """A stock that is refused; the text says where and what would be right."""


@app.command()
def match(
    stock: Annotated[
        Path,
        typer.Argument(help=f"CSV with the columns {', '.join(COLUMNS)}.", metavar="STOCK.csv"),
    ],
    count: Annotated[int, typer.Option(help="Modules of the pack.", min=1, max=500)] = 12,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Choose modules that fit together: alike in charge, resistance, self-discharge and voltage.

    Q within 3 %, R10 within 10 %, OCV within 10 mV, and no self-discharge that is an outlier of
    the stock. The set found costs at most 7 times the best one (the sum of the four spreads, each
    over the stock's standard deviation); how much better one could be is told for the stock.

    Ends with 1 when no set is within the limits, with 2 when the stock is refused.
    """
    from stations.battery.matching import matched

    try:
        modules = read_stock(stock)
    except StockUnusable as error:
        typer.echo(f"refit battery match: {error}", err=True)
        raise typer.Exit(2) from error
    found = matched(modules, count)
    if json:
        import json as encoder

        typer.echo(encoder.dumps(told(found, count), ensure_ascii=False))
    else:
        _show(found, count, len(modules))
    if not found.modules:
        raise typer.Exit(1)


def told(found: Match, count: int) -> dict[str, Any]:
    """What goes into the JSON."""
    return {
        "count": count,
        "modules": [one.module for one in found.modules],
        "spread": None if found.spread is None else _rounded(asdict(found.spread)),
        "smallest_q_ah": min((one.q_ah for one in found.modules), default=None),
        "cost": None if found.cost is None else round(found.cost, 6),
        "lower_bound": None if found.lower_bound is None else round(found.lower_bound, 6),
        "cost_at_most_times_best": found.factor,
        "excluded": list(found.excluded),
        "reasons": list(found.reasons),
    }


def _rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: round(value, 6) for name, value in values.items()}


def _show(found: Match, count: int, size: int) -> None:
    for name in found.excluded:
        typer.echo(f"left out: {name}, its self-discharge is an outlier of the stock")
    if found.spread is None:
        typer.echo(f"no {count} of {size} modules fit together: {', '.join(found.reasons)}")
        return
    for one in found.modules:
        typer.echo(
            f"{one.module:20} {one.q_ah:8.2f} Ah {one.r10_mohm:7.3f} mOhm"
            f" {one.k_sd_mv_per_day:7.3f} mV/day {one.ocv_v:7.4f} V"
        )
    spread = found.spread
    typer.echo(
        f"spread: Q {spread.q_pct:.2f} % (at most 3), R10 {spread.r10_pct:.2f} % (at most 10),"
        f" OCV {spread.ocv_mv:.1f} mV (at most 10),"
        f" self-discharge {spread.k_sd_mv_per_day:.3f} mV/day"
    )
    bound = "not known, the search was given up" if found.lower_bound is None else (
        f"{found.lower_bound:.3f}"
    )  # fmt: skip
    typer.echo(f"cost {found.cost:.3f}; no set costs less than {bound}")


def read_stock(path: Path) -> list[Module]:
    """The modules of a file; StockUnusable says what is wrong with it and where."""
    import csv

    from stations.battery.matching import Module

    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            rows = list(csv.reader(lines))
    except (UnicodeDecodeError, csv.Error) as error:
        raise StockUnusable(f"{path}: no CSV in UTF-8: {error}") from error
    header = [one.strip() for one in rows[0]] if rows else []
    missing = [name for name in COLUMNS if name not in header]
    if missing:
        told = ", ".join(missing)
        raise StockUnusable(f"{path}, line 1: no column {told}: want {', '.join(COLUMNS)}")
    if len(set(header)) < len(header):
        raise StockUnusable(f"{path}, line 1: a column is there twice")
    filled = [(line, row) for line, row in enumerate(rows[1:], 2) if any(row)]
    if not filled or len(filled) > ROWS_MAX:
        raise StockUnusable(f"{path}: {len(filled)} modules: want 1 to {ROWS_MAX}")
    found: dict[str, Module] = {}
    for line, row in filled:
        if len(row) != len(header):
            raise StockUnusable(f"{path}, line {line}: {len(row)} cells: want {len(header)}")
        named = dict(zip(header, row, strict=True))
        name = named["module"].strip()
        if not name or name in found:
            wrong = f"module {name!r} is there twice" if name else "the module has no name"
            raise StockUnusable(f"{path}, line {line}: {wrong}: want a name of its own for each")
        numbers = {key: _number(path, line, key, named[key]) for key in NUMBERS}
        found[name] = Module(module=name, **numbers)
    return list(found.values())


def _number(path: Path, line: int, column: str, text: str) -> float:
    low, high = LIMITS[column]
    try:
        value = float(text)
    except ValueError:
        raise StockUnusable(f"{path}, line {line}, {column}: {text!r} is no number") from None
    if not low <= value <= high or (low == 0 and value == 0):
        raise StockUnusable(
            f"{path}, line {line}, {column}: {value:g} cannot be: want {low} to {high}, not 0"
            if low == 0
            else f"{path}, line {line}, {column}: {value:g} cannot be: want {low} to {high}"
        )
    return value
