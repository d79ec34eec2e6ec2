"""A Parquet file by pyarrow: types, units and what they mean stand in the file itself.

A column of values of several types is one column for each: value_float, value_int, value_text ...
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from refit.exporting.layout import NAME, STATUS, TIME, VALUE, Batch, Column, Layout
from stations.declare import Type

ROWS_A_GROUP = 200_000
TYPES = {
    TIME: pa.timestamp("ms", "UTC"), NAME: pa.dictionary(pa.int32(), pa.string()),
    STATUS: pa.uint32(), Type.BOOL: pa.bool_(), Type.INT: pa.int64(), Type.FLOAT: pa.float64(),
    Type.TEXT: pa.string(), Type.INTS: pa.list_(pa.int64()), Type.FLOATS: pa.list_(pa.float64()),
}  # fmt: skip


class ParquetWriter:
    """Writes batches; `about` becomes the metadata `refit` of the file."""

    def __init__(self, file: BinaryIO, layout: Layout, about: Mapping[str, Any]) -> None:
        self._layout = layout
        fields = [field for column in layout.columns for field in _fields(column, layout.types)]
        schema = pa.schema(fields, {"refit": json.dumps(about)})
        self._schema = schema
        self._writer = pq.ParquetWriter(file, schema, compression="zstd")
        self._waiting: list[pa.RecordBatch] = []
        self._rows = 0

    def write(self, batch: Batch) -> None:
        """Some rows; small batches become one row group."""
        arrays = [
            array
            for column, values in zip(self._layout.columns, batch.columns, strict=True)
            for array in _arrays(column, self._layout.types, values, batch.kind)
        ]
        self._waiting.append(pa.record_batch(arrays, schema=self._schema))
        self._rows += len(batch.columns[0])
        if self._rows >= ROWS_A_GROUP:
            self._flush()

    def _flush(self) -> None:
        if self._waiting:
            table = pa.Table.from_batches(self._waiting, self._schema).unify_dictionaries()
            self._writer.write_table(table, row_group_size=ROWS_A_GROUP)
        self._waiting, self._rows = [], 0

    def close(self) -> None:
        """The rest and the footer."""
        self._flush()
        self._writer.close()


def _fields(column: Column, types: tuple[Type, ...]) -> list[pa.Field]:
    if column.kind == VALUE and len(types) != 1:
        return [pa.field(f"{column.name}_{kind.name.lower()}", TYPES[kind]) for kind in types]
    kind = types[0] if column.kind == VALUE else column.kind
    about = {} if column.about is None else column.about.about()
    metadata = {
        key: value if isinstance(value, str) else json.dumps(value)
        for key, value in about.items()
    }  # fmt: skip
    return [pa.field(column.name, TYPES[kind], metadata=metadata or None)]


def _arrays(
    column: Column, types: tuple[Type, ...], values: list[Any], kind: Type
) -> list[pa.Array]:
    if column.kind != VALUE:
        return [_array(values, column.kind)]
    return [
        _array(values, one) if one == kind else pa.nulls(len(values), TYPES[one]) for one in types
    ]


def _array(values: list[Any], kind: Any) -> pa.Array:
    if kind == NAME:
        return pa.array(values, pa.string()).dictionary_encode()
    return pa.array(values, TYPES[kind])
