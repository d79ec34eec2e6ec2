"""DataChangeNotifications to columns: from the bytes of a notification to `Samples`.

Runs of items with one layout (the usual case: the same mask and the same scalar type) are read as
one NumPy view; everything else goes item by item through the library's decoder for Variants. Both
give the same columns. Layout: OPC 10000-6, 5.2.2.16 and 5.2.2.17. Times stay whole numbers of
100 ns, which the library's own DataValue would round.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from asyncua import ua
from asyncua.common.utils import Buffer
from asyncua.ua.ua_binary import variant_from_binary
from numpy.typing import NDArray

from edge.sources.bounds import bound_decoder
from edge.sources.source import TICKS_PER_MS, Item
from stations.declare import Type
from stations.samples import EMPTY, Samples
from stations.status import (
    BAD_NO_DATA,
    BAD_OUT_OF_RANGE,
    BAD_TYPE_MISMATCH,
    OVERFLOW,
    SEVERITY,
)

EPOCH_TICKS = 116_444_736_000_000_000  # from 1601 to 1970 in 100 ns
bound_decoder()
RUN_MIN = 4  # a shorter run of equal layouts is not worth a NumPy view

VALUE, STATUS, SOURCE, SERVER, SOURCE_PICO, SERVER_PICO = 1, 2, 4, 8, 16, 32
_SCALARS = {1: "u1", 2: "i1", 3: "u1", 4: "<i2", 5: "<u2", 6: "<i4", 7: "<u4", 8: "<i8", 9: "<u8",
            10: "<f4", 11: "<f8"}  # fmt: skip
_BOOLEAN, _INT64, _UINT64, _FLOATING = 1, 8, 9, (10, 11)
_SMALL_INTEGERS = range(2, 8)  # SByte to UInt32: a FLOAT holds them exactly
_INTEGERS = range(2, 10)
# Kinds of the column `kind` beside the Variant types: already in the side list, or of no use.
_SIDE, _MISMATCH, _NOTHING, _RANGE = 200, 255, 0, 254

_PARTS = [("handle", "<u4"), ("status", "<u4"), ("source", "<i8"), ("server", "<i8"),
          ("kind", "u1"), ("bits", "<u8")]  # fmt: skip
_ROW = np.dtype(_PARTS)


@dataclass(frozen=True, slots=True)
class Expected:
    """What each client handle's tag holds, sorted by handle for lookups by column."""

    numbers: NDArray[np.uint32]
    types: NDArray[np.uint8]
    items: dict[int, Item]

    @classmethod
    def of(cls, items: Sequence[Item]) -> Expected:
        """The table of these items."""
        ordered = sorted(items, key=lambda item: item.number)
        numbers = np.array([item.number for item in ordered], np.uint32)
        types = np.array([item.tag.value_type for item in ordered], np.uint8)
        return cls(numbers, types, {item.number: item for item in ordered})

    def index(self, handles: NDArray[np.uint32]) -> NDArray[np.intp]:
        """The place of each handle in the table, -1 where it is not in there."""
        if not len(self.numbers):
            return np.full(len(handles), -1, np.intp)
        place = np.searchsorted(self.numbers, handles)
        place[place == len(self.numbers)] = 0
        return np.where(self.numbers[place] == handles, place, -1)


@dataclass(frozen=True, slots=True, eq=False)
class Decoded:
    """Columns of one notification, and by row what the source has to say about it."""

    samples: Samples
    ticks: NDArray[np.int64]
    mismatched: NDArray[np.bool_]
    overflowed: NDArray[np.bool_]
    unknown: int

    def rows(self) -> Iterator[tuple[int, int]]:
        """Tag number and source time (ticks) of each row."""
        return zip(self.samples.tag.tolist(), self.ticks.tolist(), strict=True)

    def only(self, rows: NDArray[Any]) -> Decoded:
        """Some of the rows, by mask or index array."""
        return Decoded(
            self.samples[rows], self.ticks[rows], self.mismatched[rows], self.overflowed[rows],
            self.unknown,
        )  # fmt: skip


def decode(
    changes: Sequence[bytes], expected: Expected, received_ticks: int, *, by_item: bool = False
) -> Decoded:
    """The bodies of DataChangeNotifications as columns; `by_item` takes no short cut.

    Without a source time the server's counts, without both the time of receipt.
    """
    parts: list[NDArray[Any]] = []
    side: list[bytes] = []
    for change in changes:
        parts.extend(_rows(change, expected, side, 1 << 62 if by_item else RUN_MIN))
    if not parts:
        nothing = np.empty(0, np.bool_)
        return Decoded(EMPTY, np.empty(0, np.int64), nothing, nothing, 0)
    return _judge(np.concatenate(parts), tuple(side), expected, received_ticks)


def decode_history(
    parts: Sequence[tuple[int, bytes]], expected: Expected, received_ticks: int
) -> Decoded:
    """Bodies of HistoryData (OPC 10000-11, 6.6.2), each of one tag, as columns in that order."""
    side: list[bytes] = []
    rows: list[tuple[int, int, int, int, int, int]] = []
    for number, body in parts:
        data = Buffer(body)
        (count,) = struct.unpack("<i", data.read(4))
        rows += [_value(data, number, expected, side) for _ in range(max(count, 0))]
    return _judge(np.array(rows, _ROW), tuple(side), expected, received_ticks)


@lru_cache(maxsize=256)
def _layout(mask: int, kind: int) -> np.dtype[Any] | None:
    """One monitored item with this DataValue mask and scalar type; None when its size may vary."""
    if kind not in _SCALARS or not mask & VALUE or mask & ~(VALUE | STATUS | SOURCE | SERVER):
        return None
    fields = [("handle", "<u4"), ("mask", "u1"), ("kind", "u1"), ("value", _SCALARS[kind])]
    if mask & STATUS:
        fields.append(("status", "<u4"))
    if mask & SOURCE:
        fields.append(("source", "<i8"))
    if mask & SERVER:
        fields.append(("server", "<i8"))
    return np.dtype(fields)


def _rows(change: bytes, expected: Expected, side: list[bytes], run_min: int) -> list[NDArray[Any]]:
    (count,) = struct.unpack_from("<i", change)
    parts: list[NDArray[Any]] = []
    singles: list[tuple[int, int, int, int, int, int]] = []
    position, left = 4, max(count, 0)
    while left:
        run = _run(change, position, left) if left >= run_min else None
        if run is not None and len(run) >= run_min:
            if singles:
                parts.append(np.array(singles, _ROW))
                singles = []
            parts.append(_seen(run))
            position, left = position + run.nbytes, left - len(run)
        else:
            row, position = _single(change, position, expected, side)
            singles.append(row)
            left -= 1
    if singles:
        parts.append(np.array(singles, _ROW))
    return parts


def _run(change: bytes, position: int, left: int) -> NDArray[Any] | None:
    """As many items from here on as have the layout of the first one."""
    if position + 6 > len(change):
        return None
    mask, kind = change[position + 4], change[position + 5]
    layout = _layout(mask, kind)
    if layout is None:
        return None
    fits = min(left, (len(change) - position) // layout.itemsize)
    view = np.frombuffer(change, layout, fits, position)
    other = np.flatnonzero((view["mask"] != mask) | (view["kind"] != kind))
    return view[: other[0]] if len(other) else view


def _seen(run: NDArray[Any]) -> NDArray[Any]:
    rows = np.zeros(len(run), _ROW)
    for name in ("handle", "kind", "status", "source", "server"):
        if name in run.dtype.names:  # type: ignore[operator]
            rows[name] = run[name]
    value, kind = run["value"], int(run["kind"][0])
    if kind in _FLOATING:
        rows["bits"] = value.astype(np.float64).view(np.uint64)
    elif kind == _BOOLEAN:
        rows["bits"] = value != 0
    else:
        wide = np.uint64 if kind == _UINT64 else np.int64
        rows["bits"] = value.astype(wide).view(np.uint64)
    return rows


def _single(
    change: bytes, position: int, expected: Expected, side: list[bytes]
) -> tuple[tuple[int, int, int, int, int, int], int]:
    data = Buffer(change, position)
    (handle,) = struct.unpack("<I", data.read(4))
    return _value(data, handle, expected, side), data.cur_pos


def _value(
    data: Buffer, handle: int, expected: Expected, side: list[bytes]
) -> tuple[int, int, int, int, int, int]:
    """One DataValue as a row."""
    (mask,) = struct.unpack("<B", data.read(1))
    kind, bits = _NOTHING, 0
    if mask & VALUE:
        variant = variant_from_binary(data)
        kind, bits = _sort(variant, expected.items.get(handle), side)
    fields = {STATUS: 0, SOURCE: 0, SERVER: 0}
    for bit, layout in ((STATUS, "<I"), (SOURCE, "<q"), (SOURCE_PICO, "<H"), (SERVER, "<q"),
                        (SERVER_PICO, "<H")):  # fmt: skip
        if mask & bit:
            (fields[bit],) = struct.unpack(layout, data.read(struct.calcsize(layout)))
    return (handle, fields[STATUS], fields[SOURCE], fields[SERVER], kind, bits)


def _sort(variant: ua.Variant, item: Item | None, side: list[bytes]) -> tuple[int, int]:
    """The kind and the bits of a decoded value; a text or an array goes to the side list."""
    value, type_id = variant.Value, int(variant.VariantType.value)
    if value is None:
        return _NOTHING, 0
    if not variant.is_array and type_id in _SCALARS:
        return type_id, _bits(type_id, value)
    wanted = Type.NONE if item is None else item.tag.value_type
    entry: bytes | None = None
    if variant.is_array and item is not None:
        if type_id == _UINT64 and wanted is Type.INTS and any(x >= 1 << 63 for x in _flat(value)):
            return _RANGE, 0
        entry = _array(type_id, value, wanted, item.tag.length)
    elif wanted is Type.TEXT and isinstance(value, ua.LocalizedText):
        if value.Text is None:
            return _NOTHING, 0
        entry = _text(value.Text)
    elif wanted is Type.TEXT and variant.VariantType is ua.VariantType.String:
        entry = _text(value)
    elif wanted is Type.TEXT and variant.VariantType is ua.VariantType.DateTime:
        whole = value.isoformat(timespec="microseconds").removesuffix("+00:00")
        entry = f"{whole}Z".encode()
    elif wanted is Type.TEXT and variant.VariantType is ua.VariantType.Guid:
        entry = str(value).encode()
    if entry is None:
        return _MISMATCH, 0
    side.append(entry)
    return _SIDE + int(wanted), len(side) - 1


def _text(value: str) -> bytes:
    """UTF-8; what is not (the library escapes it) is taken for Latin-1, as from Modbus."""
    raw = value.encode(errors="surrogateescape")
    try:
        raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1").encode()
    return raw


def _bits(type_id: int, value: Any) -> int:
    if type_id in _FLOATING:
        return int.from_bytes(struct.pack("<d", value), "little")
    return int(value) & 0xFFFF_FFFF_FFFF_FFFF


def _flat(value: Any) -> list[Any]:
    return [x for row in value for x in _flat(row)] if isinstance(value, list | tuple) else [value]


def _array(type_id: int, value: Any, wanted: Type, length: int) -> bytes | None:
    elements = _flat(value)
    if len(elements) != length:
        return None
    if wanted is Type.INTS and (type_id in _INTEGERS or type_id == _BOOLEAN):
        return np.array(elements, "<i8").tobytes()
    if wanted is Type.FLOATS and (type_id in _FLOATING or type_id in _SMALL_INTEGERS):
        return np.array(elements, "<f8").tobytes()
    return None


def _judge(
    rows: NDArray[Any], side: tuple[bytes, ...], expected: Expected, received_ticks: int
) -> Decoded:
    place = expected.index(rows["handle"])
    unknown = int((place < 0).sum())
    if unknown:
        rows, place = rows[place >= 0], place[place >= 0]
    wanted, kind = expected.types[place], rows["kind"]
    type_, value, out_of_range = _values(wanted, kind, rows["bits"])
    status = rows["status"].astype(np.uint32)
    overflowed = (status & OVERFLOW) == OVERFLOW
    # The bit speaks of the server's queue, not of the value: it becomes a gap, not a status.
    status = np.where(overflowed, status & np.uint32(~OVERFLOW & 0xFFFF_FFFF), status)
    usable = (status & np.uint32(0x8000_0000)) == 0
    missing = type_ == Type.NONE
    mismatched = missing & usable & (kind != _NOTHING) & ~out_of_range
    status = np.where(missing & usable & out_of_range, np.uint32(BAD_OUT_OF_RANGE), status)
    status = np.where(mismatched, np.uint32(BAD_TYPE_MISMATCH), status)
    is_good = (status & np.uint32(SEVERITY)) == 0
    status = np.where(missing & is_good, np.uint32(BAD_NO_DATA), status)
    ticks = _ticks(rows["source"], rows["server"], received_ticks)
    samples = Samples(
        rows["handle"].astype(np.uint32), ticks // TICKS_PER_MS, status.astype(np.uint32),
        type_, value, side,
    )  # fmt: skip
    return Decoded(samples, ticks, mismatched, overflowed, unknown)


def _values(
    wanted: NDArray[np.uint8], kind: NDArray[np.uint8], bits: NDArray[np.uint64]
) -> tuple[NDArray[np.uint8], NDArray[np.uint64], NDArray[np.bool_]]:
    """Type and value columns where the Variant fits the tag; elsewhere Type NONE."""
    bits = np.ascontiguousarray(bits)
    type_ = np.zeros(len(kind), np.uint8)
    value = np.zeros(len(kind), np.uint64)
    floating = (wanted == Type.FLOAT) & np.isin(kind, _FLOATING)
    widened = (wanted == Type.FLOAT) & np.isin(kind, _SMALL_INTEGERS)
    integer = (wanted == Type.INT) & np.isin(kind, _INTEGERS)
    too_large = integer & (kind == _UINT64) & (bits >= np.uint64(1 << 63))
    boolean = (wanted == Type.BOOL) & (kind == _BOOLEAN)
    beside = (kind >= _SIDE) & (kind < _RANGE)
    plain = floating | (integer & ~too_large) | boolean | beside
    type_[plain | widened] = wanted[plain | widened]
    value[plain] = bits[plain]
    value[widened] = bits[widened].view(np.int64).astype(np.float64).view(np.uint64)
    return type_, value, too_large | (kind == _RANGE)


def _ticks(
    source: NDArray[np.int64], server: NDArray[np.int64], received_ticks: int
) -> NDArray[np.int64]:
    """Ticks since 1970: the source's, else the server's, else those of the receipt."""
    raw = np.where(source > 0, source, server)
    return np.where(raw > 0, raw - EPOCH_TICKS, np.int64(received_ticks)).astype(np.int64)
