"""The host: acknowledgement, bounds, and a road that loses and doubles (rows 27, 33)."""

from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sparkplug.plant import (
    AGENT,
    EDGE,
    OUTBOX,
    SITE,
    T0,
    angles,
    commands,
    edge_node,
    foreign,
    foreign_birth,
    give,
    host,
    received,
    road,
    rows,
    sent,
    to_host,
)
from wire import topics
from wire.sparkplug import codec
from wire.sparkplug.codec import Metric, Payload, metric
from wire.sparkplug.datatypes import Datatype
from wire.sparkplug.edge_node import EdgeNode
from wire.sparkplug.effects import (
    Acknowledged,
    EdgeId,
    HostEffect,
    Online,
    Publish,
)
from wire.sparkplug.metrics import POSITION
from wire.topics import Verb


def acknowledged(node: EdgeNode, found: list[HostEffect], now_ms: int) -> list[Any]:
    return [one.ranges for one in commands(node, found, now_ms) if isinstance(one, Acknowledged)]


def test_what_is_committed_is_acknowledged_in_ranges_and_repeated() -> None:
    node, made = road()
    assert made.tick(T0 + 10) == []
    for position in (1, 2, 3, 7, 9, 8):
        made.committed(EDGE, OUTBOX, position)
    first = made.tick(T0 + 20)
    assert acknowledged(node, first, T0 + 20) == [((1, 3), (7, 9))]
    (one,) = sent(first)
    assert one.qos == 0 and not one.retain and codec.decode(one.payload).seq is None
    made.committed(EDGE, OUTBOX, 4)
    assert made.tick(T0 + 219) == []
    assert acknowledged(node, made.tick(T0 + 220), T0 + 220) == [((1, 4), (7, 9))]
    assert made.tick(T0 + 5_219) == []
    assert acknowledged(node, made.tick(T0 + 5_220), T0 + 5_220) == [((1, 4), (7, 9))]


def test_an_acknowledgement_follows_every_birth() -> None:
    node, made = road()
    made.committed(EDGE, OUTBOX, 1)
    made.tick(T0 + 10)
    give(made, node.connected(T0 + 20, 6), T0 + 20)
    assert acknowledged(node, made.tick(T0 + 21), T0 + 21) == [((1, 1),)]


def test_a_new_outbox_is_never_told_of_the_positions_of_the_old() -> None:
    _, made = road()
    made.committed(EDGE, OUTBOX, 1)
    old = made.tick(T0 + 10)
    fresh = edge_node(outbox="outbox-b")
    give(made, fresh.connected(T0 + 20, 6), T0 + 20)
    made.committed(EDGE, OUTBOX, 2)
    assert made.tick(T0 + 30_000) == [] and made.counts["commit of another outbox"] == 1
    assert acknowledged(fresh, old, T0 + 40) == []
    assert fresh.counts["acknowledgement of another outbox"] == 1


def test_nothing_is_acknowledged_to_a_node_that_is_gone_or_unknown() -> None:
    node, made = road()
    made.committed(EDGE, OUTBOX, 1)
    to_host(made, node.will(5, T0), T0 + 5)
    assert made.tick(T0 + 10) == []
    made.committed(EdgeId(SITE, "nobody"), OUTBOX, 1)
    assert made.counts["commit of an unknown edge"] == 1


def test_a_host_that_may_not_ask_only_counts() -> None:
    node, made = edge_node(), host(may_ask=False)
    node.connected(T0, 5)
    give(made, node.live("table-1", angles(1.0), 1, T0 + 1), T0 + 1)
    assert made.tick(T0 + 90_000) == [] and made.counts["rebirth: data before birth"] == 1


def test_commands_of_others_and_other_groups_are_passed_over() -> None:
    made = host(group="another")
    assert to_host(made, foreign_birth()) == [] and made.counts["another group"] == 1
    assert made.message(topics.node(SITE, Verb.NCMD, AGENT), b"\xff", T0) == []
    assert made.message("some/thing/else", b"", T0) == []
    assert made.counts["unknown topic"] == 1 and made.edges() == ()


def test_everything_is_bounded() -> None:
    made = host(edges_max=2, devices_max=1, metrics_max=3)
    for i in range(5):
        to_host(made, foreign(Verb.NBIRTH, 0, edge=f"e{i}"))
    assert len(made.edges()) == 2 and made.counts["too many edge nodes"] == 3
    for i in range(3):
        to_host(made, foreign(Verb.DBIRTH, 1 + i, device=f"d{i}", edge="e0"))
    assert made.counts["too many devices"] == 2
    many = [metric(f"m{i}", Datatype.DOUBLE, 1.0, T0) for i in range(4)]
    assert to_host(made, foreign(Verb.DBIRTH, 4, *many, device="d0", edge="e0")) == []
    assert made.counts["too many metrics"] == 1
    assert to_host(made, foreign(Verb.NBIRTH, 0, *many, edge="e1")) == []
    assert made.counts["too many metrics"] == 2


def test_a_message_without_a_number_is_counted() -> None:
    _, made = road()
    assert to_host(made, foreign(Verb.DDATA, None, device="table-1", at=T0 + 1)) == []
    assert made.counts["no sequence number"] == 1


@pytest.mark.parametrize("verb", list(Verb))
@given(data=st.binary(max_size=120))
def test_no_bytes_break_the_host(verb: Verb, data: bytes) -> None:
    _, made = road()
    topic = (
        topics.device(SITE, verb, AGENT, "table-1")
        if verb.is_of_device
        else topics.node(SITE, verb, AGENT)
    )
    made.message(topic, data, T0 + 1)
    made.tick(T0 + 90_000)


messages = st.lists(
    st.tuples(
        st.sampled_from([verb for verb in Verb if not verb.value.endswith("CMD")]),
        st.none() | st.integers(0, 5),
        st.lists(
            st.builds(
                Metric,
                st.none() | st.sampled_from(["bdSeq", "a", "b", "", POSITION, "Health/x"]),
                st.none() | st.integers(0, 3),
                st.none() | st.integers(-5, 5),
                st.none() | st.integers(0, 40),
                st.sampled_from(["int_value", "long_value"]),
                st.integers(0, 2**32 - 1),
                is_null=st.booleans(),
                is_historical=st.booleans(),
            ),
            max_size=4,
        ),
        st.none() | st.integers(-5, 5),
    ),
    max_size=20,
)  # fmt: skip


@given(messages)
def test_no_sequence_of_messages_breaks_the_host(found: list[Any]) -> None:
    made = host()
    for now, (verb, seq, metrics, at) in enumerate(found, T0):
        topic = (
            topics.device(SITE, verb, AGENT, "d")
            if verb.is_of_device
            else topics.node(SITE, verb, AGENT)
        )
        made.message(topic, codec.encode(Payload(at, seq, metrics)), now)
        made.tick(now)
    made.tick(T0 + 90_000)
    made.disconnected(T0 + 90_001)


def test_every_message_twice_is_every_message_once() -> None:
    node, made = edge_node(), host()
    found: list[HostEffect] = []
    births = sent(node.connected(T0, 5))
    found += give(made, [births[0], births[1], births[0], births[1], births[2], births[2]], T0)
    for position in range(1, 400):
        one = sent(node.live("table-1", angles(float(position)), position, T0 + position))
        found += give(made, [*one, *one], T0 + position)
    assert [one.position for one in received(found)] == list(range(1, 400))
    assert len([one for one in found if isinstance(one, Online)]) == 3
    assert made.tick(T0 + 60_000) == [] and made.counts["repeated message"] == 402


class BadRoad:
    """An agent that sends again what is not acknowledged, over a road that loses and swaps."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.node, self.host = road()
        self.waiting = {position: angles(float(position)) for position in range(1, 30)}
        self.stored: set[int] = set()

    def spoil(self, found: list[Publish]) -> list[Publish]:
        kept = [one for one in found if self.rng.random() > 0.03]
        if self.rng.random() < 0.2 and len(kept) > 1:
            kept[0], kept[1] = kept[1], kept[0]
        return [*kept, kept[-1]] if kept and self.rng.random() < 0.1 else kept

    def store(self, found: list[HostEffect]) -> None:
        for one in received(found):
            assert one.position is not None
            assert rows(one.samples, one.device.names) == [("angle", T0, 0, float(one.position))]
            self.stored.add(one.position)
            self.host.committed(EDGE, OUTBOX, one.position)

    def step(self, now_ms: int) -> None:
        found: list[Any] = self.node.tick(now_ms)
        for position in self.rng.sample(sorted(self.waiting), min(3, len(self.waiting))):
            found += self.node.historical("table-1", self.waiting[position], position, now_ms)
        self.store(give(self.host, self.spoil(sent(found)), now_ms))
        for command in self.host.tick(now_ms):
            if not isinstance(command, Publish) or self.rng.random() < 0.3:
                continue
            for effect in self.node.message(command.topic, command.payload, now_ms):
                if isinstance(effect, Acknowledged):
                    self.trim(effect)
                else:
                    self.store(give(self.host, [effect], now_ms))

    def trim(self, said: Acknowledged) -> None:
        for first, last in said.ranges:
            for position in range(first, last + 1):
                assert position in self.stored, "acknowledged, but not stored"
                self.waiting.pop(position, None)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32))
def test_over_a_bad_road_everything_is_acknowledged_in_the_end(seed: int) -> None:
    bad = BadRoad(seed)
    for now in range(T0, T0 + 3_600_000, 500):
        bad.step(now)
        if not bad.waiting:
            break
    assert not bad.waiting and bad.stored == set(range(1, 30))
