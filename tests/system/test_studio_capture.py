"""Vehicles go over a simulated table: real agent and plant, cameras that fill a folder."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from stations.studio.manifest import Manifest
from stations.studio.station import SPIN_ANGLES
from tests.servers import until
from tests.system.commands import Watched, refit
from tests.system.studio_cameras import BITS, Cameras, told
from tests.system.studio_plant import Shots, captures, stored, write_site

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]
READY_S = 90.0
SHOTS: Shots = [
    *(("spin", index, angle, "") for index, angle in enumerate(SPIN_ANGLES)),
    *(("wheel", index, None, "mask = []\n") for index in range(2)),
]


@pytest.fixture
def cameras(tmp_path: Path) -> Iterator[Cameras]:
    made = Cameras(tmp_path / "card")
    yield made
    made.close()


@pytest.fixture
def site(tmp_path: Path, cameras: Cameras) -> Path:
    return write_site(tmp_path, cameras.url, SHOTS)


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
