"""Reads a curve of the open-circuit voltage: CSV with `SOC / %` and `Voltage / V` of one cell."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import numpy as np

from refit.battery.traces import TraceUnusable
from stations.battery.window import Curve

SOC, VOLTAGE = "SOC / %", "Voltage / V"
WITHIN = {SOC: (-10.0, 110.0), VOLTAGE: (0.5, 5.0)}


def read_curve(path: Path) -> Curve:
    """The curve of a file; TraceUnusable when it is none."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            header = [one.strip() for one in next(reader, [])]
            lines = [(reader.line_num, row) for row in reader if any(row)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise TraceUnusable(f"{path}: no CSV in UTF-8: {error}") from error
    for wanted in (SOC, VOLTAGE):
        if wanted not in header:
            quantity = wanted.partition(" / ")[0]
            other = [one for one in header if one.partition("/")[0].strip() == quantity]
            told = f"column `{other[0]}`" if other else "a column is missing"
            raise TraceUnusable(f"{path}, line 1: {told}: want `{wanted}`")
    points = [
        [_number(path, line, row, header.index(name), name) for name in (SOC, VOLTAGE)]
        for line, row in lines
    ]
    table = np.array(points, float).reshape(-1, 2)
    if len(table) > 1 and np.ptp(table[:, 0]) <= 1.5:
        raise TraceUnusable(f"{path}, column `{SOC}`: it looks like parts of 1: want percent")
    try:
        return Curve(table[:, 0], table[:, 1])
    except ValueError as error:
        raise TraceUnusable(f"{path}: {error}") from error


def _number(path: Path, line: int, row: list[str], at: int, name: str) -> float:
    text = row[at].strip() if at < len(row) else ""
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    low, high = WITHIN[name]
    if not low <= number <= high:
        told = f"`{text}`: want a number from {low:g} to {high:g}"
        raise TraceUnusable(f"{path}, line {line}, column `{name}`: {told}")
    return number
