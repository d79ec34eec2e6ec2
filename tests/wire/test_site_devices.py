"""A CSV of tags becomes a declaration; every mistake is named by row and column, all at once."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stations.declare import NAME, Node, Register, Station
from wire.site import devices

FULL = """\
name,address,type,unit,scale,low,high,deadband,every,on,doc
voltage,input 0 float32,float,V,,0,300,0.5,500 ms,,Voltage of phase one.
energy,holding 342 int64 CDAB,float,kWh,0.001,0,,,,grid,Energy since installation
alarm,holding 12.3,bool,,,,,,,,
serial,holding 7 text/8,text,,,,,,1 h,,Serial number.
cells,input 100 uint16*96/8,float[96],V,0.001,2.5,4.3,,,,"Cells, all of them."
counts,Counts/All,int[4],,,,,,,,Counts.
speed,ns=3;s=Speed,int,rpm,,,,5,,,Speed.
"""
PATH = Path("meter.csv")


def read(text: str) -> devices.Device:
    return devices.parse(PATH, text)


def test_a_full_table_is_a_declaration() -> None:
    device = read(FULL)
    assert device.problems == ()
    tags = {tag.name: tag for tag in device.declaration.tags}
    assert list(tags) == ["voltage", "energy", "alarm", "serial", "cells", "counts", "speed"]
    voltage = tags["voltage"]
    assert (voltage.kind, voltage.unit, voltage.low, voltage.high) == (float, "V", 0, 300)
    assert (voltage.deadband, voltage.every_ms) == (0.5, 500)
    energy = Register("holding", 342, "int64", order="CDAB", scale=0.001, on="grid")
    assert tags["energy"].at == energy
    assert tags["energy"].doc == "Energy since installation."
    assert (tags["alarm"].kind, tags["alarm"].doc) == (bool, "Alarm.")
    assert tags["alarm"].at == Register("holding", 12, "bit", bit=3)
    assert (tags["serial"].kind, tags["serial"].every_ms) == (str, 3_600_000)
    assert (tags["cells"].kind, tags["cells"].length) == (list[float], 96)
    assert (tags["counts"].kind, tags["counts"].at) == (list[int], Node("Counts/All"))
    assert tags["speed"].at == Node("ns=3;s=Speed")
    assert device.rows["speed"] == 8
    assert device.declaration.__name__ == "Meter"


def test_the_spreadsheet_of_a_comma_country_is_read(tmp_path: Path) -> None:
    text = "Name;Address;Type;Scale;Low\r\nvolt;input 0 uint16;float;0,1;-2,5\r\n;;;;\r\n"
    path = tmp_path / "m.csv"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    device = devices.read(path)
    assert device.problems == ()
    tag = device.declaration.tag("volt")
    assert (tag.at, tag.low) == (Register("input", 0, "uint16", scale=0.1), -2.5)


HEAD = "name,address,type,unit,scale,low,high,deadband,every,on,doc\n"
# (the row, the column, words of what, words of the hint)
WRONG = [
    ("L1 Voltage,coil 1,bool", "name", '"L1 Voltage"', '"l1_voltage"'),
    ("1st,coil 1,bool", "name", '"1st"', '"tag_1st"'),
    ("tags,coil 1,bool", "name", '"tags"', '"tags_value"'),
    (",coil 1,bool", "name", "is empty", '"tag_value"'),
    ("a,,bool", "address", "empty", "input 30"),
    ("a,inptu 3 float32,float", "address", "no Modbus table", "input"),
    ("a,input 3,float", "address", "lacks the format", "float32"),
    ("a,input 3 float32,flaot", "type", "no type", "did you mean float?"),
    ("a,input 3 float32,", "type", "is empty", "bool, int"),
    ("a,input 3 float32*4,float", "address", "is an array of 4", "float[4]"),
    ("a,input 3 float32,float[4]", "address", "is one value", '"*4"'),
    ("a,input 3 float32*3,float[4]", "address", "is an array of 3", '"*4"'),
    ("a,input 3 float32,float[0]", "type", "array of nothing", "float[96]"),
    ("a,input 3 float32,int", "type", "float32 is not int", "float"),
    ("a,input 3 int16,int,,0.1", "type", "with this scale", "float"),
    ("a,input 3 int16 sf@5,int", "type", "with this scale", "float"),
    ("a,input 3 uint16,bool", "type", "uint16 is not bool", "holding 12.3"),
    ("a,input 3 uint16,text", "type", "uint16 is not text", "text/8"),
    ("a,input 3 text/4,int", "type", "text is not int", "type text"),
    ("a,input 3 int16,float,,x", "scale", "not a number", "0.1"),
    ("a,input 3 int16,float,,0", "scale", "every value 0", ""),
    ("a,input 3 int16 scale=2,float,,2", "scale", "also said", "once"),
    ("a,input 3 int16 on=x,float,,,,,,,y", "on", "also said", "once"),
    ("a,A/B,float,,2", "scale", "belongs to a Modbus register", "empty"),
    ("a,A/B,float,,,,,,,bms", "on", "belongs to a Modbus register", "empty"),
    ("a,A/B,float,,,nan", "low", "not a finite number", "no limit"),
    ("a,A/B,float,,,5,5", "high", "not above low", ""),
    ("a,A/B,float,,,,,-1", "deadband", "negative", "every change"),
    ("a,A/B,bool,,,,,1", "deadband", "only a single number", ""),
    ("a,A/B,float,,,,,,500", "every", "not a duration", "500 ms"),
    ("a,A/B,float,,,,,,0 ms", "every", "longer than nothing", "500 ms"),
    ("a,A/B,float,,,,,,,,Doc,more", "", "12 cells, the header has 11", "quotes"),
]


@pytest.mark.parametrize(("row", "column", "what", "hint"), WRONG)
def test_a_wrong_cell_is_named_by_row_and_column(
    row: str, column: str, what: str, hint: str
) -> None:
    device = read(f"{HEAD}good,A/Good,float\n{row}\n")
    assert len(device.problems) == 1, device.problems
    problem = device.problems[0]
    assert (problem.file, problem.line, problem.key) == (PATH, 3, column)
    assert what in problem.what
    assert hint in problem.hint


def test_all_problems_of_a_file_are_said_at_once() -> None:
    device = read(
        HEAD + "A,inptu 1 int16,flt,,x,5,4\n\nb,coil 1,bool\nb,coil 2,bool\nc,coil 1,bool\n"
    )
    assert [(one.line, one.key) for one in device.problems] == [
        (2, "address"), (2, "high"), (2, "name"), (2, "scale"), (2, "type"),
        (5, "name"), (6, "address"),
    ]  # fmt: skip
    assert "row 4" in device.problems[5].what
    assert "b in row 4" in device.problems[6].what


@pytest.mark.parametrize(
    ("text", "line", "key", "what", "hint"),
    [
        ("name,adress,type\n", 1, "adress", "no column", "did you mean address?"),
        ("name,type\na,int\n", 1, "address", "missing", "name,address,type"),
        ("name,name,address,type\n", 1, "name", "twice", ""),
        ("name,address,type\n", 1, "", "has no tags", "one row"),
        ('name,address,type\na,"coil 1,bool\n', 2, "", "no CSV", "quote"),
    ],
)
def test_a_wrong_file_is_named(text: str, line: int, key: str, what: str, hint: str) -> None:
    found = [one for one in read(text).problems if one.key == key]
    assert len(found) == 1
    assert found[0].line == line
    assert what in found[0].what
    assert hint in found[0].hint


def test_a_file_that_is_no_text_names_the_row(tmp_path: Path) -> None:
    path = tmp_path / "m.csv"
    path.write_bytes(HEAD.encode() + b"a,coil 1,bool\nb,coil 2,bool,\xb0C\n")
    problem = devices.read(path).problems[0]
    assert (problem.line, problem.hint) == (3, "save the file as CSV UTF-8")
    assert "0xb0" in problem.what
    assert "cannot be read" in devices.read(tmp_path / "none.csv").problems[0].what


@given(st.text(max_size=30))
def test_the_legal_form_of_a_name_is_legal(text: str) -> None:
    name = devices.legal_name(text)
    assert NAME.match(name)
    assert not hasattr(Station, name)


@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    for device in (read(text), read(HEAD + text)):
        assert bool(device.problems) or device.declaration.tags


@pytest.mark.alone
def test_ten_thousand_tags_load_in_a_second() -> None:
    rows = [
        f"v{n},input {n} int16 on=b{n // 60000},float,V,0.1,0,9,,1 s,,Value {n}."
        for n in range(10_000)
    ]
    text = HEAD + "\n".join(rows)
    times = []
    for _ in range(3):
        start = time.process_time()
        device = read(text)
        times.append(time.process_time() - start)
    assert len(device.declaration.tags) == 10_000
    assert min(times) < 1.0
