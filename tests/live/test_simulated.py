"""Machines that are simulated from a declaration are as it says, each kind of them."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from refit.processes import free_ports
from tests.docs.pages import PORTS
from tests.servers import until
from tests.system.commands import Watched, refit

pytestmark = [pytest.mark.system, pytest.mark.timeout(120)]

DEMO = Path(__file__).parents[2] / "config/demo"
READY_S = 60.0


def test_the_demo_is_as_it_is_declared(tmp_path: Path) -> None:
    shutil.copytree(DEMO, tmp_path / "demo")
    file, log = tmp_path / "demo/site.toml", tmp_path / "log"
    text = file.read_text()
    ports = sorted(set(PORTS.findall(text)))
    for port, free in zip(ports, free_ports(len(ports)), strict=True):
        text = text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{free}")
    file.write_text(text)
    with (
        log.open("wb") as told,
        Watched("simulate", "--site", file, stdout=told, stderr=subprocess.STDOUT),
    ):
        until(lambda: "ready" in log.read_text(), "the machines are ready", READY_S)
        done = refit("check", file, "--live", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads(done.stdout)
    assert len({one["station"] for one in found}) == 4
    for one in found:
        assert one["as_declared"] == one["tags"] > 0 and one["round_trip_ms"] is not None
