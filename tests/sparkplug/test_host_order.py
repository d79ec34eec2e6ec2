"""The host: order by number, and when births are asked for (rows 35 to 38)."""

from __future__ import annotations

from tests.sparkplug.plant import (
    EDGE,
    OUTBOX,
    T0,
    angles,
    commands,
    edge_node,
    foreign,
    give,
    host,
    received,
    road,
    sent,
    to_host,
    verbs,
)
from wire import topics
from wire.sparkplug.asker import Pace
from wire.sparkplug.codec import Metric
from wire.sparkplug.effects import (
    Offline,
    Online,
)
from wire.topics import Verb


def test_two_messages_that_have_swapped_places_cost_nothing() -> None:
    node, made = road()
    one, two, three = (node.live("table-1", angles(float(i)), i, T0 + i)[0] for i in (1, 2, 3))
    assert give(made, [two], T0 + 10) == []
    assert give(made, [three], T0 + 20) == []
    assert [each.position for each in received(give(made, [one], T0 + 30))] == [1, 2, 3]
    assert verbs(made.tick(T0 + 99_000)) == []
    assert not made.counts["rebirth requests"]


def test_a_lost_message_brings_exactly_one_rebirth() -> None:
    node, made = road()
    node.live("table-1", angles(1.0), 1, T0 + 1)
    for i in range(2, 5):
        assert give(made, node.live("table-1", angles(1.0), i, T0 + i), T0 + i) == []
    assert made.tick(T0 + 2_001) == []
    request = made.tick(T0 + 2_002)
    assert verbs(request) == ["NCMD"]
    assert made.tick(T0 + 2_003) == [] and made.counts["rebirth: reorder timeout"] == 1
    give(made, commands(node, request, T0 + 2_010), T0 + 2_010)
    assert len(received(give(made, node.live("table-1", angles(1.0), 5, T0 + 2_011), T0 + 2_011)))
    assert verbs(made.tick(T0 + 60_000)) == []
    assert made.counts["message behind a gap"] == 3


def test_data_before_births_is_dropped_and_births_are_asked_for() -> None:
    node, made = edge_node(), host()
    node.connected(T0, 5)
    assert give(made, node.live("table-1", angles(1.0), 1, T0 + 1), T0 + 1) == []
    assert made.counts["rebirth: data before birth"] == 1
    request = made.tick(T0 + 2)
    (one,) = sent(request)
    assert (one.topic, one.qos, one.retain) == ("spBv1.0/plant/NCMD/pc-1", 0, False)
    found = give(made, commands(node, request, T0 + 5_000), T0 + 5_000)
    assert len([each for each in found if isinstance(each, Online)]) == 3
    made.committed(EDGE, OUTBOX, 1)


def test_births_that_come_by_themselves_cancel_the_request() -> None:
    node, made = edge_node(), host(pace=Pace(jitter_ms=1_000))
    births = node.connected(T0, 5)
    give(made, node.live("table-1", angles(1.0), 1, T0 + 1), T0 + 1)
    give(made, births, T0 + 2)
    assert verbs(made.tick(T0 + 90_000)) == []


def test_a_host_that_starts_spreads_its_requests_and_spares_the_newly_born() -> None:
    made = host(seed=7, pace=Pace(jitter_ms=2_000))
    nodes = {f"pc-{i}": edge_node(agent=f"pc-{i}") for i in range(50)}
    for i, node in enumerate(nodes.values()):
        births = node.connected(T0 - 10_000, 1)
        if i % 5 == 0:
            give(made, births, T0)
        give(made, node.live("table-1", angles(1.0), 1, T0 + i), T0 + i)
    asked: dict[str, int] = {}
    for now in range(T0, T0 + 4_000, 50):
        for one in sent(made.tick(now)):
            address = topics.parse(one.topic)
            assert address is not None and address.edge not in asked
            asked[address.edge] = now
    assert set(asked) == {f"pc-{i}" for i in range(50) if i % 5}
    assert len(set(asked.values())) > 15
    assert max(sum(at == one for at in asked.values()) for one in asked.values()) < 8


def test_a_hundred_unknown_aliases_in_a_second_bring_few_requests() -> None:
    _, made = road()
    asked = 0
    for i in range(100):
        at = T0 + 1 + 10 * i
        bad = foreign(
            Verb.DDATA, (3 + i) % 256, Metric(None, 77, at, None, "int_value", 1),
            device="table-1", at=at,
        )  # fmt: skip
        assert to_host(made, bad, at) == []
        asked += verbs(made.tick(at)).count("NCMD")
    assert asked == 1 and made.counts["rebirth: unknown metric"] == 100


def test_two_nodes_of_one_name_bring_no_storm_and_no_false_acknowledgement() -> None:
    made = host()
    twins = [edge_node(), edge_node(outbox="outbox-b")]
    births = 0
    for number, twin in enumerate(twins):
        give(made, twin.connected(T0 + number, number), T0 + number)
    for i, now in enumerate(range(T0 + 10, T0 + 120_000, 100), 1):
        for number, twin in enumerate(twins):
            found = twin.live("table-1", angles(float(number)), i, now)
            for one in received(give(made, found, now)):
                assert one.outbox == ("outbox-a", "outbox-b")[int(one.samples.row(0))]
        request = made.tick(now)
        for twin in twins:
            answer = commands(twin, request, now)
            births += verbs(answer).count("NBIRTH")
            give(made, answer, now)
    assert 2 <= births <= 30


def test_data_of_another_outbox_is_never_taken_for_our_own() -> None:
    _, made = road()
    twin = edge_node(outbox="outbox-b")
    twin.connected(T0, 5)
    assert give(made, twin.live("table-1", angles(1.0), 1, T0 + 1), T0 + 1) == []
    assert made.counts["data of another outbox"] == 1


def test_old_data_with_a_fitting_number_is_not_read_with_new_aliases() -> None:
    node, made = road()
    old = node.live("table-1", angles(1.0), 1, T0 + 1)
    births = node.connected(T0 + 1_000, 6)
    give(made, births, T0 + 1_000)
    assert give(made, old, T0 + 1_001) == []
    assert made.counts["older than the birth"] == 1
    assert len(received(give(made, node.live("table-1", angles(2.0), 1, T0 + 1_002), T0 + 1_002)))


def test_a_clock_set_back_at_the_edge_is_no_endless_drop() -> None:
    node, made = road()
    found = node.live("table-1", angles(1.0), 1, T0 - 3_600_000)
    assert [one.position for one in received(give(made, found, T0 + 1))] == [1]
    assert not made.counts["older than the birth"]


def test_births_that_overtake_each_other_are_put_in_order() -> None:
    node, made = edge_node(), host()
    give(made, node.connected(T0, 5), T0)
    births = sent(node.connected(T0 + 50, 6))
    data = sent(node.live("table-1", angles(1.0), 1, T0 + 60))
    found = give(made, [births[1], births[0], births[2], *data], T0 + 61)
    assert [one.station for one in found if isinstance(one, Online)] == ["", "table-1", "table-2"]
    assert len(received(found)) == 1


def test_a_host_that_loses_its_broker_calls_everything_offline() -> None:
    node, made = road()
    assert [one.why for one in made.disconnected(T0 + 5) if isinstance(one, Offline)] == [
        "host lost its broker"
    ] * 3
    made.will(T0 + 6)
    made.connected(T0 + 7)
    assert give(made, node.live("table-1", angles(1.0), 1, T0 + 8), T0 + 8) == []
    assert verbs(made.tick(T0 + 9)) == ["NCMD"]
