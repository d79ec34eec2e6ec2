"""Pictures of a turn are judged against each other while the vehicle stands."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from edge.studio.judging import Judge
from stations.studio.jobs import Placed
from stations.studio.manifest import PictureSet, Reason


def turn(folder: Path) -> list[Placed]:
    """Something with edges that turns before a bright wall."""
    grain = np.random.default_rng(3)
    placed = []
    for index in range(18):
        angle = index * 20.0
        picture = Image.new("RGB", (640, 360), (205, 205, 205))
        draw = ImageDraw.Draw(picture)
        for number in range(40):
            at = np.radians(angle + number * 9)
            x, y = 320 + 200 * np.cos(at), 150 + number * 3
            draw.rectangle((x, y, x + 40, y + 12), fill=(number * 6, 90, 255 - number * 6))
        noisy = np.asarray(picture, np.float64) + grain.normal(0, 2, (360, 640, 3))
        name = f"ring_{index + 1:06d}.jpg"
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(folder / name, quality=88)
        placed.append(Placed(
            file=name, camera="ring", set=PictureSet.SPIN, index=index, angle_deg=angle,
        ))  # fmt: skip
    return placed


def test_a_good_turn_has_nothing_and_each_fault_is_found(tmp_path: Path) -> None:
    placed, judge = turn(tmp_path), Judge()
    assert judge(tmp_path, placed) == {}
    files = [tmp_path / one.file for one in placed]
    with Image.open(files[4]) as picture:
        blurred = picture.filter(ImageFilter.GaussianBlur(2.0))
    blurred.save(files[4], quality=88)
    with Image.open(files[8]) as picture:
        bright = picture.point([min(255, value * 2) for value in range(256)] * 3)
    bright.save(files[8], quality=88)
    shutil.copyfile(files[11], files[12])
    files[15].write_bytes(files[15].read_bytes()[:4000])
    assert judge(tmp_path, placed) == {
        placed[4].file: (Reason.BLURRED,),
        placed[8].file: (Reason.CLIPPED,),
        placed[12].file: (Reason.REPEATED,),
        placed[15].file: (Reason.CORRUPT,),
    }
