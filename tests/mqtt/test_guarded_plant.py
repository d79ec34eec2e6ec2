"""A whole plant at a guarded broker: nothing is lost over a restart and a change of all keys."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from refit.certs import wanted, work
from refit.certs.folder import Folder
from refit.chaos.account import account
from refit.chaos.plant import SmallPlant
from tests.mqtt.guarded import Written, write
from tests.mqtt.raw import Client
from tests.servers import accepts, free_port, until
from wire import topics
from wire.access import accounts
from wire.topics import Verb

pytestmark = [pytest.mark.system, pytest.mark.timeout(400)]

BROKER = """url = "mqtts://localhost:{port}"
ca_file = "certs/ca.pem"
cert_file = "certs/{{name}}/cert.pem"
key_file = "certs/{{name}}/key.pem"
"""
NAMES = ("broker", "historian", "pc-1")
PATIENCE_S = 120.0
SPOKEN = {Verb.DDATA.value, Verb.NDATA.value, Verb.NCMD.value, "record", "recorded"}


def told(done: int, of: int) -> None:
    """Nobody watches."""


@contextmanager
def guarded(plant: SmallPlant) -> Iterator[Written]:
    """The broker of the plant, with certificates for all who run."""
    certs, written = plant.folder / "certs", plant.folder / "broker"
    work.begin(certs, plant.site.name, [], 365)
    known = wanted.everybody(plant.site)
    work.issue(certs, [known[name] for name in NAMES], 30, told, skip=False)
    write(plant.site, written, certs)
    logs = ("log_type debug", "log_type subscribe")
    with Written(plant.folder, written, plant.site.broker.port, *logs) as broker:
        until(lambda: accepts(broker.open), "it listens at the test's own port", 60)
        yield broker


def change_all_keys(certs: Path) -> None:
    """New keys for everybody; what was good before opens nothing any more."""
    old = [f"{one.serial_number:040x}" for one in Folder(certs).issued()]
    work.renew(certs, NAMES, 0, 30, told, new_key=True)
    work.revoke(certs, old)


def connects(plant: SmallPlant) -> bool:
    """Whether agent and historian are at the broker, as they say."""
    said = [plant.health(name) for name in ("agent", "historian")]
    return all(one is not None and one["ok"] for one in said)


def verbs(heard: list[str]) -> set[str]:
    """What kinds of message were heard."""
    states = {topics.STATE for one in heard if topics.parse_state(one)}
    return states | {one.split("/")[2] for one in heard}


def test_nothing_is_lost_over_a_restart_of_the_broker_and_a_change_of_all_keys(
    seed: int, tmp_path: Path
) -> None:
    plant = SmallPlant(tmp_path, seed, broker=BROKER.format(port=free_port()))
    with guarded(plant) as broker, plant:
        until(lambda: connects(plant), "all is well", PATIENCE_S)
        broker.stop(kill=True)
        plant.wait_for_events(500)
        broker.start()
        plant.wait_for_values()
        change_all_keys(tmp_path / "certs")
        broker.stop()
        broker.start()
        plant.wait_for_values()
        health = plant.health("agent")
        assert health is not None and 0 < health["health"]["certificate_left"] <= 30 * 86_400
        judge = Client(broker.open, "judge")
        judge.subscribe(["#"])
        until(lambda: verbs(judge.settle()) >= SPOKEN, "all have spoken", PATIENCE_S)
        plant.wait_for_values()
        plant.drain()
        plant.processes.end(["simulators"])
        until(lambda: Verb.DDEATH in verbs(judge.settle()), "the machines' end is heard", 60)
        plant.end()
        until(lambda: Verb.NDEATH in verbs(judge.settle()), "the agent's end is heard", 60)
        until(lambda: topics.STATE in verbs(judge.settle()), "the historian's end is heard", 60)
        heard = set(judge.got)
        judge.drop()
    found = account(plant, [], set())
    assert found.is_clean, found
    assert found.acknowledged and found.offered == found.stored + found.told
    assert verbs(list(heard)) >= SPOKEN
    check_rights(plant, (tmp_path / "mosquitto.log").read_text())


def check_rights(plant: SmallPlant, log: str) -> None:
    """The broker has refused nothing, and whatever was subscribed to may be read."""
    assert "Received PUBLISH from pc-1" in log
    assert "Denied PUBLISH" not in log
    reads = {one.name: one.reads for one in accounts(plant.site)}
    wanted = dict.fromkeys(reads, 0)
    for name, topic in re.findall(r"^\S+ (pc-1|historian) \d (\S+)$", log, re.MULTILINE):
        wanted[name] += 1
        if topic != topics.EVERYTHING:
            assert topic in reads[name], f"{name} subscribes to {topic}"
    assert wanted["pc-1"] >= 4 and wanted["historian"] >= 3
