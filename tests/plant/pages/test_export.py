"""The ZIP has numbered frames, all that may be shown, and a listing; the same bytes every time."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from pathlib import Path

from plant.pages.capture import from_folder
from plant.pages.export import write_zip
from stations.studio.manifest import PictureSet
from tests.plant.pages.captures import SECRET, Drawn, drawn, whole_capture


def zipped(folder: Path) -> bytes:
    out = io.BytesIO()
    write_zip(from_folder(folder), out)
    return out.getvalue()


def test_frames_are_numbered_as_viewers_want_them(tmp_path: Path) -> None:
    folder = whole_capture(tmp_path / "capture")
    with zipfile.ZipFile(io.BytesIO(zipped(folder))) as archive:
        assert archive.testzip() is None
        frames = [name for name in archive.namelist() if name.startswith("spin/")]
        listing = json.loads(archive.read("listing.json"))
        assert frames == [f"spin/{number:03d}.jpg" for number in range(1, 37)]
        assert listing["spin"] == {
            "folder": "spin/", "filename": "{index}.jpg", "index_first": 1, "index_width": 3,
            "amount": 36, "frames_per_turn": 36, "rotation": 1,
        }  # fmt: skip
        assert [one["angle_deg"] for one in listing["sets"]["spin"]] == list(range(0, 360, 10))
        for pictures in listing["sets"].values():
            for one in pictures:
                data = archive.read(one["file"])
                assert hashlib.sha256(data).hexdigest() == one["sha256"]
                assert len(data) == one["bytes"]
        assert listing["damages"][0]["photo"] == "damage/001.jpg"
        assert listing["withheld"] == 2


def test_restricted_pictures_are_not_in_it(tmp_path: Path) -> None:
    capture = Drawn(tmp_path / "capture")
    capture.spin([0, 90])
    hidden = [
        capture.add(PictureSet.VIN, 0, drawn((20, 20), "", SECRET)),
        capture.add(PictureSet.SPIN, 9, drawn((20, 20), "", SECRET), angle=45.0, restricted=True),
    ]
    secrets = {one.sha256 for one in hidden}
    with zipfile.ZipFile(io.BytesIO(zipped(capture.finish()))) as archive:
        found = {hashlib.sha256(archive.read(name)).hexdigest() for name in archive.namelist()}
        assert archive.namelist() == ["spin/001.jpg", "spin/002.jpg", "listing.json"]
        assert not found & secrets
        assert not [one for one in secrets if one.encode() in archive.read("listing.json")]


def test_the_same_capture_makes_the_same_bytes(tmp_path: Path) -> None:
    folder = whole_capture(tmp_path / "capture")
    assert zipped(folder) == zipped(folder)
