"""What a declared tag and a node have in common, and that nothing else is said."""

from __future__ import annotations

from typing import Any

import pytest
from asyncua import ua
from hypothesis import given

from edge.browse import opcua_types as types
from edge.browse.opcua_facts import Facts
from edge.live.compare import FITS, Now, compare, plain
from edge.live.findings import Problem
from edge.sources.variants import Expected, decode
from stations.declare import Node
from stations.status import BAD_NODE_ID_UNKNOWN, BAD_SENSOR_FAILURE, BAD_TYPE_MISMATCH
from tests.sources.recorder import tag
from tests.sources.test_variants import ITEMS, change_of, values

FLOAT, DOUBLE, INT64, STRING = 10, 11, 8, 12
GOOD = Now(0, 1.0)


def found(facts: Facts, now: Now = GOOD, kind: Any = float, **more: Any) -> list[tuple[str, ...]]:
    declared = tag("speed", kind, Node("Speed"), **more)
    return [(str(one.problem), one.declared, one.found) for one in compare(declared, facts, now)]


@pytest.mark.parametrize(
    ("facts", "more", "wanted"),
    [
        (Facts(DOUBLE), {}, []),
        (Facts(DOUBLE), {"unit": "rpm"}, []),
        (Facts(DOUBLE, unit="°C"), {"unit": "degC"}, []),
        (Facts(DOUBLE, unit="°C"), {"unit": "K"}, [("unit differs", "K", "°C")]),
        (Facts(DOUBLE, unit="MW"), {"unit": "mW"}, [("unit differs", "mW", "MW")]),
        (Facts(DOUBLE, unit="bar"), {}, [("unit differs", "none", "bar")]),
        (Facts(DOUBLE, low=0.0, high=9.0), {"high": 9.0}, []),
        (Facts(DOUBLE, low=0.0, high=9.0), {"high": 8.0}, [("range differs", ".. 8", "0 .. 9")]),
        (Facts(STRING), {}, [("wrong type", "float", "String")]),
        (Facts(INT64), {}, [("wrong type", "float", "Int64")]),
        (Facts(DOUBLE, 4), {}, [("wrong type", "float", "Double[4]")]),
        (Facts(types.BASE), {}, []),
        (Facts(status=BAD_NODE_ID_UNKNOWN), {}, [("missing", "Speed", "no such node")]),
        (Facts(status=0x80350000), {}, [("wrong type", "float", "a node that is no variable")]),
        (Facts(DOUBLE, why_not="not readable with this account"), {"unit": "K"},
         [("not readable", "float", "not readable with this account")]),
    ],
)  # fmt: skip
def test_one_number(facts: Facts, more: dict[str, Any], wanted: list[tuple[str, ...]]) -> None:
    assert found(facts, **more) == wanted


def test_an_array() -> None:
    many = {"kind": list[float], "length": 4}
    assert found(Facts(DOUBLE, 4), **many) == []
    assert found(Facts(DOUBLE, 0), **many) == []
    assert found(Facts(DOUBLE, 5), **many) == [("array length", "float[4]", "Double[5]")]
    assert found(Facts(DOUBLE), **many) == [("wrong type", "float[4]", "Double")]


def test_what_is_there_now() -> None:
    bad = Now(BAD_SENSOR_FAILURE | 0x480)
    assert found(Facts(FLOAT), bad) == [("bad now", "Good", "BadSensorFailure")]
    assert found(Facts(FLOAT), Now(0, 3e-41), low=207.0) == [("not believable", "207 ..", "3e-41")]
    assert found(Facts(FLOAT), Now(0, 1.0, 500.0, 100.0)) == [
        ("slow", "every 100 ms", "every 500 ms")
    ]


@pytest.mark.parametrize(
    ("one", "other"), [("degC", "°C"), ("m / s", "m/s"), ("Ω", "ohm"), ("µm", "μm")]
)
def test_one_unit_in_two_spellings(one: str, other: str) -> None:
    assert plain(one) == plain(other)


@given(values())
def test_a_type_fits_exactly_when_the_source_takes_it(variant: ua.Variant) -> None:
    if variant.Value is None or variant.Value == []:
        return
    built_in = int(variant.VariantType.value)
    for item in ITEMS:
        told = decode([change_of(item.number, variant)], Expected.of(ITEMS), 1)
        is_refused = int(told.samples.status[0]) == BAD_TYPE_MISMATCH
        length = types.size_of(variant)
        facts = Facts(built_in, length)
        problems = {one.problem for one in compare(item.tag, facts, Now(0))}
        if built_in == types.STRUCTURE or _has_nothing(variant):
            continue
        assert bool(problems & {Problem.TYPE, Problem.LENGTH}) == is_refused


def _has_nothing(variant: ua.Variant) -> bool:
    """A text without a text, alone or in an array, is nothing rather than of a wrong type."""
    one = variant.Value
    return isinstance(one, ua.LocalizedText) and one.Text is None


def test_every_type_of_a_tag_is_known() -> None:
    assert set(FITS) == {item.tag.value_type for item in ITEMS}
