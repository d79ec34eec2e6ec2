"""`refit studio check`: what it finds among 36 pictures, and that good ones raise no alarm."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from edge.studio.checking import FolderUnusable, check_folder
from refit.main import app
from stations.studio.coverage import angle_in, angles_by_number, coverage, number_in
from stations.studio.manifest import Reason
from stations.studio.measuring import measure
from stations.studio.quality import judge_set
from tests.studio.turn import FRAMES, blurred, frame, jpeg, lit, named, write
from wire.pictures import PictureUnreadable, grey_of, picture_of

AT = 11


@pytest.fixture(scope="module")
def images() -> list[Image.Image]:
    return [frame(index) for index in range(FRAMES)]


@pytest.fixture(scope="module")
def pictures(images: list[Image.Image]) -> dict[str, bytes]:
    return {named(index): jpeg(image) for index, image in enumerate(images)}


def run(*arguments: str) -> tuple[int, dict[str, Any]]:
    result = CliRunner().invoke(app, ["studio", "check", *arguments, "--json"])
    return result.exit_code, json.loads(result.stdout) if result.stdout else {}


def reasons(found: dict[str, Any]) -> dict[str, list[str]]:
    return {one["file"]: one["reasons"] for one in found["pictures"] if one["reasons"]}


def test_a_good_set_raises_no_alarm(tmp_path: Path, pictures: dict[str, bytes]) -> None:
    code, found = run(str(write(tmp_path, pictures)), "--expected", "36")
    assert (code, found["complete"], found["frames"], found["expected"]) == (0, True, 36, 36)
    assert found["angle_source"] == "names" and found["largest_gap_deg"] == 10
    assert not found["missing"] and not found["duplicates"] and not found["set_reasons"]
    assert {one["verdict"] for one in found["pictures"]} == {"good"}


SPOILT: dict[str, Callable[[Image.Image, Image.Image], bytes]] = {
    "blurred": lambda image, _: jpeg(blurred(image)),
    "clipped": lambda image, _: jpeg(lit(image, 1.9)),
    "dark": lambda image, _: jpeg(lit(image, 0.35)),
    "repeated": lambda _, before: jpeg(before),
    "corrupt": lambda image, _: jpeg(image)[:4000],
    "cut": lambda image, _: jpeg(image)[:4000] + b"\xff\xd9",
}


@pytest.mark.parametrize("reason", SPOILT)
def test_one_spoilt_picture_is_found_and_named(
    tmp_path: Path, images: list[Image.Image], reason: str
) -> None:
    folder = write(tmp_path, {named(i): jpeg(one, 60) for i, one in enumerate(images)})
    (folder / named(AT)).write_bytes(SPOILT[reason](images[AT], images[AT - 1]))
    code, found = run(str(folder), "--expected", "36")
    reason = "corrupt" if reason == "cut" else reason
    assert code == 1 and reasons(found) == {named(AT): [reason]}
    verdict = "unreadable" if reason == "corrupt" else "bad"
    assert found["pictures"][AT]["verdict"] == verdict
    if reason == "repeated":
        assert found["duplicates"] == [[named(AT - 1), named(AT)]]
    if reason == "corrupt":
        assert found["missing"] == [AT * 10] and found["complete"] is False


@pytest.mark.parametrize("gone", [0, AT, 35])
def test_a_missing_picture_is_found(tmp_path: Path, pictures: dict[str, bytes], gone: int) -> None:
    folder = write(tmp_path, pictures)
    (folder / named(gone)).unlink()
    for extra in (["--expected", "36"], []):
        code, found = run(str(folder), *extra)
        assert code == 1 and found["missing"] == [gone * 10] and found["largest_gap_deg"] == 20
        assert found["complete"] is (False if extra else None)


def test_numbers_stand_for_angles_when_it_is_said_how_many(
    tmp_path: Path, pictures: dict[str, bytes]
) -> None:
    numbered = {f"DSC_{i + 1:04d}.JPG": one for i, one in enumerate(pictures.values())}
    folder = write(tmp_path, numbered)
    code, found = run(str(folder))
    assert (code, found["complete"], found["angle_source"]) == (0, None, "index")
    (folder / "DSC_0005.JPG").unlink()
    code, found = run(str(folder), "--expected", "36")
    assert (code, found["complete"], found["missing"]) == (1, False, [40])
    code, found = run(str(folder))
    assert (code, found["complete"], found["set_reasons"]) == (1, None, ["number_missing"])


def test_a_set_that_is_out_of_focus_as_a_whole_is_told(
    tmp_path: Path, images: list[Image.Image]
) -> None:
    folder = write(tmp_path, {named(i): jpeg(blurred(one)) for i, one in enumerate(images)})
    code, found = run(str(folder), "--expected", "36")
    assert code == 1 and found["set_reasons"] == ["out_of_focus"] and not reasons(found)


def test_white_backgrounds_and_unsteady_light_raise_no_alarm(images: list[Image.Image]) -> None:
    random = np.random.default_rng(5)
    white = [lit(one, 1.32 * random.uniform(0.96, 1.04)) for one in images]
    judged = judge_set([measure(grey_of(jpeg(one, 60), 640)) for one in white])
    assert [one.reasons for one in judged.pictures] == [()] * FRAMES and not judged.reasons


@pytest.mark.parametrize("gain", [2.8, 3.5])
def test_over_exposure_is_found_before_a_white_wall(images: list[Image.Image], gain: float) -> None:
    random = np.random.default_rng(5)
    light = [1.3 * random.uniform(0.92, 1.08) for _ in images]
    light[AT] *= gain
    white = [lit(one, by) for one, by in zip(images, light, strict=True)]
    judged = judge_set([measure(grey_of(jpeg(one), 640)) for one in white])
    found = {i: one.reasons for i, one in enumerate(judged.pictures) if one.reasons}
    assert found == {AT: (Reason.CLIPPED,)}


def test_a_plan_says_how_many_there_should_be(tmp_path: Path, pictures: dict[str, bytes]) -> None:
    shots = "".join(
        f'[[shot]]\nset = "spin"\nindex = {i}\ncamera = "ring"\nangle_deg = {i * 10.0}\n'
        for i in range(36)
    )
    plan = tmp_path / "plan.toml"
    plan.write_text(f'id = "full"\nversion = 1\n{shots}')
    folder = write(tmp_path / "spin", pictures)
    code, found = run(str(folder.parent), "--plan", str(plan))
    assert (code, found["expected"], found["complete"]) == (0, 36, True)
    assert found["pictures"][0]["file"] == f"spin/{named(0)}"
    turned = folder / named(AT)
    turned.rename(folder / "spin_011_110.9.jpg")
    code, found = run(str(folder.parent), "--plan", str(plan))
    assert code == 1 and reasons(found) == {"spin/spin_011_110.9.jpg": ["off_angle"]}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "holds no pictures"),
        ({"a.jpg": b"", "b.jpg": b"no picture"}, "can be opened"),
        ({"manifest.json": b"{}"}, "is no manifest"),
    ],
)
def test_what_is_unusable_ends_with_2_and_why(
    tmp_path: Path, files: dict[str, bytes], said: str
) -> None:
    folder = write(tmp_path / "given", files)
    result = CliRunner().invoke(app, ["studio", "check", str(folder)])
    assert result.exit_code == 2 and said in result.output


def test_a_missing_folder_and_too_many_numbers_are_refused(
    tmp_path: Path, pictures: dict[str, bytes]
) -> None:
    with pytest.raises(FolderUnusable, match="no such folder"):
        check_folder(tmp_path / "nowhere")
    folder = write(tmp_path, {f"{i * 9}.jpg": one for i, one in enumerate(pictures.values())})
    with pytest.raises(FolderUnusable, match="--expected says 36"):
        check_folder(folder, 36)


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "LA", "P", "CMYK", "1", "I;16"])
def test_every_colour_mode_is_opened(tmp_path: Path, mode: str) -> None:
    image = frame(0)
    if mode == "I;16":
        image = Image.fromarray(np.asarray(image.convert("L"), np.uint16) * 257)
    kind = "jpg" if mode == "CMYK" else "png"
    path = tmp_path / f"a.{kind}"
    (image if mode == "I;16" else image.convert(mode)).save(path)
    grey = grey_of(path.read_bytes(), 320)
    assert grey.shape == (180, 320) and 150 < grey[5, 5] < 230


def test_turned_pictures_stand_upright_and_bombs_are_refused(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    path = tmp_path / "turned.jpg"
    frame(0).save(path, exif=exif)
    assert grey_of(path.read_bytes(), 180).shape == (320, 180)
    Image.new("1", (12_000, 12_000)).save(tmp_path / "bomb.png")
    with pytest.raises(PictureUnreadable, match="at most are opened"):
        picture_of((tmp_path / "bomb.png").read_bytes())


@pytest.mark.parametrize(
    ("name", "angle", "number"),
    [
        ("spin_003_030.0.jpg", 30.0, 0),
        ("IMG_0042.JPG", None, 42),
        ("car 2 (12).jpeg", None, 12),
        ("x-359.95.png", 359.95, 95),
        ("photo.jpg", None, None),
        ("v_400.5.jpg", None, 5),
    ],
)
def test_names_say_angles_and_numbers(name: str, angle: float | None, number: int | None) -> None:
    assert (angle_in(name), number_in(name)) == (angle, number)


def test_coverage_is_that_of_the_closed_circle() -> None:
    assert coverage([0, 90, 180, 270], 4).complete
    assert coverage([90, 180, 270], 4).missing == (0,)
    assert coverage([0, 10, 20, 45, *range(30, 360, 10)], 36).complete
    assert angles_by_number([1, 2, 4], 4) == [0, 90, 270]
    assert angles_by_number([0, 4], 4) is None


def test_a_hero_angle_that_is_one_of_the_spin_is_no_repeat(tmp_path: Path) -> None:
    folder = tmp_path / "capture"
    arguments = ["--frames", "12", "--size", "320x180", "--out", str(folder)]
    made = CliRunner().invoke(app, ["studio", "render", "--seed", "7", *arguments])
    assert made.exit_code == 0, made.output
    code, found = run(str(folder))
    assert (code, found["duplicates"], found["angle_source"]) == (0, [], "manifest")
    spin = sorted((folder / "spin").iterdir())
    spin[3].write_bytes(spin[2].read_bytes())
    code, found = run(str(folder))
    assert code == 1 and reasons(found) == {f"spin/{spin[3].name}": ["repeated"]}
