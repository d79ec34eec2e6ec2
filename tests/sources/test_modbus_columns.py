"""The short cuts from registers to columns say what `wire.registers.decode` says."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.sources.modbus_columns import Columns
from edge.sources.source import Item
from stations.declare import Format, Order, Register, Type
from stations.samples import encode
from tests.sources.recorder import tag
from wire.registers import decode, scale_span, span

NUMBERS = [name for name in get_args(Format) if name not in ("bit", "text")]


@st.composite
def items(draw: st.DrawFn) -> Item:
    number = draw(st.integers(0, 1 << 20))
    kind: Any = draw(st.sampled_from([float, int, bool, list[float], list[int]]))
    address = draw(st.integers(0, 40))
    order = draw(st.sampled_from(get_args(Order)))
    if kind is bool:
        at = Register("input", address, "bit", bit=draw(st.integers(0, 15)), order=order)
        return Item(number, tag("t", bool, at))
    format = draw(st.sampled_from(NUMBERS))
    absent = [None, 0] if format.startswith("float") else [None, 0x8000, 0xFFFF, 0, -1]
    at = Register(
        "input", address, format, order=order,
        scale=draw(st.sampled_from([1.0, 0.1, 10.0, -0.001, 2.5])),
        scale_at=draw(st.sampled_from([None, None, 45])),
        absent=draw(st.sampled_from(absent)),
    )  # fmt: skip
    length = 0 if kind in (float, int) else draw(st.integers(1, 2))
    return Item(number, tag("t", kind, at, length=length))


@settings(max_examples=300)
@given(
    st.lists(items(), min_size=1, max_size=12),
    st.lists(st.sampled_from([0, 1, 0x7F80, 0x7FC0, 0x8000, 0xFFFF, 0x4049, 0x7C00, 12345]),
             min_size=64, max_size=64),
)  # fmt: skip
def test_columns_equal_what_each_tag_alone_decodes_to(some: list[Item], words: list[int]) -> None:
    image = np.zeros(1 << 16, np.uint16)
    image[:64] = words
    samples = Columns(some).read({"input": image}, 1234)
    assert samples.tag.tolist() == [item.number for item in some]
    assert set(samples.time.tolist()) == {1234}
    for row, item in enumerate(some):
        at = item.tag.at
        assert isinstance(at, Register)
        _, start, count = span(item.tag)
        scale = scale_span(item.tag)
        exponent = None if scale is None else int(image[scale[1]])
        kind = item.tag.value_type
        status, value = decode(at, kind, item.tag.length, image[start : start + count], exponent)
        assert samples.status[row] == status
        assert samples.type[row] == (Type.NONE if value is None else kind)
        if value is not None:
            bits, entry = encode(kind, value)
            found = samples.value[row] if entry is None else samples.side[int(samples.value[row])]
            assert found == (bits if entry is None else entry)


def test_coils_are_bools() -> None:
    image = np.zeros(1 << 16, np.uint16)
    image[5] = 1
    some = [Item(1, tag("a", bool, Register("coil", 5, "bit"))),
            Item(2, tag("b", bool, Register("coil", 6, "bit")))]  # fmt: skip
    samples = Columns(some).read({"coil": image}, 0)
    assert [samples.row(0), samples.row(1)] == [True, False]
