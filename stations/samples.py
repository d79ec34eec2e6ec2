"""Samples as columns: what every value is between a source and the store.

One row is one sample. No Python object is made per row; `row` and `build` are for the paths where
rows are few.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stations.declare import Type

MAGIC = b"RS"
VERSION = 1
_HEADER = struct.Struct("<2sBxIII")  # magic, version, rows, side entries, bytes of the side list
_CHECKSUM = struct.Struct("<I")
_COLUMNS = (("tag", "<u4"), ("time", "<i8"), ("status", "<u4"), ("type", "u1"), ("value", "<u8"))
_ROW_BYTES = sum(np.dtype(code).itemsize for _, code in _COLUMNS)
# By type number: asked for every part of every report, where `isin` would be most of the work.
_IS_SIDE = np.isin(np.arange(256), (Type.TEXT, Type.INTS, Type.FLOATS))


class Corrupt(ValueError):
    """Bytes that are no samples: torn, altered, or of a version that is not known here."""


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Columns: tag number (u4), UTC ms (i8), OPC UA StatusCode (u4), `Type` (u1), value (u8).

    `value` holds the 8 bytes of a float, an integer or a bool; for a text or an array it is the
    index into `side`, where the UTF-8 text or the little-endian 8-byte elements lie. Type NONE:
    there is no value.
    """

    tag: NDArray[np.uint32]
    time: NDArray[np.int64]
    status: NDArray[np.uint32]
    type: NDArray[np.uint8]
    value: NDArray[np.uint64]
    side: tuple[bytes, ...] = ()

    def __len__(self) -> int:
        return len(self.tag)

    def __getitem__(self, rows: slice | NDArray[Any]) -> Samples:
        """Some of the rows, by slice, mask or index array; the side list is shared."""
        return Samples(
            self.tag[rows],
            self.time[rows],
            self.status[rows],
            self.type[rows],
            self.value[rows],
            self.side,
        )

    @property
    def floats(self) -> NDArray[np.float64]:
        """The value column seen as float64: meaningful in rows of type FLOAT."""
        return self.value.view(np.float64)

    @property
    def ints(self) -> NDArray[np.int64]:
        """The value column seen as int64: meaningful in rows of type INT and BOOL."""
        return self.value.view(np.int64)

    @property
    def in_side(self) -> NDArray[np.bool_]:
        """Which rows have their value in the side list."""
        return _IS_SIDE[self.type]

    def row(self, index: int) -> Any:
        """The value of one row as a Python object (None, bool, int, float, str or list)."""
        kind, bits = Type(int(self.type[index])), self.value[index]
        match kind:
            case Type.NONE:
                return None
            case Type.BOOL:
                return bool(bits)
            case Type.INT:
                return int(bits.view(np.int64))
            case Type.FLOAT:
                return float(bits.view(np.float64))
            case Type.TEXT:
                return self.side[int(bits)].decode()
            case _:
                code = "<i8" if kind is Type.INTS else "<f8"
                return np.frombuffer(self.side[int(bits)], code).tolist()

    def compact(self) -> Samples:
        """The same rows with a side list that holds only what they use, in row order."""
        if not self.side:
            return self
        rows = np.flatnonzero(self.in_side)
        value = self.value.copy()
        value[rows] = np.arange(len(rows), dtype=np.uint64)
        side = tuple(self.side[i] for i in self.value[rows].tolist())
        return Samples(self.tag, self.time, self.status, self.type, value, side)

    def to_bytes(self) -> bytes:
        """A versioned blob with a checksum; `from_bytes` gives equal columns back."""
        rows = self.compact()
        lengths = np.array([len(entry) for entry in rows.side], "<u4").tobytes()
        side = lengths + b"".join(rows.side)
        columns = [
            np.ascontiguousarray(getattr(rows, name), code).tobytes() for name, code in _COLUMNS
        ]
        body = b"".join(
            [_HEADER.pack(MAGIC, VERSION, len(rows), len(rows.side), len(side)), *columns, side]
        )
        return body + _CHECKSUM.pack(zlib.crc32(body))

    @classmethod
    def from_bytes(cls, blob: bytes) -> Samples:
        """The columns of a blob; Corrupt when it is torn, altered or of another version."""
        if len(blob) < _HEADER.size + _CHECKSUM.size:
            raise Corrupt(f"{len(blob)} bytes are too few for samples")
        magic, version, rows, entries, side_bytes = _HEADER.unpack_from(blob)
        if magic != MAGIC or version != VERSION:
            raise Corrupt(f"not samples of version {VERSION}: the blob begins with {blob[:3]!r}")
        end = _HEADER.size + rows * _ROW_BYTES + side_bytes
        if len(blob) != end + _CHECKSUM.size:
            raise Corrupt(f"the blob has {len(blob)} bytes, its header says {end + _CHECKSUM.size}")
        if zlib.crc32(memoryview(blob)[:end]) != _CHECKSUM.unpack_from(blob, end)[0]:
            raise Corrupt("the checksum does not fit: the blob was altered")
        columns, offset = {}, _HEADER.size
        for name, code in _COLUMNS:
            columns[name] = np.frombuffer(blob, code, rows, offset)
            offset += rows * np.dtype(code).itemsize
        return cls(**columns, side=_side(blob, offset, entries, side_bytes))


def _side(blob: bytes, offset: int, entries: int, size: int) -> tuple[bytes, ...]:
    if 4 * entries > size:
        raise Corrupt("the side list is shorter than its index")
    lengths = np.frombuffer(blob, "<u4", entries, offset).tolist()
    if 4 * entries + sum(lengths) != size:
        raise Corrupt("the side list does not have the length that its index says")
    position, side = offset + 4 * entries, []
    for length in lengths:
        side.append(blob[position : position + length])
        position += length
    return tuple(side)


EMPTY = Samples(
    np.empty(0, np.uint32), np.empty(0, np.int64), np.empty(0, np.uint32),
    np.empty(0, np.uint8), np.empty(0, np.uint64),
)  # fmt: skip


def concat(parts: Sequence[Samples]) -> Samples:
    """One after another, the side lists joined."""
    if not parts:
        return EMPTY
    if len(parts) == 1:
        return parts[0]
    values, offset = [], 0
    for part in parts:
        value = part.value
        if offset and part.side:
            value = np.where(part.in_side, value + np.uint64(offset), value)
        values.append(value)
        offset += len(part.side)
    return Samples(
        np.concatenate([part.tag for part in parts]),
        np.concatenate([part.time for part in parts]),
        np.concatenate([part.status for part in parts]),
        np.concatenate([part.type for part in parts]),
        np.concatenate(values),
        tuple(entry for part in parts for entry in part.side),
    )


def encode(type: Type, value: Any) -> tuple[int, bytes | None]:
    """One Python value as (the 8 bytes as an unsigned number, its side entry or None)."""
    match type:
        case Type.NONE:
            return 0, None
        case Type.BOOL:
            return int(bool(value)), None
        case Type.INT:
            return int(value) & 0xFFFF_FFFF_FFFF_FFFF, None
        case Type.FLOAT:
            return struct.unpack("<Q", struct.pack("<d", value))[0], None
        case Type.TEXT:
            return 0, str(value).encode()
        case Type.INTS:
            return 0, np.asarray(value, "<i8").tobytes()
        case Type.FLOATS:
            return 0, np.asarray(value, "<f8").tobytes()


def build(rows: Iterable[tuple[int, int, int, Type, Any]]) -> Samples:
    """Samples from rows of (tag, time in ms, status, type, value), for where rows are few."""
    tags, times, statuses, types, values = [], [], [], [], []
    side: list[bytes] = []
    for tag, time, status, type, value in rows:
        kind = Type.NONE if value is None else type
        bits, entry = encode(kind, value)
        if entry is not None:
            bits = len(side)
            side.append(entry)
        tags.append(tag)
        times.append(time)
        statuses.append(status)
        types.append(int(kind))
        values.append(bits)
    return Samples(
        np.array(tags, np.uint32),
        np.array(times, np.int64),
        np.array(statuses, np.uint32),
        np.array(types, np.uint8),
        np.array(values, np.uint64),
        tuple(side),
    )
