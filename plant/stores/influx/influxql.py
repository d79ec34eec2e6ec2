"""InfluxQL, the one language of InfluxDB 1, 2 and 3: quoting, and answers as samples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson

from plant.stores.influx.lines import NO_VALUE, STATUS, field_of
from plant.stores.store import Series
from stations.declare import Type
from stations.samples import EMPTY, Samples

# All that is ever stored lies between: 1989-12-31 and 2199-12-31.
EARLIEST_MS, LATEST_MS = 631_065_600_000, 7_258_032_000_000

Row = Sequence[Any]
"""Time, value or None, status code or None."""


def identifier(name: str) -> str:
    """A name of a database, measurement, tag or field."""
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def text(value: str) -> str:
    """A text to compare with."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"


def source(series: Series) -> str:
    """`FROM ... WHERE ...` of one station; a tag without value is a tag that is not there."""
    tags = (("site", series.site), ("line", series.line), ("station", series.station))
    told = " AND ".join(f"{identifier(key)} = {text(value)}" for key, value in tags)
    return f"FROM {identifier(series.measurement)} WHERE {told}"


def between(start_ms: int, end_ms: int) -> str:
    """The condition of a time from `start_ms` to before `end_ms`."""
    return f"time >= {max(start_ms, EARLIEST_MS)}ms AND time < {min(end_ms, LATEST_MS)}ms"


def fields(series: Series) -> tuple[str, str]:
    """The quoted fields of value and status."""
    field = field_of(series.tag)
    return identifier(field), identifier(field + STATUS)


def rows_of(answer: Sequence[Any]) -> list[Row]:
    """The rows of an answer that has one series or none."""
    return list(answer[0]["values"]) if answer else []


def samples(rows: Sequence[Row], kind: Type) -> Samples:
    """Columns of rows in their order, tag number 0."""
    size = len(rows)
    if not size:
        return EMPTY
    code = np.fromiter((row[2] or 0 for row in rows), np.int64, size)
    there = np.fromiter((row[1] is not None for row in rows), np.bool_, size) & (code < NO_VALUE)
    told = [row[1] for row, is_there in zip(rows, there.tolist(), strict=True) if is_there]
    value = np.zeros(size, np.uint64)
    side: tuple[bytes, ...] = ()
    match kind:
        case Type.FLOAT:
            value[there] = np.array(told, np.float64).view(np.uint64)
        case Type.INT | Type.BOOL:
            value[there] = np.array(told, np.int64).view(np.uint64)
        case Type.TEXT:
            side = tuple(one.encode() for one in told)
        case Type.INTS:
            side = tuple(np.array(orjson.loads(one), "<i8").tobytes() for one in told)
        case Type.FLOATS:
            side = tuple(_floats(one) for one in told)
    if side:
        value[there] = np.arange(len(side), dtype=np.uint64)
    return Samples(
        np.zeros(size, np.uint32),
        np.fromiter((row[0] for row in rows), np.int64, size),
        (code & (NO_VALUE - 1)).astype(np.uint32),
        np.where(there, kind, Type.NONE).astype(np.uint8),
        value,
        side,
    )


def _floats(told: str) -> bytes:
    """Elements of an array; null is an element without value."""
    return np.array(orjson.loads(told), np.float64).astype("<f8").tobytes()
