"""One good turn of rendered pictures, made once a session, and ways to spoil it.

The fixtures `good_turn` and `turn` are there for all of tests/studio (see its conftest).
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from simulators.studio.album import Order, jpeg, write_album
from simulators.studio.damage import injury
from simulators.studio.faults import CameraFault, developed
from simulators.studio.style import Look

LOOK = Look.of(7, "estate", "blue")
WIDTH, HEIGHT, FRAMES = 320, 180, 36


def good_order() -> Order:
    """36 frames at 320x180 of a blue estate with a scratch."""
    injuries = (injury(LOOK, "scratch", "front-left-door"),)
    return Order(LOOK, injuries, FRAMES, WIDTH, HEIGHT, heroes=False, samples=1)


@pytest.fixture(scope="session")
def good_turn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a good capture. Read it; to change it, take `turn`."""
    folder = tmp_path_factory.mktemp("rendered")
    write_album(good_order(), folder)
    return folder


@dataclass(frozen=True)
class Turn:
    """A copy of the good capture that a test may spoil."""

    folder: Path

    def frame(self, index: int) -> Path:
        """The file of one frame."""
        return next(self.folder.glob(f"spin/spin_{index:03d}_*.jpg"))

    def lose(self, index: int) -> None:
        self.frame(index).unlink()

    def repeat(self, index: int, *, again: bool = False) -> None:
        """The frame before stands in for this one; `again`: encoded a second time."""
        before, here = self.frame(index - 1), self.frame(index)
        if again:
            here.write_bytes(jpeg(np.asarray(Image.open(before)), 75))
        else:
            shutil.copyfile(before, here)

    def spoil(self, index: int, fault: CameraFault) -> None:
        """Defocus or over-expose a frame."""
        here = self.frame(index)
        here.write_bytes(jpeg(developed(np.asarray(Image.open(here)), (fault,), index)))


@pytest.fixture
def turn(good_turn: Path, tmp_path: Path) -> Turn:
    """A copy of the good capture."""
    return Turn(Path(shutil.copytree(good_turn, tmp_path / "capture")))
