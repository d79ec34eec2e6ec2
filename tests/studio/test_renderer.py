"""The simulated camera: pictures that are the same again, and truths that are where they say."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from refit.main import app
from simulators.studio import panorama, views
from simulators.studio.album import Order, shots
from simulators.studio.damage import injury
from simulators.studio.faults import CameraFault, read_faults
from simulators.studio.mesh import Part
from simulators.studio.picture import photograph
from simulators.studio.style import COLOURS, BodyStyle, Look
from simulators.studio.truth import truth_of
from simulators.studio.vehicle import vehicle
from stations.studio.manifest import Manifest, PictureSet
from tests.studio.rendered import FRAMES, HEIGHT, LOOK, WIDTH, Turn

COLOUR_OF = dict(zip(BodyStyle, ("red", "blue", "white", "silver"), strict=True))


@pytest.mark.parametrize("body", list(BodyStyle))
def test_a_vehicle_is_made_of_many_smooth_triangles(body: BodyStyle) -> None:
    mesh = vehicle(Look.of(7, body, COLOUR_OF[body])).mesh
    assert len(mesh.triangles) >= 10_000
    length = np.linalg.norm(mesh.normals, axis=1)
    assert np.allclose(length[length > 0.5], 1, atol=1e-3)
    assert np.isfinite(mesh.positions).all()
    assert abs(float(mesh.positions[:, 1].min())) < 0.02, "the tyres stand on the floor"


def test_bodies_and_angles_are_a_contact_sheet(tmp_path_factory: pytest.TempPathFactory) -> None:
    rows = []
    for body, colour in COLOUR_OF.items():
        car = vehicle(Look.of(7, body, colour))
        turned = [views.ring(car.look, angle, 160, 90) for angle in range(0, 360, 45)]
        rows.append(np.concatenate([photograph(car, view, 1) for view in turned], axis=1))
    sheet = np.concatenate(rows)
    path = tmp_path_factory.getbasetemp() / "contact-sheet.png"
    Image.fromarray(sheet).save(path)
    assert sheet.shape == (360, 1280, 3)
    assert len({row.tobytes() for row in np.split(sheet, 4)}) == 4


def test_the_same_order_gives_the_same_pixels() -> None:
    car = vehicle(LOOK, (injury(LOOK, "scratch", "front-left-door"),))
    one = photograph(car, views.ring(LOOK, 30.0, 160, 90))
    vehicle.cache_clear()
    again = photograph(vehicle(LOOK, car.injuries), views.ring(LOOK, 30.0, 160, 90))
    assert hashlib.sha256(one).digest() == hashlib.sha256(again).digest()
    other = photograph(car, views.ring(LOOK, 31.0, 160, 90))
    assert not np.array_equal(one, other)


def test_tiles_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    car = vehicle(LOOK)
    view = views.ring(LOOK, 200.0, 160, 90)
    whole = photograph(car, view)
    monkeypatch.setattr("simulators.studio.picture.TILE", 10_000)
    tiled = photograph(car, view)
    assert (np.abs(whole.astype(int) - tiled).max(axis=2) > 2).mean() < 0.001


def test_the_plate_is_where_the_truth_says() -> None:
    car = vehicle(Look.of(7, "city", "red"))
    view = views.ring(car.look, 0.0, 640, 360)
    (plate,) = truth_of(car, view).plates
    picture = photograph(car, view).astype(int)
    x, y = np.array(plate).T * np.array([[640], [360]])
    inside = picture[int(y.min()) + 2 : int(y.max()) - 1, int(x.min()) + 2 : int(x.max()) - 1]
    red = (inside[..., 0] - inside[..., 2]) > 60
    assert red.mean() < 0.02, "no paint in the plate"
    assert inside.max() > 200 and inside.min() < 90, "characters on white"
    assert truth_of(car, views.ring(car.look, 90.0, 640, 360)).plates == ()
    assert len(truth_of(car, views.ring(car.look, 180.0, 640, 360)).plates) == 1


def test_a_scratch_is_seen_where_the_truth_says() -> None:
    look = Look.of(7, "suv", "red")
    hurt, whole = vehicle(look, (injury(look, "scratch", "front-left-door"),)), vehicle(look)
    view = views.ring(look, 90.0, 640, 360)
    difference = np.abs(photograph(hurt, view).astype(int) - photograph(whole, view)).max(axis=2)
    ((_, x, y),) = truth_of(hurt, view).damages
    rows, columns = np.nonzero(difference > 20)
    assert len(rows), "a scratch changes the picture"
    assert abs(rows.mean() / 360 - y) < 0.03 and abs(columns.mean() / 640 - x) < 0.03
    assert truth_of(hurt, views.ring(look, 270.0, 640, 360)).damages == ()


def test_the_turn_goes_clockwise_seen_from_above() -> None:
    car = vehicle(LOOK)
    front = truth_of(car, views.ring(LOOK, 30.0, 320, 180)).plates[0]
    assert np.mean([x for x, _ in front]) < 0.5, "the front goes to the left of the picture"


def test_the_panorama_has_no_seam_between_its_faces() -> None:
    faces = panorama.cube(vehicle(LOOK), 64)
    sphere = panorama.equirectangular(faces, 256)
    assert sphere.shape == (128, 256, 3)
    assert np.abs(sphere[:, 0].astype(int) - sphere[:, -1]).mean() < 12
    ahead = sphere[64 - 4 : 64 + 4, 128 - 4 : 128 + 4].mean()
    assert abs(ahead - faces["front"][28:36, 28:36].mean()) < 20


def test_a_capture_is_written_with_its_manifest(good_turn: Path) -> None:
    manifest = Manifest.model_validate_json((good_turn / "manifest.json").read_text())
    assert manifest.simulated and manifest.complete and manifest.frames_per_turn == FRAMES
    for picture in manifest.pictures:
        data = (good_turn / picture.file).read_bytes()
        assert hashlib.sha256(data).hexdigest() == picture.sha256 and len(data) == picture.bytes
    with Image.open(good_turn / manifest.pictures[0].file) as first:
        assert first.size == (WIDTH, HEIGHT)
    (marker,) = json.loads((good_turn / "damages.json").read_text())
    truth = json.loads((good_turn / "truth.json").read_text())["pictures"]
    angle = marker["frame_angle_deg"]
    file = f"spin/spin_{round(angle / 10):03d}_{angle:05.1f}.jpg"
    assert truth[file]["damages"][0][1:] == pytest.approx([marker["x"], marker["y"]])


def test_a_turn_can_be_spoiled(turn: Turn) -> None:
    good = turn.frame(7).read_bytes()
    turn.spoil(7, CameraFault.BLUR)
    turn.repeat(9)
    turn.lose(11)
    assert turn.frame(7).read_bytes() != good
    assert turn.frame(9).read_bytes() == turn.frame(8).read_bytes()
    assert not list(turn.folder.glob("spin/spin_011_*"))


def test_the_command_renders_faults_and_damages(tmp_path: Path) -> None:
    words = "studio render --seed 3 --body city --colour red --frames 6 --size 64x36 --fault lost=2"
    words += " --fault offset=4 --damage dent=rear-left-door"
    ran = CliRunner().invoke(app, [*words.split(), "--out", str(tmp_path)])
    assert ran.exit_code == 0, ran.output
    manifest = Manifest.model_validate_json((tmp_path / "manifest.json").read_text())
    assert manifest.missing == ("spin_002",) and not manifest.complete
    (off,) = (one for one in manifest.pictures if one.set == "spin" and one.index == 4)
    assert off.angle_deg == pytest.approx(244.0) and off.planned_deg == pytest.approx(240.0)


def rendered(folder: Path, *more: str) -> Manifest:
    words = "studio render --seed 7 --frames 4 --size 160x90"
    ran = CliRunner().invoke(app, [*words.split(), "--out", str(folder), *more])
    assert ran.exit_code == 0, ran.output
    return Manifest.model_validate_json((folder / "manifest.json").read_text())


def test_number_plates_are_destroyed_in_what_is_rendered(tmp_path: Path) -> None:
    hidden, shown = rendered(tmp_path / "hidden"), rendered(tmp_path / "shown", "--plates")
    truth = json.loads((tmp_path / "hidden/truth.json").read_text())["pictures"]
    with_plate = {file for file, one in truth.items() if one["plates"]}
    assert {"spin/spin_000_000.0.jpg", "spin/spin_002_180.0.jpg"} <= with_plate < set(truth)
    assert {one.file for one in hidden.pictures if one.masked} == with_plate
    assert not any(one.restricted for one in hidden.pictures)
    assert {one.file for one in shown.pictures if one.restricted} == with_plate
    assert not any(one.masked for one in shown.pictures)
    for file in with_plate:
        (x, y), *_ = [np.mean(plate, 0) for plate in truth[file]["plates"]]
        at = int(y * 90), slice(int(x * 160) - 3, int(x * 160) + 4)
        grey, plate = (
            np.asarray(Image.open(tmp_path / name / file).convert("L"), int)[at]
            for name in ("hidden", "shown")
        )
        assert abs(grey - 128).max() < 12, file
        assert abs(plate - 128).max() > 40, file


def test_a_close_up_tells_of_a_plate_that_is_half_in_it() -> None:
    car, opened = vehicle(LOOK), vehicle(replace(LOOK, opened="boot"))
    titles = {
        spot[0] for spot in views.details(LOOK) if truth_of(car, views.near(spot, 160, 90)).plates
    }
    lamps = {f"{side} {lamp}" for side in ("left", "right") for lamp in ("headlamp", "tail lamp")}
    assert titles == {*lamps, "grille", "tailgate"}
    boot = views.near(views.boot(LOOK), 160, 90)
    assert truth_of(car, boot).plates and not truth_of(opened, boot).plates, "it is on the lid"


def test_everything_is_every_set_and_the_vin_is_restricted() -> None:
    injuries = (injury(LOOK, "dent", "rear-left-door"),)
    planned = shots(Order(LOOK, injuries, everything=True, scale=0.02))
    assert {shot.set for shot in planned} == set(PictureSet)
    assert [shot.file for shot in planned if shot.restricted] == ["vin/vin_000.jpg"]


def test_only_the_restricted_picture_shows_the_vin() -> None:
    planned = shots(Order(LOOK, everything=True, scale=0.02))
    assert {shot.set for shot in planned if shot.opened == "vin"} == {PictureSet.VIN}
    assert Part.VIN not in vehicle(LOOK).mesh.parts
    assert Part.VIN in vehicle(replace(LOOK, opened="vin")).mesh.parts


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--fault fog=3", "is none of lost"),
        ("--fault blur", "names no frame"),
        ("--fault blur=99", "frames are 0 to 35"),
        ("--damage rust", "is none of scratch"),
        ("--damage scratch=moon", "is none of front-left-door"),
        ("--body lorry", "lorry"),
        ("--colour plaid", "is none of white"),
        ("--size 3", "such as 640x360"),
    ],
)
def test_a_wrong_order_says_what_would_be_right(words: str, said: str, tmp_path: Path) -> None:
    ran = CliRunner().invoke(app, ["studio", "render", *words.split(), "--out", str(tmp_path)])
    assert ran.exit_code == 2 and said in ran.output
    assert not list(tmp_path.iterdir())


def test_vehicles_are_drawn_by_their_seed() -> None:
    looks = [Look.of(seed) for seed in range(40)]
    assert looks == [Look.of(seed) for seed in range(40)]
    assert {look.body for look in looks} == set(BodyStyle)
    assert len({look.plate for look in looks}) == 40
    assert {look.colour for look in looks} <= set(COLOURS)


def test_a_standing_table_shows_the_same_angle_for_some_frames() -> None:
    assert read_faults(["still=4", "blur=4"]) == {
        4: frozenset({CameraFault.STILL, CameraFault.BLUR}),
        5: frozenset({CameraFault.STILL}),
        6: frozenset({CameraFault.STILL}),
    }
