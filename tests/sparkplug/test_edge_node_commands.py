"""The edge node: health, commands, and what does not fit (rows 12, 13, 39, 40)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stations.declare import Node, Station, Tag, Type
from stations.samples import Samples, build
from tests.sparkplug.plant import (
    AGENT,
    OUTBOX,
    SITE,
    T0,
    TABLE_1,
    angles,
    asked,
    by_name,
    connected,
    edge_node,
    payload,
    sent,
    seqs,
    verbs,
)
from wire import topics
from wire.sparkplug import births, codec, commands
from wire.sparkplug.births import TooLarge
from wire.sparkplug.codec import Payload, metric
from wire.sparkplug.datatypes import Datatype
from wire.sparkplug.effects import Acknowledged, Born, Publish
from wire.sparkplug.metrics import ACKNOWLEDGE, MetricName, NodeMetric
from wire.topics import Verb

NCMD = topics.node(SITE, Verb.NCMD, AGENT)
DCMD = topics.device(SITE, Verb.DCMD, AGENT, "table-1")
BIRTHS = ["NBIRTH", "DBIRTH/table-1", "DBIRTH/table-2"]


def test_health_goes_out_when_it_changes() -> None:
    node = connected()
    found = node.health({"backlog_rows": 3, "cpu": 0.5}, T0 + 1)
    assert verbs(found) == ["NDATA"] and [each.raw for each in payload(sent(found)[0]).metrics] == [
        3,
        0.5,
    ]
    assert node.health({"backlog_rows": 3, "cpu": 0.5}, T0 + 2) == []
    again = sent(node.health({"backlog_rows": 4, "cpu": 0.5}, T0 + 3))
    (one,) = payload(again[0]).metrics
    assert one.raw == 4 and one.name is None and one.alias is not None and one.timestamp == T0 + 3
    with pytest.raises(ValueError, match="no health metric typo"):
        node.health({"typo": 1}, T0)


def test_an_acknowledgement_of_our_outbox_is_obeyed() -> None:
    node = connected()
    command = commands.acknowledgement(T0, OUTBOX, [(1, 120), (125, 125)])
    assert node.message(NCMD, command, T0 + 1) == [Acknowledged(((1, 120), (125, 125)))]


@pytest.mark.parametrize(
    ("name", "datatype", "value", "counted"),
    [
        (ACKNOWLEDGE, Datatype.STRING, "outbox-b 1-5", "acknowledgement of another outbox"),
        (ACKNOWLEDGE, Datatype.STRING, "outbox-a 5-1", "unknown acknowledgement"),
        (ACKNOWLEDGE, Datatype.INT64, 7, "unknown acknowledgement"),
        ("Node Control/Rebirth", Datatype.BOOLEAN, False, "refused write"),
        ("Node Control/Rebirth", Datatype.INT64, 1, "refused write"),
        ("Node Control/Reboot", Datatype.BOOLEAN, True, "refused write"),
        ("Health/cpu", Datatype.DOUBLE, 1.0, "refused write"),
    ],
)  # fmt: skip
def test_any_other_write_to_the_node_is_refused_and_counted(
    name: str, datatype: Datatype, value: Any, counted: str
) -> None:
    node = connected()
    command = codec.encode(Payload(T0, None, [metric(name, datatype, value, None)]))
    assert node.message(NCMD, command, T0 + 5_000) == []
    assert node.counts[counted] == 1 and node.counts["births"] == 1


def test_writes_to_a_device_are_refused_and_counted() -> None:
    node = connected()
    command = codec.encode(Payload(T0, None, [metric("angle", Datatype.DOUBLE, 1.0, None)]))
    assert node.message(DCMD, command, T0 + 1) == []
    assert node.counts["refused write"] == 1


def test_another_node_of_our_name_is_counted() -> None:
    node = connected()
    assert node.message(topics.node(SITE, Verb.NBIRTH, AGENT), b"", T0) == []
    assert node.message(topics.node(SITE, Verb.NCMD, "pc-2"), b"", T0) == []
    assert (node.counts["duplicate edge node"], node.counts["unknown topic"]) == (1, 1)


@given(st.binary(max_size=80))
def test_no_command_can_break_the_node(data: bytes) -> None:
    node = connected()
    node.message(NCMD, data, T0 + 5_000)
    node.message(DCMD, data, T0 + 5_000)
    assert verbs(node.live("table-1", angles(1.0), 1, T0 + 90_000))[-1] == "DDATA/table-1"


def test_data_that_was_not_taken_gives_its_number_back() -> None:
    node = connected()
    refused = sent(node.live("table-1", angles(1.0), 1, T0 + 1))[0]
    assert node.not_taken(refused, T0 + 1) == []
    assert seqs(node.live("table-1", angles(1.0), 1, T0 + 2)) == [3]


def test_births_that_were_not_taken_are_made_again() -> None:
    node = edge_node()
    first = sent(node.connected(T0, 5))[0]
    assert node.not_taken(first, T0) == []
    assert verbs(node.tick(T0 + 1_000)) == BIRTHS


def test_births_that_were_not_taken_hold_data_back_also_where_many_ask() -> None:
    node = connected()
    refused = sent(asked(node, T0 + 1_500))[0]  # so soon that a further request would not hold it
    node.not_taken(refused, T0 + 1_500)
    assert not node.can_send
    assert node.live("table-1", angles(1.0), 1, T0 + 1_600) == []
    assert verbs(node.tick(T0 + 2_500)) == BIRTHS


def test_births_that_go_down_with_a_batch_that_is_too_large_are_made_again() -> None:
    node = connected(names={99: MetricName(99, "gone", "v", Type.FLOAT)}, bytes_max=10_000)
    large = angles(*map(float, range(1_000)), tag=99)
    with pytest.raises(TooLarge):  # of a station that had to be born for it
        node.historical("gone", large, 1, T0 + 1)
    assert not node.can_send, "what came next would be two numbers ahead"
    assert verbs(node.tick(T0 + 1_000)) == BIRTHS


def test_health_that_was_not_taken_is_said_again() -> None:
    node = connected()
    node.health({"backlog_rows": 1}, T0 + 1)
    refused = sent(node.health({"backlog_rows": 2}, T0 + 2))[0]
    node.not_taken(refused, T0 + 2)
    assert verbs(node.health({"backlog_rows": 2}, T0 + 3)) == ["NDATA"]


class Long(Station):
    """A station with one text."""

    note = Tag(str, Node("Note"), doc="Words.")


def many(count: int) -> births.Station:
    tags = {number: Tag(float, Node(f"T{number}"), doc="A number.") for number in range(1, count)}
    for number, tag in tags.items():
        object.__setattr__(tag, "name", f"tag_{number}")
    return births.Station("big-1", "line-1", "device", tags)


def test_a_birth_that_can_never_fit_is_refused_when_the_node_is_made() -> None:
    edge_node([many(100)], bytes_max=100_000)
    with pytest.raises(TooLarge, match=r"station big-1 has \d+ bytes for its 4999 tags"):
        edge_node([many(5_000)], bytes_max=100_000)
    health = [NodeMetric(f"metric_{i}", Type.INT) for i in range(1_000)]
    with pytest.raises(TooLarge, match="birth of pc-1"):
        edge_node([], health=health, bytes_max=2_000)


def test_every_birth_of_the_largest_station_is_below_the_cap() -> None:
    station = births.Station("long-1", "line-1", "device", dict(enumerate(Long.tags, 1)))
    text: Samples = build([(1, T0, 0, Type.TEXT, "x" * 5_000)])
    node = edge_node([station], last=lambda name: text, bytes_max=2_000)
    found = sent(node.connected(T0, 0))
    assert all(len(one.payload) <= 2_000 for one in found)
    note = by_name(found[1])["note"]
    assert note.is_null and note.properties["Quality"].value == 500


def test_a_batch_above_the_cap_is_refused_and_uses_up_no_number() -> None:
    node = connected(bytes_max=4_000)
    with pytest.raises(TooLarge, match="position 7"):
        node.live("table-1", angles(*range(1_000)), 7, T0 + 1)
    assert seqs(node.live("table-1", angles(1.0), 8, T0 + 2)) == [3]


def test_impossible_names_are_refused_when_the_node_is_made() -> None:
    with pytest.raises(ValueError, match="outbox"):
        edge_node(outbox="two words")
    with pytest.raises(ValueError, match="topic level"):
        edge_node(agent="pc/1")
    with pytest.raises(ValueError, match="two stations"):
        edge_node([TABLE_1, TABLE_1])


def test_no_station_has_bytes_or_files_among_its_metrics() -> None:
    for one in sent(edge_node().connected(T0, 5)):
        assert not {each.datatype for each in payload(one).metrics} & {
            Datatype.BYTES, Datatype.FILE,
        }  # fmt: skip


def test_the_subscriptions() -> None:
    assert edge_node().subscriptions == (
        ("spBv1.0/plant/NCMD/pc-1", 1),
        ("spBv1.0/plant/DCMD/pc-1/+", 1),
    )
    assert edge_node(primary="historian").subscriptions[-1] == ("spBv1.0/STATE/historian", 1)


def test_publishing_is_what_the_effects_say() -> None:
    assert all(isinstance(one, Publish | Born) for one in edge_node().connected(T0, 5))
