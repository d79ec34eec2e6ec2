"""Values in registers: what is written is read again, in every format, order and layout."""

from __future__ import annotations

import struct
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stations.declare import Format, Order, Register, Tag, Type
from stations.status import BAD_NO_DATA, BAD_OUT_OF_RANGE, GOOD
from wire import registers
from wire.registers import decode, encode

ORDERS = st.sampled_from(get_args(Order))
INTEGERS = [name for name in get_args(Format) if "int" in name]
FLOATS = ["float16", "float32", "float64"]
WIDTH = {"float16": 16, "float32": 32, "float64": 64}


def bounds(format: str) -> tuple[int, int]:
    limits = np.iinfo(format)
    return max(int(limits.min), -(2**63)), min(int(limits.max), 2**63 - 1)


@given(st.data(), st.sampled_from(INTEGERS), ORDERS)
def test_an_integer_comes_back_exactly(data: st.DataObject, format: Any, order: Any) -> None:
    value = data.draw(st.integers(*bounds(format)))
    at = Register("holding", 0, format, order=order)
    assert decode(at, Type.INT, 0, encode(at, Type.INT, 0, value)) == (GOOD, value)


@given(st.data(), st.sampled_from(FLOATS), ORDERS)
def test_a_float_comes_back_exactly(data: st.DataObject, format: Any, order: Any) -> None:
    width: Any = WIDTH[format]
    value = data.draw(st.floats(width=width, allow_nan=False, allow_infinity=False))
    at = Register("input", 0, format, order=order)
    assert decode(at, Type.FLOAT, 0, encode(at, Type.FLOAT, 0, value)) == (GOOD, value)


@given(
    st.sampled_from(INTEGERS), ORDERS, st.sampled_from([0.1, 0.01, 0.25, 10.0, 1 / 3]),
    st.floats(-30, 30), st.integers(-2, 2), st.booleans(),
)  # fmt: skip
def test_what_is_read_is_within_half_a_step_and_stays(
    format: Any, order: Any, scale: float, value: float, exponent: int, has_factor: bool
) -> None:
    at = Register(
        "holding", 0, format, scale=scale, order=order, scale_at=9 if has_factor else None
    )
    sf = registers.encode_exponent(at, exponent) if has_factor else None
    step = scale * (10.0**exponent if has_factor else 1)
    low, high = (bound * step for bound in bounds(format))
    status, read = decode(at, Type.FLOAT, 0, encode(at, Type.FLOAT, 0, value, sf), sf)
    assert status == GOOD
    assert abs(read - min(max(value, low), high)) <= step / 2 * 1.000001
    assert decode(at, Type.FLOAT, 0, encode(at, Type.FLOAT, 0, read, sf), sf) == (GOOD, read)


@given(st.lists(st.integers(-32768, 32767), min_size=1, max_size=20), st.integers(0, 7), ORDERS)
def test_elements_with_a_stride_leave_what_lies_between(
    values: list[int], gap: int, order: Any
) -> None:
    at = Register("holding", 5, "int32", order=order, stride=2 + gap)
    memory = np.full(registers._count(at, len(values)), 0xABCD, np.uint16)
    places = registers.offsets(at, len(values))
    memory[places] = np.array(encode(at, Type.INTS, len(values), values), np.uint16)[places]
    assert decode(at, Type.INTS, len(values), memory) == (GOOD, values)
    assert (np.delete(memory, places) == 0xABCD).all()


@given(st.lists(st.floats(0, 5), min_size=1, max_size=96), ORDERS)
def test_an_array_of_scaled_floats_is_each_element_alone(values: list[float], order: Any) -> None:
    at = Register("input", 0, "uint16", scale=0.001, order=order)
    status, read = decode(
        at, Type.FLOATS, len(values), encode(at, Type.FLOATS, len(values), values)
    )
    alone = [decode(at, Type.FLOAT, 0, encode(at, Type.FLOAT, 0, value))[1] for value in values]
    assert (status, read) == (GOOD, alone)


@given(st.text(st.characters(exclude_characters="\0", codec="utf-8"), max_size=40), ORDERS)
def test_a_text_comes_back_up_to_its_size(text: str, order: Any) -> None:
    at = Register("holding", 0, "text", size=8, order=order)
    status, read = decode(at, Type.TEXT, 0, encode(at, Type.TEXT, 0, text))
    fits = text.encode()[:16].decode(errors="ignore").rstrip(" \t\n\r\x0b\x0c")
    assert (status, read) == (GOOD, fits)


@given(st.integers(0, 15), ORDERS, st.integers(0, 0xFFFF), st.booleans())
def test_a_bit_in_a_register_is_only_that_bit(bit: int, order: Any, old: int, value: bool) -> None:
    at = Register("holding", 0, "bit", bit=bit, order=order)
    own = registers.mask(at)
    new = old & ~own | encode(at, Type.BOOL, 0, value)[0] & own
    assert decode(at, Type.BOOL, 0, [new]) == (GOOD, value)
    assert new & ~own == old & ~own


@pytest.mark.parametrize(
    ("order", "bytes_"),
    [("ABCD", "01020304"), ("CDAB", "03040102"), ("BADC", "02010403"), ("DCBA", "04030201")],
)
def test_orders_of_32_bits(order: Any, bytes_: str) -> None:
    at = Register("holding", 0, "uint32", order=order)
    assert encode(at, Type.INT, 0, 0x01020304) == list(struct.unpack(">2H", bytes.fromhex(bytes_)))


@pytest.mark.parametrize(
    ("order", "bytes_"),
    [
        ("ABCD", "0102030405060708"), ("CDAB", "0708050603040102"),
        ("BADC", "0201040306050807"), ("DCBA", "0807060504030201"),
    ],
)  # fmt: skip
def test_orders_of_64_bits(order: Any, bytes_: str) -> None:
    at = Register("holding", 0, "uint64", order=order)
    registers_ = list(struct.unpack(">4H", bytes.fromhex(bytes_)))
    assert encode(at, Type.INT, 0, 0x0102030405060708) == registers_


def test_16_bits_swap_their_bytes() -> None:
    assert encode(Register("holding", 0, order="BADC"), Type.INT, 0, 0x0102) == [0x0201]
    assert encode(Register("holding", 0, order="CDAB"), Type.INT, 0, 0x0102) == [0x0102]


def test_a_coil_is_one_bit() -> None:
    at = Register("coil", 3, "bit")
    assert encode(at, Type.BOOL, 0, True) == [1]
    assert decode(at, Type.BOOL, 0, [1]) == (GOOD, True)
    assert decode(at, Type.INTS, 3, [1, 0, 1]) == (GOOD, [1, 0, 1])


@pytest.mark.parametrize(
    ("at", "raw"),
    [
        (Register("input", 0, "int16", absent=0x8000), [0x8000]),
        (Register("input", 0, "int16", absent=-32768), [0x8000]),
        (Register("input", 0, "uint32", absent=0xFFFFFFFF), [0xFFFF, 0xFFFF]),
        (Register("input", 0, "float32"), [0x7FC0, 0]),
        (Register("input", 0, "float32", absent=-9999), [0xC61C, 0x3C00]),
        (Register("input", 0, "int16", scale_at=7), [5]),
    ],
)
def test_no_value_is_no_data(at: Register, raw: list[int]) -> None:
    assert decode(at, Type.FLOAT, 0, raw, 0x8000) == (BAD_NO_DATA, None)


@pytest.mark.parametrize("format", ["int16", "uint16", "int32", "uint32", "int64", "uint64"])
def test_absent_is_never_written_for_a_value(format: Any) -> None:
    for absent in (0, 5, int(np.iinfo(format).max), int(np.iinfo(format).min)):
        at = Register("holding", 0, format, absent=absent)
        status, _ = decode(at, Type.FLOAT, 0, encode(at, Type.FLOAT, 0, float(absent)))
        assert status == GOOD
        assert decode(at, Type.FLOAT, 0, encode(at, Type.FLOAT, 0, None)) == (BAD_NO_DATA, None)


def test_one_absent_element_leaves_no_array_of_integers() -> None:
    at = Register("holding", 0, "int16", absent=0x8000)
    assert decode(at, Type.INTS, 3, [1, 0x8000, 3]) == (BAD_NO_DATA, None)


def test_an_absent_element_of_an_array_of_floats_is_not_a_number() -> None:
    at = Register("holding", 0, "int16", scale=0.1, absent=0x8000)
    status, value = decode(at, Type.FLOATS, 3, [1, 0x8000, 3])
    assert (status, repr(value)) == (GOOD, "[0.1, nan, 0.3]")
    assert encode(at, Type.FLOATS, 3, value) == [1, 0x8000, 3]
    pair = Register("input", 0, "float32")
    status, value = decode(pair, Type.FLOATS, 2, [0x3F80, 0, 0xFFA0, 1])
    assert (status, repr(value)) == (GOOD, "[1.0, nan]")
    # There is one NaN, whatever bits the device has for it: a repeat is told by its bytes.
    assert np.array(value).tobytes() == np.array([1.0, np.nan]).tobytes()


def test_an_array_of_floats_without_any_value_is_no_data() -> None:
    at = Register("holding", 0, "int16", absent=0x8000)
    assert decode(at, Type.FLOATS, 2, [0x8000, 0x8000]) == (BAD_NO_DATA, None)
    assert decode(at, Type.FLOATS, 2, encode(at, Type.FLOATS, 2, None)) == (BAD_NO_DATA, None)
    scaled = Register("holding", 0, "int16", absent=0x8000, scale_at=9)
    assert decode(scaled, Type.FLOATS, 2, [1, 2], 0x8000) == (BAD_NO_DATA, None)


def test_an_infinite_element_leaves_no_array() -> None:
    at = Register("input", 0, "float32")
    assert decode(at, Type.FLOATS, 2, [0x7F80, 0, 0x7FC0, 0]) == (BAD_OUT_OF_RANGE, None)


def test_numbers_that_the_type_cannot_hold() -> None:
    infinite = Register("holding", 0, "float32")
    assert decode(infinite, Type.FLOAT, 0, [0x7F80, 0]) == (BAD_OUT_OF_RANGE, None)
    assert decode(infinite, Type.INT, 0, [0x7F80, 0]) == (BAD_OUT_OF_RANGE, None)
    huge = Register("holding", 0, "uint64")
    assert decode(huge, Type.INT, 0, [0x8000, 0, 0, 0]) == (BAD_OUT_OF_RANGE, None)
    factor = Register("holding", 0, "int16", scale_at=1)
    assert decode(factor, Type.FLOAT, 0, [1], 11) == (BAD_OUT_OF_RANGE, None)


def test_no_way_to_say_no_value_is_an_error() -> None:
    with pytest.raises(ValueError, match="no way"):
        encode(Register("holding", 0, "int16"), Type.INT, 0, None)


def test_too_few_registers_are_an_error() -> None:
    with pytest.raises(ValueError, match="needs 2 registers"):
        decode(Register("holding", 0, "int32"), Type.INT, 0, [1])


def test_decimal_scales_are_exact() -> None:
    assert decode(Register("holding", 0, scale=0.1), Type.FLOAT, 0, [3]) == (GOOD, 0.3)
    tenth = Register("holding", 0, scale_at=1)
    assert decode(tenth, Type.FLOAT, 0, [2305], 0xFFFF) == (GOOD, 230.5)
    assert decode(tenth, Type.INT, 0, [2], 3) == (GOOD, 2000)


def test_span_and_offsets() -> None:
    tag = Tag(list[float], Register("holding", 100, "float32", stride=5), length=3, doc="Three.")
    assert registers.span(tag) == ("holding", 100, 12)
    assert registers.offsets(tag.at, 3) == [0, 1, 5, 6, 10, 11]  # type: ignore[arg-type]
    assert registers.scale_span(tag) is None
    factor = Tag(float, Register("input", 4, "int16", scale_at=9), doc="Scaled.")
    assert registers.scale_span(factor) == ("input", 9, 1)


def test_latin_1_is_read_where_it_is_no_utf_8() -> None:
    at = Register("holding", 0, "text", size=2)
    assert decode(at, Type.TEXT, 0, [0x53E9, 0x2000]) == (GOOD, "Sé")
