"""A capture that cannot be shown is told with every problem, and nothing is made of it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from PIL import Image

from plant.pages.capture import Capture, CaptureUnusable, from_folder
from plant.pages.page import make_page
from stations.studio.manifest import PictureSet, Reason, Verdict
from tests.plant.pages.captures import Drawn, scratch, whole_capture
from tests.plant.pages.test_page import Elements, data_of
from wire.texts import Texts


def problems_of(folder: Path) -> str:
    with pytest.raises(CaptureUnusable) as caught:
        opened: Capture = from_folder(folder)
        make_page(opened, folder.parent / "page", Texts("en"))
    assert not (folder.parent / "page").exists()
    assert not [path for path in folder.parent.iterdir() if path.name.startswith(".")]
    return str(caught.value)


def test_bad_input_is_told_and_nothing_is_made(tmp_path: Path) -> None:
    assert "there is no such folder" in problems_of(tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    assert "there is no manifest.json" in problems_of(tmp_path / "empty")
    folder = whole_capture(tmp_path / "capture")
    (folder / "spin/spin_003_030.0.jpg").unlink()
    (folder / "wheel/wheel_001.jpg").unlink()
    assert problems_of(folder).splitlines() == [
        f"{folder}: spin/spin_003_030.0.jpg is not there",
        f"{folder}: wheel/wheel_001.jpg is not there",
    ]


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff", b"GIF89a"])
def test_a_picture_that_was_changed_is_told(tmp_path: Path, data: bytes) -> None:
    folder = whole_capture(tmp_path / "capture")
    (folder / "spin/spin_003_030.0.jpg").write_bytes(data)
    assert "spin/spin_003_030.0.jpg is not the file that manifest.json names" in problems_of(folder)


def test_a_picture_that_is_none_is_told(tmp_path: Path) -> None:
    capture = Drawn(tmp_path / "capture")
    capture.spin([0])
    whole = (capture.folder / capture.pictures[0].file).read_bytes()
    for data in (b"", whole[:-300], b"GIF89a" + whole):
        (capture.folder / capture.pictures[0].file).write_bytes(data)
        capture.pictures[0] = capture.pictures[0].model_copy(
            update={"sha256": hashlib.sha256(data).hexdigest()}
        )
        told = problems_of(capture.finish())
        why = "no whole JPEG, PNG or WebP picture" if data else "the file is empty"
        assert f"spin/spin_000_000.0.jpg: {why}" in told


def test_a_picture_that_is_far_too_large_is_not_opened(tmp_path: Path) -> None:
    capture = Drawn(tmp_path / "capture")
    capture.add(PictureSet.SPIN, 0, Image.new("L", (12_000, 12_000)), angle=0.0)
    assert "12000 x 12000 pixels; 120,000,000 at most" in problems_of(capture.finish())


def test_an_unreadable_picture_that_the_manifest_admits_is_left_out(tmp_path: Path) -> None:
    capture = Drawn(tmp_path / "capture")
    capture.spin([0, 180])
    bad = {"verdict": Verdict.UNREADABLE, "reasons": (Reason.CORRUPT,)}
    capture.pictures[1] = capture.pictures[1].model_copy(update=bad)
    (capture.folder / capture.pictures[1].file).write_bytes(b"")
    make_page(from_folder(capture.finish(complete=False)), tmp_path / "page", Texts("en"))
    assert len(data_of(tmp_path / "page")["spin"]["frames"]) == 1
    assert "1 picture could not be read" in Elements(tmp_path / "page").text


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"x": 1.5}, "damages.json: 0.x: Input should be less than or equal to 1"),
        ({"frame_angle_deg": 400.0}, "frame_angle_deg is 400: write 0 to 360"),
        ({"photo": "damage/none.jpg"}, "manifest.json has no picture damage/none.jpg"),
        ({"photo": "../secret.jpg"}, "manifest.json has no picture ../secret.jpg"),
    ],
)
def test_damages_that_cannot_be_are_told(tmp_path: Path, changed: dict, told: str) -> None:
    folder = whole_capture(tmp_path / "capture")
    (folder / "damages.json").write_text(json.dumps([scratch().model_dump() | changed]))
    assert told in problems_of(folder)


def test_two_damages_of_one_id_are_told(tmp_path: Path) -> None:
    folder = whole_capture(tmp_path / "capture")
    (folder / "damages.json").write_text(json.dumps([scratch().model_dump()] * 2))
    assert "damage d1 is there twice" in problems_of(folder)


@pytest.mark.parametrize("file", ["/etc/passwd", "../other/spin.jpg", "spin/../../x.jpg"])
def test_a_file_outside_of_the_folder_is_none_of_it(tmp_path: Path, file: str) -> None:
    capture = Drawn(tmp_path / "capture")
    capture.spin([0])
    capture.pictures[0] = capture.pictures[0].model_copy(update={"file": file})
    assert f'"{file}" leads out of the folder' in problems_of(capture.finish())


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    capture = Drawn(tmp_path / "capture")
    capture.spin([0])
    (tmp_path / "secret.jpg").write_bytes((capture.folder / capture.pictures[0].file).read_bytes())
    (capture.folder / capture.pictures[0].file).unlink()
    (capture.folder / capture.pictures[0].file).symlink_to(tmp_path / "secret.jpg")
    assert "spin/spin_000_000.0.jpg is not there" in problems_of(capture.finish())


@pytest.mark.parametrize("text", ["", "{", "[]", '{"version": 2}'])
def test_a_manifest_that_is_none_is_told(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "capture"
    folder.mkdir()
    (folder / "manifest.json").write_text(text)
    assert "manifest.json: " in problems_of(folder)
