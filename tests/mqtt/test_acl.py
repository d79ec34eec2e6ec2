"""The access list that Refit writes, tried with a real Mosquitto: what is forbidden has no effect.

A SUBACK and, in MQTT 3.1.1, a PUBACK say nothing: every attempt is judged by what arrives.
"""

from __future__ import annotations

from collections import Counter

import pytest

from tests.mqtt.guarded import (
    EVERYBODY,
    FILTERS,
    HOW,
    VERSIONS,
    Guarded,
    allowed,
    filters,
    forbidden,
    universe,
)
from tests.mqtt.raw import Client
from tests.servers import until

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]

LAST = "the/last"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", EVERYBODY)
def test_what_an_account_may_not_publish_arrives_nowhere(
    guarded: Guarded, name: str, version: int
) -> None:
    tried = forbidden(guarded.accounts[name])
    with guarded.judge("#", "$SYS/x", "$x", "$CONTROL/#") as judge:
        with guarded.join(name, version=version) as client:
            for topic in tried:
                for qos, retain in HOW:
                    client.publish(topic, qos=qos, retain=retain)
            client.settle()
        say_last(guarded)
        assert judge.hear(LAST) == [LAST]
    with guarded.judge("#") as later:
        assert not set(later.settle()) & set(tried), "something was retained"


@pytest.mark.parametrize("name", EVERYBODY)
def test_a_will_that_an_account_may_not_publish_arrives_nowhere(
    guarded: Guarded, name: str
) -> None:
    tried = forbidden(guarded.accounts[name])
    with guarded.judge("#", "$SYS/x", "$x", "$CONTROL/#") as judge:
        for topic in tried:
            guarded.join(name, will=topic, retain_will=True).drop()
        say_last(guarded)
        assert judge.hear(LAST) == [LAST]


@pytest.mark.parametrize("name", EVERYBODY)
def test_all_that_an_account_may_publish_arrives_also_as_a_will(
    guarded: Guarded, name: str
) -> None:
    may = allowed(guarded.accounts[name].publishes)
    with guarded.judge("#") as judge:
        with guarded.join(name) as client:
            for topic in may:
                client.publish(topic)
            client.settle()
        for topic in may:
            guarded.join(name, will=topic).drop()
        say_last(guarded)
        until(lambda: Counter(judge.settle())[LAST] == 1, "the last has come", 60)
        assert Counter(judge.got) == Counter([*may, *may, LAST])
    assert may or name == "viewer"


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", EVERYBODY)
def test_only_what_an_account_may_read_reaches_it_whatever_it_subscribes_to(
    guarded: Guarded, name: str, version: int
) -> None:
    """Each filter and each topic; what comes is judged, as live and as retained messages."""
    may = set(allowed(guarded.accounts[name].reads))
    everything = [one for one in universe() if not one.startswith("$SYS")]
    with guarded.judge() as judge:
        for topic in everything:
            judge.publish(topic, retain=True)
        judge.settle()
        with guarded.join(name, version=version) as client:
            for one in filters():
                client.subscribe([one])
            assert set(client.settle()) == may, "as retained messages"
            client.got.clear()
            for topic in everything:
                judge.publish(topic)
            judge.settle()
            assert set(client.settle()) == may, "live"
        for topic in everything:
            clear(judge, topic)
        judge.settle()


@pytest.mark.parametrize("name", EVERYBODY)
def test_what_waits_for_an_account_that_is_away_is_its_own(guarded: Guarded, name: str) -> None:
    may = allowed(guarded.accounts[name].reads)
    with guarded.join(name, clean=False) as client:
        client.subscribe(FILTERS, qos=1)
        client.settle()
    with guarded.judge() as judge:
        for topic in universe():
            judge.publish(topic, qos=1)
        judge.settle()
    with guarded.join(name, clean=False) as client:
        assert set(client.settle()) == set(may)
    guarded.join(name).drop()  # and the session is forgotten


def test_the_judge_would_have_heard_it_all(guarded: Guarded) -> None:
    """The same attempts without an access list all arrive: the verdicts above mean something."""
    tried = [one for one in universe() if not one.startswith(("$SYS", "$CONTROL"))]
    with guarded.judge("#", "$x", "$sparkplug/#") as judge, Client(guarded.open, "any") as client:
        for topic in tried:
            client.publish(topic)
            Client(guarded.open, "with a will", will=topic).drop()
        client.settle()
        client.publish(LAST)
        until(lambda: LAST in judge.settle(), "the last has come", 60)
        until(lambda: len(judge.settle()) == 2 * len(tried) + 1, "the wills have come", 60)
        assert Counter(judge.got) == Counter([*tried, *tried, LAST])
    with guarded.judge("$SYS/#") as judge:
        assert judge.settle(), "what everybody could read of the broker itself"


def clear(judge: Client, topic: str) -> None:
    judge.publish(topic, retain=True, payload=b"")


def say_last(guarded: Guarded) -> None:
    with guarded.judge() as judge:
        judge.publish(LAST)
        judge.settle()
