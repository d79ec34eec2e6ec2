"""What every camera keeps: whole pictures, each once, with its place; lost and back are told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pytest

from edge.studio import still_camera
from edge.studio.camera import Camera, CameraError, is_whole
from edge.studio.folder_camera import FolderCamera
from edge.studio.still_camera import StillCamera
from stations.studio.jobs import Shoot, Shot
from stations.studio.manifest import PictureSet
from tests.edge.studio.pictures import deliver, jpeg
from tests.edge.studio.stills import Stills
from tests.simulators.helpers import eventually
from wire.site.cameras import COUNT, CameraConfig

SHOT = Shot(set=PictureSet.WHEEL, index=2, camera="cam")
ASKED = Shoot(capture="v-1-1", visit="v-1", shot=SHOT)


@dataclass
class Heard:
    """A sink that remembers; `full` refuses files as a full disk does."""

    folder: Path
    got: list[tuple[int | None, Shoot | None, bytes]] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    full: bool = False

    async def deliver(
        self, camera: str, file: Path, count: int | None, asked: Shoot | None
    ) -> None:
        if self.full:
            raise OSError(28, "No space left on device")
        self.got.append((count, asked, await asyncio.to_thread(file.read_bytes)))
        await asyncio.to_thread(file.unlink)

    async def coming(self, camera: str) -> None:
        if self.said[-1:] != ["coming"]:
            self.said.append("coming")

    async def lost(self, camera: str, why: str) -> None:
        self.said.append("lost")

    async def back(self, camera: str) -> None:
        self.said.append("back")


class Rig(Protocol):
    """A camera and what makes it shoot, fall silent and come back."""

    camera: Camera

    def shoot(self) -> None: ...
    def vanish(self) -> None: ...
    def return_(self) -> None: ...


class FolderRig:
    def __init__(self, tmp_path: Path) -> None:
        self.folder, self.count = tmp_path / "card", 0
        self.folder.mkdir()
        self.camera: Camera = FolderCamera("cam", self.folder, COUNT, look_s=0.01)

    def shoot(self) -> None:
        self.count += 1
        deliver(self.folder, "cam", self.count)

    def vanish(self) -> None:
        self.folder.rename(self.folder.with_name("unplugged"))

    def return_(self) -> None:
        self.folder.with_name("unplugged").rename(self.folder)


class StillRig:
    def __init__(self, tmp_path: Path) -> None:
        self.stills = Stills()
        self.port = self.stills.port
        config = CameraConfig(url=f"http://127.0.0.1:{self.port}/still?set={{set}}&i={{index}}")
        self.camera: Camera = StillCamera("cam", config, tmp_path / "fetched")

    def shoot(self) -> None:
        self.camera.shoot(ASKED)

    def vanish(self) -> None:
        self.stills.close()

    def return_(self) -> None:
        self.stills = Stills(self.port)


@pytest.fixture(params=[FolderRig, StillRig])
def rig(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Rig]:
    monkeypatch.setattr(still_camera, "PROBE_S", 0.02)
    monkeypatch.setattr(still_camera, "AGAIN_S", (0.01,) * 300)
    made = request.param(tmp_path)
    yield made
    if isinstance(made, StillRig):
        made.stills.close()


@contextlib.asynccontextmanager
async def running(camera: Camera, sink: Heard) -> AsyncIterator[None]:
    task = asyncio.create_task(camera.run(sink))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_each_picture_comes_once_and_whole(rig: Rig, tmp_path: Path) -> None:
    sink = Heard(tmp_path)
    async with running(rig.camera, sink):
        for number in range(1, 4):
            rig.shoot()
            await eventually(lambda n=number: len(sink.got) == n, f"picture {number}")
    assert len({content for _, _, content in sink.got}) == 3
    if rig.camera.is_asked:
        assert [asked for _, asked, _ in sink.got] == [ASKED] * 3
    else:
        assert [count for count, _, _ in sink.got] == [1, 2, 3]


async def test_a_camera_that_is_gone_is_told_once_and_so_is_its_return(
    rig: Rig, tmp_path: Path
) -> None:
    sink = Heard(tmp_path)
    async with running(rig.camera, sink):
        await eventually(lambda: "back" in sink.said, "the camera is there")
        rig.vanish()
        await eventually(lambda: "lost" in sink.said, "the camera is lost")
        rig.return_()
        await eventually(lambda: sink.said.count("back") == 2, "the camera is back")
        rig.shoot()
        await eventually(lambda: len(sink.got) == 1, "a picture")
    assert sink.said.count("lost") == 1


async def test_a_full_disk_loses_no_picture(rig: Rig, tmp_path: Path) -> None:
    sink = Heard(tmp_path, full=True)
    async with running(rig.camera, sink):
        rig.shoot()
        await eventually(lambda: "lost" in sink.said, "that it cannot be taken")
        sink.full = False
        await eventually(lambda: len(sink.got) == 1, "the picture")


async def test_a_half_written_file_waits_until_it_is_complete(tmp_path: Path) -> None:
    rig, sink, content = FolderRig(tmp_path), Heard(tmp_path), jpeg("slowly")
    path = rig.folder / "cam_000007.jpg"
    async with running(rig.camera, sink):
        with path.open("wb") as file:
            for at in range(0, len(content), 8):
                file.write(content[at : at + 8])
                file.flush()
                sink.said.clear()
                if at:
                    await eventually(lambda: "coming" in sink.said, "that it grows")
                assert not sink.got
        await eventually(lambda: bool(sink.got), "the picture")
    assert sink.got == [(7, None, content)]


async def test_a_file_that_never_ends_is_delivered_to_be_judged(tmp_path: Path) -> None:
    rig, sink = FolderRig(tmp_path), Heard(tmp_path)
    (rig.folder / "cam_000001.jpg").write_bytes(jpeg("whole")[:-9])
    (rig.folder / "cam_000002.jpg").write_bytes(b"")
    (rig.folder / "notes.txt").write_text("not of a camera")
    async with running(rig.camera, sink):
        await eventually(lambda: len(sink.got) == 2, "both")
    assert [count for count, _, _ in sink.got] == [1, 2]
    with pytest.raises(CameraError, match="cannot be asked"):
        rig.camera.shoot(ASKED)


async def test_what_is_no_picture_is_asked_for_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(still_camera, "AGAIN_S", (0.01,) * 9)
    rig, sink = StillRig(tmp_path), Heard(tmp_path)
    rig.stills.answers = [
        (503, "text/plain", b"busy"),
        (200, "text/html", b"<html>sign in</html>"),
        (200, "image/jpeg", jpeg("half")[:20]),
    ]
    try:
        async with running(rig.camera, sink):
            rig.shoot()
            await eventually(lambda: bool(sink.got), "the picture")
    finally:
        rig.stills.close()
    assert rig.stills.asked == ["/still?set=wheel&i=2"] * 4
    assert not list((tmp_path / "fetched").iterdir())


@pytest.mark.parametrize(
    ("content", "whole"),
    [
        (jpeg("a"), True), (jpeg("a") + b"\0" * 500, True), (jpeg("a")[:-1], False), (b"", False),
        (b"\x89PNG\r\n" + b"x" * 9 + b"IEND\xaeB\x60\x82", True), (b"\x89PNG\r\n", False),
        (b"RIFF\x08\0\0\0WEBPxxxx", True), (b"RIFF\x80\0\0\0WEBPxxxx", False), (b"<html>", False),
    ],
)  # fmt: skip
def test_a_whole_picture_has_its_end(tmp_path: Path, content: bytes, whole: bool) -> None:
    path = tmp_path / "picture"
    path.write_bytes(content)
    assert is_whole(path) is whole
