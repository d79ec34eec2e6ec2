"""A plant of somebody else, from files alone: a site file, a CSV, and the commands."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from refit.processes import listens
from tests.servers import free_port, until
from tests.system.commands import Watched, refit
from wire.site import load

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]
READY_S = 60.0
SITE = """
[site]
name = "bakery"

[broker]
port = {broker}

[[agent]]
name = "oven-pc"

[[station]]
name = "oven-1"
kind = "device"
agent = "oven-pc"
tags = "oven.csv"
opcua = {{ url = "opc.tcp://127.0.0.1:{oven}", root = "Bakery/Oven1" }}
modbus = {{ url = "tcp://127.0.0.1:{burner}", unit = 3, every = "200 ms" }}
"""
OVEN = """name;address;type;unit;scale;low;high
temperature;Chamber/Temperature;float;degC;;20;300
door_open;Chamber/DoorOpen;bool;;;;
recipe;Recipe/Name;text;;;;
gas_flow;input 10 uint16;float;m3/h;0,1;0;50
gas;holding 20 uint32;int;m3;;0;
"""
TAGS = {"temperature", "door_open", "recipe", "gas_flow", "gas"}

Start = Callable[..., Watched]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    ports = {name: free_port() for name in ("broker", "oven", "burner")}
    (tmp_path / "oven.csv").write_text(OVEN)
    file = tmp_path / "site.toml"
    file.write_text(SITE.format(**ports))
    return file


def stored(site: Path) -> dict[str, int]:
    """How many samples each tag of the oven has."""
    query = """SELECT name, count(*) FROM sample JOIN series ON series.id = sample.series
        WHERE station = 'oven-1' AND measurement = 'oven-1' GROUP BY name"""
    file = site.parent / "var/samples.db"
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as store:
            return dict(store.execute(query).fetchall())
    except sqlite3.OperationalError:
        return {}


def end(run: Watched) -> None:
    """Ask a process to end; it does, with code 0."""
    run.process.send_signal(signal.SIGTERM)
    until(run.ended, f"{run.process.args} ends", READY_S)
    assert run.process.returncode == 0


def test_a_plant_from_files_alone(site: Path) -> None:
    assert refit("check", site).returncode == 0
    with ExitStack() as stack, (site.parent / "log").open("wb") as log:

        def start(*words: str) -> Watched:
            watched = Watched(words[0], "--site", site, *words[1:], stdout=log, stderr=log)
            return stack.enter_context(watched)

        historian, machines = start("historian"), start("simulate", "--speed", "20")
        agent = start("agent", "--name", "oven-pc")
        until(lambda: set(stored(site)) == TAGS, "every tag has a value", READY_S)
        until(lambda: stored(site)["gas_flow"] > 5, "values flow", READY_S)
        end(agent)
        before = sum(stored(site).values())
        agent = start("agent", "--name", "oven-pc")
        until(lambda: sum(stored(site).values()) > before + 5, "values flow again", READY_S)
        for run in (agent, machines, historian):
            end(run)
    verified = refit("ledger", "verify", "--site", site)
    assert verified.returncode == 0, verified.stderr
    assert ": 2 entries, head " in verified.stdout  # a gap of each connection: the agent was away
    shown = refit("ledger", "show", "--site", site, "--json")
    assert shown.stdout.count('"reason":"agent restarted"') == 2
    with closing(sqlite3.connect(site.parent / "var/ledger.db")) as ledger, ledger:
        ledger.execute("UPDATE entry SET body = replace(body, 'oven-1', 'oven-2') WHERE number = 1")
    verified = refit("ledger", "verify", "--site", site)
    assert verified.returncode == 1
    assert "entry 1: " in verified.stderr


def test_a_wrong_site_is_all_its_errors_and_exit_code_2(site: Path) -> None:
    text = site.read_text().replace("kind =", "knid =").replace("unit = 3", "unit = 300")
    site.write_text(text)
    done = refit("agent", "--site", site, "--name", "oven-pc")
    assert done.returncode == 2
    for told in ("oven-1.knid: unknown key", "did you mean kind?", "oven-1.modbus.unit: "):
        assert told in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["oven", ""])
def test_an_agent_that_is_not_in_the_site_is_refused(site: Path, name: str) -> None:
    done = refit("agent", "--site", site, "--name", name)
    assert done.returncode == 2
    assert "oven-pc" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_is_said(site: Path) -> None:
    port = load(site).broker.port
    with Watched("historian", "--site", site, stderr=subprocess.DEVNULL) as running:
        until(lambda: listens(port), "the historian's broker has the port", READY_S)
        done = refit("broker", "--site", site)
        end(running)
    assert done.returncode == 1
    assert f"port {port}" in done.stderr
    assert "Traceback" not in done.stderr
