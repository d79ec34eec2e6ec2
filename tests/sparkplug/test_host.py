"""The host: births, deaths, and what data means (rows 7, 8, 16)."""

from __future__ import annotations

from stations import status
from stations.declare import Type
from stations.samples import build
from tests.sparkplug.plant import (
    AGENT,
    ANGLE,
    EDGE,
    OUTBOX,
    T0,
    angles,
    edge_node,
    foreign,
    foreign_birth,
    give,
    host,
    received,
    road,
    rows,
    to_host,
)
from wire.sparkplug.codec import Metric, Property, metric
from wire.sparkplug.datatypes import Datatype
from wire.sparkplug.effects import (
    Health,
    HostEffect,
    Offline,
    Online,
)
from wire.sparkplug.lookup import Metadata
from wire.topics import Verb


def test_births_tell_who_is_online_and_what_is_known() -> None:
    node, made = edge_node(), host()
    found = give(made, node.connected(T0, 5), T0 + 3)
    assert [(one.station, one.time_ms) for one in found if isinstance(one, Online)] == [
        ("", T0), ("table-1", T0), ("table-2", T0),
    ]  # fmt: skip
    device = made.device(EDGE, "table-1")
    assert device is not None and (device.path, device.kind) == ("plant/line-1/table-1", "table")
    numbers = {one.name: number for number, one in device.names.items()}
    assert device.names[numbers["counts"]].type is Type.INTS
    assert device.metadata[numbers["angle"]] == Metadata("deg", 0, 360, "Turned since home.")
    assert not received(found)


def test_data_arrives_with_position_outbox_and_the_hosts_numbers() -> None:
    node, made = road()
    samples = build(
        [
            (ANGLE, T0 + 1, 0, Type.FLOAT, 1.5),
            (1, T0 + 2, status.UNCERTAIN, Type.INT, -1),
            (4, T0 + 3, 0, Type.TEXT, "v-1"),
            (5, T0 + 4, 0, Type.FLOATS, [1.0, 2.0]),
            (3, T0 + 5, status.BAD_TIMEOUT, Type.BOOL, None),
        ]
    )
    (one,) = received(give(made, node.live("table-1", samples, 42, T0 + 9), T0 + 9))
    assert (one.edge, one.agent, one.station) == (EDGE, AGENT, "table-1")
    assert (one.position, one.outbox, one.historical) == (42, OUTBOX, False)
    assert rows(one.samples, one.device.names) == [
        ("angle", T0 + 1, 0, 1.5),
        ("state", T0 + 2, status.UNCERTAIN, -1),
        ("vehicle", T0 + 3, 0, "v-1"),
        ("cells", T0 + 4, 0, [1.0, 2.0]),
        ("closed", T0 + 5, status.BAD_TIMEOUT, None),
    ]


def test_equal_names_of_two_devices_have_numbers_of_their_own() -> None:
    node, made = road()
    one, two = received(
        give(made, node.live("table-1", angles(1.0), 1, T0 + 1), T0 + 1)
        + give(made, node.live("table-2", angles(2.0, tag=12), 2, T0 + 1), T0 + 1)
    )
    assert int(one.samples.tag[0]) != int(two.samples.tag[0])
    assert (one.station, two.station) == ("table-1", "table-2")


def test_numbers_stay_over_rebirth_and_restart() -> None:
    node, made = road()
    first = received(give(made, node.live("table-1", angles(1.0), 1, T0 + 1), T0 + 1))
    give(made, node.connected(T0 + 5, 6), T0 + 5)
    again = received(give(made, node.live("table-1", angles(1.0), 2, T0 + 6), T0 + 6))
    assert first[0].samples.tag[0] == again[0].samples.tag[0]


def test_a_rebirth_with_permuted_aliases_is_understood() -> None:
    made = host()
    names = ("low", "high")
    found: list[HostEffect] = []
    for turn in (0, 1):
        at = T0 + 100 * turn
        to_host(made, foreign_birth(at=at))
        birth = [
            metric(name, Datatype.INT32, 0, at, alias=(i + turn) % 2)
            for i, name in enumerate(names)
        ]
        to_host(made, foreign(Verb.DBIRTH, 1, *birth, device="d", at=at))
        data = Metric(None, 0, at, None, "int_value", -12 & 0xFFFF_FFFF)
        found += to_host(made, foreign(Verb.DDATA, 2, data, device="d", at=at))
    told = [rows(one.samples, one.device.names) for one in received(found)]
    assert told == [[("low", T0, 0, -12)], [("high", T0 + 100, 0, -12)]]


def test_a_foreign_birth_gives_first_values_and_asks_for_no_acknowledgement() -> None:
    made = host()
    found = to_host(made, foreign_birth(metric("uptime", Datatype.UINT32, 9, T0 - 5)))
    bad = metric("b", Datatype.DOUBLE, 1.0, T0, properties={"Quality": Property(3, 0)})
    found += to_host(
        made, foreign(Verb.DBIRTH, 1, metric("a", Datatype.FLOAT, 0.5, T0), bad, device="d")
    )
    node, device = received(found)
    assert (node.station, node.position, node.outbox) == ("", None, "")
    assert rows(node.samples, node.device.names) == [("uptime", T0 - 5, 0, 9)]
    assert rows(device.samples, device.device.names) == [
        ("a", T0, 0, 0.5), ("b", T0, status.BAD, 1.0),
    ]  # fmt: skip
    data = foreign(Verb.NDATA, 2, metric("uptime", Datatype.UINT32, 10, T0 + 1), at=T0 + 1)
    (more,) = received(to_host(made, data))
    assert more.samples.row(0) == 10 and more.position is None
    assert made.tick(T0 + 10_000) == []


def test_health_is_told_whole_and_is_no_sample() -> None:
    node, made = road()
    found = give(made, node.health({"backlog_rows": 3, "cpu": 0.5}, T0 + 1), T0 + 1)
    found += give(made, node.health({"backlog_rows": 4, "cpu": 0.5}, T0 + 2), T0 + 2)
    assert found == [
        Health(EDGE, T0 + 1, {"backlog_rows": 3, "cpu": 0.5}),
        Health(EDGE, T0 + 2, {"backlog_rows": 4, "cpu": 0.5}),
    ]


def test_a_death_of_the_current_session_takes_node_and_devices_once() -> None:
    node, made = road()
    death = node.will(5, T0 - 10)
    found = to_host(made, death, T0 + 60)
    assert found == [Offline(EDGE, name, T0 + 60, "NDEATH") for name in ("", "table-1", "table-2")]
    assert to_host(made, death, T0 + 61) == []
    assert not made.counts["death of another session"]


def test_a_death_of_an_old_session_is_ignored() -> None:
    node, made = road()
    give(made, node.connected(T0 + 5, 6), T0 + 5)
    assert to_host(made, node.will(5, T0), T0 + 6) == []
    assert made.counts["death of another session"] == 1
    assert len(received(give(made, node.live("table-1", angles(1.0), 1, T0 + 7), T0 + 7))) == 1
    assert len(to_host(made, node.will(6, T0), T0 + 8)) == 3


def test_any_bdseq_is_taken_in_a_birth() -> None:
    node, made = road()
    for bd_seq in (0, 255, 5, 17):
        assert give(made, node.connected(T0 + bd_seq, bd_seq), T0 + bd_seq)
        assert to_host(made, node.will(bd_seq, T0), T0 + 500)[0] == Offline(
            EDGE, "", T0 + 500, "NDEATH"
        )


def test_a_device_dies_at_the_time_its_node_says() -> None:
    node, made = road()
    found = give(made, node.device("table-1", False, T0 + 30), T0 + 99)
    assert found == [Offline(EDGE, "table-1", T0 + 30, "DDEATH")]
    last = give(made, node.live("table-1", angles(1.0), 1, T0 + 31), T0 + 31)
    assert received(last)[0].historical
    assert [
        one.station
        for one in give(made, node.device("table-1", True, T0 + 40), T0 + 40)
        if isinstance(one, Online)
    ] == ["table-1"]
    live = foreign(Verb.DDEATH, 6, device="table-1", at=T0 + 41)
    to_host(made, live, T0 + 41)
    stray = foreign(Verb.DDATA, 7, metric("angle", 10, 1.0, T0), device="table-1", at=T0 + 42)
    assert to_host(made, stray, T0 + 42) == [] and made.counts["data before birth"] == 1


def test_a_device_that_a_rebirth_leaves_out_goes_offline() -> None:
    node, made = road()
    give(made, node.connected(T0 + 100, 5)[:2], T0 + 100)
    assert not [one for one in made.tick(T0 + 5_000) if isinstance(one, Offline)]
    found = made.tick(T0 + 10_100)
    assert Offline(EDGE, "table-2", T0 + 10_100, "not born again") in found
