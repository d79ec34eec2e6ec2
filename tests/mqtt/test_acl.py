"""The access list that we ship: agents speak for themselves alone, the historian acknowledges."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import missing
from tests.mqtt.conftest import BrokerAt, Owner, Start
from tests.servers import Mosquitto, until
from wire import topics
from wire.mqtt import Message, Session
from wire.topics import Verb

pytestmark = pytest.mark.system

ACL = Path(__file__).parents[2] / "config" / "deploy" / "mosquitto.acl"
SITE, ACCOUNTS = "works", ("historian", "pc-1", "pc-2")
NODE = [topics.node(SITE, verb, "pc-1") for verb in (Verb.NBIRTH, Verb.NDATA, Verb.NDEATH)]
DEVICE = [
    topics.device(SITE, verb, "pc-1", "studio-1") for verb in (Verb.DBIRTH, Verb.DDATA, Verb.DDEATH)
]
OWN = [*NODE, *DEVICE, topics.records(SITE, "pc-1")]
FORBIDDEN = [
    topics.node(SITE, Verb.NCMD, "pc-1"),
    topics.node(SITE, Verb.NCMD, "pc-2"),
    topics.node(SITE, Verb.NDATA, "pc-2"),
    topics.node(SITE, Verb.NDEATH, "pc-2"),
    topics.device(SITE, Verb.DDATA, "pc-2", "studio-1"),
    topics.device(SITE, Verb.DCMD, "pc-2", "studio-1"),
    topics.state("historian"),
    topics.records(SITE, "pc-2"),
    topics.recorded(SITE, "pc-1"),
]


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Mosquitto]:
    """A broker with our access list and an account for each name."""
    accounts = tmp_path / "accounts"
    accounts.touch(0o600)
    for name in ACCOUNTS:
        try:
            subprocess.run(
                ["mosquitto_passwd", "-b", str(accounts), name, "secret"],
                check=True,
                capture_output=True,
            )
        except FileNotFoundError:
            missing("Mosquitto", "apt-get install mosquitto")
    settings = [f"password_file {accounts}", f"acl_file {ACL}"]
    with Mosquitto(tmp_path, settings) as broker:
        yield broker


def join(start: Start, broker: Mosquitto, name: str, *filters: str) -> tuple[Session, Owner]:
    at = BrokerAt(broker.port, username=name, secret="secret")
    session, owner = start(at, name, subscriptions=tuple((one, 1) for one in filters))
    until(lambda: session.status().connected, f"{name} is connected")
    return session, owner


def say(session: Session, *what: str) -> None:
    for topic in what:
        assert session.publish(Message(topic, b"x", qos=1))


def heard(owner: Owner) -> list[str]:
    return [message.topic for message in owner.messages]


def test_an_agent_says_all_of_its_own_and_nothing_for_another(
    guarded: Mosquitto, start: Start
) -> None:
    _, everything = join(start, guarded, "historian", topics.EVERYTHING, "refit/#")
    _, other = join(start, guarded, "pc-2", topics.EVERYTHING, "refit/#")
    agent, _ = join(start, guarded, "pc-1")
    say(agent, *FORBIDDEN, *OWN)
    until(lambda: heard(everything)[-1:] == OWN[-1:], "the last of its own arrives")
    assert heard(everything) == OWN
    assert heard(other) == []


def test_the_historian_reaches_each_agent_and_only_that_one(
    guarded: Mosquitto, start: Start
) -> None:
    node = topics.node(SITE, Verb.NCMD, "pc-1")
    state, recorded = topics.state("historian"), topics.recorded(SITE, "pc-1")
    _, agent = join(start, guarded, "pc-1", node, state, recorded)
    _, other = join(start, guarded, "pc-2", topics.EVERYTHING, "refit/#")
    historian, _ = join(start, guarded, "historian")
    say(historian, node, recorded, state)
    until(lambda: len(heard(agent)) == 3, "everything arrives")
    until(lambda: heard(other) == [state], "the state arrives at both")
    assert heard(agent) == [node, recorded, state]
