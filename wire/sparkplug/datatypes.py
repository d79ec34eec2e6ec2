"""The datatypes of Sparkplug B and how each travels in the fields of a metric (chapter 6).

Signed integers travel as two's complement in unsigned fields; arrays as little-endian elements in
`bytes_value`, although the specification's own float examples show big-endian bytes.
"""

from __future__ import annotations

import enum
import struct
from typing import TypeAlias

import numpy as np

from stations.declare import Type

Scalar: TypeAlias = "bool | int | float | str | bytes | tuple[int, ...] | tuple[float, ...]"
Raw: TypeAlias = "bool | int | float | str | bytes"


class Undecodable(ValueError):
    """Bytes or fields that are no Sparkplug, or that contradict their datatype."""


class OutOfRange(Undecodable):
    """A number that its datatype, or a 64-bit signed integer, cannot hold."""


class Datatype(enum.IntEnum):
    """The numbers that stand in a metric's `datatype`."""

    INT8 = 1
    INT16 = 2
    INT32 = 3
    INT64 = 4
    UINT8 = 5
    UINT16 = 6
    UINT32 = 7
    UINT64 = 8
    FLOAT = 9
    DOUBLE = 10
    BOOLEAN = 11
    STRING = 12
    DATETIME = 13
    TEXT = 14
    UUID = 15
    DATASET = 16
    BYTES = 17
    FILE = 18
    TEMPLATE = 19
    PROPERTY_SET = 20
    PROPERTY_SET_LIST = 21
    INT8_ARRAY = 22
    INT16_ARRAY = 23
    INT32_ARRAY = 24
    INT64_ARRAY = 25
    UINT8_ARRAY = 26
    UINT16_ARRAY = 27
    UINT32_ARRAY = 28
    UINT64_ARRAY = 29
    FLOAT_ARRAY = 30
    DOUBLE_ARRAY = 31
    BOOLEAN_ARRAY = 32
    STRING_ARRAY = 33
    DATETIME_ARRAY = 34


SIGNED = {Datatype.INT8: 8, Datatype.INT16: 16, Datatype.INT32: 32, Datatype.INT64: 64}
UNSIGNED = {
    Datatype.UINT8: 8, Datatype.UINT16: 16, Datatype.UINT32: 32, Datatype.UINT64: 64,
    Datatype.DATETIME: 64,
}  # fmt: skip
TEXTS = (Datatype.STRING, Datatype.TEXT, Datatype.UUID)
ELEMENTS = {
    Datatype.INT8_ARRAY: "<i1", Datatype.INT16_ARRAY: "<i2", Datatype.INT32_ARRAY: "<i4",
    Datatype.INT64_ARRAY: "<i8", Datatype.UINT8_ARRAY: "<u1", Datatype.UINT16_ARRAY: "<u2",
    Datatype.UINT32_ARRAY: "<u4", Datatype.UINT64_ARRAY: "<u8", Datatype.FLOAT_ARRAY: "<f4",
    Datatype.DOUBLE_ARRAY: "<f8", Datatype.DATETIME_ARRAY: "<u8",
}  # fmt: skip
FLOAT_ARRAYS = (Datatype.FLOAT_ARRAY, Datatype.DOUBLE_ARRAY)

# What we write for each of our own types.
DATATYPE = {
    Type.BOOL: Datatype.BOOLEAN, Type.INT: Datatype.INT64, Type.FLOAT: Datatype.DOUBLE,
    Type.TEXT: Datatype.STRING, Type.INTS: Datatype.INT64_ARRAY, Type.FLOATS: Datatype.DOUBLE_ARRAY,
}  # fmt: skip


def type_of(datatype: int) -> Type:
    """Our type for the values of a datatype; NONE for one that cannot be a sample."""
    if datatype in SIGNED or datatype in UNSIGNED:
        return Type.INT
    if datatype in (Datatype.FLOAT, Datatype.DOUBLE):
        return Type.FLOAT
    if datatype == Datatype.BOOLEAN:
        return Type.BOOL
    if datatype in TEXTS:
        return Type.TEXT
    if datatype in FLOAT_ARRAYS:
        return Type.FLOATS
    return Type.INTS if datatype in ELEMENTS or datatype == Datatype.BOOLEAN_ARRAY else Type.NONE


def to_wire(datatype: int, value: Scalar) -> tuple[str, Raw]:
    """The field of the value's oneof and what stands in it; OutOfRange, TypeError."""
    if (width := SIGNED.get(Datatype(datatype))) is not None:
        number = _integer(value, -(1 << width - 1), (1 << width - 1) - 1)
        return ("long_value", number & (1 << 64) - 1) if width == 64 else (
            "int_value", number & 0xFFFF_FFFF)  # fmt: skip
    if (width := UNSIGNED.get(Datatype(datatype))) is not None:
        field = "long_value" if width == 64 else "int_value"
        return field, _integer(value, 0, (1 << width) - 1)
    if datatype == Datatype.BOOLEAN:
        return "boolean_value", bool(value)
    if datatype in (Datatype.FLOAT, Datatype.DOUBLE) and isinstance(value, int | float):
        return "float_value" if datatype == Datatype.FLOAT else "double_value", float(value)
    if datatype in TEXTS and isinstance(value, str):
        return "string_value", value
    if isinstance(value, bytes):
        return "bytes_value", value
    if datatype in ELEMENTS and isinstance(value, tuple):
        return "bytes_value", np.asarray(value, ELEMENTS[Datatype(datatype)]).tobytes()
    if datatype == Datatype.BOOLEAN_ARRAY and isinstance(value, tuple):
        bits = np.packbits(np.asarray(value, bool)).tobytes()
        return "bytes_value", struct.pack("<I", len(value)) + bits
    raise TypeError(f"{value!r} is no value of Sparkplug datatype {datatype}")


def _integer(value: Scalar, low: int, high: int) -> int:
    if not isinstance(value, int):
        raise TypeError(f"{value!r} is no integer")
    if not low <= value <= high:
        raise OutOfRange(f"{value} is not within {low} to {high}")
    return int(value)


def from_wire(datatype: int, field: str | None, raw: Raw | None) -> Scalar:
    """The value in a field, read as its datatype; Undecodable when the two do not fit."""
    if datatype in SIGNED and field in ("int_value", "long_value") and isinstance(raw, int):
        return _signed(raw, SIGNED[Datatype(datatype)])
    if datatype in UNSIGNED and field in ("int_value", "long_value") and isinstance(raw, int):
        if raw >> UNSIGNED[Datatype(datatype)]:
            raise OutOfRange(f"{raw} has more bits than its datatype")
        return raw
    if datatype in (Datatype.FLOAT, Datatype.DOUBLE) and isinstance(raw, float):
        return raw
    if datatype == Datatype.BOOLEAN and isinstance(raw, bool):
        return raw
    if datatype in TEXTS and isinstance(raw, str):
        return raw
    if isinstance(raw, bytes):
        return _from_bytes(datatype, raw)
    raise Undecodable(f"a {field} does not hold a value of Sparkplug datatype {datatype}")


def _signed(raw: int, width: int) -> int:
    """Two's complement of `width` bits, whether or not the sender has extended the sign."""
    number = raw & (1 << width) - 1
    return number - (1 << width) if number >> width - 1 else number


def _from_bytes(datatype: int, raw: bytes) -> Scalar:
    if datatype in (Datatype.BYTES, Datatype.FILE):
        return raw
    if datatype == Datatype.BOOLEAN_ARRAY:
        count = struct.unpack_from("<I", raw)[0] if len(raw) >= 4 else -1
        bits = np.unpackbits(np.frombuffer(raw, np.uint8, offset=4)) if count >= 0 else np.empty(0)
        if not 0 <= count <= len(bits):
            raise Undecodable("a Boolean array whose length does not fit its bytes")
        return tuple(bits[:count].tolist())
    if datatype not in ELEMENTS:
        raise Undecodable(f"bytes do not hold a value of Sparkplug datatype {datatype}")
    code = np.dtype(ELEMENTS[Datatype(datatype)])
    if len(raw) % code.itemsize:
        raise Undecodable(f"{len(raw)} bytes are no whole array of {code.itemsize}-byte elements")
    return tuple(np.frombuffer(raw, code).tolist())
