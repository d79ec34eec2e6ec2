"""Reads tables of pulses (CSV), and models of the pulse screen (plain JSON).

Columns: `row`, `group` (the physical cell), `chemistry`, `q_nominal_ah`, `u1` ... `uN` in V with u1
at rest, and `soh_pct` where the state of health is known.
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from stations.battery.gaussian import Groups
from stations.battery.screen import LEVEL, METHOD, Screen
from stations.battery.trace import Floats

KIND, VERSION = "refit.battery.screen", 1
VOLT = re.compile(r"u([1-9]\d*)", re.IGNORECASE)
VOLTS_MIN = 3
CELL_V = (0.5, 5.5)
SOH_PCT = (1.0, 130.0)
ROWS_MAX = 1_000_000


class TableUnusable(Exception):
    """A table or model that is refused; the text says where and what would be right."""


@dataclass(frozen=True, slots=True, eq=False)
class Pulses:
    """Rows of pulses: what they are called, and their numbers."""

    row: list[int | str]
    group: Groups
    chemistry: list[str]
    rated_ah: Floats
    volts: Floats
    soh_pct: Floats | None


def read_pulses(path: Path, *, known: bool) -> Pulses:
    """The table of a file; with `known` it must have group and state of health."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.reader(file)
            header = [one.strip() for one in next(reader, [])]
            lines = [(reader.line_num, row) for row in reader if any(row)]
    except (UnicodeDecodeError, csv.Error) as error:
        raise TableUnusable(f"{path}: no CSV in UTF-8: {error}") from error
    needed = ["row", "chemistry", "q_nominal_ah", *(["group", "soh_pct"] if known else [])]
    volts = _columns(path, header, needed)
    if not lines:
        raise TableUnusable(f"{path}: there is no row after the header")
    if len(lines) > ROWS_MAX:
        raise TableUnusable(f"{path}: {len(lines)} rows: at most {ROWS_MAX}")
    at = {name: header.index(name) for name in needed}
    table = _Rows(path, header, lines)
    groups = [table.text(line, at["group"]) for line in lines] if "group" in at else []
    found = Pulses(
        row=[_row(table.text(line, at["row"])) for line in lines],
        group=np.unique(groups, return_inverse=True)[1].astype(np.int64),
        chemistry=[table.text(line, at["chemistry"]) for line in lines],
        rated_ah=table.numbers(at["q_nominal_ah"], (1e-3, 1e5), "Ah"),
        volts=np.column_stack([table.numbers(one, CELL_V, "V of a cell") for one in volts]),
        soh_pct=table.numbers(at["soh_pct"], SOH_PCT, "%") if known else None,
    )
    if found.soh_pct is not None and float(found.soh_pct.max()) <= 2.0:
        raise TableUnusable(f"{path}, column `soh_pct`: it looks like parts of 1: want percent")
    return found


def _columns(path: Path, header: Sequence[str], needed: Sequence[str]) -> list[int]:
    """Where u1 ... uN are; the others must be there."""
    missing = [name for name in needed if name not in header]
    if missing:
        told = ", ".join(f"`{name}`" for name in missing)
        raise TableUnusable(f"{path}, line 1: there is no column {told}")
    twice = {name for name in header if name and header.count(name) > 1}
    if twice:
        raise TableUnusable(f"{path}, line 1: column `{min(twice)}` is there twice: want it once")
    matches = ((VOLT.fullmatch(name), at) for at, name in enumerate(header))
    numbered = {int(match[1]): at for match, at in matches if match}
    gone = set(range(1, max([*numbered, VOLTS_MIN]) + 1)) - set(numbered)
    if gone:
        raise TableUnusable(
            f"{path}, line 1: there is no column `u{min(gone)}`: want u1 ... uN without a hole,"
            f" at least {VOLTS_MIN}"
        )
    return [numbered[number] for number in sorted(numbered)]


@dataclass(frozen=True, slots=True)
class _Rows:
    path: Path
    header: Sequence[str]
    lines: list[tuple[int, list[str]]]

    def text(self, line: tuple[int, list[str]], at: int) -> str:
        """What stands in a column; it may not be empty."""
        found = line[1][at].strip() if at < len(line[1]) else ""
        if not found:
            raise TableUnusable(
                f"{self.path}, line {line[0]}, column `{self.header[at]}`: it is empty"
            )
        return found

    def numbers(self, at: int, within: tuple[float, float], unit: str) -> Floats:
        """A column of numbers within limits."""
        found = np.empty(len(self.lines))
        for index, line in enumerate(self.lines):
            text = self.text(line, at)
            try:
                number = float(text)
            except ValueError:
                number = math.nan
            if not within[0] <= number <= within[1]:
                raise TableUnusable(
                    f"{self.path}, line {line[0]}, column `{self.header[at]}`: `{text}`: want a"
                    f" number from {within[0]:g} to {within[1]:g} {unit}"
                )
            found[index] = number
        return found


def _row(text: str) -> int | str:
    return int(text) if re.fullmatch(r"-?\d{1,15}", text) else text


def as_model(screens: Mapping[str, Screen], voltages: int) -> dict[str, Any]:
    """A model as plain JSON: the training rows and what was found of them."""
    return {
        "kind": KIND,
        "version": VERSION,
        "method": METHOD,
        "level": LEVEL,
        "voltages": voltages,
        "chemistries": {name: one.as_dict() for name, one in screens.items()},
    }


def read_model(path: Path) -> tuple[dict[str, Screen], int]:
    """The screens of a model by chemistry, and how many voltages a row has."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        if found["kind"] != KIND or found["version"] != VERSION:
            raise ValueError(f"kind {found['kind']!r}, version {found['version']!r}")
        voltages = int(found["voltages"])
        screens = {str(name): Screen.from_dict(one) for name, one in found["chemistries"].items()}
        if any(one.voltages != voltages for one in screens.values()):
            raise ValueError(f"rows without {voltages} voltages")
    except (ValueError, KeyError, TypeError, AttributeError, np.linalg.LinAlgError) as error:
        told = f"{error}" if isinstance(error, ValueError) else f"{type(error).__name__} {error}"
        raise TableUnusable(
            f"{path}: no model of `refit battery calibrate` (version {VERSION}): {told}"
        ) from error
    return screens, voltages
