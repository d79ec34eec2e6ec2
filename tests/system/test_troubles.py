"""What is said, and what is kept, while something that the processes need is not there."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from refit.chaos.plant import AGENT, SmallPlant
from refit.chaos.reckoning import reckon
from tests.servers import Mosquitto, until
from tests.system.commands import samples_in

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]
TROUBLE_S = 60.0
EVENTS = 2_000  # of the machines, while something is not there


def problems(plant: SmallPlant, process: str) -> str:
    """The problems that a process has by its own account; "" while it does not answer."""
    said = plant.health(process)
    return "" if said is None else "\n".join(said["problems"])


def health(plant: SmallPlant) -> dict[str, Any]:
    """The agent's health, asked for until it answers."""
    answers: list[dict[str, Any]] = []

    def answered() -> bool:
        said = plant.health("agent")
        answers.extend([] if said is None else [said["health"]])
        return bool(answers)

    until(answered, "the agent says how it is", TROUBLE_S)
    return answers[-1]


def check(plant: SmallPlant) -> None:
    """Let everything arrive; nothing may be missing."""
    plant.wait_for_values()
    plant.drain()
    plant.end()
    with plant.store() as store:
        found = reckon(plant.site, plant.truth, store)
    assert (found.lost, found.duplicates, found.told) == (0, 0, 0), found.examples
    assert found.emitted == found.stored > 0


@pytest.mark.parametrize("file", ["store", "ledger"])
def test_what_cannot_be_stored_is_not_confirmed_and_comes_later(file: str, tmp_path: Path) -> None:
    with SmallPlant(tmp_path, seed=1) as plant:
        path = plant.site.store.path if file == "store" else plant.site.ledger.path
        trouble = f"the {file} takes no {'samples' if file == 'store' else 'records'}"
        with plant.locked(path):
            until(lambda: trouble in problems(plant, "historian"), "it is said", TROUBLE_S)
            before = health(plant)
            plant.wait_for_events(EVENTS)
            now = health(plant)
            if file == "store":
                assert now["acknowledged"] <= samples_in(path)
                assert now["backlog_samples"] > before["backlog_samples"]
            else:
                assert now["acknowledged"] > before["acknowledged"]
                assert now["records_waiting"] >= before["records_waiting"] > 0
        until(lambda: problems(plant, "historian") == "", "all is well again", TROUBLE_S)
        check(plant)


def test_an_outbox_that_cannot_be_written_is_said_and_nothing_is_acknowledged(
    tmp_path: Path,
) -> None:
    with SmallPlant(tmp_path, seed=1) as plant:
        with plant.locked(plant.outbox):
            told = "the outbox cannot be written"
            until(lambda: told in str(plant.log(AGENT)), "it is said", TROUBLE_S)
        until(lambda: not problems(plant, "agent"), "all is well again", TROUBLE_S)
        check(plant)


def test_a_broker_that_refuses_is_said_and_the_right_password_helps(tmp_path: Path) -> None:
    accounts = tmp_path / "accounts"
    broker = Mosquitto(tmp_path, ["allow_anonymous false", f"password_file {accounts}"])
    words = ["mosquitto_passwd", "-b", "-c", str(accounts), "plant", "right"]
    subprocess.run(words, check=True, capture_output=True)
    password = tmp_path / "password"
    password.write_text("wrong\n")
    account = f'username = "plant"\npassword_file = "{password}"'
    url = f'url = "mqtt://127.0.0.1:{broker.port}"\n{account}'
    plant = SmallPlant(tmp_path / "plant", seed=1, broker=url)
    with broker:
        try:
            plant.start("historian", AGENT)
            for process, name in (("agent", AGENT), ("historian", "historian")):
                _refused(plant, process, name)
            password.write_text("right\n")
            plant.start("simulators")
            plant.wait_for_values(since_ms=0)
        finally:
            plant.end()


def _refused(plant: SmallPlant, process: str, name: str) -> None:
    def lines() -> list[dict[str, Any]]:
        return [line for line in plant.log(name) if line["event"] == "no connection"]

    told = "no connection to the broker"
    until(lambda: told in problems(plant, process), "the health says it", TROUBLE_S)
    until(lines, "the log says it", TROUBLE_S)
    said = lines()
    assert len(said) == 1  # the same trouble again is said once
    assert said[0]["why"] == "the broker refused the connection: Not authorized"
    assert said[0]["broker"] == f"127.0.0.1:{plant.site.broker.port}"


def test_a_broker_whose_command_was_killed_does_not_stay(tmp_path: Path) -> None:
    plant = SmallPlant(tmp_path, seed=1)
    try:
        plant.start("broker")
        plant.wait_for_broker()
        os.kill(plant.processes.children["broker"].pid, signal.SIGKILL)
        plant.wait_for_broker(gone=True)
    finally:
        plant.end()
