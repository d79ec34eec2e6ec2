"""Addresses as people write them: each form, each mistake, and back to text again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stations.declare import REGISTERS, Node, Register
from wire.site.addresses import FORMATS, ORDERS, moved, parse, text_of
from wire.site.problems import Wrong

LEGAL = [
    ("input 30 float32", Register("input", 30, "float32"), 0),
    ("holding 342 int64 CDAB", Register("holding", 342, "int64", order="CDAB"), 0),
    ("holding 342 int64 cdab", Register("holding", 342, "int64", order="CDAB"), 0),
    ("holding 7 text/8", Register("holding", 7, "text", size=8), 0),
    ("holding 12.3", Register("holding", 12, "bit", bit=3), 0),
    ("coil 4", Register("coil", 4, "bit"), 0),
    ("discrete 9 bit", Register("discrete", 9, "bit"), 0),
    ("input 100 float32*96", Register("input", 100, "float32"), 96),
    ("input 100 uint16*96/8", Register("input", 100, "uint16", stride=8), 96),
    ("holding 2 int16 sf@9", Register("holding", 2, "int16", scale_at=9), 0),
    ("holding 2 int16 absent=0x8000", Register("holding", 2, "int16", absent=0x8000), 0),
    (
        "holding 2 int16 CDAB sf@9 absent=-1 scale=0.1 on=bms",
        Register("holding", 2, "int16", scale_at=9, absent=-1, order="CDAB", scale=0.1, on="bms"),
        0,
    ),
    ("Meter/Voltage", Node("Meter/Voltage"), 0),
    ("input/3", Node("input/3"), 0),
    ("Table 1/Angle", Node("Table 1/Angle"), 0),
    ("3:Table/3:Angle", Node("3:Table/3:Angle"), 0),
    ("ns=3;s=Meter.Voltage", Node("ns=3;s=Meter.Voltage"), 0),
    ("nsu=urn:maker:x;i=1042", Node("nsu=urn:maker:x;i=1042"), 0),
    ("i=2258", Node("i=2258"), 0),
]
WRONG = [
    ("", "empty", "input 30"),
    ("input", "needs the address", "input 30"),
    ("holding 1", "lacks the format", "float32"),
    ("inputs 1 float32", "no Modbus table", "input"),
    ("Holding 1 float32", "no Modbus table", "holding"),
    ("input 1 flot32", "no format", "float32"),
    ("input 1 bit", "with a point", "holding 12.3"),
    ("coil 4.1", "has no bits", "coil 4"),
    ("coil 4 int16", "not known", ""),
    ("input 12.16", "bits 0 to 15", ""),
    ("input 1 text", "no text of", "text/8"),
    ("input 1 text/126", "no text of", "text/8"),
    ("input 1 float32*0", "array of nothing", "96"),
    ("input 1 float32/4", "no length", "float32*96/4"),
    ("input 1 float32*3/1", "less than the 2 registers", ""),
    ("input 65535 float32", "ends at 65536", "begin at 0"),
    ("input 65000 uint16*100/8", "ends at 65792", ""),
    ("input 1 int16 sf@70000", "beyond 65535", ""),
    ("input 1 int16 scale=0", "every value 0", ""),
    ("input 1 int16 ABBA", "not known after the format", "ABCD"),
    ("input 1 int16 ABCD CDAB", "said twice", ""),
    ("input 1x int16", "no register address", ""),
    ("ns=3;DB10", "no NodeId", "ns=3;s="),
    ("ns=3;i=x", "no NodeId", ""),
    ("i=4294967296", "no NodeId holds", "at most 4294967295"),
    ("ns=65536;s=Speed", "no NodeId holds", ""),
    ("nsu=urn:maker;i=99999999999", "no NodeId holds", ""),
    ("Meter//Voltage", "empty step", "Meter/Voltage"),
]


@pytest.mark.parametrize(("text", "at", "length"), LEGAL)
def test_a_legal_address_is_read(text: str, at: Node | Register, length: int) -> None:
    address = parse(text)
    assert (address.at, address.length) == (at, length)
    assert parse(text_of(at, length)).at == at


@pytest.mark.parametrize(("text", "what", "hint"), WRONG)
def test_a_wrong_address_says_what_would_be_right(text: str, what: str, hint: str) -> None:
    with pytest.raises(Wrong) as caught:
        parse(text)
    assert what in caught.value.what
    assert hint in caught.value.hint


@st.composite
def registers(draw: st.DrawFn) -> tuple[Register, int]:
    """Any register that can be said, and the length of its array."""
    on, absent = draw(st.sampled_from(["", "bms"])), draw(st.none() | st.integers(-9, 65535))
    scale = draw(st.floats(1e-9, 1e9)) * draw(st.sampled_from([1, -1]))
    common = {"on": on, "absent": absent, "scale": scale, "order": draw(st.sampled_from(ORDERS))}
    address = draw(st.integers(0, 60_000))
    form = draw(st.sampled_from(FORMATS))
    if form == "bit":
        return Register("holding", address, "bit", bit=draw(st.integers(0, 15)), **common), 0
    if form == "text":
        return Register("input", address, "text", size=draw(st.integers(1, 125)), **common), 0
    length = draw(st.integers(0, 50))
    stride = draw(st.sampled_from([0, REGISTERS[form], 9])) if length else 0
    scale_at = draw(st.none() | st.integers(0, 65535))
    at = Register("input", address, form, stride=stride, scale_at=scale_at, **common)  # type: ignore[arg-type]
    return at, length


@given(registers())
def test_a_register_becomes_text_and_a_register_again(register: tuple[Register, int]) -> None:
    at, length = register
    address = parse(text_of(at, length))
    assert (address.at, address.length) == (at, length)


@given(st.text(max_size=40))
def test_any_text_is_an_address_or_wrong(text: str) -> None:
    try:
        address = parse(text)
    except Wrong as wrong:
        assert wrong.what
    else:
        assert parse(text_of(address.at, address.length)).at == address.at


def test_a_moved_register_keeps_what_is_not_said() -> None:
    declared = Register("input", 1, "int16", scale=0.1, order="CDAB", absent=7, on="bms")
    assert moved(declared, 0, "holding 9 uint16") == Register(
        "holding", 9, "uint16", scale=0.1, order="CDAB", absent=7, on="bms"
    )
    at = moved(declared, 0, "holding 9 uint16 ABCD scale=1 absent=0 on=x")
    assert at == Register("holding", 9, "uint16", absent=0, on="x")


def test_a_moved_register_says_where_its_scale_factor_is() -> None:
    declared = Register("input", 1, "int16", scale_at=5)
    with pytest.raises(Wrong, match="does not say the scale"):
        moved(declared, 0, "input 9 int16")
    assert moved(declared, 0, "input 9 int16 sf@12") == Register("input", 9, "int16", scale_at=12)
    assert moved(declared, 0, "input 9 int16 scale=0.1") == Register("input", 9, "int16", scale=0.1)


def test_a_moved_array_keeps_its_length() -> None:
    declared = Register("input", 1, "uint16", stride=2)
    assert moved(declared, 96, "input 9 uint16*96/8") == Register("input", 9, "uint16", stride=8)
    with pytest.raises(Wrong) as caught:
        moved(declared, 96, "input 9 uint16*95/8")
    assert caught.value.hint == 'write "*96" after the format'
    assert moved(declared, 96, "Cells/Voltages") == Node("Cells/Voltages")
