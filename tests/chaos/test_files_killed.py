"""Agent and plant are killed while pictures travel: each upload goes on where it stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from random import Random
from typing import Any
from urllib.error import HTTPError
from urllib.request import urlopen

import orjson
import pytest

from edge.outbox import Outbox
from plant.ledger import open_ledger
from plant.media.directory import DirectoryMedia
from plant.media.wanted import Counts, Wanted, complete
from refit.chaos.cutting import CuttingRelay
from stations.records import Record
from tests.plant.media_contract import name_of
from tests.servers import accepts, free_port, until
from wire.clock import SystemClock
from wire.site import load

pytestmark = [pytest.mark.chaos, pytest.mark.timeout(300)]
CHUNK = 256 << 10
SIZES = (12 << 20, 5 << 20, 3 << 20, 100, 0)
KILLS = 3  # of each
DEADLINE_S = 120.0
SITE = """
[site]
name = "studio"
[broker]
url = "embedded"
port = {broker}
[historian]
http = {historian}
[media]
url = "{url}"
port = {port}
chunk = "256 KiB"
rate_max = "4 MiB"
free_min = "1 B"
[[agent]]
name = "pc-1"
http = {agent}
[[station]]
name = "camera-1"
kind = "device"
agent = "pc-1"
tags = "camera.csv"
modbus = {{ url = "tcp://127.0.0.1:{modbus}" }}
"""


class Plant:
    """A broker, a historian with a media store, and an agent behind a relay that counts."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder = folder
        names = ("broker", "historian", "agent", "modbus", "media")
        self.ports = {name: free_port() for name in names}
        self.relay = CuttingRelay(self.ports["media"])
        (folder / "camera.csv").write_text("name,address,type\nlight,input 1 uint16,int\n")
        here = SITE.format(url="embedded", port=self.ports["media"], **self.ports)
        there = f"http://127.0.0.1:{self.relay.port}"
        away = SITE.format(url=there, port=0, **self.ports).replace("port = 0\n", "")
        (folder / "site.toml").write_text(here)
        (folder / "agent.toml").write_text(away)
        self.site = load(folder / "site.toml")
        random = Random(seed)
        self.contents = [random.randbytes(size) for size in SIZES]
        self.pictures = [folder / f"{number}.jpg" for number in range(len(SIZES))]
        for path, content in zip(self.pictures, self.contents, strict=True):
            path.write_bytes(content)
        self.running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str) -> None:
        """Start the broker, the historian or the agent."""
        words: list[Any] = ["-m", "refit.main", name, "--site", self.folder / "site.toml"]
        if name == "agent":
            words = ["-m", "tests.chaos.camera", self.folder / "agent.toml", "pc-1", "camera-1"]
            words += self.pictures
        with (self.folder / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, *words], stdout=log, stderr=log, start_new_session=True
            )

    def kill(self, name: str) -> None:
        """SIGKILL, and gone."""
        process = self.running.pop(name)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def health(self, process: str) -> dict[str, Any]:
        """What /healthz says; empty while nobody answers."""
        try:
            with urlopen(f"http://127.0.0.1:{self.ports[process]}/healthz", timeout=5) as answer:
                return dict(orjson.loads(answer.read()))
        except HTTPError as error:
            with closing(error):
                return dict(orjson.loads(error.read()))
        except OSError:
            return {}

    def copies(self) -> set[str]:
        """What lies in the agent's folder of files."""
        return {one.name for one in (self.folder / "var/pc-1.files").iterdir()} - {"outbox"}

    def end(self) -> None:
        """Everything."""
        for name in list(self.running):
            self.kill(name)
        self.relay.close()


@pytest.fixture
def plant(tmp_path: Path, seed: int) -> Iterator[Plant]:
    with ExitStack() as stack:
        plant = Plant(tmp_path, seed)
        stack.callback(plant.end)
        plant.start("broker")
        until(lambda: accepts(plant.ports["broker"]), "the broker listens", 60)
        yield plant


def test_uploads_go_on_where_they_stopped(plant: Plant, seed: int) -> None:
    random, passed = Random(seed), plant.relay.to
    total = sum(SIZES)
    victims = ["agent", "historian"] * KILLS
    plant.start("historian")
    plant.start("agent")
    for number, victim in enumerate(victims):
        share = (number + random.random()) / (len(victims) + 1)
        until(lambda s=share: passed.passed > s * total, "so much is sent", DEADLINE_S)  # type: ignore[misc]
        plant.kill(victim)
        plant.start(victim)

    def waits() -> bool:
        health = plant.health("agent").get("health", {"files_bytes": 1})
        return bool(health["files_bytes"] or health["records_waiting"] or plant.copies())

    until(lambda: not waits(), "all is there", DEADLINE_S)
    for name in ("agent", "historian"):
        plant.kill(name)
    check_plant(plant)
    heads = 1000 * (total // CHUNK + 20 * len(victims))
    sent_twice = passed.passed - total
    print(f"{sent_twice} bytes beside the files, with {len(victims)} kills")
    assert 0 < sent_twice <= len(victims) * CHUNK + heads


def check_plant(plant: Plant) -> None:
    """Every file is there with its hash, every record is complete, the agent has nothing left."""
    store = DirectoryMedia(plant.site.media.folder, SystemClock())
    for content in plant.contents:
        assert b"".join(store.read(name_of(content))) == content
    assert len(list(store.stored())) == len(SIZES) and list(store.partials()) == []
    with open_ledger(plant.site.ledger, SystemClock(), create=False) as ledger:
        entries = ledger.find(kind="camera.picture")
        records = [Record.model_validate_json(one.body) for one in entries]
        assert {one.files[0].sha256 for one in records} == {name_of(c) for c in plant.contents}
        assert len(records) == len(SIZES)
        assert all(complete(store, one) for one in records)
        assert ledger.find(kind="file_lost") == []
        with Wanted(store.folder) as wanted:
            wanted.refresh(ledger, store)
            assert wanted.counts() == Counts(len(SIZES), len(SIZES), len(SIZES))
    assert not any(one.exists() for one in plant.pictures)
    with closing(Outbox(plant.site.outbox.folder / "pc-1.db")) as outbox:
        assert outbox.files.hashes() == set() and outbox.records(9) == []
    assert plant.copies() == set()
