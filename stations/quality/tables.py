"""The tables of sampling by attributes: a lot's code letter, and the plan of a letter and an AQL.

A table is data (`sampling_plans/*.toml`), handed in as text and checked when it is read. Where a
cell is an arrow the plan of another letter applies, and with it that letter's sample size.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from enum import StrEnum
from typing import Any

DOWN, UP, NONE = "v", "^", "-"


class Severity(StrEnum):
    """How severe inspection is: which of the three tables applies."""

    NORMAL = "normal"
    TIGHTENED = "tightened"
    REDUCED = "reduced"


class TablesUnusable(ValueError):
    """Tables that contradict themselves; the message says where."""


class NoSuchPlan(ValueError):
    """There is no plan for what was asked; the message says what there is."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A single sampling plan: accept when at most `ac` of `n` are found, else not (`re`)."""

    code: str
    n: int
    ac: int

    @property
    def re(self) -> int:
        """The rejection number."""
        return self.ac + 1


@dataclass(frozen=True, slots=True)
class Master:
    """One master table: sample sizes by code letter, and cells by letter in order of the AQLs."""

    source: str
    sizes: Mapping[str, int]
    cells: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Tables:
    """Code letters and master tables of one standard."""

    name: str
    title: str
    source: str
    mark: str
    aql: tuple[Decimal, ...]
    percent_max: Decimal
    levels: tuple[str, ...]
    lots: tuple[tuple[int | None, tuple[str, ...]], ...]
    masters: Mapping[Severity, Master]

    def letter(self, lot: int, level: str) -> str:
        """The code letter of a lot of this size. NoSuchPlan for a level that there is not."""
        if level not in self.levels:
            raise NoSuchPlan(f"level {level!r}: known are {', '.join(self.levels)}")
        if lot < 1:
            raise NoSuchPlan(f"a lot of {lot} units: it must have at least one")
        column = self.levels.index(level)
        return next(row[column] for up_to, row in self.lots if up_to is None or lot <= up_to)

    def step(self, aql: Decimal) -> int:
        """The place of an AQL among those of the tables. NoSuchPlan when it is none of them."""
        if aql not in self.aql:
            raise NoSuchPlan(f"AQL {aql}: known are {', '.join(map(str, self.aql))}")
        return self.aql.index(aql)

    def plan(self, severity: Severity, letter: str, aql: Decimal) -> Plan:
        """The plan of a code letter, after the arrows: its code and size are those of its row."""
        found = _followed(self.masters[severity], letter, self.step(aql))
        if found is None:
            raise NoSuchPlan(f"there is no plan of letter {letter} for AQL {aql} ({severity})")
        return found

    def tighter(self, plan: Plan, aql: Decimal) -> Plan | None:
        """The normal plan of the same sample size one AQL step tighter; None below the first."""
        step = self.step(aql)
        if step == 0:
            return None
        cell = self.masters[Severity.NORMAL].cells[plan.code][step - 1]
        return Plan(plan.code, plan.n, int(cell)) if cell.isdigit() else None


def read_aql(text: str) -> Decimal:
    """An AQL as it is written. NoSuchPlan when it is no number."""
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise NoSuchPlan(f"AQL {text!r} is no number, such as 1.0") from error


def parse_tables(text: str) -> Tables:
    """The tables of a TOML text. TablesUnusable when one is not whole or an arrow leads nowhere."""
    try:
        said = tomllib.loads(text)
        tables = _tables(said)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, ValueError, InvalidOperation) as error:
        raise TablesUnusable(f"sampling tables: {error!r}") from error
    _check_letters(tables)
    for severity, master in tables.masters.items():
        _check_master(severity, master, tables)
    return tables


def _tables(said: dict[str, Any]) -> Tables:
    letters = said["letters"]
    return Tables(
        name=str(said["name"]),
        title=str(said["title"]),
        source=str(said["source"]),
        mark=str(said["mark"]),
        aql=tuple(Decimal(one) for one in said["aql"]),
        percent_max=Decimal(said["percent_max"]),
        levels=tuple(letters["levels"]),
        lots=tuple((int(up_to) or None, tuple(row.split())) for up_to, row in letters["lots"]),
        masters={
            Severity(name): Master(
                str(master["source"]),
                {str(letter): int(size) for letter, size in master["sizes"].items()},
                {str(letter): tuple(row.split()) for letter, row in master["plans"].items()},
            )
            for name, master in said["tables"].items()
        },
    )


def _check_letters(tables: Tables) -> None:
    bounds = [up_to for up_to, _ in tables.lots]
    if bounds[-1] is not None or None in bounds[:-1]:
        raise TablesUnusable("letters: the last row, and only that, is 0: and over")
    sizes = [one for one in bounds if one is not None]
    if sizes != sorted(set(sizes)):
        raise TablesUnusable("letters: the lot sizes do not rise")
    if any(len(row) != len(tables.levels) for _, row in tables.lots):
        raise TablesUnusable("letters: each row needs a letter for each level")
    if set(tables.masters) != set(Severity):
        raise TablesUnusable(f"tables: needed are {', '.join(Severity)}")
    if list(tables.aql) != sorted(set(tables.aql)):
        raise TablesUnusable("aql: the values do not rise")


def _check_master(severity: Severity, master: Master, tables: Tables) -> None:
    if set(master.sizes) != set(master.cells):
        raise TablesUnusable(f"tables.{severity}: sizes and plans have other letters")
    used = {letter for _, row in tables.lots for letter in row}
    if missing := used - set(master.cells):
        raise TablesUnusable(f"tables.{severity}: no row of letter {', '.join(sorted(missing))}")
    for letter, row in master.cells.items():
        if len(row) != len(tables.aql):
            raise TablesUnusable(f"tables.{severity}.{letter}: {len(row)} cells, not one an AQL")
        if wrong := [one for one in row if not (one.isdigit() or one in (DOWN, UP, NONE))]:
            raise TablesUnusable(f"tables.{severity}.{letter}: {wrong[0]!r} is no number, no arrow")
    for letter, row in master.cells.items():
        last = -1
        for step, cell in enumerate(row):
            place = f"tables.{severity}.{letter} at AQL {tables.aql[step]}"
            found = _followed(master, letter, step)
            if found is None and (letter in used or cell != NONE):
                raise TablesUnusable(f"{place}: no plan there, and no arrow that leads to one")
            if found is not None and found.ac < last:
                raise TablesUnusable(f"{place}: Ac falls from {last} to {found.ac}")
            last = last if found is None else found.ac


def _followed(master: Master, letter: str, step: int) -> Plan | None:
    """The first plan in the direction of the arrow; an arrow never turns on its way."""
    letters = list(master.cells)
    place = letters.index(letter)
    first = master.cells[letter][step]
    way = {DOWN: 1, UP: -1}.get(first, 0)
    while 0 <= place < len(letters):
        cell = master.cells[letters[place]][step]
        if cell.isdigit():
            return Plan(letters[place], master.sizes[letters[place]], int(cell))
        if way == 0 or cell != first:
            return None
        place += way
    return None
