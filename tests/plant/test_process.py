"""The historian as a process: real broker, real sessions, real signals."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from plant.broker import start_broker
from plant.stores.sqlite import SqliteStore
from tests.plant.agents import RealAgent, now_ms
from tests.servers import accepts, free_port, until
from tests.sparkplug.plant import HOST, SITE, angles
from wire import topics
from wire.mqtt import Message, Session
from wire.site import Site, load

pytestmark = pytest.mark.system


class Command:
    """One `refit` process with its output in a file."""

    def __init__(self, *arguments: str, log: Path) -> None:
        self._log = log
        with log.open("ab") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "refit.main", *arguments], stdout=file, stderr=file
            )

    @property
    def said(self) -> str:
        return self._log.read_text()

    def end(self, number: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(10)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    file = tmp_path / "site.toml"
    ports = {free_port(), free_port(), free_port()}
    broker, http = list(ports)[:2]
    file.write_text(
        f'[site]\nname = "{SITE}"\n[broker]\nurl = "embedded"\nport = {broker}\n'
        f'[historian]\nname = "{HOST}"\nhttp = {http}\n'
    )
    return load(file)


@pytest.fixture
def historian(site: Site, tmp_path: Path) -> Iterator[Command]:
    command = Command("historian", "--site", str(tmp_path / "site.toml"), log=tmp_path / "h.log")
    yield command
    command.end(signal.SIGKILL)
    print(command.said)


def healthy(site: Site) -> dict[str, object]:
    """What /healthz says; empty while nobody answers."""
    try:
        with urlopen(f"http://127.0.0.1:{site.historian.http}/healthz", timeout=2) as answer:
            return dict(json.loads(answer.read()))
    except HTTPError as error:
        with closing(error):
            return dict(json.loads(error.read()))
    except OSError:
        return {}


def test_a_value_is_stored_and_acknowledged_and_the_process_ends_cleanly(
    site: Site, historian: Command
) -> None:
    until(lambda: healthy(site).get("ok"), "the historian is well")
    with RealAgent(site.broker, primary=HOST) as agent:
        until(lambda: agent.born, "the agent sees the historian online")
        begin = now_ms()
        for position in range(1, 21):
            samples = angles(float(position), start_ms=begin + position)
            until(lambda s=samples, p=position: agent.send("table-1", s, p), "it is sent")  # type: ignore[misc]
        until(lambda: agent.acknowledged == set(range(1, 21)), "all is acknowledged")
        assert healthy(site)["stored"] == 20
        assert historian.end() == 0
    with closing(SqliteStore(site.store.path)) as store:
        assert store.range("table-1", "angle", 0, 1 << 52).floats.tolist() == [
            float(position) for position in range(1, 21)
        ]
    assert historian.said == "", "normal operation logs nothing"


def test_a_killed_historian_loses_nothing_that_it_has_acknowledged(
    site: Site, historian: Command, tmp_path: Path
) -> None:
    with start_broker() as broker:
        (tmp_path / "site.toml").write_text(
            f'[site]\nname = "{SITE}"\n[broker]\nurl = "mqtt://127.0.0.1:{broker.port}"\n'
        )
        historian.end(signal.SIGKILL)
        site = load(tmp_path / "site.toml")
        with RealAgent(site.broker, primary=HOST) as agent:
            sent, position, begin = {}, 0, now_ms()
            for _ in range(3):
                log = tmp_path / "again.log"
                again = Command("historian", "--site", str(tmp_path / "site.toml"), log=log)
                enough = len(agent.acknowledged) + 30

                def flows(enough: int = enough) -> bool:
                    nonlocal position
                    samples = angles(float(position + 1), start_ms=begin + position)
                    if agent.born and agent.send("table-1", samples, position + 1):
                        position += 1
                        sent[position] = int(samples.time[0])
                    return len(agent.acknowledged) >= enough

                until(flows, "values are acknowledged", 20)
                again.end(signal.SIGKILL)
                with closing(SqliteStore(site.store.path)) as store:
                    rows = store.range("table-1", "angle", 0, 1 << 52)
                stored = set(rows.time.tolist())
                lost = {p for p in agent.acknowledged if sent[p] not in stored}
                assert not lost, f"acknowledged and not stored: {lost}"


def test_state_is_online_while_it_runs_and_offline_afterwards(
    site: Site, historian: Command
) -> None:
    states: list[Message] = []
    until(lambda: healthy(site).get("ok"), "the historian is well")
    session = Session(
        site.broker, "watcher", on_message=states.append, subscriptions=[(topics.state(HOST), 1)]
    )
    session.start()
    try:
        until(lambda: states, "there is a STATE")
        assert json.loads(states[-1].payload)["online"] is True and states[-1].retain
        historian.end(signal.SIGINT)
        until(lambda: json.loads(states[-1].payload)["online"] is False, "it says offline")
    finally:
        session.disconnect()
    assert historian.process.returncode == 0


def test_with_a_broker_that_listens_already_none_is_started(site: Site, tmp_path: Path) -> None:
    broker = Command("broker", "--site", str(tmp_path / "site.toml"), log=tmp_path / "b.log")
    historian = None
    try:
        until(lambda: accepts(site.broker.port), "the broker listens")
        historian = Command(
            "historian", "--site", str(tmp_path / "site.toml"), log=tmp_path / "h.log"
        )
        until(lambda: healthy(site).get("ok"), "the historian is well")
        assert historian.end() == 0
        assert accepts(site.broker.port), "the broker of another command goes on"
        assert broker.end() == 0
        assert broker.said == ""
    finally:
        for command in filter(None, (historian, broker)):
            command.end(signal.SIGKILL)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """A command that is expected to end by itself."""
    return subprocess.run(
        [sys.executable, "-m", "refit.main", *arguments],
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("command", ["historian", "broker"])
def test_a_wrong_site_file_ends_it_with_all_errors(tmp_path: Path, command: str) -> None:
    file = tmp_path / "site.toml"
    file.write_text('[site]\nnam = "x"\n[broker]\nurl = "ftp://x"\n')
    ended = run(command, "--site", str(file))
    assert ended.returncode == 2
    assert "nam" in ended.stderr and "ftp" in ended.stderr


def test_databases_and_ports_that_are_not_ours_end_it_with_all_errors(
    site: Site, tmp_path: Path
) -> None:
    store = site.store.path
    store.parent.mkdir()
    for path in (store, store.with_suffix(".dead.db")):
        path.write_bytes(b"something else, and long enough to be a header of a file" * 9)
    ended = run("historian", "--site", str(tmp_path / "site.toml"))
    assert ended.returncode == 2
    assert ended.stderr.count("not a database") == 2


def test_a_port_that_is_not_free_yet_is_tried_again_by_systemd(site: Site, tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        text = file.read_text()
        assert f"http = {site.historian.http}\n" in text
        file.write_text(text.replace(f"http = {site.historian.http}\n", f"http = {port}\n"))
        ended = run("historian", "--site", str(file))
    assert ended.returncode == 1, "2 would be final: config/deploy/systemd"
    assert f"port {port} of 127.0.0.1 for /metrics" in ended.stderr


def test_a_broker_that_is_not_ours_is_not_started(tmp_path: Path) -> None:
    file = tmp_path / "site.toml"
    file.write_text('[site]\nname = "x"\n[broker]\nurl = "mqtt://10.0.0.1"\n')
    ended = run("broker", "--site", str(file))
    assert ended.returncode == 2 and "mqtt://10.0.0.1" in ended.stderr
