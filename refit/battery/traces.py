"""Reads a trace from CSV after the Battery Data Format, or says what is wrong with it and where.

Columns: `Test Time / s`, `Voltage / V`, `Current / A` (charge positive), optional `Step`,
`Temperature / degC` and `cell_1`, `cell_2` ... in V. Other columns are ignored. Rows in which all
cells are empty are rows in which the cells were not sampled; a negative cell voltage is how some
loggers mark a cell that is balanced: neither counts as a voltage.
"""

from __future__ import annotations

import csv
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from stations.battery.plausible import doubt
from stations.battery.trace import (
    CURRENT,
    STEP,
    TEMPERATURE,
    TIME,
    VOLTAGE,
    Floats,
    Instrument,
    Trace,
)

NEEDED = (TIME, VOLTAGE, CURRENT)
CELL = re.compile(r"cell_([1-9]\d*)")
CELL_MAX = 5.5
DEGC = (-60.0, 120.0)


class TraceUnusable(Exception):
    """A trace that is refused; the text says where and what would be right."""


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where each column is; `cells` in the order of their numbers."""

    needed: tuple[int, int, int]
    step: int | None
    temperature: int | None
    cells: tuple[int, ...]
    names: tuple[str, ...]

    def numbers(self) -> list[int]:
        more = [] if self.temperature is None else [self.temperature]
        return [*self.needed, *more, *self.cells]


def read_trace(path: Path, cells: int | None = None, rated_ah: float | None = None) -> Trace:
    """The trace of a file; TraceUnusable when it cannot be used as it stands."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            header = next(csv.reader([file.readline()]), [])
    except UnicodeDecodeError as error:
        raise TraceUnusable(f"{path}: not a text in UTF-8: {error.reason}") from error
    columns = _columns(path, [one.strip() for one in header])
    table, steps = _table(path, columns)
    trace = _trace(path, columns, table, steps, cells)
    found = doubt(trace, rated_ah)
    if found is not None:
        where = "" if found.row is None else f", line {_line(path, found.row)}"
        prefix = "" if found.told.startswith(found.code) else f"{found.code}: "
        raise TraceUnusable(f"{path}{where}: {prefix}{found.told}")
    return trace


def instrument(
    command: str, gain_pct: float, offset_a: float, alpha: float, rated_temperature: float
) -> Instrument:
    """What the options say of the instrument; ends with 2 when they cannot be."""
    from refit.battery.options import ended, not_negative

    not_negative(command, gain_pct=gain_pct, offset_a=offset_a, alpha_pct_per_k=alpha)
    if not DEGC[0] <= rated_temperature <= DEGC[1]:
        raise ended(command, [f"--rated-temperature {rated_temperature:g}: must be degC"])
    return Instrument(gain_pct, offset_a, alpha, rated_temperature)


def _columns(path: Path, header: Sequence[str]) -> _Columns:
    if not any(header):
        raise TraceUnusable(f"{path}: it is empty: want a header with {', '.join(NEEDED)}")
    if len(header) == 1 and ";" in header[0]:
        raise TraceUnusable(f"{path}, line 1: columns are parted by `;`: want `,`")
    twice = {name for name in header if name and header.count(name) > 1}
    if twice:
        raise TraceUnusable(f"{path}, line 1: column `{min(twice)}` is there twice: want it once")
    for wanted in (*NEEDED, TEMPERATURE):
        if wanted in header:
            continue
        quantity = wanted.partition(" / ")[0]
        other = [name for name in header if name.partition("/")[0].strip() == quantity]
        if other:
            raise TraceUnusable(f"{path}, line 1: column `{other[0]}`: want `{wanted}`")
    missing = [name for name in NEEDED if name not in header]
    if missing:
        told = ", ".join(f"`{name}`" for name in missing)
        raise TraceUnusable(f"{path}, line 1: there is no column {told}: want {', '.join(NEEDED)}")
    numbered = {
        int(match[1]): at for at, name in enumerate(header) if (match := CELL.fullmatch(name))
    }
    gone = set(range(1, len(numbered) + 1)) - set(numbered)
    if gone:
        raise TraceUnusable(
            f"{path}, line 1: there is no column cell_{min(gone)}, but cell_{max(numbered)}:"
            " want cells from 1 without a hole"
        )
    odd = [
        name for name in header if re.match(r"cell_?\d", name, re.I) and not CELL.fullmatch(name)
    ]
    if odd:
        raise TraceUnusable(f"{path}, line 1: column `{odd[0]}`: want cell_1, cell_2 ... in V")
    return _Columns(
        needed=(header.index(TIME), header.index(VOLTAGE), header.index(CURRENT)),
        step=header.index(STEP) if STEP in header else None,
        temperature=header.index(TEMPERATURE) if TEMPERATURE in header else None,
        cells=tuple(numbered[number] for number in sorted(numbered)),
        names=tuple(header),
    )


def _table(path: Path, columns: _Columns) -> tuple[Floats, np.ndarray | None]:
    """Numbers as (columns, rows), and the steps as numbers."""
    wanted = columns.numbers()
    with_step = wanted if columns.step is None else [*wanted, columns.step]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of a file without rows: told below
            table = np.loadtxt(
                path, delimiter=",", skiprows=1, usecols=with_step, ndmin=2, comments=None,
                quotechar='"', encoding="utf-8-sig", unpack=True,
            )  # fmt: skip
    except (ValueError, IndexError):
        return _slow_table(path, columns)
    if not table.size:
        raise TraceUnusable(f"{path}: there is no row after the header")
    return (table, None) if columns.step is None else (table[:-1], table[-1])


def _slow_table(path: Path, columns: _Columns) -> tuple[Floats, np.ndarray | None]:
    """Row by row: what the quick way cannot read is a word for a step, or is told."""
    wanted, cells = columns.numbers(), set(columns.cells)
    numbers: list[list[float]] = []
    steps: list[int] = []
    labels: dict[str, int] = {}
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file)
        next(rows)
        for row in rows:
            if not row:
                continue
            unsampled = bool(cells) and all(
                at < len(row) and not row[at].strip() for at in columns.cells
            )
            numbers.append(
                [
                    float("-inf")
                    if unsampled and at in cells
                    else _number(path, rows.line_num, columns.names[at], row, at)
                    for at in wanted
                ]
            )
            if columns.step is not None:
                label = row[columns.step].strip() if columns.step < len(row) else ""
                steps.append(labels.setdefault(label, len(labels)))
    table = np.array(numbers, float).T.reshape(len(wanted), -1)
    return table, np.array(steps) if columns.step is not None else None


def _number(path: Path, line: int, name: str, row: Sequence[str], at: int) -> float:
    if at >= len(row):
        told = f"it has {len(row)} columns, so there is no `{name}`"
        raise TraceUnusable(f"{path}, line {line}: {told}: want as many as in line 1")
    try:
        return float(row[at])
    except ValueError:
        what = f"`{row[at]}` is no number" if row[at].strip() else "it is empty"
        raise TraceUnusable(f"{path}, line {line}, column `{name}`: {what}") from None


def _line(path: Path, row: int) -> int:
    """The line of the file in which a row (from 0) is: empty ones are none."""
    with path.open(encoding="utf-8-sig") as file:
        full = (number for number, text in enumerate(file, 1) if number > 1 and text.strip())
        return next((number for at, number in enumerate(full) if at == row), row + 2)


def _wrong(path: Path, row: int, column: str, told: str) -> TraceUnusable:
    return TraceUnusable(f"{path}, line {_line(path, row)}, column `{column}`: {told}")


def _trace(
    path: Path, columns: _Columns, table: Floats, steps: np.ndarray | None, cells: int | None
) -> Trace:
    count = len(columns.cells)
    if count and cells is not None and cells != count:
        raise TraceUnusable(f"{path}: --cells {cells}, but there are {count} columns of cells")
    if table.shape[1] < 2:
        raise TraceUnusable(f"{path}: {table.shape[1]} row after the header: want at least 2")
    names = [columns.names[at] for at in columns.numbers()]
    first_cell = len(names) - count
    for at, name in enumerate(names):
        column = table[at]
        bad = np.isnan(column) if at >= first_cell else ~np.isfinite(column)
        if bad.any():
            row = int(np.argmax(bad))
            told = f"`{column[row]:g}` is no measured number: want one in every row"
            raise _wrong(path, row, name, told)
    back = np.flatnonzero(np.diff(table[0]) <= 0)
    if len(back):
        row = int(back[0])
        told = f"{table[0][row + 1]:.10g} after {table[0][row]:.10g}"
        raise _wrong(path, row + 1, TIME, f"{told}: time must rise from row to row")
    if steps is not None and not np.isfinite(steps).all():
        row = int(np.argmax(~np.isfinite(steps)))
        raise TraceUnusable(
            f"{path}, line {_line(path, row)}, column `{STEP}`: want a number or a word"
        )
    return Trace(
        time_s=table[0],
        voltage_v=table[1],
        current_a=table[2],
        cells=count or cells or 1,
        step=None if steps is None else np.unique(steps, return_inverse=True)[1].astype(np.int64),
        temperature_degc=_temperature(path, table[3]) if columns.temperature is not None else None,
        cells_v=_cells(path, names, table[first_cell:].T) if count else None,
    )


def _temperature(path: Path, degc: Floats) -> Floats:
    odd = (degc < DEGC[0]) | (degc > DEGC[1])
    if odd.any():
        row = int(np.argmax(odd))
        told = f"{degc[row]:g} degC cannot be: want {DEGC[0]:g} to {DEGC[1]:g}"
        raise _wrong(path, row, TEMPERATURE, told)
    return degc


def _cells(path: Path, names: Sequence[str], cells: Floats) -> Floats:
    odd = cells > CELL_MAX
    if odd.any():
        row, at = (int(one) for one in np.argwhere(odd)[0])
        name = names[len(names) - cells.shape[1] + at]
        raise _wrong(path, row, name, f"{cells[row, at]:g} V cannot be a cell's: want volts")
    return np.where(cells > 0, cells, np.nan) if (cells <= 0).any() else cells
