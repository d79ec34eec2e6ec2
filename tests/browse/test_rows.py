"""Whatever a server calls its nodes and says of them: each is a row that loads, or is left out."""

from __future__ import annotations

from pathlib import Path

import pytest
from asyncua import ua
from hypothesis import given
from hypothesis import strategies as st

from edge.browse.filters import glob
from edge.browse.found import Found
from edge.browse.meanings import MEANINGS_MAX, meanings
from edge.browse.opcua import Options, add_rows
from edge.browse.opcua_facts import Facts, range_of
from edge.browse.opcua_types import length_of
from edge.browse.opcua_walk import Variable
from edge.browse.units import code_of, unit_of
from edge.sources.opcua_nodes import node_id
from stations.declare import Node
from wire.site import device_csv, devices

TEXT = st.text(max_size=12)
UNECE = "http://www.opcfoundation.org/UA/units/un/cefact"
IDS = st.one_of(
    st.integers(0, (1 << 32) - 1), TEXT, st.binary(max_size=8), st.uuids(),
)  # fmt: skip
FACTS = st.builds(
    Facts, st.integers(1, 30), st.none() | st.integers(0, 5), TEXT, st.none() | st.floats(),
    st.none() | st.floats(), st.none() | st.integers(-1, 10**9), TEXT,
)  # fmt: skip
URIS = st.lists(TEXT, min_size=2, max_size=4, unique=True)


@given(URIS, st.lists(st.tuples(st.lists(TEXT, max_size=4), IDS, FACTS), max_size=8), st.booleans())
def test_every_node_is_a_row_that_loads_or_is_left_out(
    uris: list[str], nodes: list[tuple[list[str], object, Facts]], by_path: bool
) -> None:
    variables, facts = {}, {}
    for place, (path, identifier, fact) in enumerate(nodes):
        node = ua.NodeId(identifier, 1 + place % (len(uris) - 1))  # type: ignore[arg-type]
        variables[node], facts[node] = Variable(node, tuple(path), "", by_path=by_path), fact
    found = Found()
    add_rows(list(variables.values()), facts, Options(by_path=by_path), uris, found)
    assert len(found.rows) + len(found.skipped) == len(variables)
    assert all(one.reason for one in found.skipped)
    if not found.rows:
        return
    device = devices.parse(Path("machine.csv"), device_csv.text_of(found.rows))
    assert device.problems == ()
    for tag in device.declaration.tags:
        assert isinstance(tag.at, Node)
        if tag.at.is_node_id:
            assert node_id(tag.at.path, uris) in variables
        else:
            assert tag.at.path in {"/".join(one.path) for one in variables.values()}


@pytest.mark.parametrize("name", ["holding 5", "coil 3", "i=5", "ns=1;s=a", "a\u2028b"])
def test_a_name_that_is_no_address_leaves_the_node_its_id(name: str) -> None:
    node, found = ua.NodeId(7, 1), Found()
    facts = {node: Facts(11)}
    add_rows([Variable(node, (name,), "", by_path=True)], facts, Options(by_path=True),
             ["", "urn:maker"], found)  # fmt: skip
    assert [row.address for row in found.rows] == ["nsu=urn:maker;i=7"]
    assert found.notes == ["1 addresses are NodeIds: their names alone do not say them"]


@pytest.mark.parametrize(
    ("pattern", "path", "fits"),
    [
        ("Line0/**", "Line0/Axis/Speed", True), ("Line0/**", "Line01/Speed", False),
        ("*/Speed", "Line0/Speed", True), ("*/Speed", "Line0/Axis/Speed", False),
        ("**/Speed", "Speed", True), ("**/Speed", "a/b/Speed", True),
        ("Axis?/[x]", "Axis1/[x]", True), ("Axis?", "Axis10", False), ("a.b", "aXb", False),
    ],
)  # fmt: skip
def test_a_glob(pattern: str, path: str, fits: bool) -> None:
    assert bool(glob(pattern).fullmatch(path)) is fits


@pytest.mark.parametrize(
    ("unit", "text"),
    [
        (ua.EUInformation(UNECE, 4408652, ua.LocalizedText("°C")), "°C"),
        (ua.EUInformation(UNECE, 4408652), "°C"),
        (ua.EUInformation(UNECE, 5654084), "VFD"),  # no unit that we know: its code
        (ua.EUInformation("urn:maker", 5), ""),
        (ua.EUInformation(UNECE, -1), ""),
        (ua.EUInformation(UNECE, 5, ua.LocalizedText(None), ua.LocalizedText(" kN ")), "kN"),
        (None, ""), ("V", ""),
    ],
)  # fmt: skip
def test_a_unit(unit: object, text: str) -> None:
    assert unit_of(unit) == text


def test_a_code_is_the_letters_of_a_number() -> None:
    assert code_of(int.from_bytes(b"KWT", "big")) == "KWT"
    assert code_of(0) == code_of(7) == code_of(1 << 40) == ""


def test_the_range_that_can_be_believed() -> None:
    both = {"EURange": ua.Range(0, 10), "InstrumentRange": ua.Range(-1, 11)}
    assert range_of(both) == (-1.0, 11.0)
    assert range_of({"EURange": ua.Range(5, 5)}) == (None, None)
    assert range_of({"EURange": ua.Range(0, float("inf"))}) == (0.0, None)
    assert range_of({"EURange": "0..10"}) == (None, None)


@pytest.mark.parametrize(
    ("rank", "dimensions", "length"),
    [
        (-1, None, None), (None, None, None), (1, [4], 4), (2, [2, 3], 6), (1, [0], 0),
        (1, None, 0), (1, [], 0), (0, None, 0), (-2, None, 0), (-3, [4], 0),
    ],
)  # fmt: skip
def test_the_length_of_an_array(rank: object, dimensions: object, length: int | None) -> None:
    assert length_of(rank, dimensions) == length


def test_meanings_in_words() -> None:
    states = [ua.LocalizedText("Off"), ua.LocalizedText(None), ua.LocalizedText("On")]
    assert meanings({"EnumStrings": states}) == "0 = Off, 2 = On"
    assert meanings({"TrueState": ua.LocalizedText("open"), "FalseState": None}) == "1 = open"
    many = [ua.EnumValueType(n, ua.LocalizedText(f"S{n}")) for n in range(MEANINGS_MAX + 5)]
    assert meanings({"EnumValues": many}).endswith(f"{MEANINGS_MAX - 1} = S{MEANINGS_MAX - 1}, …")
    assert meanings({"EnumStrings": 5}) == ""
