"""Pictures of a turn are judged against each other while the vehicle stands."""

from __future__ import annotations

import json
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
    found = judge(tmp_path, placed)
    assert (found.bad, found.reasons) == ({}, ())
    files = [tmp_path / one.file for one in placed]
    with Image.open(files[4]) as picture:
        blurred = picture.filter(ImageFilter.GaussianBlur(2.0))
    blurred.save(files[4], quality=88)
    with Image.open(files[8]) as picture:
        bright = picture.point([min(255, value * 2) for value in range(256)] * 3)
    bright.save(files[8], quality=88)
    shutil.copyfile(files[11], files[12])
    files[15].write_bytes(files[15].read_bytes()[:4000])
    found = judge(tmp_path, placed)
    assert found.bad == {
        placed[4].file: (Reason.BLURRED,),
        placed[8].file: (Reason.CLIPPED,),
        placed[12].file: (Reason.REPEATED,),
        placed[15].file: (Reason.CORRUPT,),
    }
    sharpness = {file: one.sharpness for file, one in found.qualities.items()}
    assert sharpness.pop(placed[12].file) is None and placed[15].file not in sharpness
    assert [file for file, one in sharpness.items() if (one or 0) < 1] == [placed[4].file]


def test_a_turn_out_of_focus_and_a_vehicle_that_is_cut_are_told(tmp_path: Path) -> None:
    placed = turn(tmp_path)
    for one in placed:
        with Image.open(tmp_path / one.file) as picture:
            blurred = picture.filter(ImageFilter.GaussianBlur(2.5))
        blurred.save(tmp_path / one.file, quality=88)
    boxes = {3: [0.1, 0.2, 1.04, 0.8], 5: [0.1, 0.2, 0.9, 0.8], 7: "everywhere", 8: [1, 2, 3]}
    for index, box in boxes.items():
        sidecar = (tmp_path / placed[index].file).with_suffix(".json")
        sidecar.write_text(json.dumps({"box": box}))
    found = Judge()(tmp_path, placed)
    assert found.reasons == ("out_of_focus.ring",)
    assert found.bad == {placed[3].file: (Reason.CROPPED,)}
    known = {file: one.box for file, one in found.qualities.items() if one.box}
    assert known == {
        placed[3].file: (0.1, 0.2, 1.0, 0.8), placed[5].file: (0.1, 0.2, 0.9, 0.8)
    }  # fmt: skip


def test_a_cut_close_up_is_found_while_it_can_be_taken_again(tmp_path: Path) -> None:
    (whole, cut, *_) = turn(tmp_path)
    data = (tmp_path / cut.file).read_bytes()
    (tmp_path / cut.file).write_bytes(data[: len(data) // 2] + b"\xff\xd9")
    details = [
        one.model_copy(update={"set": PictureSet.DETAIL, "angle_deg": None}) for one in (whole, cut)
    ]
    found = Judge()(tmp_path, details)
    assert found.bad == {cut.file: (Reason.CORRUPT,)} and not found.reasons
    assert found.qualities[whole.file].sharpness is None
    assert 100 < (found.qualities[whole.file].mean or 0) < 250
