"""Register images to columns: tags of one format are decoded as one NumPy view.

`wire.registers.decode` says what a register means; the short cuts here give the same (property
test) for single numbers and bits. Texts, arrays and numbers with a power of ten elsewhere go
through it one by one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from edge.sources.source import Item
from stations.declare import Register, Type
from stations.samples import Samples, encode
from stations.status import BAD_NO_DATA, BAD_OUT_OF_RANGE, GOOD
from wire.registers import decode, mask, scale_span, span

Words = NDArray[np.uint16]

_CODES = {
    "int16": ">i2", "uint16": ">u2", "float16": ">f2",
    "int32": ">i4", "uint32": ">u4", "float32": ">f4",
    "int64": ">i8", "uint64": ">u8", "float64": ">f8",
}  # fmt: skip


class Columns:
    """How the values of some items lie in the images of their tables; the rows keep their order."""

    def __init__(self, items: Sequence[Item]) -> None:
        self.items = tuple(items)
        self._numbers = np.array([item.number for item in items], np.uint32)
        alike: dict[tuple[str, ...], list[int]] = {}
        self._singly: list[int] = []
        for row, item in enumerate(self.items):
            if _is_plain(item):
                alike.setdefault(_layout(item), []).append(row)
            else:
                self._singly.append(row)
        self._views = [_View.of(rows, self.items) for rows in alike.values()]

    def read(self, images: Mapping[str, Words], time_ms: int) -> Samples:
        """One sample per item, all of this time."""
        size = len(self.items)
        status = np.zeros(size, np.uint32)
        type_ = np.zeros(size, np.uint8)
        value = np.zeros(size, np.uint64)
        for view in self._views:
            view.read(images, status, type_, value)
        side: list[bytes] = []
        for row in self._singly:
            status[row], type_[row], value[row] = _single(self.items[row], images, side)
        time = np.full(size, time_ms, np.int64)
        return Samples(self._numbers, time, status, type_, value, tuple(side))


def _is_plain(item: Item) -> bool:
    at, kind = _register(item), item.tag.value_type
    if at.format == "text" or item.tag.length or at.scale_at is not None:
        return False
    if kind is Type.FLOAT:
        return at.format != "bit"
    if kind is Type.INT:
        return at.format not in ("bit", "float16", "float32", "float64") and at.scale == 1
    return kind is Type.BOOL


def _layout(item: Item) -> tuple[str, ...]:
    at = _register(item)
    return at.table, at.format, at.order, item.tag.value_type.name


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """Rows of one table, format, order and type: where their words lie and what they mean."""

    at: Register
    type: Type
    rows: NDArray[np.intp]
    words: NDArray[np.intp]  # (rows, words of one number), in the order ABCD
    masks: Words
    factors: tuple[NDArray[np.float64], NDArray[np.float64]]  # numerators, denominators
    absent: NDArray[Any]
    has_absent: NDArray[np.bool_]

    @classmethod
    def of(cls, rows: Sequence[int], items: Sequence[Item]) -> _View:
        registers = [_register(items[row]) for row in rows]
        first = registers[0]
        offsets = np.arange(first.width)
        if first.order in ("CDAB", "DCBA"):
            offsets = offsets[::-1]
        factors = [Fraction(repr(at.scale)) for at in registers]
        bits = 16 * first.width
        is_float = first.format.startswith("float")
        absent = [
            (at.absent or 0) if is_float else (at.absent or 0) & ((1 << bits) - 1)
            for at in registers
        ]
        return cls(
            first,
            items[rows[0]].tag.value_type,
            np.array(rows, np.intp),
            np.array([at.address for at in registers], np.intp)[:, None] + offsets,
            np.array([mask(at) for at in registers], np.uint16),
            (
                np.array([float(factor.numerator) for factor in factors]),
                np.array([float(factor.denominator) for factor in factors]),
            ),
            np.array(absent, np.float64 if is_float else np.uint64),
            np.array([at.absent is not None for at in registers]),
        )

    def read(
        self, images: Mapping[str, Words], status: NDArray[np.uint32],
        type_: NDArray[np.uint8], value: NDArray[np.uint64],
    ) -> None:  # fmt: skip
        words = images[self.at.table][self.words]
        if self.type is Type.BOOL:
            type_[self.rows] = Type.BOOL
            value[self.rows] = (words[:, 0] & self.masks) != 0
            return
        if self.at.order in ("BADC", "DCBA"):
            words = words.byteswap()
        raw = np.frombuffer(words.astype(">u2").tobytes(), _CODES[self.at.format])
        found, bits, out_of_range = self._numbers(raw)
        named = np.where(out_of_range, np.uint32(BAD_OUT_OF_RANGE), np.uint32(GOOD))
        named = np.where(found, named, np.uint32(BAD_NO_DATA))
        is_good = named == GOOD
        status[self.rows] = named
        type_[self.rows] = np.where(is_good, int(self.type), int(Type.NONE))
        value[self.rows] = np.where(is_good, bits, 0)

    def _numbers(
        self, raw: NDArray[Any]
    ) -> tuple[NDArray[np.bool_], NDArray[np.uint64], NDArray[np.bool_]]:
        """Is there a value, its bits, and is it one that the type cannot hold?"""
        if raw.dtype.kind == "f":
            with np.errstate(invalid="ignore"):  # a signalling NaN is no value like any other
                absent = np.isnan(raw) | (self.has_absent & (raw == self.absent))
        else:
            unsigned = raw.astype(raw.dtype.newbyteorder("=")).view(f"u{raw.dtype.itemsize}")
            absent = self.has_absent & (unsigned.astype(np.uint64) == self.absent)
        if self.type is Type.INT:
            too_large = (raw > np.iinfo(np.int64).max) if raw.dtype.kind == "u" else absent & False
            wide = raw.astype(np.uint64 if raw.dtype.kind == "u" else np.int64)
            return ~absent, wide.view(np.uint64), too_large
        with np.errstate(over="ignore", invalid="ignore"):
            floats = raw.astype(np.float64) * self.factors[0] / self.factors[1]
        return ~absent, floats.view(np.uint64), ~np.isfinite(floats)


def _single(item: Item, images: Mapping[str, Words], side: list[bytes]) -> tuple[int, int, int]:
    table, start, count = span(item.tag)
    scale = scale_span(item.tag)
    exponent = None if scale is None else int(images[table][scale[1]])
    kind = item.tag.value_type
    status, value = decode(
        _register(item), kind, item.tag.length, images[table][start : start + count], exponent
    )
    if value is None:
        return status, int(Type.NONE), 0
    bits, entry = encode(kind, value)
    if entry is not None:
        bits = len(side)
        side.append(entry)
    return status, int(kind), bits


def _register(item: Item) -> Register:
    assert isinstance(item.tag.at, Register)
    return item.tag.at
