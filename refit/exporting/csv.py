"""A CSV file (RFC 4180, UTF-8): every value comes back exactly as it was.

Numbers stand bare, by the shortest digits that give the same 64 bits again; NaN, Infinity and
-Infinity where a store has such. Texts stand in quotes, also an empty one: a cell with nothing in
it is no value. Arrays are JSON in quotes, null for an element that is no number.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any, BinaryIO

from refit.exporting.layout import NAME, TIME, VALUE, Batch, Column, Layout
from refit.times import text_of
from stations.declare import Type

END = "\r\n"


class CsvWriter:
    """Writes batches; the header is written with the first."""

    def __init__(self, file: BinaryIO, layout: Layout) -> None:
        self._file = file
        self._cells = [_cell_of(one) for one in layout.columns]
        names = (_quoted_if_needed(_title(one)) for one in layout.columns)
        self._header: str = ",".join(names) + END

    def write(self, batch: Batch) -> None:
        """Some rows."""
        columns = [
            list(map(cell, one)) for cell, one in zip(self._cells, batch.columns, strict=True)
        ]
        rows = map(",".join, zip(*columns, strict=True))
        self._file.write((self._header + END.join(rows) + END).encode("utf-8", "surrogatepass"))
        self._header = ""

    def close(self) -> None:
        """Nothing is held back."""


def _title(column: Column) -> str:
    return f"{column.name} [{column.unit}]" if column.unit else column.name


def _cell_of(column: Column) -> Callable[[Any], str]:
    known: dict[Any, Callable[[Any], str]] = {
        TIME: text_of, VALUE: cell, NAME: _name, Type.FLOAT: _float_or_none,
    }  # fmt: skip
    return known.get(column.kind, cell)


def cell(value: Any) -> str:
    """A value as a cell."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case float():
            return number(value)
        case str():
            return quoted(value)
        case list():
            return quoted(json.dumps([_element(one) for one in value]))
    return str(value)


def number(value: float) -> str:
    """The shortest text that gives the same float again."""
    if math.isfinite(value):
        return repr(value)
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _float_or_none(value: float | None) -> str:
    return "" if value is None else number(value)


def _element(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


def quoted(text: str) -> str:
    """A text in quotes."""
    return '"' + text.replace('"', '""') + '"'


def _name(text: str | None) -> str:
    return "" if text is None else _quoted_if_needed(text)


def _quoted_if_needed(text: str) -> str:
    return quoted(text) if any(sign in text for sign in ',"\r\n') else text
