"""Payload bytes and datatypes (rows 18, 19; chapter 6)."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.sparkplug import codec
from wire.sparkplug import schema_pb2 as schema
from wire.sparkplug.codec import Metric, Payload, Property, metric
from wire.sparkplug.datatypes import (
    ELEMENTS,
    SIGNED,
    UNSIGNED,
    Datatype,
    OutOfRange,
    Undecodable,
    from_wire,
    to_wire,
    type_of,
)

uint64 = st.integers(0, 2**64 - 1)
int64 = st.integers(-(2**63), 2**63 - 1)
texts = st.text(max_size=20)
fields: st.SearchStrategy[tuple[str | None, Any]] = st.one_of(
    st.tuples(st.just("int_value"), st.integers(0, 2**32 - 1)),
    st.tuples(st.just("long_value"), uint64),
    st.tuples(st.just("float_value"), st.floats(width=32, allow_nan=False)),
    st.tuples(st.just("double_value"), st.floats(allow_nan=False)),
    st.tuples(st.just("boolean_value"), st.booleans()),
    st.tuples(st.just("string_value"), texts),
    st.tuples(st.just("bytes_value"), st.binary(max_size=20)),
    st.just((None, None)),
)
properties = st.dictionaries(
    texts,
    st.one_of(
        st.builds(Property, st.just(Datatype.STRING), st.one_of(st.none(), texts)),
        st.builds(Property, st.just(Datatype.INT32), st.integers(-(2**31), 2**31 - 1)),
        st.builds(Property, st.just(Datatype.DOUBLE), st.floats(allow_nan=False)),
        st.builds(Property, st.just(Datatype.BOOLEAN), st.booleans()),
    ),
    max_size=3,
)


@st.composite
def metrics(draw: st.DrawFn) -> Metric:
    place, raw = draw(fields)
    return Metric(
        draw(st.none() | texts),
        draw(st.none() | uint64),
        draw(st.none() | int64),
        draw(st.none() | st.integers(0, 2**32 - 1)),
        place,
        raw,
        is_null=place is None and draw(st.booleans()),
        is_historical=draw(st.booleans()),
        is_transient=draw(st.booleans()),
        properties=draw(properties),
    )


payloads = st.builds(
    Payload,
    st.none() | int64,
    st.none() | st.integers(0, 255),
    st.lists(metrics(), max_size=4).map(tuple),
)


@given(payloads)
def test_a_payload_is_what_its_bytes_were_made_of(payload: Payload) -> None:
    assert codec.decode(codec.encode(payload)) == payload


@given(st.binary(max_size=200))
def test_any_bytes_are_a_payload_or_undecodable(data: bytes) -> None:
    try:
        for one in codec.decode(data).metrics:
            one.value()
    except Undecodable:
        pass


@given(payloads, st.data())
def test_altered_bytes_are_a_payload_or_undecodable(payload: Payload, data: st.DataObject) -> None:
    whole = bytearray(codec.encode(payload))
    if whole:
        whole[data.draw(st.integers(0, len(whole) - 1))] ^= data.draw(st.integers(1, 255))
    with contextlib.suppress(Undecodable):
        codec.decode(bytes(whole))


def edges(bits: int, signed: bool) -> list[int]:
    low, high = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)
    return [low, -1, 0, high] if signed else [0, high]


INTEGERS = [
    *((kind, value) for kind, bits in SIGNED.items() for value in edges(bits, True)),
    *((kind, value) for kind, bits in UNSIGNED.items() for value in edges(bits, False)),
]


@pytest.mark.parametrize(("datatype", "value"), INTEGERS)
def test_integers_at_their_limits_go_there_and_back(datatype: Datatype, value: int) -> None:
    place, raw = to_wire(datatype, value)
    assert from_wire(datatype, place, raw) == value
    assert place == ("long_value" if {**SIGNED, **UNSIGNED}[datatype] == 64 else "int_value")
    assert isinstance(raw, int) and 0 <= raw < 2 ** (64 if place == "long_value" else 32)


@pytest.mark.parametrize(("datatype", "bits"), SIGNED.items())
@pytest.mark.parametrize("extended", [8, 16, 32, 64])
def test_a_negative_number_is_read_however_far_its_sign_is_extended(
    datatype: Datatype, bits: int, extended: int
) -> None:
    if extended >= bits:
        assert from_wire(datatype, "long_value", -12 & (1 << extended) - 1) == -12


def test_an_unsigned_32_bit_number_is_read_from_either_field_and_written_to_int_value() -> None:
    assert to_wire(Datatype.UINT32, 2**32 - 1) == ("int_value", 2**32 - 1)
    for place in ("int_value", "long_value"):
        assert from_wire(Datatype.UINT32, place, 2**32 - 1) == 2**32 - 1
    with pytest.raises(OutOfRange):
        from_wire(Datatype.UINT32, "long_value", 2**32)


@pytest.mark.parametrize(("datatype", "code"), ELEMENTS.items())
def test_arrays_are_little_endian(datatype: Datatype, code: str) -> None:
    place, raw = to_wire(datatype, (1, 2))
    assert place == "bytes_value" and isinstance(raw, bytes)
    assert from_wire(datatype, place, raw) == (1, 2)
    if "i" in code or "u" in code:
        assert raw[0] == 1


@given(st.lists(st.booleans(), max_size=40).map(tuple))
def test_boolean_arrays_go_there_and_back(value: tuple[int, ...]) -> None:
    place, raw = to_wire(Datatype.BOOLEAN_ARRAY, value)
    assert from_wire(Datatype.BOOLEAN_ARRAY, place, raw) == value


@pytest.mark.parametrize(
    ("datatype", "place", "raw"),
    [
        (Datatype.INT64, "string_value", "7"),
        (Datatype.DOUBLE, "long_value", 7),
        (Datatype.BOOLEAN, "int_value", 1),
        (Datatype.STRING, "double_value", 1.0),
        (Datatype.DOUBLE_ARRAY, "bytes_value", b"1234567"),
        (Datatype.BOOLEAN_ARRAY, "bytes_value", b"\xff\xff\xff\xff"),
        (Datatype.BOOLEAN_ARRAY, "bytes_value", b"1"),
        (Datatype.STRING_ARRAY, "bytes_value", b"a\0"),
        (Datatype.DATASET, "dataset_value", None),
        (0, "int_value", 1),
        (999, "bytes_value", b""),
    ],
)
def test_a_value_that_contradicts_its_datatype_is_undecodable(
    datatype: int, place: str, raw: Any
) -> None:
    with pytest.raises(Undecodable):
        from_wire(datatype, place, raw)


def test_a_value_that_does_not_fit_is_not_written() -> None:
    with pytest.raises(OutOfRange):
        to_wire(Datatype.INT8, 128)
    with pytest.raises(TypeError):
        to_wire(Datatype.INT64, 1.5)
    with pytest.raises(TypeError):
        to_wire(Datatype.STRING, 7)


def test_a_text_that_is_not_utf8_is_undecodable_where_it_is_read() -> None:
    whole = codec.encode(Payload(1, 0, [metric("name", Datatype.STRING, "value", 1)]))
    (one,) = codec.decode(whole.replace(b"value", b"va\xffue")).metrics
    with pytest.raises(Undecodable):
        one.value()
    assert codec.decode(whole.replace(b"name", b"n\xffme")).metrics[0].name == ""


def test_fields_that_are_not_known_are_passed_over() -> None:
    data = codec.encode(Payload(1, 0)) + b"\x3a\x02hi"
    assert codec.decode(data) == Payload(1, 0)


def test_a_sequence_number_above_255_is_none() -> None:
    assert codec.decode(schema.Payload(seq=256).SerializeToString()).seq is None


def test_every_datatype_has_a_type_or_is_no_sample() -> None:
    assert {kind for kind in Datatype if not type_of(kind)} == {
        Datatype.DATASET, Datatype.BYTES, Datatype.FILE, Datatype.TEMPLATE,
        Datatype.PROPERTY_SET, Datatype.PROPERTY_SET_LIST, Datatype.STRING_ARRAY,
    }  # fmt: skip
