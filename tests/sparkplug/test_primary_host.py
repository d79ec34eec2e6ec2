"""STATE as an edge node follows it and as a host keeps it (rows 21 to 26)."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.sparkplug.plant import HOST, T0, angles, edge_node, host, sent, verbs
from wire import topics
from wire.sparkplug import state
from wire.sparkplug.edge_node import EdgeNode
from wire.sparkplug.effects import Disconnect, EdgeEffect
from wire.sparkplug.state import HostState, Phase

STATE = topics.state(HOST)
BIRTHS = ["NBIRTH", "DBIRTH/table-1", "DBIRTH/table-2"]


def waiting() -> EdgeNode:
    node = edge_node(primary=HOST)
    assert node.connected(T0, 1) == []
    return node


def say(node: EdgeNode, online: bool, timestamp: int, now_ms: int = T0 + 1) -> list[EdgeEffect]:
    return node.message(STATE, state.write(HostState(online, timestamp)), now_ms)


def test_births_wait_for_the_host() -> None:
    node = waiting()
    assert not node.can_send and node.live("table-1", angles(1.0), 1, T0) == []
    assert say(node, False, T0 - 10) == []
    assert verbs(say(node, True, T0 - 5)) == BIRTHS


def test_the_first_state_counts_whatever_its_time() -> None:
    assert verbs(say(waiting(), True, 0)) == BIRTHS


@pytest.mark.parametrize(("older_by", "leaves"), [(1, False), (0, True), (-1, True)])
def test_an_offline_counts_when_it_is_not_older_than_the_online(
    older_by: int, leaves: bool
) -> None:
    node = waiting()
    say(node, True, T0)
    found = say(node, False, T0 - older_by)
    if not leaves:
        assert found == [] and node.can_send
        return
    assert verbs(found) == ["NDEATH"]
    assert found[-1] == Disconnect("primary host offline", again=True)
    assert node.live("table-1", angles(1.0), 1, T0 + 2) == [] and node.phase is Phase.LEAVING
    assert say(node, True, T0 + 9) == []
    node.disconnected()
    assert node.connected(T0 + 100, 2) == []
    assert say(node, False, T0 + 1) == []
    assert verbs(say(node, True, T0 + 50)) == BIRTHS


def test_a_state_that_is_older_than_the_last_does_not_bring_births() -> None:
    node = waiting()
    say(node, False, T0)
    assert say(node, True, T0 - 1) == []
    assert verbs(say(node, True, T0)) == BIRTHS


def test_a_host_said_online_again_changes_nothing() -> None:
    node = waiting()
    say(node, True, T0)
    assert say(node, True, T0 + 5) == [] and node.counts["births"] == 1


def test_another_hosts_state_is_ignored() -> None:
    node = waiting()
    payload = state.write(HostState(True, T0))
    assert node.message(topics.state("somebody"), payload, T0) == []
    say(node, True, T0)
    assert node.message(topics.state("somebody"), state.write(HostState(False, T0 + 9)), T0) == []
    assert node.can_send and node.counts["foreign STATE"] == 2


OTHER_FORMS = [
    b"ONLINE",
    b"OFFLINE",
    b"",
    b"{",
    b"\xff\xfe",
    b"[]",
    b"null",
    b"{}",
    b'{"online": false}',
    b'{"online": "false", "timestamp": 1700000009000}',
    b'{"online": false, "timestamp": "1700000009000"}',
    b'{"online": false, "timestamp": 1700000009000.5}',
    b'{"online": false, "timestamp": true}',
    b'{"online": 0, "timestamp": 1700000009000}',
    b'{"online": false, "timestamp": -1}',
    b'{"online": false, "timestamp": 99999999999999999999999}',
    b'{"online": false, "timestamp": NaN}',
    b"[" * 1000,
    b'{"online": false, "timestamp": 1700000009000, "x": "' + b"x" * 2000 + b'"}',
]


@pytest.mark.parametrize("form", OTHER_FORMS)
def test_other_forms_change_nothing(form: bytes) -> None:
    node = waiting()
    say(node, True, T0)
    assert node.message(STATE, form, T0 + 1) == [] and node.can_send
    assert node.message("STATE/historian", b"OFFLINE", T0 + 1) == [] and node.can_send
    assert node.counts["unknown STATE"] == 1
    heard = host()
    assert heard.message(STATE, form, T0 + 1) == [] and heard.counts["unknown STATE"] == 1


@given(st.binary(max_size=100))
def test_any_bytes_are_a_state_or_none(data: bytes) -> None:
    state.read(data)


@given(st.booleans(), st.integers(0, state.TIMESTAMP_MAX))
def test_a_state_is_read_as_written(online: bool, timestamp: int) -> None:
    assert state.read(state.write(HostState(online, timestamp))) == HostState(online, timestamp)


def test_the_hosts_will_and_birth_have_one_timestamp() -> None:
    made = host()
    will = made.will(T0 + 7)
    (birth,) = sent(made.connected(T0 + 30))
    for one, online in ((will, False), (birth, True)):
        assert one.topic == "spBv1.0/STATE/historian" and one.qos == 1 and one.retain
        assert json.loads(one.payload) == {"online": online, "timestamp": T0 + 7}


def test_the_host_puts_its_own_state_right_with_the_same_timestamp() -> None:
    made = host()
    for timestamp in (T0 - 5, T0):
        (answer,) = sent(made.message(STATE, state.write(HostState(False, timestamp)), T0 + 900))
        assert state.read(answer.payload) == HostState(True, T0) and answer.retain


def test_the_host_says_nothing_before_it_is_connected() -> None:
    made = host()
    made.disconnected(T0 + 1)
    made.will(T0 + 2)
    assert made.message(STATE, state.write(HostState(False, T0)), T0 + 3) == []
    assert made.tick(T0 + 3) == []


def test_a_host_that_stops_does_not_answer_its_own_death() -> None:
    made = host()
    found = made.stop(T0 + 50)
    assert state.read(sent(found)[0].payload) == HostState(False, T0 + 50)
    assert sent(found)[0].retain and found[-1] == Disconnect("stopped", again=False)
    assert made.message(STATE, sent(found)[0].payload, T0 + 51) == []
    assert made.tick(T0 + 60_000) == []


def test_a_newer_foreign_offline_makes_the_host_connect_anew_and_brings_the_nodes_back() -> None:
    made = host()
    node = waiting()
    say(node, True, T0)
    lie = HostState(False, T0 + 3_600_000)
    left = node.message(STATE, state.write(lie), T0 + 10)
    assert left[-1] == Disconnect("primary host offline", again=True)
    *said, leave = made.message(STATE, state.write(lie), T0 + 10)
    assert leave == Disconnect("another's newer STATE said offline", again=True)
    states = [(state.read(one.payload), one.qos, one.retain) for one in sent(said)]
    assert states == [
        (HostState(True, T0), 1, True), (HostState(False, T0 + 10), 1, True)
    ], "the answer of the specification, and the death before the DISCONNECT"  # fmt: skip
    assert made.message(STATE, state.write(lie), T0 + 11) == []
    made.disconnected(T0 + 12)
    made.will(T0 + 13)
    (birth,) = sent(made.connected(T0 + 14))
    node.disconnected()
    node.connected(T0 + 20, 2)
    assert node.message(STATE, state.write(lie), T0 + 21) == []
    assert verbs(node.message(STATE, birth.payload, T0 + 22)) == BIRTHS


def test_another_hosts_state_is_nothing_to_the_host() -> None:
    payload = state.write(HostState(False, T0 + 9))
    assert host().message(topics.state("somebody"), payload, T0) == []
    made = host()
    made.message(STATE, state.write(HostState(True, T0 + 9)), T0)
    assert made.counts["another host of our id"] == 1


def test_the_hosts_subscriptions_are_the_literal_ones() -> None:
    assert [topic for topic, _ in host().subscriptions] == ["spBv1.0/#", "spBv1.0/STATE/historian"]
