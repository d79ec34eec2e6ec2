"""The camera as a process: pulses become files that grow, still images are answered."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.servers import until

DEADLINE_S = 90.0


def whole(path: Path) -> bool:
    if not path.exists():
        return False
    with path.open("rb") as file:
        return file.read().endswith(b"\xff\xd9")


class Camera:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        words = ["--folder", str(folder), "--size", "96x54", "--scale", "0.02", "--write-s", "0.05"]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "simulators.studio", *words], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.port = int(self.process.stdout.readline().removeprefix("ready "))

    def ask(self, path: str, about: dict[str, Any] | None = None) -> bytes:
        data = None if about is None else json.dumps(about).encode()
        url = f"http://127.0.0.1:{self.port}{path}"
        with urllib.request.urlopen(urllib.request.Request(url, data), timeout=60) as answer:
            return bytes(answer.read())

    def pulse(self, angle: float) -> int | None:
        about = {"camera": "ring", "vehicle": "v-1", "set": "spin", "angle_deg": angle}
        return json.loads(self.ask("/trigger", about))["count"]


@pytest.fixture(scope="module")
def camera(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Camera]:
    running = Camera(tmp_path_factory.mktemp("camera"))
    yield running
    running.process.send_signal(signal.SIGTERM)
    assert running.process.wait(60) == 0
    assert running.process.stdout is not None
    running.process.stdout.close()


@pytest.mark.system
def test_pulses_become_files_and_a_lost_one_is_not_counted(camera: Camera) -> None:
    assert camera.pulse(0.0) == 1
    camera.ask("/fault", {"name": "lost", "times": 1})
    assert camera.pulse(10.0) is None
    assert camera.pulse(20.0) == 2
    last = camera.folder / "ring_000002.jpg"
    until(lambda: whole(last), "the second picture is whole", DEADLINE_S)
    said = json.loads(last.with_suffix(".json").read_text())
    assert said["simulated"] is True and len(said["plate"]) == 4 and len(said["box"]) == 4
    assert Image.open(io.BytesIO(last.read_bytes())).size == (96, 54)
    assert not (camera.folder / "ring_000003.jpg").exists()


@pytest.mark.system
def test_a_still_image_is_taken_when_it_is_asked_for(camera: Camera) -> None:
    data = camera.ask("/still/arm?set=detail&index=3&vehicle=v-1")
    assert Image.open(io.BytesIO(data)).size == (96, 54)
    with pytest.raises(urllib.error.HTTPError, match="404") as refused:
        camera.ask("/still/arm?set=detail&index=99&vehicle=v-1")
    refused.value.close()


@pytest.mark.system
@pytest.mark.parametrize("about", [{}, {"camera": "../x", "vehicle": "v", "angle_deg": 1}])
def test_a_pulse_that_says_too_little_is_refused(camera: Camera, about: dict[str, Any]) -> None:
    with pytest.raises(urllib.error.HTTPError, match="400") as refused:
        camera.ask("/trigger", about)
    refused.value.close()
    assert os.listdir(camera.folder.parent).count("x") == 0
