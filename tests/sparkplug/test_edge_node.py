"""The edge node: births, sequence, rebirth, devices and data (rows 9 to 20, 29, 30, 35)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stations import status
from stations.declare import Type
from stations.samples import EMPTY, build
from tests.sparkplug.plant import (
    AGENT,
    ANGLE,
    OUTBOX,
    SITE,
    T0,
    TABLE_1,
    TABLE_2,
    VEHICLE,
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
from wire.sparkplug import codec
from wire.sparkplug.codec import Payload, metric
from wire.sparkplug.datatypes import Datatype
from wire.sparkplug.effects import Born
from wire.sparkplug.metrics import MetricName
from wire.topics import Verb

NCMD = topics.node(SITE, Verb.NCMD, AGENT)
DCMD = topics.device(SITE, Verb.DCMD, AGENT, "table-1")
BIRTHS = ["NBIRTH", "DBIRTH/table-1", "DBIRTH/table-2"]


def test_births_come_first_all_together_and_say_so() -> None:
    found = edge_node().connected(T0, 5)
    assert verbs(found) == BIRTHS and found[-1] == Born("connected")
    assert seqs(found) == [0, 1, 2]
    assert all(one.qos == 0 and not one.retain for one in sent(found))
    assert all(payload(one).timestamp == T0 for one in sent(found))


def test_what_an_nbirth_holds() -> None:
    node = edge_node()
    node.health({"backlog_rows": 7}, T0)
    found = by_name(sent(node.connected(T0, 5))[0])
    assert found["bdSeq"].datatype == Datatype.INT64 and found["bdSeq"].value() == 5
    assert found["Node Control/Rebirth"].value() is False
    assert found["Delivery/Outbox"].value() == OUTBOX
    assert found["Delivery/Acknowledge"].datatype == Datatype.STRING
    assert found["Health/backlog_rows"].value() == 7 and found["Health/cpu"].is_null
    assert found["Health/cpu"].properties["engUnit"].value == "%"
    for name in ("bdSeq", "Node Control/Rebirth", "Delivery/Acknowledge"):
        assert found[name].alias is None


def test_what_a_dbirth_holds() -> None:
    last = build([(ANGLE, T0 - 50, 0, Type.FLOAT, 12.5), (VEHICLE, T0 - 90, 0, Type.TEXT, "v-1")])
    node = edge_node(last=lambda station: last if station == "table-1" else EMPTY)
    births = sent(node.connected(T0, 5))
    found = by_name(births[1])
    assert found["angle"].value() == 12.5 and found["angle"].timestamp == T0 - 50
    assert found["vehicle"].value() == "v-1"
    told = {key: one.value for key, one in found["angle"].properties.items()}
    assert told == {
        "engUnit": "deg", "engLow": 0.0, "engHigh": 360.0, "Description": "Turned since home.",
    }  # fmt: skip
    assert found["closed"].is_null
    assert found["closed"].properties["StatusCode"].value == status.BAD_WAITING_FOR_INITIAL_DATA
    assert found["Properties/Path"].value() == "plant/line-1/table-1"
    assert found["Properties/Kind"].value() == "table"
    assert [found[name].datatype for name in ("state", "angle", "closed", "vehicle", "cells")] == [
        Datatype.INT64, Datatype.DOUBLE, Datatype.BOOLEAN, Datatype.STRING, Datatype.DOUBLE_ARRAY,
    ]  # fmt: skip
    assert payload(births[1]).metrics[-1].name == "Delivery/Position"
    for one in births:
        times = [each.timestamp for each in payload(one).metrics]
        assert None not in times and times == sorted(times, key=lambda time: time or 0)
        assert all(each.datatype and each.name for each in payload(one).metrics)


def test_an_array_in_a_birth_is_its_last_value() -> None:
    last = build([(5, T0 - 1, 0, Type.FLOATS, [1.0, 2.0]), (6, T0 - 1, 0, Type.INTS, [3, -4])])
    found = by_name(sent(edge_node(last=lambda station: last).connected(T0, 5))[1])
    assert found["cells"].value() == (1.0, 2.0) and found["counts"].value() == (3, -4)


def test_a_last_value_of_another_type_than_declared_is_left_out() -> None:
    last = build([(ANGLE, T0, 0, Type.TEXT, "left over")])
    found = by_name(sent(edge_node(last=lambda station: last).connected(T0, 5))[1])
    assert found["angle"].is_null


def test_aliases_are_unique_over_the_node_and_its_devices() -> None:
    found = [one for each in sent(edge_node().connected(T0, 5)) for one in payload(each).metrics]
    aliases = [one.alias for one in found if one.alias is not None]
    assert len(aliases) == len(set(aliases)) == 2 + 2 * 7


def test_a_rebirth_keeps_bdseq_and_sends_no_death() -> None:
    node = connected()
    found = asked(node, T0 + 5_000)
    assert verbs(found) == BIRTHS and seqs(found) == [0, 1, 2]
    assert by_name(sent(found)[0])["bdSeq"].value() == 5


@pytest.mark.parametrize("timestamp", [None, T0])
def test_a_rebirth_request_needs_no_timestamp(timestamp: int | None) -> None:
    command = codec.encode(
        Payload(timestamp, None, [metric("Node Control/Rebirth", Datatype.BOOLEAN, True, None)])
    )
    assert verbs(connected().message(NCMD, command, T0 + 5_000)) == BIRTHS


def test_a_new_session_has_its_own_bdseq_and_starts_at_zero() -> None:
    node = connected()
    node.live("table-1", angles(1.0), 1, T0 + 1)
    node.disconnected()
    assert node.live("table-1", angles(1.0), 2, T0 + 2) == []
    found = node.connected(T0 + 3, 6)
    assert verbs(found) == BIRTHS and seqs(found) == [0, 1, 2]
    assert by_name(sent(found)[0])["bdSeq"].value() == 6


@pytest.mark.parametrize("bd_seq", [0, 255])
def test_will_birth_and_planned_death_carry_the_same_bdseq(bd_seq: int) -> None:
    node = edge_node()
    will = node.will(bd_seq, T0)
    birth = sent(node.connected(T0, bd_seq))[0]
    death = sent(node.stop(T0 + 10))[0]
    assert (will.qos, will.retain) == (1, False)
    for one in (will, death):
        assert verbs([one]) == ["NDEATH"]
        assert payload(one).seq is None
        assert [each.name for each in payload(one).metrics] == ["bdSeq"]
        assert payload(one).metrics[0].alias is None
        assert payload(one).metrics[0].datatype == Datatype.INT64
        assert payload(one).metrics[0].value() == bd_seq == by_name(birth)["bdSeq"].value()


def test_stopping_publishes_the_death_and_then_disconnects() -> None:
    node = connected()
    found = node.stop(T0 + 10)
    assert verbs(found) == ["NDEATH"] and type(found[-1]).__name__ == "Disconnect"
    assert not found[-1].again  # type: ignore[union-attr]
    assert node.live("table-1", angles(1.0), 1, T0 + 11) == []
    assert verbs(edge_node().stop(T0)) == []


def test_requests_during_births_are_collapsed_and_data_waits() -> None:
    node = connected()
    assert [asked(node, T0 + 1 + i) for i in range(50)] == [[]] * 50
    assert not node.can_send
    assert node.live("table-1", angles(1.0), 1, T0 + 100) == []
    assert node.tick(T0 + 999) == []
    assert verbs(node.tick(T0 + 1_000)) == BIRTHS
    assert node.tick(T0 + 5_000) == []
    assert node.counts["rebirth: requested"] == 50 and node.counts["births"] == 2
    assert verbs(node.live("table-1", angles(1.0), 1, T0 + 5_001)) == ["DDATA/table-1"]


def test_data_that_is_offered_after_the_gap_comes_behind_the_births() -> None:
    node = connected()
    asked(node, T0 + 1)
    found = node.live("table-1", angles(1.0), 1, T0 + 1_000)
    assert verbs(found) == [*BIRTHS, "DDATA/table-1"] and seqs(found) == [0, 1, 2, 3]


def test_requests_that_never_end_neither_flood_nor_starve() -> None:
    node = connected()
    births = data = 0
    for now in range(T0, T0 + 60_000, 100):
        found = asked(node, now) + node.live("table-1", angles(1.0), 1, now)
        births += verbs(found).count("NBIRTH")
        data += verbs(found).count("DDATA/table-1")
    assert births <= 61 and data > 500


def test_a_clock_set_back_brings_a_rebirth_before_any_data() -> None:
    node = connected()
    found = node.live("table-1", angles(1.0), 1, T0 - 60_000)
    assert verbs(found) == [*BIRTHS, "DDATA/table-1"] and seqs(found) == [0, 1, 2, 3]
    assert payload(sent(found)[0]).timestamp == T0 - 60_000
    assert node.counts["births"] == 2


operations = st.lists(
    st.tuples(
        st.sampled_from(["live", "old", "health", "down", "up", "ask", "tick", "gone"]),
        st.integers(0, 3_000),
    ),
    max_size=80,
)


@given(operations)
def test_the_sequence_is_unbroken_and_data_never_precedes_births(
    steps: list[tuple[str, int]],
) -> None:
    node = edge_node(names={99: MetricName(99, "gone-1", "old", Type.FLOAT)})
    found: list[Any] = list(node.connected(T0, 5))
    now = T0
    for number, (step, later) in enumerate(steps, 1):
        now += later
        match step:
            case "live":
                found += node.live("table-1", angles(1.0), number, now)
            case "old":
                found += node.historical("table-2", angles(1.0, tag=12), number, now)
            case "gone":
                found += node.historical("gone-1", angles(1.0, tag=99), number, now)
            case "health":
                found += node.health({"backlog_rows": number}, now)
            case "down" | "up":
                found += node.device("table-1", step == "up", now)
            case "ask":
                found += asked(node, now)
            case "tick":
                found += node.tick(now)
    expected, born = 0, set()
    for one in sent(found):
        address = topics.parse(one.topic)
        assert address is not None and not one.qos
        if address.verb is Verb.NBIRTH:
            expected, born = 0, set()
        assert payload(one).seq == expected
        expected = (expected + 1) % 256
        if address.verb is Verb.DBIRTH:
            born.add(address.device)
        if address.verb is Verb.DDATA:
            assert address.device in born and {"table-1", "table-2"} <= born
        times = [each.timestamp or 0 for each in payload(one).metrics]
        assert times == sorted(times)


def test_the_sequence_goes_from_255_to_0() -> None:
    node = connected()
    found = [node.live("table-1", angles(1.0), i, T0 + i)[0] for i in range(1, 300)]
    assert seqs(found) == [(i + 2) % 256 for i in range(1, 300)]


def test_live_data_goes_by_alias_with_its_position_last() -> None:
    node = connected()
    (one,) = sent(node.live("table-1", angles(1.0, 2.0), 17, T0 + 1))
    assert one.topic == topics.device(SITE, Verb.DDATA, AGENT, "table-1") and one.qos == 0
    found = payload(one).metrics
    birth = by_name(sent(asked(node, T0 + 9_000))[1])
    alias = birth["angle"].alias
    position = birth["Delivery/Position"].alias
    assert [each.alias for each in found] == [alias, alias, None, position]
    assert (found[2].name, found[2].raw) == ("Delivery/Outbox", OUTBOX)
    assert found[-1].raw == 17 and not any(each.is_historical for each in found)


def test_history_keeps_position_and_times_and_uses_up_a_number() -> None:
    node = connected()
    found = node.historical("table-1", angles(1.0, start_ms=T0 - 99_000), 3, T0 + 1)
    found += node.live("table-1", angles(2.0), 9, T0 + 2)
    assert seqs(found) == [3, 4]
    old = payload(sent(found)[0]).metrics
    assert all(each.is_historical and each.timestamp == T0 - 99_000 for each in old)
    assert old[-1].raw == 3


def test_a_tag_that_is_no_longer_declared_travels_by_name_as_history() -> None:
    names = {99: MetricName(99, "table-1", "removed", Type.INT)}
    node = connected(names=names)
    mixed = build([(ANGLE, T0, 0, Type.FLOAT, 1.0), (99, T0, 0, Type.INT, -3)])
    found = payload(sent(node.live("table-1", mixed, 1, T0 + 1))[0]).metrics
    assert found[0].alias is not None and found[0].name is None
    assert (found[1].name, found[1].alias, found[1].datatype) == ("removed", None, Datatype.INT64)
    assert found[1].value() == -3 and all(each.is_historical for each in found)


def test_a_station_that_is_no_longer_declared_is_born_and_dead_before_its_history() -> None:
    node = connected(names={99: MetricName(99, "gone-1", "old", Type.FLOAT)})
    found = node.historical("gone-1", angles(1.0, tag=99), 1, T0 + 1)
    assert verbs(found) == ["DBIRTH/gone-1", "DDEATH/gone-1", "DDATA/gone-1"]
    assert verbs(node.historical("gone-1", angles(1.0, tag=99), 2, T0 + 2)) == ["DDATA/gone-1"]
    assert verbs(asked(node, T0 + 9_000)) == BIRTHS


def test_the_birth_of_a_station_that_is_gone_says_where_it_stood_and_what_it_was() -> None:
    names = {99: MetricName(99, "gone-1", "old", Type.FLOAT)}
    node = connected(names=names, places={"gone-1": ("line-9", "press")})
    birth = payload(sent(node.historical("gone-1", angles(1.0, tag=99), 1, T0 + 1))[0])
    said = {one.name: one.raw for one in birth.metrics}
    assert said["Properties/Path"].split("/")[1:] == ["line-9", "gone-1"]
    assert said["Properties/Kind"] == "press"


def test_a_station_whose_links_are_down_dies_and_comes_back() -> None:
    node = connected()
    assert verbs(node.device("table-1", False, T0 + 1)) == ["DDEATH/table-1"]
    assert node.device("table-1", False, T0 + 2) == []
    last_words = sent(node.live("table-1", angles(1.0), 1, T0 + 3))
    assert all(each.is_historical for each in payload(last_words[0]).metrics)
    assert verbs(asked(node, T0 + 5_000)) == [*BIRTHS, "DDEATH/table-1"]
    assert verbs(node.device("table-1", True, T0 + 5_001)) == ["DBIRTH/table-1"]
    live = sent(node.live("table-1", angles(1.0), 2, T0 + 5_002))
    assert not any(each.is_historical for each in payload(live[0]).metrics)


def test_a_station_that_is_down_before_the_connection_is_born_dead() -> None:
    node = edge_node()
    assert node.device("table-2", False, T0 - 1) == []
    assert verbs(node.connected(T0, 5)) == [*BIRTHS, "DDEATH/table-2"]


def test_a_late_station_is_born_alone() -> None:
    node = connected(stations=[TABLE_1])
    found = node.add(TABLE_2, T0 + 1)
    assert verbs(found) == ["DBIRTH/table-2"] and seqs(found) == [2]
    assert verbs(asked(node, T0 + 5_000)) == BIRTHS


def test_a_station_that_is_removed_dies_and_is_not_born_again() -> None:
    node = connected()
    assert verbs(node.remove("table-2", T0 + 1)) == ["DDEATH/table-2"]
    assert verbs(asked(node, T0 + 5_000)) == ["NBIRTH", "DBIRTH/table-1"]
    waits = sent(node.historical("table-2", angles(1.0), 3, T0 + 5_001))
    assert verbs(waits) == ["DBIRTH/table-2", "DDEATH/table-2", "DDATA/table-2"]
    assert by_name(waits[0])["Properties/Path"].value() == f"{SITE}/line-1/table-2"
    assert all(one.is_historical for one in payload(waits[2]).metrics)


def test_a_station_that_was_down_is_removed_without_another_death() -> None:
    node = connected()
    node.device("table-2", False, T0 + 1)
    assert node.remove("table-2", T0 + 2) == []
    assert verbs(node.add(TABLE_2, T0 + 3)) == ["DBIRTH/table-2"]
