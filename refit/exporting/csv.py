"""A CSV file (RFC 4180, UTF-8): every value comes back exactly as it was.

Numbers stand bare, by the shortest digits that give the same 64 bits again; NaN, Infinity and
-Infinity where a store has such. Texts stand in quotes, also an empty one: a cell with nothing in
it is no value. Arrays are JSON in quotes, null for an element that is no number.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from typing import Any, BinaryIO

import numpy as np

from refit.exporting.layout import VALUE, Batch, Column, Kind, Layout
from refit.times import text_of
from stations.declare import Type

END = "\r\n"
CALENDAR_MS = (-62_135_596_800_000, 253_402_300_799_999)  # the years 1 to 9999


class CsvWriter:
    """Writes batches; the header is written with the first."""

    def __init__(self, file: BinaryIO, layout: Layout) -> None:
        self._file = file
        self._columns = layout.columns
        names = (_quoted_if_needed(_title(one)) for one in layout.columns)
        self._header: str = ",".join(names) + END

    def write(self, batch: Batch) -> None:
        """Some rows."""
        columns = [
            _cells(batch.kind if column.kind == VALUE else column.kind, values)
            for column, values in zip(self._columns, batch.columns, strict=True)
        ]
        rows = map(",".join, zip(*columns, strict=True))
        self._file.write((self._header + END.join(rows) + END).encode("utf-8", "surrogatepass"))
        self._header = ""

    def close(self) -> None:
        """Nothing is held back."""


def _cells(kind: Kind, values: list[Any]) -> Iterable[str]:
    """The cells of a column: whole columns at once where there are many rows."""
    match kind:
        case "time":
            return times(values)
        case "name":
            known = {one: _name(one) for one in set(values)}
            return map(known.__getitem__, values)
        case Type.FLOAT:
            return map(_float_or_none, values)
    return map(cell, values)


def times(values: list[int]) -> Sequence[str]:
    """RFC 3339 in UTC with milliseconds, as `text_of` writes each."""
    moments = np.array(values, np.int64)
    if not len(moments) or moments.min() < CALENDAR_MS[0] or moments.max() > CALENDAR_MS[1]:
        return [text_of(one) for one in values]
    texts: list[str] = np.datetime_as_string(moments.view("datetime64[ms]"), "ms").tolist()
    return [text + "Z" for text in texts]


def _title(column: Column) -> str:
    return f"{column.name} [{column.unit}]" if column.unit else column.name


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
