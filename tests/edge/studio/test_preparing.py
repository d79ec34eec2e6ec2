"""Pictures made ready: what has to be hidden is gone, what cannot be read is said."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from edge.studio.preparing import Preparing
from edge.studio.processing import Taken
from stations.studio.jobs import Shot
from stations.studio.manifest import PictureSet, Reason
from wire import pictures

prepare = Preparing()
SPIN = Shot(set=PictureSet.SPIN, index=0, camera="ring", angle_deg=0)
PLATE = [[0.4, 0.6], [0.6, 0.6], [0.6, 0.7], [0.4, 0.7]]
ORIENTATION = 0x0112


def stripes(width: int = 320, height: int = 180) -> Image.Image:
    """Every second column is black: whatever is hidden shows no columns."""
    pixels = np.zeros((height, width, 3), np.uint8)
    pixels[:, ::2] = 255
    return Image.fromarray(pixels)


def made(tmp_path: Path, picture: Image.Image, said: dict[str, Any], **how: Any) -> Any:
    source = tmp_path / "frame.jpg"
    picture.save(source, how.pop("format", "JPEG"), **how)
    return prepare(source, tmp_path / "out.jpg", SPIN, Taken(said, 0.0, True, "refit 1"))


def contrast(file: Path, box: tuple[float, float, float, float]) -> float:
    with Image.open(file) as picture:
        wide, high = picture.size
        left, top, right, bottom = box
        cut = picture.convert("L").crop((left * wide, top * high, right * wide, bottom * high))
        return float(np.asarray(cut, np.float64).std())


def test_the_plate_is_gone_and_the_metadata_with_it(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x9286] = "the plate is AB-123-CD"
    done = made(tmp_path, stripes(), {"plate": PLATE}, exif=exif, quality=95)
    assert not done.restricted and len(done.masked) == 1 and (done.width, done.height) == (320, 180)
    out = tmp_path / "out.jpg"
    assert contrast(out, (0.41, 0.61, 0.59, 0.69)) < 2
    assert contrast(out, (0.1, 0.1, 0.3, 0.3)) > 50
    assert b"AB-123" not in out.read_bytes()
    assert done.quality is not None and 100 < done.quality.mean < 150


@pytest.mark.parametrize(
    ("said", "mask", "restricted"),
    [
        ({}, None, True),
        ({}, (), False),
        ({"plate": None}, None, False),
        ({"plate": "none"}, (), True),
        ({"plate": [[0, 0], [2, 0], [0, 2]]}, (), False),
        ({"plate": [[0, 0], [2e9, 0], [0, 2]]}, (), True),
        ({"plates": []}, None, False),
        ({"plates": [[[0.1, 0.1], [0.2, 0.1], [0.2, 0.2]], 7]}, (), True),
        ({"plate": [[0.1, 0.1]]}, (), True),
    ],
)
def test_where_the_plate_is_not_known_the_picture_is_restricted(
    tmp_path: Path, said: dict[str, Any], mask: Any, restricted: bool
) -> None:
    source = tmp_path / "frame.jpg"
    stripes().save(source)
    done = prepare(
        source, tmp_path / "out.jpg", SPIN.model_copy(update={"mask": mask}), Taken(said)
    )
    assert done.restricted is restricted and not done.reasons


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "RGBA"])
def test_every_colour_mode_becomes_a_jpeg_upright(tmp_path: Path, mode: str) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    kind = "JPEG" if mode in ("L", "CMYK") else "PNG"
    done = made(tmp_path, stripes().convert(mode), {"plate": None}, format=kind, exif=exif)
    assert (done.width, done.height) == (180, 320)
    with Image.open(tmp_path / "out.jpg") as picture:
        assert picture.mode == "RGB" and picture.size == (180, 320)


def test_what_is_no_picture_is_corrupt_and_restricted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = tmp_path / "frame.jpg"
    stripes().save(source)
    whole = source.read_bytes()
    for content in (b"", b"\xff\xd8\xff\xd9", whole[: len(whole) // 2], b"<html>"):
        source.write_bytes(content)
        done = prepare(source, tmp_path / "out.jpg", SPIN, Taken({"plate": None}))
        assert done.restricted and done.reasons == (Reason.CORRUPT,)
    source.write_bytes(whole)
    monkeypatch.setattr(pictures, "PIXELS_MAX", 320 * 180 - 1)
    assert prepare(source, tmp_path / "out.jpg", SPIN, Taken({"plate": None})).reasons
