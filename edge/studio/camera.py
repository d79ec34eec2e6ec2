"""What the session asks of a camera, and how a picture is known to be whole.

`tests/edge/studio/test_camera_contract.py` is the contract that every camera keeps.
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from stations.studio.jobs import Shoot

TAIL_BYTES = 64 << 10
ENDS = {
    b"\xff\xd8": b"\xff\xd9",  # JPEG: SOI, EOI
    b"\x89P": b"IEND\xaeB\x60\x82",  # PNG: its last chunk with the checksum
}


class CameraError(Exception):
    """A camera did not deliver; the message says why."""


class Sink(Protocol):
    """Where a camera hands its pictures to. Each is on disk, in the session's hands, on return."""

    async def deliver(
        self, camera: str, file: Path, count: int | None, asked: Shoot | None
    ) -> None:
        """Take a whole file; it is moved away. OSError when it cannot be taken now."""

    async def coming(self, camera: str) -> None:
        """A file is being written."""

    async def lost(self, camera: str, why: str) -> None:
        """The camera cannot be reached; said once."""

    async def back(self, camera: str) -> None:
        """It can be reached again, or for the first time; said once."""


class Camera(Protocol):
    """One camera. It delivers on triggers that it counts, or when it is asked for a shot."""

    name: str
    is_asked: bool

    async def run(self, sink: Sink) -> None:
        """Deliver for ever, until cancelled; what goes wrong is told and tried again."""

    def shoot(self, asked: Shoot) -> None:
        """Ask for a picture, which is delivered by `run`. CameraError when it is not asked."""


def is_whole(file: Path) -> bool:
    """Whether a picture has its end; OSError when it cannot be read."""
    with file.open("rb") as opened:
        head = opened.read(12)
        size = opened.seek(0, 2)
        opened.seek(max(size - TAIL_BYTES, 0))
        tail = opened.read()
    if head[:4] == b"RIFF" and head[8:] == b"WEBP":
        return size >= int.from_bytes(head[4:8], "little") + 8
    end = ENDS.get(head[:2])
    # Some cameras write more behind the end of the picture.
    return end is not None and end in tail
