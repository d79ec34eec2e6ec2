"""The pages that are written by hand name what the code names."""

from __future__ import annotations

import ast
import json
import re

import pytest

from edge.health import EVERY_S
from stations import status
from stations.declare import Type
from tests.docs.pages import ROOT
from wire import topics
from wire.sparkplug import acknowledge, edge_node, metrics, state
from wire.sparkplug.datatypes import DATATYPE, to_wire
from wire.sparkplug.edge import HostSettings
from wire.topics import Verb

SPARKPLUG = (ROOT / "docs/reference/sparkplug.md").read_text()
TRUTH = (ROOT / "docs/reference/truth-log.md").read_text()
NAMES = {
    name: value
    for name, value in vars(metrics).items()
    if name.isupper() and isinstance(value, str)
}
EXAMPLES = {Type.BOOL: True, Type.INT: 1, Type.FLOAT: 1.0, Type.TEXT: "x", Type.INTS: (1,),
            Type.FLOATS: (1.0,)}  # fmt: skip
TYPES = {Type.BOOL: "bool", Type.INT: "int", Type.FLOAT: "float", Type.TEXT: "text",
         Type.INTS: "int[n]", Type.FLOATS: "float[n]"}  # fmt: skip


@pytest.mark.parametrize("name", sorted(NAMES))
def test_every_metric_name_and_property_is_on_the_sparkplug_page(name: str) -> None:
    assert re.search(rf"`[^`\n]*{re.escape(NAMES[name])}", SPARKPLUG) or (
        name in ("NODE_CONTROL", "DEVICE_CONTROL", "DELIVERY")
    )


@pytest.mark.parametrize("verb", list(Verb))
def test_every_topic_is_on_the_sparkplug_page(verb: Verb) -> None:
    if verb.is_of_device:
        topic = topics.device("SITE", verb, "AGENT", "STATION")
    else:
        topic = topics.node("SITE", verb, "AGENT")
    assert f"| `{topic}` |" in SPARKPLUG


def test_our_own_topics_and_state_are_on_the_sparkplug_page() -> None:
    for topic in (
        topics.state("HISTORIAN"),
        topics.records("SITE", "AGENT"),
        topics.recorded("SITE", "AGENT"),
        topics.commands("SITE", "AGENT"),
        topics.answers("SITE", "AGENT"),
    ):
        assert f"| `{topic}` |" in SPARKPLUG
    example = re.search(r'`(\{"online".*?\})`', SPARKPLUG)
    assert example is not None
    said = state.read(example[1].encode())
    assert said is not None
    assert json.loads(state.write(said)) == json.loads(example[1])


@pytest.mark.parametrize("kind", list(EXAMPLES), ids=lambda kind: kind.name)
def test_every_datatype_is_on_the_sparkplug_page(kind: Type) -> None:
    datatype = DATATYPE[kind]
    field, _ = to_wire(datatype, EXAMPLES[kind])
    row = next(line for line in SPARKPLUG.splitlines() if line.startswith(f"| {TYPES[kind]}"))
    assert f"`{datatype.name}` ({datatype.value})" in row
    assert f"`{field}`" in row


def test_the_numbers_of_the_sparkplug_page() -> None:
    host = HostSettings()
    for number in (
        f"{metrics.HEALTH_ALIASES} to {metrics.POSITION_ALIASES - 1} are health",
        f"from {metrics.POSITION_ALIASES} the position",
        f"from {metrics.TAG_ALIASES} the tags",
        f"every {host.acknowledge_every_ms} ms",
        f"every {host.acknowledge_repeat_ms} ms",
        f"After {host.reorder_ms} ms",
        f"at most {acknowledge.RANGES_MAX}.",
        f"{status.QUALITY_BAD} bad, {status.QUALITY_GOOD} good",
        f"{status.QUALITY_STALE} stale",
        f"every {EVERY_S:g} s",
    ):
        assert number in SPARKPLUG.replace("\n", " "), number
    assert edge_node.BYTES_MAX == 1 << 20 and "over 1 MiB" in SPARKPLUG
    assert edge_node.REBIRTH_GAP_MS == 1_000 and "one\nrebirth a second" in SPARKPLUG


def test_the_acknowledgement_on_the_sparkplug_page_can_be_read() -> None:
    text = SPARKPLUG.split("```\n")[1].strip()
    outbox, ranges = acknowledge.read(text)
    assert ranges == ((1, 120), (125, 125), (130, 140))
    assert acknowledge.write(outbox, ranges) == text


def test_every_event_of_the_simulators_is_on_the_page_of_the_truth_log() -> None:
    events = set()
    for path in (ROOT / "simulators").glob("*.py"):
        for call in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(call, ast.Call)
                and isinstance(call.func, ast.Attribute)
                and call.func.attr == "add"
                and isinstance(call.func.value, ast.Attribute)
                and call.func.value.attr in ("log", "truth")
            ):
                words = ast.walk(call.args[0])
                events |= {one.value for one in words if isinstance(one, ast.Constant)}
    assert events == set(re.findall(r"^\| `(\w+)` \|", TRUTH, re.MULTILINE))
    assert len(events) == 10
