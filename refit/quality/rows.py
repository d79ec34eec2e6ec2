"""Rows of a CSV that a person or a spreadsheet wrote: every mistake with its row and column."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

BYTES_MAX = 64 << 20
PROBLEMS_MAX = 20
DIGITS_MAX = 15  # of a whole number, so that nothing is rounded on its way
YES, NO = ("1", "true", "yes", "y", "original"), ("0", "false", "no", "n", "resubmitted")


class RowsRefused(ValueError):
    """A file that is not as it must be; `problems` are lines that say where and what."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a file: its number, as an editor counts lines, and its cells by column."""

    line: int
    cells: dict[str, str]


class Sheet:
    """Reads the rows of a file, and gathers what is wrong with them, the first PROBLEMS_MAX."""

    def __init__(self, path: Path, needed: Sequence[str], optional: Sequence[str] = ()) -> None:
        self.problems: list[str] = []
        self._path, self._needed, self._known = path, needed, (*needed, *optional)

    def rows(self) -> list[Row]:
        """The rows; none when the file is empty. RowsRefused when it is no such table."""
        lines = self._text().splitlines()
        if not any(line.strip() for line in lines):
            return []
        reader = csv.reader(lines, strict=True)
        try:
            header = [name.strip().lower() for name in next(reader)]
            self._check(header)
            return list(self._read(reader, header))
        except csv.Error as error:
            raise RowsRefused([f"{self._path}:{reader.line_num}: {error}"]) from error

    def whole(self, row: Row, column: str, low: int = 0) -> int:
        """The whole number of a cell; `low` where it is none, with a problem noted."""
        text = row.cells[column]
        if not text.isascii() or not text.isdigit() or len(text) > DIGITS_MAX:
            self.wrong(row, column, f"{text!r} is no whole number, such as 50")
            return low
        if int(text) < low:
            self.wrong(row, column, f"{text} is less than {low}")
        return int(text)

    def number(self, row: Row, column: str) -> float:
        """The number of a cell; 0 where it is none, with a problem noted."""
        try:
            value = Decimal(row.cells[column])
        except InvalidOperation:
            value = Decimal("NaN")
        if not value.is_finite() or abs(value) > Decimal("1e30"):
            self.wrong(row, column, f"{row.cells[column]!r} is no number, such as 12.5")
            return 0.0
        return float(value)

    def yes(self, row: Row, column: str) -> bool:
        """The yes or no of a cell."""
        text = row.cells[column].lower()
        if text not in YES and text not in NO:
            self.wrong(
                row, column, f"{row.cells[column]!r}: write 1 or 0, true or false, yes or no"
            )
        return text in YES

    def wrong(self, row: Row, column: str, what: str) -> None:
        """Note what is wrong with a cell."""
        if len(self.problems) < PROBLEMS_MAX:
            self.problems.append(f"{self._path}:{row.line}: {column}: {what}")

    def refuse_if_wrong(self) -> None:
        """RowsRefused when something was noted."""
        if self.problems:
            raise RowsRefused(self.problems)

    def _text(self) -> str:
        with self._path.open("rb") as file:
            data = file.read(BYTES_MAX + 1)
        if len(data) > BYTES_MAX:
            raise RowsRefused([f"{self._path}: it has more than {BYTES_MAX} bytes"])
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise RowsRefused([f"{self._path}: byte {error.start} is no UTF-8"]) from error

    def _check(self, header: list[str]) -> None:
        asked = ",".join(self._needed)
        twice = {name for name in header if header.count(name) > 1}
        found = [f"{name}: the column is missing" for name in self._needed if name not in header]
        found += [f"{name}: no such column" for name in header if name not in self._known]
        found += [f"{name}: the column is there twice" for name in sorted(twice)]
        if found:
            raise RowsRefused([f"{self._path}:1: {one} (write {asked})" for one in found])

    def _read(self, reader: Iterator[list[str]], header: list[str]) -> Iterator[Row]:
        for cells in reader:
            line: int = reader.line_num  # type: ignore[attr-defined]
            if not any(cell.strip() for cell in cells):
                continue
            if len(cells) != len(header):
                raise RowsRefused(
                    [f"{self._path}:{line}: {len(cells)} cells, but {len(header)} columns"]
                )
            yield Row(line, {n: cell.strip() for n, cell in zip(header, cells, strict=True)})
