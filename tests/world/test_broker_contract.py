"""What a broker and a session do, said once: for the twins in memory and for the real ones."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest
from hypothesis import given
from hypothesis import strategies as some

from tests.mqtt.conftest import BrokerAt, Owner
from tests.servers import Mosquitto, until
from tests.wire_tap import WireTap
from tests.world.broker import Broker, matches
from tests.world.clock import virtual_time
from tests.world.network import Network
from tests.world.session import TwinSession
from wire.mqtt import Limits, Message

DEADLINE_S = 60.0


class Bench(Protocol):
    """A broker, and sessions with a link of their own each."""

    def start(self, name: str, keepalive_s: int = 15, **changes: Any) -> tuple[Any, Owner]: ...
    def until(self, holds: Callable[[], object], what: str) -> None: ...
    def cut(self, name: str) -> None: ...
    def mute(self, name: str) -> None: ...
    def stop_broker(self) -> None: ...
    def start_broker(self) -> None: ...


class TwinBench:
    """The twins, in virtual time."""

    def __init__(self, net: Network) -> None:
        self.net = net
        self.broker = Broker(net, tuple(range(1883, 1890)))
        self.ports: dict[str, int] = {}
        self.sessions: list[TwinSession] = []
        self.start_broker()

    def start(self, name: str, keepalive_s: int = 15, **changes: Any) -> tuple[Any, Owner]:
        port = self.ports.setdefault(name, 1883 + len(self.ports))
        owner = Owner(f"death/{name}")

        async def begin() -> TwinSession:
            at = BrokerAt(port, keepalive_s=keepalive_s)
            made: Any = owner.make(at, name, kind=TwinSession, **changes)
            made.start()
            return made  # type: ignore[no-any-return]

        session = self.net.run_until_complete(begin())
        self.sessions.append(session)
        return session, owner

    def until(self, holds: Callable[[], object], what: str) -> None:
        async def wait() -> None:
            deadline = self.net.time() + DEADLINE_S
            while not holds():
                assert self.net.time() < deadline, f"waited in vain until {what}"
                await asyncio.sleep(0.01)

        self.net.run_until_complete(wait())

    def cut(self, name: str) -> None:
        self.net.reset(self.ports[name])

    def mute(self, name: str) -> None:
        self.net.stall(self.ports[name])

    def stop_broker(self) -> None:
        async def stop() -> None:
            self.broker.stop()

        self.net.run_until_complete(stop())

    def start_broker(self) -> None:
        self.net.run_until_complete(self.broker.start())

    def close(self) -> None:
        async def end() -> None:
            for session in self.sessions:
                session.disconnect()
            self.broker.stop()

        self.net.run_until_complete(end())


class RealBench:
    """Mosquitto, and the session that the product uses; a tap before each."""

    def __init__(self, folder: Path) -> None:
        self.broker = Mosquitto(folder)
        self.taps: dict[str, WireTap] = {}
        self.sessions: list[Any] = []
        self.broker.start()

    def start(self, name: str, keepalive_s: int = 15, **changes: Any) -> tuple[Any, Owner]:
        tap = self.taps.setdefault(name, WireTap(self.broker.port))
        owner = Owner(f"death/{name}")
        session = owner.make(BrokerAt(tap.port, keepalive_s=keepalive_s), name, **changes)
        self.sessions.append(session)
        session.start()
        return session, owner

    def until(self, holds: Callable[[], object], what: str) -> None:
        until(holds, what, 30.0)  # of a busy machine: the twins' time is virtual

    def cut(self, name: str) -> None:
        self.taps[name].cut()

    def mute(self, name: str) -> None:
        self.taps[name].mute()

    def stop_broker(self) -> None:
        self.broker.stop(kill=True)

    def start_broker(self) -> None:
        self.broker.start()

    def close(self) -> None:
        for session in self.sessions:
            session.disconnect()
        for tap in self.taps.values():
            tap.close()
        self.broker.stop()


@pytest.fixture(
    params=[
        pytest.param("twin", marks=pytest.mark.world),
        pytest.param("real", marks=pytest.mark.system),
    ]
)
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    """Both of them, one after the other."""
    if request.param == "real":
        real = RealBench(tmp_path)
        yield real
        real.close()
        return
    net = Network(1)
    with virtual_time(net, 1) as runner:
        runner.get_loop()
        twin = TwinBench(net)
        yield twin
        twin.close()


def up(bench: Bench, name: str, **changes: Any) -> tuple[Any, Owner]:
    """A session that stands."""
    session, owner = bench.start(name, **changes)
    bench.until(lambda: owner.count("connected") == 1, f"{name} is connected")
    return session, owner


def told(bench: Bench, talker: Any, listener: Owner) -> list[Message]:
    """What a listener has heard, once all that the talker said before has arrived."""
    talker.publish(Message("end", b"", qos=1))
    bench.until(lambda: any(one.topic == "end" for one in listener.messages), "the end is heard")
    heard = [one for one in listener.messages if one.topic != "end"]
    listener.messages.clear()
    return heard


TOPICS = ("a", "a/b", "a/b/c", "a/c", "b", "/", "/a", "a/", "a//c", "$own/a")
FILTERS = ("a", "a/b", "a/+", "+", "+/b", "#", "a/#", "+/+", "/+", "+/+/c", "a/+/c", "$own/#", "/#")


@pytest.mark.parametrize("filter", FILTERS)
def test_the_wildcards(bench: Bench, filter: str) -> None:
    talker, _ = up(bench, "talker")
    _, listener = up(bench, "listener", subscriptions=((filter, 0), ("end", 1)))
    for topic in TOPICS:
        talker.publish(Message(topic, b"x"))
    topics = [message.topic for message in told(bench, talker, listener)]
    heard = [topic for topic in topics if topic != "birth"]
    expected = [topic for topic in TOPICS if matches(filter, topic)]
    assert heard == expected
    assert expected or filter.startswith("$"), "a filter that matches nothing shows nothing"


def test_messages_of_one_client_stay_in_order_and_their_qos_is_the_lower_one(bench: Bench) -> None:
    talker, _ = up(bench, "talker")
    _, listener = up(bench, "listener", subscriptions=(("low/#", 0), ("high/#", 1), ("end", 1)))
    for number in range(40):
        place = ("low", "high")[number % 2]
        talker.publish(Message(f"{place}/x", str(number).encode(), qos=number // 2 % 2))
    heard = told(bench, talker, listener)
    assert [int(one.payload) for one in heard] == list(range(40))
    assert [one.qos for one in heard] == [(number % 2) * (number // 2 % 2) for number in range(40)]


def test_filters_that_overlap_bring_a_message_once_with_the_highest_qos(bench: Bench) -> None:
    talker, _ = up(bench, "talker")
    subscriptions = (("a/#", 0), ("a/b", 1), ("+/b", 0), ("end", 1))
    _, listener = up(bench, "listener", subscriptions=subscriptions)
    talker.publish(Message("a/b", b"once", qos=1))
    assert told(bench, talker, listener) == [Message("a/b", b"once", qos=1)]


def test_a_retained_message_is_given_to_whoever_comes_later(bench: Bench) -> None:
    talker, _ = up(bench, "talker")
    _, early = up(bench, "early", subscriptions=(("state/#", 1), ("end", 1)))
    for payload in (b"old", b"new"):
        talker.publish(Message("state/a", payload, qos=1, retain=True))
    talker.publish(Message("state/b", b"passing", qos=1))
    assert [(one.payload, one.retain) for one in told(bench, talker, early)] == [
        (b"old", False), (b"new", False), (b"passing", False),
    ]  # fmt: skip
    _, late = up(bench, "late", subscriptions=(("state/#", 1), ("end", 1)))
    assert told(bench, talker, late) == [Message("state/a", b"new", qos=1, retain=True)]
    talker.publish(Message("state/a", b"", qos=1, retain=True))
    told(bench, talker, late)
    _, last = up(bench, "last", subscriptions=(("state/#", 1), ("end", 1)))
    assert told(bench, talker, last) == []


def test_a_will_is_published_when_a_client_is_lost_and_not_when_it_leaves(bench: Bench) -> None:
    talker, _ = up(bench, "talker")
    _, watcher = up(bench, "watcher", subscriptions=(("death/+", 1), ("end", 1)))
    leaver, _ = up(bench, "leaver")
    assert leaver.disconnect([Message("death/leaver", b"own words")])
    assert told(bench, talker, watcher) == [Message("death/leaver", b"own words")]
    _, victim = up(bench, "victim")
    bench.cut("victim")
    bench.until(lambda: watcher.messages, "the Will is heard")
    bench.until(lambda: victim.count("connected") == 2, "the victim is back")
    assert told(bench, talker, watcher) == [Message("death/victim", b"0", qos=1)]
    assert victim.told[1].startswith("disconnected")


def test_a_second_client_of_one_name_throws_the_first_out(bench: Bench) -> None:
    talker, _ = up(bench, "talker")
    _, watcher = up(bench, "watcher", subscriptions=(("death/+", 1), ("end", 1)))
    slow = Limits(backoff_first_s=30.0)
    first, owner = up(bench, "double", limits=slow)
    second, _ = up(bench, "double", limits=slow)
    bench.until(lambda: owner.count("disconnected") == 1, "the first is out")
    assert not first.status().connected
    assert second.status().connected
    bench.until(lambda: watcher.messages, "the Will of the first is heard")
    assert told(bench, talker, watcher) == [Message("death/double", b"0", qos=1)]


def test_sessions_find_a_broker_that_was_away_and_has_forgotten(bench: Bench) -> None:
    talker, owner = up(bench, "talker")
    talker.publish(Message("state/a", b"kept", qos=1, retain=True))
    bench.until(lambda: talker.status().published == 2, "it is out")
    bench.stop_broker()
    bench.until(lambda: owner.count("disconnected") == 1, "the end is noticed")
    bench.until(lambda: owner.count("failed") >= 2, "attempts fail")
    assert not talker.publish(Message("data", b"")), "nothing is taken without a session"
    bench.start_broker()
    bench.until(lambda: owner.count("connected") == 2, "it is up again")
    _, late = up(bench, "late", subscriptions=(("state/#", 1), ("end", 1)))
    assert told(bench, talker, late) == []


def test_a_silent_broker_is_left(bench: Bench) -> None:
    session, owner = bench.start("client", keepalive_s=1)
    bench.until(lambda: owner.count("connected") == 1, "the session is up")
    bench.mute("client")
    bench.until(lambda: owner.count("disconnected") == 1, "the silence is noticed")
    assert "Keep alive timeout" in owner.told[1]
    assert not session.status().connected


def test_a_new_session_can_be_asked_for_and_has_a_new_will(bench: Bench) -> None:
    talker, _ = up(bench, "talker")
    _, watcher = up(bench, "watcher", subscriptions=(("death/+", 1), ("birth", 1), ("end", 1)))
    session, owner = up(bench, "client")
    session.reconnect([Message("death/client", b"last words")])
    bench.until(lambda: owner.count("connected") == 2, "it is up again")
    words = [(one.topic, one.payload) for one in told(bench, talker, watcher)]
    assert words[-3:] == [("birth", b"0"), ("death/client", b"last words"), ("birth", b"1")]
    assert owner.told[1] == "disconnected: ended on purpose"


def test_a_message_that_precedes_the_grant_waits_for_the_owner(bench: Bench) -> None:
    talker, _ = up(bench, "talker")
    talker.publish(Message("down/state", b"online", qos=1, retain=True))
    bench.until(lambda: talker.status().published == 2, "it is out")
    order: list[str] = []
    bench.start(
        "late",
        on_connect=lambda: order.append("connected"),
        on_message=lambda message: order.append(message.topic),
    )
    bench.until(lambda: len(order) == 2, "both were told")
    assert order == ["connected", "down/state"]


def test_the_queue_is_bounded_and_what_its_owner_raises_costs_nothing(bench: Bench) -> None:
    def fail(_: Message) -> None:
        raise RuntimeError("a message that nobody understands")

    limits = Limits(queue_bytes_max=1000, backoff_first_s=0.02)
    session, _ = up(bench, "client", limits=limits, on_message=fail)
    assert not session.publish(Message("data", bytes(1001)))
    assert session.publish(Message("down/x", b"", qos=1))
    bench.until(lambda: session.status().errors == 1, "the exception is counted")
    assert session.status().refused == 1
    assert session.status().connected


NO_ROOM = OSError(28, "No space left on device")


@pytest.mark.parametrize("error", [NO_ROOM, sqlite3.OperationalError("disk I/O error")], ids=type)
@pytest.mark.parametrize("hook", ["will", "on_socket_open"])
def test_without_a_durable_number_no_connect_goes_out(
    bench: Bench, hook: str, error: Exception
) -> None:
    broken = [True, True]

    def unwritable() -> Any:
        if broken:
            broken.pop()
            raise error

    _, owner = bench.start("client", **{hook: unwritable})
    bench.until(lambda: owner.count("connected") == 1, "it goes on once it can be written")
    assert all(str(error) in told and told.startswith("failed") for told in owner.told[:2])


LEVELS = some.lists(some.sampled_from(["a", "b", "", "long name", "é"]), min_size=1, max_size=4)


@given(LEVELS, some.data())
def test_a_filter_made_of_a_topic_matches_it(levels: list[str], data: some.DataObject) -> None:
    topic = "/".join(levels)
    wild = [data.draw(some.sampled_from([level, "+"])) for level in levels]
    assert matches("/".join(wild), topic)
    cut = data.draw(some.integers(0, len(levels)))
    assert matches("/".join([*wild[:cut], "#"]), topic)
    assert not matches("/".join([*wild, "more"]), topic)
    assert not matches("/".join(wild[:-1]), topic) or len(levels) == 1
