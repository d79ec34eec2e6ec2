"""A declaration is checked when its class is made, and each mistake is named."""

from collections.abc import Callable
from typing import Any

import pytest

from stations import kinds
from stations.declare import Command, Node, Register, State, Station, Tag, Type


class Mode(State):
    OFF = 0, "Nothing runs."
    ON = 1, "It runs."


class Twice(State):
    OFF = 0, "Nothing runs."
    IDLE = 0, "The same number again."


class Mute(State):
    OFF = 0, "no sentence"


class Example(Station):
    """A station with one of everything."""

    state = Tag(Mode, Node("State"), doc="What it is doing.")
    angle = Tag(float, Node("Table/Angle"), unit="deg", low=0, high=360, doc="Turned since home.")
    cells = Tag(list[float], Register("input", 0, "uint16"), length=96, doc="Cell voltages.")
    serial = Tag(str, Register("holding", 0, "text", size=8, on="bms"), doc="Serial number.")
    door = Tag(bool, Register("input", 200, "bit", bit=3), doc="The door is closed.")
    start = Command(Node("Commands/Start"), doc="Start a turn.")


def tag(*args: Any, **changes: Any) -> Callable[[], Any]:
    """A class `Studio` with a tag `angle` that has a mistake."""
    kind, at = (*args, *(float, Node("Table/Angle"))[len(args) :])
    keywords = {"doc": "Turned since home.", **changes}
    return lambda: type("Studio", (Station,), {"angle": Tag(kind, at, **keywords)})


MISTAKES: dict[str, tuple[Callable[[], Any], str]] = {
    "doc is empty": (tag(doc=""), "doc must be a sentence"),
    "doc is no sentence": (tag(doc="angle"), "doc must be a sentence"),
    "no address": (tag(float, "Table/Angle"), "must be a Node or a Register"),
    "no known type": (tag(bytes), "the type must be"),
    "an array of texts": (tag(list[str]), "the type must be"),
    "low above high": (tag(low=360, high=0), "low 360 is not below high 0"),
    "low equals high": (tag(low=1, high=1), "is not below"),
    "negative deadband": (tag(deadband=-1), "deadband must not be negative"),
    "deadband of a text": (tag(str, deadband=1), "only a number has a deadband"),
    "array without length": (tag(list[float]), "an array needs its length"),
    "length without array": (tag(length=3), "only an array has a length"),
    "interval of zero": (tag(every_ms=0), "every_ms must be positive"),
    "no such table": (tag(float, Register("inputs", 0)), "table must be one of"),  # type: ignore[arg-type]
    "no such format": (tag(float, Register("input", 0, "real")), "format must be one of"),  # type: ignore[arg-type]
    "no such order": (tag(float, Register("input", 0, order="ACBD")), "order must be one of"),  # type: ignore[arg-type]
    "address too large": (tag(float, Register("input", 65536)), "address must be 0 to 65535"),
    "address negative": (tag(float, Register("input", -1)), "address must be 0 to 65535"),
    "a coil with a number": (tag(float, Register("coil", 0, "float32")), "a coil holds a bit"),
    "bit without number": (tag(bool, Register("input", 0, "bit")), "say which bit"),
    "bit too large": (tag(bool, Register("input", 0, "bit", bit=16)), "bit must be 0 to 15"),
    "scale of zero": (tag(float, Register("input", 0, scale=0)), "scale must not be 0"),
    "text without size": (tag(str, Register("input", 0, "text")), "needs its size"),
    "text in a number": (tag(str, Register("input", 0)), "does not hold a text"),
    "number in a text": (tag(float, Register("input", 0, "text", size=4)), "does not hold a float"),
    "bool in a number": (tag(bool, Register("input", 0)), "a bool is a bit"),
    "states with one number": (tag(Twice), "OFF and IDLE have the same number 0"),
    "a state without a sentence": (tag(Mute), "the doc of state OFF must be a sentence"),
}


@pytest.mark.parametrize(("declare", "problem"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_names_the_tag(declare: Callable[[], Any], problem: str) -> None:
    with pytest.raises(TypeError, match=r"\AStudio\.angle: ") as error:
        declare()
    assert problem in str(error.value)


def test_two_tags_at_one_address() -> None:
    members = {
        "load": Tag(float, Node("Table/Angle"), doc="Weight."),
        "angle": Tag(float, Node("Table/Angle"), doc="Turned since home."),
    }
    with pytest.raises(TypeError, match=r"\AStudio\.angle: Studio\.load is also at"):
        type("Studio", (Station,), members)


def test_a_command_at_the_address_of_a_tag() -> None:
    members = {
        "load": Tag(float, Node("Start"), doc="Weight."),
        "angle": Command(Node("Start"), doc="Start a turn."),
    }
    with pytest.raises(TypeError, match=r"\AStudio\.angle: Studio\.load is also at"):
        type("Studio", (Station,), members)


def test_a_name_that_does_not_fit_the_store() -> None:
    members = {"Angle": Tag(float, Node("A"), doc="Turned since home.")}
    with pytest.raises(TypeError, match=r"\AStudio\.Angle: a name is small letters"):
        type("Studio", (Station,), members)


def test_a_state_needs_a_number() -> None:
    with pytest.raises(TypeError, match="Wrong: a state needs a number and a sentence"):

        class Wrong(State):
            OFF = "Nothing runs."


def test_a_declaration_lists_its_tags_in_order_and_is_no_object() -> None:
    assert [tag.name for tag in Example.tags] == ["state", "angle", "cells", "serial", "door"]
    assert [command.name for command in Example.commands] == ["start"]
    with pytest.raises(TypeError, match="never instantiated"):
        Example()


def test_types_and_widths() -> None:
    types = [tag.value_type for tag in Example.tags]
    assert types == [Type.INT, Type.FLOAT, Type.FLOATS, Type.TEXT, Type.BOOL]
    assert Example.state.states is Mode and Example.angle.states is None
    assert Mode.ON.value == 1 and Mode.ON.doc == "It runs."
    assert [Register("input", 0, kind).width for kind in ("float16", "int32", "uint64")] == [
        1,
        2,
        4,
    ]
    assert Register("input", 0, "text", size=8).width == 8


def test_a_tag_by_its_name() -> None:
    assert Example.tag("angle") is Example.angle
    for name in ("angel", "start", "tags"):
        with pytest.raises(KeyError, match=f"Example has no tag '{name}'"):
            Example.tag(name)


def test_another_machine_keeps_it_elsewhere() -> None:
    at = Node("ns=3;s=DB10.Angle")
    moved = Example.moved({"angle": at, "start": Node("Go")})
    assert moved.tag("angle").at == at and moved.tag("angle").name == "angle"
    assert moved.tag("angle").unit == "deg" and moved.commands[0].at == Node("Go")
    assert Example.angle.at == Node("Table/Angle")
    assert [tag.name for tag in moved.tags] == [tag.name for tag in Example.tags]
    with pytest.raises(TypeError, match=r"Example\.angle: Example\.state is also at"):
        Example.moved({"angle": Node("State")})


@pytest.mark.parametrize("path", ["ns=3;s=a", "nsu=urn:studio;i=4", "i=85", "ns=1;g=0-0", "b=aa=="])
def test_a_node_id_is_told_from_a_browse_path(path: str) -> None:
    assert Node(path).is_node_id
    assert not Node(f"Table/{path}").is_node_id


@pytest.mark.parametrize("name", kinds.names())
def test_every_kind_is_whole(name: str) -> None:
    kind = kinds.find(name)
    assert len(kind.station.tags) <= 60
    assert {tag.name for tag in kind.triggers} == {"state", "visit"}
    assert kind.memory() == kind.memory()
    for tag in kind.station.tags:
        number = tag.value_type in (Type.INT, Type.FLOAT) and tag.states is None
        assert not number or tag.low is not None, f"{name}.{tag.name} has no lower limit"


def test_an_unknown_kind_names_the_known_ones() -> None:
    with pytest.raises(LookupError, match=r"no kind 'studioo'; known are .*studio and device"):
        kinds.find("studioo")
