"""How values lie in Modbus registers: shared by the simulated device and the agent's source.

`encode` and `decode` are pure. Both take `sf`, the register at `scale_at` as it is read from the
device, and the registers (or bits) of one tag, the first of which is the one at `at.address`.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stations.declare import Register, Tag, Type
from stations.status import BAD_NO_DATA, BAD_OUT_OF_RANGE, GOOD

Words = NDArray[np.uint16]
Decoded = tuple[int, Any]

# A SunSpec scale factor is a power of ten from -10 to 10; 0x8000 says that there is none.
EXPONENT_MAX = 10
EXPONENT_ABSENT = -0x8000

_CODES = {
    "int16": ">i2", "uint16": ">u2", "float16": ">f2",
    "int32": ">i4", "uint32": ">u4", "float32": ">f4",
    "int64": ">i8", "uint64": ">u8", "float64": ">f8",
}  # fmt: skip
_INT64 = np.iinfo(np.int64)


def span(tag: Tag[Any]) -> tuple[str, int, int]:
    """Table, first address and count of the registers (or bits) in which a tag lies."""
    at = _register(tag)
    return at.table, at.address, _count(at, tag.length)


def scale_span(tag: Tag[Any]) -> tuple[str, int, int] | None:
    """Where the power of ten of a tag lies, as `span`; None when it has none."""
    at = _register(tag)
    return None if at.scale_at is None else (at.table, at.scale_at, 1)


def offsets(at: Register, length: int) -> list[int]:
    """Which registers of the span belong to the tag: with a stride, others lie between them."""
    step = at.stride or at.width
    return [start * step + word for start in range(max(length, 1)) for word in range(at.width)]


def mask(at: Register) -> int:
    """Which bits of a register belong to the tag: one in a bit field, otherwise all."""
    if at.bit is None:
        return 0xFFFF
    return _swapped(1 << at.bit) if _swaps_bytes(at) else 1 << at.bit


def encode(at: Register, type: Type, length: int, value: Any, sf: int | None = None) -> list[int]:
    """The registers of the span that show `value`; registers between the elements are 0.

    A number beyond what the format holds saturates, as a converter does. None is shown as `absent`
    or NaN; ValueError when the format has neither.
    """
    if at.format == "text":
        return _encode_text(at, "" if value is None else str(value))
    elements = value if type in (Type.INTS, Type.FLOATS) and value is not None else [value]
    if value is None:
        elements = [None] * max(length, 1)
    span_words = np.zeros(_count(at, length), np.uint16)
    raw = [_raw(at, element, sf) for element in elements]
    if at.format == "bit":
        words = np.array([[mask(at) if bit else 0] for bit in raw], np.uint16)
        words = np.minimum(words, 1) if at.bit is None else words
    else:
        flat = np.array(raw, _CODES[at.format]).tobytes()
        words = _ordered(np.frombuffer(flat, ">u2").astype(np.uint16).reshape(-1, at.width), at)
    span_words[offsets(at, length)] = words.ravel()
    return span_words.tolist()


def encode_exponent(at: Register, exponent: int) -> int:
    """The register at `scale_at` that says this power of ten."""
    word = exponent & 0xFFFF
    return _swapped(word) if _swaps_bytes(at) else word


def decode(
    at: Register,
    type: Type,
    length: int,
    registers: Words | Sequence[int],
    sf: int | None = None,
) -> Decoded:
    """(StatusCode, value) of one tag; the value is None unless the status is Good.

    No value (`absent`, NaN, no scale factor) is Bad_NoData; a number that its type cannot hold, an
    infinity or an impossible scale factor is Bad_OutOfRange. In an array of floats an element
    without value is NaN, as long as another has one; an array of integers is then Bad_NoData.
    """
    given = np.asarray(registers).astype(np.uint16)
    count = _count(at, length)
    if len(given) < count:
        raise ValueError(f"{at} needs {count} registers, got {len(given)}")
    words = given[offsets(at, length)].reshape(-1, at.width)
    if at.format == "text":
        return GOOD, _decode_text(at, words)
    raw = _numbers(at, words)
    exponent = _exponent(at, sf)
    missing = _missing(at, raw)
    has_none = missing.all() if type is Type.FLOATS else missing.any()
    if exponent == EXPONENT_ABSENT or has_none:
        return BAD_NO_DATA, None
    if abs(exponent) > EXPONENT_MAX:
        return BAD_OUT_OF_RANGE, None
    factor = _factor(at.scale, exponent)
    if type in (Type.FLOAT, Type.FLOATS):
        return _as_floats(raw, missing, factor, type is Type.FLOATS)
    return _as_ints(raw, factor, type)


def _register(tag: Tag[Any]) -> Register:
    if not isinstance(tag.at, Register):
        raise TypeError(f"{tag.name} is at {tag.at}, not in a register")
    return tag.at


def _count(at: Register, length: int) -> int:
    return (max(length, 1) - 1) * (at.stride or at.width) + at.width


def _swaps_bytes(at: Register) -> bool:
    return at.order in ("BADC", "DCBA")


def _swapped(word: int) -> int:
    return (word & 0xFF) << 8 | word >> 8


def _ordered(words: Words, at: Register) -> Words:
    """Words of elements, from the device's order to ABCD or back: it is its own inverse."""
    if _swaps_bytes(at):
        words = words.byteswap()
    return words[:, ::-1] if at.order in ("CDAB", "DCBA") and at.format != "text" else words


def _numbers(at: Register, words: Words) -> NDArray[Any]:
    if at.format == "bit":
        return np.asarray((words[:, 0] & mask(at)) != 0)
    return np.frombuffer(_ordered(words, at).astype(">u2").tobytes(), _CODES[at.format])


def _missing(at: Register, raw: NDArray[Any]) -> NDArray[np.bool_]:
    """Which elements have no value."""
    if raw.dtype.kind == "f":
        missing = np.isnan(raw)
        return np.asarray(missing if at.absent is None else missing | (raw == at.absent))
    if at.absent is None or raw.dtype.kind == "b":
        return np.zeros(len(raw), bool)
    return np.asarray(raw == _wrapped(at, at.absent))


def _wrapped(at: Register, number: int) -> int:
    """A raw number as the format shows it: 0x8000 in an int16 is -32768."""
    dtype = np.dtype(_CODES[at.format])
    bits = 8 * dtype.itemsize
    number &= (1 << bits) - 1
    return number - (1 << bits) if dtype.kind == "i" and number >> (bits - 1) else number


def _exponent(at: Register, sf: int | None) -> int:
    if at.scale_at is None:
        return 0
    if sf is None:
        return EXPONENT_ABSENT
    word = _swapped(sf & 0xFFFF) if _swaps_bytes(at) else sf & 0xFFFF
    return word - 0x10000 if word & 0x8000 else word


@lru_cache(maxsize=1024)
def _factor(scale: float, exponent: int) -> Fraction:
    """Exactly what the declaration says: 0.1 is one tenth, so that 3 becomes 0.3."""
    return Fraction(repr(scale)) * Fraction(10) ** exponent


def _as_floats(
    raw: NDArray[Any], missing: NDArray[np.bool_], factor: Fraction, is_array: bool
) -> Decoded:
    with np.errstate(over="ignore", invalid="ignore"):
        values = raw.astype(np.float64)
        if factor != 1:
            values = values * float(factor.numerator) / float(factor.denominator)
    if not (np.isfinite(values) | missing).all():
        return BAD_OUT_OF_RANGE, None
    values[missing] = np.nan
    return GOOD, values.tolist() if is_array else float(values[0])


def _as_ints(raw: NDArray[Any], factor: Fraction, type: Type) -> Decoded:
    if raw.dtype.kind == "f" and not np.isfinite(raw).all():
        return BAD_OUT_OF_RANGE, None
    if type is Type.BOOL:
        return GOOD, bool(raw[0])
    values = raw.tolist()
    if factor != 1 or raw.dtype.kind != "i":
        values = [round(Fraction(value) * factor) for value in values]
        if not all(_INT64.min <= value <= _INT64.max for value in values):
            return BAD_OUT_OF_RANGE, None
    return GOOD, values if type is Type.INTS else values[0]


def _raw(at: Register, value: Any, sf: int | None) -> Any:
    """One element as the number that lies in its registers."""
    if at.format == "bit":
        return bool(value)
    dtype = np.dtype(_CODES[at.format])
    is_missing = value is None or value != value
    if dtype.kind == "f":
        if is_missing:
            return np.nan if at.absent is None else at.absent
        limits = np.finfo(dtype)
        raw = float(Fraction(value) / _factor(at.scale, _exponent(at, sf)))
        return min(max(raw, float(limits.min)), float(limits.max))
    if is_missing:
        if at.absent is None:
            raise ValueError(f"{at} has no way to say that there is no value")
        return _wrapped(at, at.absent)
    bounds = np.iinfo(dtype)
    exact = round(Fraction(value) / _factor(at.scale, _exponent(at, sf)))
    number = min(max(exact, int(bounds.min)), int(bounds.max))
    if at.absent is not None and number == _wrapped(at, at.absent):
        number += 1 if number <= 0 else -1
    return number


def _encode_text(at: Register, text: str) -> list[int]:
    data = text.encode()[: 2 * at.size].decode(errors="ignore").encode()
    words = np.frombuffer(data.ljust(2 * at.size, b"\0"), ">u2").astype(np.uint16)
    return _ordered(words.reshape(-1, at.width), at).ravel().tolist()


def _decode_text(at: Register, words: Words) -> str:
    """Up to the first NUL, without trailing blanks; Latin-1 where it is not UTF-8."""
    data = _ordered(words, at).astype(">u2").tobytes().split(b"\0", 1)[0].rstrip()
    try:
        return data.decode()
    except UnicodeDecodeError:
        return data.decode("latin-1")
