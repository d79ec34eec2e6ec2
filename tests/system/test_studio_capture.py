"""Vehicles go over a simulated table: real agent and plant, cameras that fill a folder."""

from __future__ import annotations

import json
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from stations.studio.manifest import Manifest
from stations.studio.station import SPIN_ANGLES
from tests.servers import free_port, until
from tests.system.commands import Watched, opened, refit
from tests.system.studio_cameras import BITS, Cameras, told

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]
READY_S = 90.0
SITE = """
[site]
name = "hall-2"
[broker]
port = {broker}
[historian]
http = {http}
[media]
url = "embedded"
port = {media}
free_min = "1 MiB"
[[agent]]
name = "studio-pc"
[[station]]
name = "studio-1"
kind = "studio"
agent = "studio-pc"
[station.opcua]
url = "opc.tcp://127.0.0.1:{opcua}"
writes = ["start", "repeat_spin", "set_acquisition_done", "release", "set_result_ready"]
[station.modbus]
url = "tcp://127.0.0.1:{modbus}"
[station.capture]
plan = "plan.toml"
[station.cameras.ring]
folder = "card"
simulator = "{cameras}"
[station.cameras.floor]
url = "{cameras}/still/floor?set={{set}}&index={{index}}"
"""
SHOT = '[[shot]]\nset = "{set}"\nindex = {index}\ncamera = "{camera}"\n'


def plan() -> str:
    text = 'id = "full-360"\nversion = 3\n'
    for index, angle in enumerate(SPIN_ANGLES):
        text += SHOT.format(set="spin", index=index, camera="ring") + f"angle_deg = {angle}\n"
    for index in range(2):
        text += SHOT.format(set="wheel", index=index, camera="floor") + "mask = []\n"
    return text


@pytest.fixture
def cameras(tmp_path: Path) -> Iterator[Cameras]:
    made = Cameras(tmp_path / "card")
    yield made
    made.close()


@pytest.fixture
def site(tmp_path: Path, cameras: Cameras) -> Path:
    ports = {name: free_port() for name in ("broker", "http", "media", "opcua", "modbus")}
    (tmp_path / "plan.toml").write_text(plan())
    file = tmp_path / "site.toml"
    file.write_text(SITE.format(**ports, cameras=cameras.url))
    return file


def captures(site: Path) -> list[dict[str, Any]]:
    """The records of captures, oldest first; none while there is no ledger."""
    query = "SELECT body FROM entry JOIN fact USING (number) WHERE kind = 'studio.capture'"
    try:
        with closing(opened(site.parent / "var/ledger.db")) as ledger:
            return [json.loads(body) for (body,) in ledger.execute(f"{query} ORDER BY number")]
    except sqlite3.OperationalError:
        return []


def stored(site: Path, file: dict[str, Any]) -> Path | None:
    """A file in the folder of the media store."""
    sha256 = file["sha256"]
    folder = site.parent / "var/media" / sha256[:2] / sha256[2:4]
    return next(folder.glob(f"{sha256}.*"), None)


def test_vehicles_are_captured_and_a_killed_agent_goes_on(site: Path, cameras: Cameras) -> None:
    assert refit("check", site).returncode == 0
    with ExitStack() as stack, (site.parent / "log").open("wb") as log:

        def start(*words: str) -> Watched:
            watched = Watched(words[0], "--site", site, *words[1:], stdout=log, stderr=log)
            return stack.enter_context(watched)

        start("historian")
        start("simulate", "--speed", "40")
        agent = start("agent", "--name", "studio-pc")
        until(lambda: cameras.counts["ring"] >= 20, "the first vehicle turns", READY_S)
        agent.process.send_signal(signal.SIGKILL)
        until(agent.ended, "the agent is dead")
        start("agent", "--name", "studio-pc")
        until(lambda: len(captures(site)) >= 2, "two captures", READY_S)
        records = captures(site)
        files = [file for record in records for file in record["files"]]
        until(lambda: all(stored(site, one) for one in files), "every file is there", READY_S)
    assert [record["visit"] for record in records] == cameras.vehicles[: len(records)]
    for record in records:
        looked_at(site, record)


def looked_at(site: Path, record: dict[str, Any]) -> None:
    """Every frame has the angle and the vehicle that it shows."""
    data = record["data"]
    assert data["complete"] and not data["restricted"] and data["turns"] == 1, data
    assert data["pictures"] == {"spin": 40, "wheel": 2}
    by_name = {one["name"]: one for one in record["files"]}
    path = stored(site, by_name["manifest.json"])
    assert path is not None
    manifest = Manifest.model_validate_json(path.read_bytes())
    number = int(record["visit"].rpartition("-")[2]) % (1 << BITS)
    for picture in manifest.pictures:
        path = stored(site, by_name[picture.file])
        assert path is not None and path.suffix == ".jpg"
        if picture.angle_deg is not None:
            assert told(path) == (number, round(picture.angle_deg, 2))
