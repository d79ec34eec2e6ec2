"""Parts of a page that not every capture has: film, strips, pictures of other kinds."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest
from PIL import Image

from plant.pages import strip
from plant.pages.capture import CaptureUnusable, from_folder
from plant.pages.page import make_page
from plant.pages.pictures import picture_of
from stations.studio.manifest import PictureSet
from tests.plant.pages.captures import Drawn, drawn
from tests.plant.pages.test_page import Elements, data_of
from wire.texts import Texts


@pytest.fixture
def capture(tmp_path: Path) -> Drawn:
    return Drawn(tmp_path / "capture")


def test_a_film_is_shown_as_it_is(capture: Drawn, tmp_path: Path) -> None:
    capture.spin([0, 180])
    (capture.folder / "a film.webm").write_bytes(b"film")
    make_page(from_folder(capture.finish(video="a film.webm")), tmp_path / "page", Texts("en"))
    videos = [one for tag, one in Elements(tmp_path / "page").found if tag == "video"]
    assert [one["src"] for one in videos] == ["turn.webm"]
    assert (tmp_path / "page/turn.webm").read_bytes() == b"film"


@pytest.mark.parametrize("video", ["none.webm", "../film.webm"])
def test_a_film_that_is_not_there_is_told(capture: Drawn, tmp_path: Path, video: str) -> None:
    (tmp_path / "film.webm").write_bytes(b"film")
    capture.spin([0])
    with pytest.raises(CaptureUnusable, match="names as the video"):
        from_folder(capture.finish(video=video))


def test_a_capture_without_a_turn_has_a_page(capture: Drawn, tmp_path: Path) -> None:
    capture.add(PictureSet.DETAIL, 0, drawn((40, 30), "", (1, 2, 3)), title="Key")
    make_page(from_folder(capture.finish(complete=False)), tmp_path / "page", Texts("en"))
    assert data_of(tmp_path / "page")["spin"] is None
    assert "Key" in Elements(tmp_path / "page").text


def test_an_interior_that_is_no_sphere_is_an_ordinary_picture(
    capture: Drawn, tmp_path: Path
) -> None:
    capture.add(PictureSet.INTERIOR, 0, drawn((40, 30), "", (1, 2, 3)), title="Back seat")
    make_page(from_folder(capture.finish()), tmp_path / "page", Texts("en"))
    assert data_of(tmp_path / "page")["panoramas"] == []
    assert "Back seat" in Elements(tmp_path / "page").text


@pytest.mark.parametrize("size", [(4096, 12000), (12000, 4096), (700, 300), (1025, 513)])
def test_tiles_cover_the_strip_once(size: tuple[int, int]) -> None:
    lying = (max(size), min(size))
    levels = strip.levels(*lying)
    assert (levels[-1].width, levels[-1].height) == lying
    assert levels[0].height <= strip.LEAST or levels[0].width <= strip.TILE
    for level in levels:
        assert (level.columns - 1) * strip.TILE < level.width <= level.columns * strip.TILE
        assert (level.rows - 1) * strip.TILE < level.height <= level.rows * strip.TILE


def test_the_front_of_the_underbody_lies_on_the_left() -> None:
    image = Image.new("RGB", (20, 60), "black")
    image.paste("white", (0, 0, 20, 10))  # scanned first
    assert strip.lying(image).size == (60, 20)
    assert strip.lying(image).getpixel((2, 10)) == (255, 255, 255)


@pytest.mark.parametrize(
    ("mode", "kind"),
    [("L", "JPEG"), ("CMYK", "JPEG"), ("P", "PNG"), ("RGBA", "PNG"), ("1", "PNG"), ("RGB", "WEBP")],
)
def test_every_kind_of_picture_is_opened_in_colour(mode: str, kind: str) -> None:
    out = io.BytesIO()
    Image.new("RGB", (6, 4), "grey").convert(mode).save(out, kind)
    assert (picture_of(out.getvalue(), "x").mode, picture_of(out.getvalue(), "x").size) == (
        "RGB", (6, 4),
    )  # fmt: skip


def test_a_picture_is_shown_upright(capture: Drawn, tmp_path: Path) -> None:
    turned = Image.new("RGB", (40, 20), "grey")
    exif = turned.getexif()
    exif[0x0112] = 6  # the camera lay on its side
    out = io.BytesIO()
    turned.save(out, "JPEG", exif=exif)
    picture = capture.add(PictureSet.SPIN, 0, turned, angle=0.0)
    (capture.folder / picture.file).write_bytes(out.getvalue())
    digest = hashlib.sha256(out.getvalue()).hexdigest()
    capture.pictures[0] = picture.model_copy(update={"sha256": digest})
    make_page(from_folder(capture.finish()), tmp_path / "page", Texts("en"))
    with Image.open(tmp_path / "page/turn/000.webp") as image:
        assert image.size == (20, 40)
    assert data_of(tmp_path / "page")["spin"]["frames"][0]["shape"] == 0.5
