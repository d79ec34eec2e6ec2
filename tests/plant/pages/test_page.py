"""A page is made of what may be shown, whole or not at all, and no text in it is taken as HTML."""

from __future__ import annotations

import hashlib
import json
import os
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from plant.pages.capture import CaptureUnusable, from_folder
from plant.pages.page import make_page, script_json
from plant.pages.whole import Occupied
from stations.studio.manifest import Damage, PictureSet, Reason, Verdict
from tests.plant.pages.captures import SECRET, Drawn, drawn, scratch, whole_capture
from wire.texts import Texts

EVIL = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\"'&"


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a capture that has everything."""
    folder = tmp_path_factory.mktemp("whole")
    make_page(from_folder(whole_capture(folder / "capture")), folder / "page", Texts("en"))
    return folder / "page"


def data_of(page: Path) -> dict:
    text = (page / "data.js").read_text(encoding="utf-8")
    return json.loads(text.removeprefix("window.VEHICLE = ").rstrip().removesuffix(";"))


class Elements(HTMLParser):
    """The elements of a page, and the text of all."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed((page / "index.html").read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def is_secret(path: Path) -> bool:
    with Image.open(path) as image:
        small = np.asarray(image.convert("RGB").resize((8, 8)), int)
    return bool(np.abs(small - SECRET).sum(-1).min() < 40)


def test_what_the_page_names_is_there(whole: Path) -> None:
    elements = Elements(whole)
    named = [attributes.get("src") or attributes.get("href") for _, attributes in elements.found]
    data = data_of(whole)
    named += [one[key] for one in data["spin"]["frames"] for key in ("src", "full")]
    named += [name for one in data["panoramas"] for kind in one.values() for name in kind.values()]
    named += [
        f"underbody/{number}/{row}_{column}.webp"
        for number, level in enumerate(data["strip"]["levels"])
        for row in range(level["rows"])
        for column in range(level["columns"])
    ]
    for name in filter(None, named):
        assert name.startswith(("#", "data:")) or (whole / name).is_file(), name


def test_nothing_is_there_that_the_page_does_not_name(whole: Path) -> None:
    text = "".join((whole / name).read_text() for name in ("index.html", "data.js"))
    pictures = [one.relative_to(whole) for one in whole.rglob("*.*") if one.is_file()]
    lost = [one for one in pictures if str(one) not in text and one.parts[0] != "underbody"]
    assert {str(one) for one in lost} == {"index.html"}


def test_a_page_asks_for_nothing_outside(whole: Path) -> None:
    for name in ("index.html", "page.css", "page.js", "data.js"):
        text = (whole / name).read_text(encoding="utf-8")
        assert "http:" not in text and "https:" not in text and "fetch(" not in text
    assert 'type="module"' not in (whole / "index.html").read_text()


def test_restricted_pictures_are_not_in_the_page(whole: Path) -> None:
    text = "".join((whole / name).read_text() for name in ("index.html", "data.js"))
    assert "unmasked" not in text
    assert "vin" not in {path.name for path in whole.iterdir()}
    pictures = [path for path in whole.rglob("*") if path.suffix in (".jpg", ".webp")]
    assert len(pictures) > 60
    assert [path for path in pictures if is_secret(path)] == []
    assert "2 pictures, for privacy" in text


def test_a_restricted_picture_is_not_even_opened(tmp_path: Path) -> None:
    capture = Drawn(tmp_path / "capture")
    capture.spin([0, 180])
    plate = capture.add(PictureSet.VIN, 0, drawn((20, 20), "", SECRET))
    hidden = capture.add(
        PictureSet.SPIN, 2, drawn((20, 20), "", SECRET), angle=90.0, restricted=True
    )
    folder = capture.finish(frames_per_turn=3)
    for one in (plate, hidden):
        (folder / one.file).unlink()
    make_page(from_folder(folder), tmp_path / "page", Texts("en"))
    assert [one["angle"] for one in data_of(tmp_path / "page")["spin"]["frames"]] == [0, 180]


def test_a_close_up_that_is_restricted_is_not_shown(tmp_path: Path) -> None:
    capture = Drawn(tmp_path / "capture")
    capture.spin([0, 90])
    photo = capture.add(PictureSet.DAMAGE, 0, drawn((20, 20), "", SECRET), restricted=True)
    folder = capture.finish([scratch(photo=photo.file)], frames_per_turn=4)
    make_page(from_folder(folder), tmp_path / "page", Texts("en"))
    assert data_of(tmp_path / "page")["damages"][0]["photo"] is None


def test_large_pictures_are_those_that_were_delivered(whole: Path) -> None:
    capture = from_folder(whole.parent / "capture")
    delivered = {one.sha256 for one in capture.pictures}
    sizes = {one["full"] for one in data_of(whole)["spin"]["frames"]}
    hashes = {hashlib.sha256((whole / name).read_bytes()).hexdigest() for name in sizes}
    assert len(hashes) == 36 and hashes <= delivered


def test_no_text_of_a_capture_is_html(tmp_path: Path) -> None:
    capture = Drawn(tmp_path / "capture")
    capture.spin([0, 90])
    capture.add(PictureSet.DETAIL, 0, drawn((20, 20), "", (1, 2, 3)), title=EVIL)
    folder = capture.finish(
        [scratch(text=EVIL, source=EVIL, photo=None)],
        frames_per_turn=4, visit=EVIL, station=EVIL, capture=EVIL, software=EVIL, complete=False,
        reasons=(EVIL,), missing=(EVIL,), simulated=False,
    )  # fmt: skip
    make_page(from_folder(folder), tmp_path / "page", Texts("fr"))
    elements = Elements(tmp_path / "page")
    scripts = [attributes.get("src") for tag, attributes in elements.found if tag == "script"]
    assert scripts == ["data.js", "page.js"]
    assert not [one for _, one in elements.found if any(key.startswith("on") for key in one)]
    assert elements.text.count(EVIL) == 10  # title and heading, and each other place once
    assert EVIL in data_of(tmp_path / "page")["damages"][0]["label"]
    assert "<" not in (tmp_path / "page/data.js").read_text()


def test_json_in_a_script_ends_no_line_and_no_script() -> None:
    text = script_json({"a": "</script>\u2028\u2029&"}).decode()
    assert json.loads(text) == {"a": "</script>\u2028\u2029&"}
    assert not set("<>&\u2028\u2029") & set(text)


def test_what_is_not_so_is_said(tmp_path: Path) -> None:
    capture = Drawn(tmp_path / "capture")
    capture.spin([0, 10, 20])
    blurred = capture.pictures[1].model_copy(
        update={"verdict": Verdict.BAD, "reasons": (Reason.BLURRED,)}
    )
    capture.pictures[1] = blurred
    folder = capture.finish(
        complete=False,
        reasons=(
            "light_curtain",
            "count_differs.ring",
            "dark.spin_001",
            "missing.spin_003",
            "went on",
        ),
        missing=("spin_003", "spin_004"),
    )
    make_page(from_folder(folder), tmp_path / "page", Texts("en"))
    text = Elements(tmp_path / "page").text
    assert "missing.spin_003" not in text
    for said in (
        "Incomplete", "The light curtain was broken", "Camera ring delivered another number",
        "spin_001: too dark", "went on", "2 pictures missing: Exterior", "Simulated", "Not signed",
        "1 picture did not pass: blurred",
    ):  # fmt: skip
        assert said in text
    assert data_of(tmp_path / "page")["spin"]["frames"][1]["label"] == "10° front (blurred)"


def test_a_damage_whose_frame_is_missing_is_marked_on_no_other(tmp_path: Path) -> None:
    capture = Drawn(tmp_path / "capture")
    capture.spin([*range(0, 80, 10), *range(110, 360, 10)])
    far = scratch(photo=None)
    near = scratch(id="d2", frame_angle_deg=356.0, photo=None)
    folder = capture.finish([far, near])
    make_page(from_folder(folder), tmp_path / "page", Texts("en"))
    damages = data_of(tmp_path / "page")["spin"]["damages"]
    assert [one["frame"] for one in damages] == [None, 0]


def test_damages_json_stands_above_the_manifest(tmp_path: Path) -> None:
    folder = whole_capture(tmp_path / "capture")
    later = [scratch(text="Found later", photo=None).model_dump()]
    (folder / "damages.json").write_text(json.dumps(later))
    make_page(from_folder(folder), tmp_path / "page", Texts("en"))
    assert [one["label"] for one in data_of(tmp_path / "page")["damages"]] == [
        "Damage 1: Found later"
    ]


def test_odd_names_make_plain_ones(tmp_path: Path) -> None:
    capture = Drawn(tmp_path / "capture")
    odd = "spin/é #1?%20 \"'<b>\u202e.jpg"
    capture.add(PictureSet.SPIN, 0, drawn((64, 36), "", (1, 2, 3)), angle=0.0, file=odd)
    folder = capture.finish(frames_per_turn=1)
    make_page(from_folder(folder), tmp_path / "page", Texts("en"))
    names = {str(path.relative_to(tmp_path / "page")) for path in (tmp_path / "page").rglob("*.*")}
    assert names == {
        "index.html", "page.css", "page.js", "data.js", "turn/000.webp", "turn/000_full.jpg",
    }  # fmt: skip


def test_a_page_takes_the_place_of_an_older_one_alone(tmp_path: Path) -> None:
    capture = from_folder(whole_capture(tmp_path / "capture"))
    make_page(capture, tmp_path / "page", Texts("en"))
    (tmp_path / "page/left.txt").write_text("of the older page")
    make_page(capture, tmp_path / "page", Texts("fr"))
    assert not (tmp_path / "page/left.txt").exists()
    assert 'lang="fr"' in (tmp_path / "page/index.html").read_text()
    with pytest.raises(Occupied, match="was not made by this command"):
        make_page(capture, tmp_path / "capture", Texts("en"))
    assert (tmp_path / "capture/manifest.json").exists()
    assert sorted(os.listdir(tmp_path)) == ["capture", "page"]


def test_the_older_page_stays_when_the_new_one_fails(tmp_path: Path) -> None:
    folder = whole_capture(tmp_path / "capture")
    make_page(from_folder(folder), tmp_path / "page", Texts("en"))
    before = (tmp_path / "page/data.js").read_bytes()
    (folder / "boot/boot_000.jpg").write_bytes(b"")
    with pytest.raises(CaptureUnusable):
        make_page(from_folder(folder), tmp_path / "page", Texts("en"))
    assert (tmp_path / "page/data.js").read_bytes() == before
    assert sorted(os.listdir(tmp_path)) == ["capture", "page"]


def test_a_damage_says_where_it_is_seen() -> None:
    """The model that inspection writes, as `damages.json` has it."""
    assert set(Damage.model_fields) == {
        "id", "frame_angle_deg", "x", "y", "text", "photo", "source",
    }  # fmt: skip
