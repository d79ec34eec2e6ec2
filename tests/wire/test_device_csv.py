"""Whatever a machine calls its things: the CSV that is written of it is read without a word."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stations.declare import NAME
from wire.site import device_csv, devices
from wire.site.device_csv import Names, Row

TEXT = st.text(max_size=40)
NUMBER = st.none() | st.floats()
TYPE = st.sampled_from(["bool", "int", "float", "text", "float[3]", "int[96]"])


@st.composite
def rows(draw: st.DrawFn) -> list[Row]:
    names, found = Names(), []
    count = draw(st.integers(1, 8))
    for address in draw(
        st.lists(st.builds("nsu=urn:{};s={}".format, st.just("maker"), TEXT), unique=True,
                 min_size=count, max_size=count)
    ):  # fmt: skip
        if device_csv.legal_address(address):
            found.append(
                Row(
                    names.give(draw(TEXT), address), address, draw(TYPE), unit=draw(TEXT),
                    low=draw(NUMBER), high=draw(NUMBER), deadband=draw(NUMBER),
                    every=draw(st.none() | st.integers(-5, 10_000_000)), doc=draw(TEXT),
                )
            )  # fmt: skip
    return found


@given(rows())
def test_every_row_is_read_as_it_was_meant(wanted: list[Row]) -> None:
    device = devices.parse(Path("machine.csv"), device_csv.text_of(wanted))
    if not wanted:
        assert [problem.what for problem in device.problems] == ["has no tags"]
        return
    assert device.problems == ()
    for row, tag in zip(map(device_csv.tidy, wanted), device.declaration.tags, strict=True):
        assert (tag.name, devices.type_of(tag)) == (row.name, row.type)
        assert tag.at == devices.Node(row.address)
        assert (tag.unit, tag.low, tag.high) == (row.unit, row.low, row.high)
        assert (tag.every_ms, tag.deadband) == (row.every, row.deadband or 0.0)


@given(st.lists(TEXT, max_size=30))
def test_names_are_legal_and_no_two_are_alike(wanted: list[str]) -> None:
    names = Names()
    given_ = [names.give(text, f"i={index}") for index, text in enumerate(wanted)]
    assert len(set(given_)) == len(given_)
    assert all(NAME.match(name) for name in given_)


def test_a_name_does_not_depend_on_what_comes_behind() -> None:
    one, two = Names(), Names()
    assert [one.give("Speed", "i=1"), one.give("speed", "i=2")] == [
        two.give("Speed", "i=1"), two.give("speed", "i=2"),
    ]  # fmt: skip
    assert one.give("SPEED", "i=3").startswith("speed_")


@pytest.mark.parametrize(
    ("text", "name"),
    [("Türöffner", "tueroeffner"), ("Température", "temperature"), ("tags", "tags_value"),
     ("3rd Axis", "tag_3rd_axis"), ("日本", "tag"), ("DrillSpeed", "drill_speed")],
)  # fmt: skip
def test_a_name_is_near_to_what_the_machine_says(text: str, name: str) -> None:
    assert Names().give(text, "i=1") in (name, f"{name}_value")


def test_a_very_long_name_is_cut_and_stays_its_own() -> None:
    names = Names()
    first, second = names.give("a" * 300, "i=1"), names.give("a" * 300, "i=2")
    assert len(first) == len(second) == device_csv.NAME_MAX
    assert first != second


def test_columns_that_nobody_needs_are_not_there() -> None:
    text = device_csv.text_of([Row("speed", "i=1", "int", unit="rpm", doc="Speed")])
    assert text == "name,address,type,unit,doc\nspeed,i=1,int,rpm,Speed\n"


def test_a_text_of_a_machine_is_no_formula_of_a_spreadsheet() -> None:
    text = device_csv.text_of([Row("a", "=Speed", "float", low=-5.0, doc="=HYPERLINK(1)")])
    assert text.splitlines()[1] == "a, =Speed,float,-5, =HYPERLINK(1)"
    (tag,) = devices.parse(Path("machine.csv"), text).declaration.tags
    assert (tag.at, tag.low, tag.doc) == (devices.Node("=Speed"), -5.0, "=HYPERLINK(1).")


def test_the_file_is_whole_or_as_it_was(tmp_path: Path) -> None:
    file = tmp_path / "tags.csv"
    file.write_text("as it was")
    with pytest.raises(UnicodeEncodeError):
        device_csv.write_text(file, "half \udc80")
    assert file.read_text() == "as it was"
    assert list(tmp_path.iterdir()) == [file]
