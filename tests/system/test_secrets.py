"""A plant with secrets everywhere: none is left anywhere, and nothing is written to machines."""

from __future__ import annotations

import base64
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import psutil
import pytest

from tests.servers import Mosquitto, free_port, until
from tests.servers.modbus_tap import ModbusTap
from tests.system.commands import Watched, refit, samples_in

pytestmark = [pytest.mark.system, pytest.mark.timeout(400)]
READY_S = 120.0
WORDS = {
    name: f"Zx7-{name}-0aK9vQ2mL5"
    for name in ("mqtt", "opcua", "http", "influx", "postgres", "wrong")
}
READING = {1, 2, 3, 4, 43}
SITE = """
[site]
name = "bakery"
[broker]
url = "mqtt://127.0.0.1:{broker}"
username = "refit"
password_file = "secrets/{mqtt}"
[http]
token_file = "secrets/http"
[historian]
http = {http}
{stores}
[[agent]]
name = "oven-pc"
http = {agent}
[[station]]
name = "oven-1"
kind = "device"
agent = "oven-pc"
tags = "oven.csv"
modbus = {{ url = "tcp://127.0.0.1:{modbus}", unit = 3, every = "200 ms" }}
[station.opcua]
url = "opc.tcp://127.0.0.1:{opcua}"
root = "Bakery/Oven1"
security = "Basic256Sha256,SignAndEncrypt"
user = "refit"
password_file = "secrets/{account}"
"""
FAILING = """
[store]
url = "influxdb://127.0.0.1:{closed}/refit"
version = "3"
token_file = "secrets/influx"
[ledger]
url = "postgresql://refit@127.0.0.1:{closed}/refit"
password_file = "secrets/postgres"
"""
OVEN = """name,address,type,unit
temperature,Chamber/Temperature,float,degC
gas_flow,input 10 uint16,float,m3/h
"""


class Plant:
    """The files of a plant, the outputs of its commands, and every command line that was seen."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.lines = folder, set[str]()
        self.ports = {name: free_port() for name in ("http", "agent", "opcua", "modbus", "closed")}
        (folder / "secrets").mkdir(mode=0o700)
        for name, word in WORDS.items():
            (folder / "secrets" / name).write_text(f"{word}\n")
            (folder / "secrets" / name).chmod(0o600)
        (folder / "oven.csv").write_text(OVEN)

    def site(self, name: str, *, stores: str = "", **changes: str | int) -> Path:
        """A site file of the plant."""
        given = {**self.ports, "mqtt": "mqtt", "account": "opcua", **changes}
        file = self.folder / f"{name}.toml"
        file.write_text(SITE.format(stores=stores.format(**self.ports), **given))
        return file

    def start(self, *words: str | Path) -> Watched:
        """A program whose outputs are kept."""
        with (self.folder / f"{words[0]}.log").open("ab") as log:
            return Watched(*words, stdout=log, stderr=subprocess.STDOUT)

    def run(self, *words: str | Path) -> int:
        """A command whose outputs are kept; its exit code."""
        done = refit(*words)
        with (self.folder / "outputs").open("a") as outputs:
            outputs.write(f"{words}: {done.returncode}\n{done.stdout}\n{done.stderr}\n")
        return done.returncode

    def ask(self, port: int, path: str, token: str) -> int:
        """What a process answers, kept; 0 when it does not."""
        asked = urllib.request.Request(
            f"http://127.0.0.1:{port}{path}", headers={"Authorization": f"Bearer {token}"}
        )
        try:
            with urllib.request.urlopen(asked, timeout=20) as answer:
                code, body = answer.status, answer.read()
        except urllib.error.HTTPError as error:
            with error:
                code, body = error.code, error.read()
        except OSError:
            return 0
        with (self.folder / "answers").open("ab") as answers:
            answers.write(body)
        return code

    def look(self) -> None:
        """Remember the command lines that everybody can see now."""
        for one in psutil.process_iter():
            with suppress(psutil.Error):
                self.lines.add(" ".join(one.cmdline()))

    def found(self) -> Iterator[str]:
        """Where a secret is that should not be there."""
        keys = sorted(self.folder.rglob("own/private/*.pem")) + sorted(
            self.folder.rglob("*.key.pem")
        )
        assert keys, "the agent has made its key"
        secrets = [word.encode() for word in WORDS.values()]
        secrets += [base64.b64encode(word) for word in secrets]
        secrets += [key.read_bytes().splitlines()[3] for key in keys]
        for path in self.folder.rglob("*"):
            if path.is_file() and "secrets" not in path.parts and path not in keys:
                data = path.read_bytes()
                yield from (f"{path}: {one!r}" for one in secrets if one in data)
        for line in self.lines:
            yield from (f"{line}: {one!r}" for one in secrets if one.decode() in line)


def test_no_secret_is_left_anywhere_and_nothing_is_written_to_a_machine(tmp_path: Path) -> None:
    plant = Plant(tmp_path)
    accounts = tmp_path / "secrets" / "accounts"
    subprocess.run(["mosquitto_passwd", "-c", "-b", accounts, "refit", WORDS["mqtt"]], check=True)
    settings = ["allow_anonymous false", f"password_file {accounts}", "log_type all"]
    with ExitStack() as stack:
        broker = stack.enter_context(Mosquitto(tmp_path, settings))
        tap = stack.enter_context(ModbusTap(plant.ports["modbus"]))
        machines = plant.site("machines", broker=broker.port)
        site = plant.site("site", broker=broker.port, modbus=tap.port)
        stack.enter_context(plant.start("simulate", "--site", machines))
        stack.enter_context(plant.start("historian", "--site", site))
        stack.enter_context(plant.start("agent", "--site", site, "--name", "oven-pc"))
        _first_contact(plant, site)
        until(lambda: samples_in(tmp_path / "var/samples.db") > 5, "values flow", READY_S)
        for port in (plant.ports["http"], plant.ports["agent"]):
            for path in ("/metrics", "/healthz", "/stations"):
                assert plant.ask(port, path, WORDS["http"]) in (200, 404, 503)
                assert plant.ask(port, path, WORDS["wrong"]) == 401
        plant.look()
        for words in (("check", site), ("doctor", "--site", site), ("status", "--site", site),
                      ("watch", "--site", site, "--once"), ("check", site, "--live")):  # fmt: skip
            plant.run(*words)
            plant.look()
        _wrong(plant, broker.port, tap.port)
        assert tap.functions.keys() <= READING and tap.functions[4] > 5
    assert list(plant.found()) == []


def _first_contact(plant: Plant, site: Path) -> None:
    """The agent meets a server that it does not know; a person accepts it."""
    rejected = plant.folder / "var/oven-pc.pki/rejected/certs"
    until(lambda: any(rejected.glob("*.der")), "the server is rejected", READY_S)
    plant.look()
    shown = next(rejected.glob("*.der")).name.rpartition("[")[2].partition("]")[0]
    assert plant.run("trust", "accept", shown, "--site", site) == 0
    plant.run("trust", "list", "--site", site)


def _wrong(plant: Plant, broker: int, modbus: int) -> None:
    """Wrong passwords, stores that are not there, a password in a url."""
    other = {"broker": broker, "modbus": modbus, "http": 0, "agent": 0}
    wrong = plant.site("wrong", account="wrong", mqtt="wrong", **other)
    assert plant.run("check", wrong, "--live") == 1
    assert plant.run("doctor", "--site", wrong) in (0, 1)
    failing = plant.site("failing", stores=FAILING, **other)
    for words in (("doctor",), ("ledger", "verify")):
        assert plant.run(*words, "--site", failing) in (1, 2), words
    log, port = plant.folder / "historian.log", str(plant.ports["closed"])
    with plant.start("historian", "--site", failing) as run:
        until(lambda: run.ended() or port in log.read_text(), "the store is missed", READY_S)
    text = failing.read_text()
    failing.write_text(text.replace("mqtt://", f"mqtt://refit:{WORDS['mqtt']}@"))
    assert plant.run("check", failing) == 2
    failing.unlink()
