"""The whole road of a picture: simulated cameras, agent, historian, media store, vehicle page."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from simulators.studio import views
from simulators.studio.picture import photograph
from simulators.studio.style import Look
from simulators.studio.truth import truth_of
from simulators.studio.vehicle import vehicle
from stations.studio.manifest import Manifest, Picture
from stations.studio.station import SPIN_ANGLES
from tests.servers import until
from tests.system.commands import Watched, refit
from tests.system.studio_plant import Shots, captures, stored, write_site
from wire.media.protocol import RESTRICTED

pytestmark = [pytest.mark.system, pytest.mark.timeout(480)]
READY_S, PICTURES_S = 90.0, 200.0
WIDTH, HEIGHT, SEED = 192, 108, 7
LOOK = Look.of(SEED)
WHY = "the camera at the ring is looked at tonight"
SPIN = [angle for angle in SPIN_ANGLES if angle % 10 == 0]
HEROES = [angle for angle in SPIN_ANGLES if angle % 10]
SHOTS: Shots = [
    *(("spin", index, angle, "") for index, angle in enumerate(SPIN)),
    *(("hero", index, angle, "") for index, angle in enumerate(HEROES)),
    ("wheel", 0, None, ""),
    ("detail", 0, None, ""),
    ("vin", 0, None, "restricted = true\n"),
]


@contextmanager
def cameras(folder: Path) -> Iterator[str]:
    """The simulated cameras as a process; their address."""
    words = ["--folder", folder, "--size", f"{WIDTH}x{HEIGHT}", "--write-s", "0.02"]
    words += ["--scale", "0.02", "--vehicles", SEED]
    command = [sys.executable, "-m", "simulators.studio", *map(str, words)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{int(process.stdout.readline().removeprefix('ready '))}"
        finally:
            process.send_signal(signal.SIGTERM)


def lose_the_next_trigger(url: str) -> None:
    about = json.dumps({"name": "lost", "times": 1}).encode()
    with urllib.request.urlopen(f"{url}/fault", about, timeout=60):
        pass


def test_from_driving_on_to_the_page(tmp_path: Path) -> None:
    with ExitStack() as stack, (tmp_path / "log").open("wb") as log:
        url = stack.enter_context(cameras(tmp_path / "card"))
        lose_the_next_trigger(url)
        site = write_site(tmp_path, url, SHOTS)
        for words in (("historian",), ("simulate", "--speed", "40"), ("agent", "--name=studio-pc")):
            told = {"stdout": log, "stderr": log}
            stack.enter_context(Watched(words[0], "--site", site, *words[1:], **told))
        asks = tmp_path / "var/studio-pc.studio/studio-1/operator/asks.json"
        until(asks.exists, "the operator is asked about the lost trigger", PICTURES_S)
        assert "count_differs.ring" in json.loads(asks.read_text())["about"]
        assert captures(site) == [], "nothing is made of it before somebody has said so"
        said = refit("studio", "operator", "studio-1", "--site", site, "--go-on", WHY)
        assert said.returncode == 0, said.stderr
        until(lambda: len(captures(site)) >= 2, "two vehicles are recorded", PICTURES_S)
        bad, good = captures(site)[:2]
        files = [*bad["files"], *good["files"]]
        until(lambda: all(stored(site, one) for one in files), "every file is there", READY_S)
    not_shifted(site, bad)
    whole(site, good)
    has_a_page(site, bad, turns=False)
    has_a_page(site, good, turns=True)


def not_shifted(site: Path, record: dict[str, Any]) -> None:
    """A camera that has missed a trigger: no frame of that turn has an angle, and it says so."""
    data = record["data"]
    assert not data["complete"] and "count_differs.ring" in data["reasons"]
    assert f"operator: {WHY}" in data["reasons"]
    planned = {f"{kind}_{index:03d}" for kind, index, angle, _ in SHOTS if angle is not None}
    assert set(data["missing"]) == planned
    assert data["pictures"] == {"detail": 1, "vin": 1, "wheel": 1}


def whole(site: Path, record: dict[str, Any]) -> None:
    """Every picture shows what it says, and nothing of the plate is left in what is published."""
    data = record["data"]
    assert data["complete"] and data["turns"] == 1 and data["restricted"] == 1, data
    assert data["pictures"] == {"detail": 1, "hero": 4, "spin": 36, "vin": 1, "wheel": 1}
    by_name = {one["name"]: one for one in record["files"]}
    assert [name for name, one in by_name.items() if one["type"] == RESTRICTED] == [
        "vin/vin_000.jpg"
    ]
    path = stored(site, by_name["manifest.json"])
    assert path is not None
    manifest = Manifest.model_validate_json(path.read_bytes())
    originals = site.parent / "var/studio-pc.studio/studio-1/originals" / manifest.capture
    plates = 0
    for one in manifest.pictures:
        path = stored(site, by_name[one.file])
        assert path is not None
        if not one.restricted:
            file = path.read_bytes()
            assert file.count(b"\xff\xd8\xff") == 1, "no thumbnail is in it"
            plates += hides_its_plates(one, file)
    assert plates >= 20, "a plate is seen from most sides"
    seen = [(one, original_of(originals, one)) for one in manifest.pictures]
    assert any(is_legible(one, original) for one, original in seen if original is not None)
    for one in [one for one in manifest.pictures if one.set == "spin"][3::12]:
        path = stored(site, by_name[one.file])
        assert path is not None
        shows_its_angle(one, path)


def plate_pixels(picture: Picture) -> list[np.ndarray]:
    """Where number plates are by the renderer's own truth: masks, of their middle alone."""
    if picture.set == "detail":
        view = views.near(views.details(LOOK)[picture.index], WIDTH, HEIGHT)
    elif picture.angle_deg is not None:
        view = views.ring(LOOK, round(picture.angle_deg) % 360, WIDTH, HEIGHT)
    else:
        return []
    found = []
    for plate in truth_of(vehicle(LOOK), view).plates:
        mask = Image.new("L", (WIDTH, HEIGHT))
        ImageDraw.Draw(mask).polygon([(x * WIDTH, y * HEIGHT) for x, y in plate], fill=255)
        found.append(np.asarray(mask) > 0)
    return [one for one in found if one.sum() >= 4]


def hides_its_plates(picture: Picture, data: bytes) -> int:
    """Every plate of a picture is one even grey; how many it has."""
    shown = np.asarray(Image.open(io.BytesIO(data)).convert("L"), np.float64)
    plates = plate_pixels(picture)
    assert len(picture.masked) >= len(plates), picture.file
    for pixels in plates:
        assert shown[pixels].std() < 6 and abs(shown[pixels].mean() - 128) < 8, picture.file
    return len(plates)


def original_of(folder: Path, picture: Picture) -> Path | None:
    """The picture as its camera has delivered it: the ring's, by its count."""
    if picture.trigger is None or picture.set != "spin" or picture.index not in (0, 18):
        return None
    return sorted(folder.glob("ring*.jpg"))[picture.trigger - 1]


def is_legible(picture: Picture, original: Path) -> bool:
    """Whether the plate stands out where it was destroyed later: else there was nothing to hide."""
    shown = np.asarray(Image.open(original).convert("L"), np.float64)
    return any(shown[pixels].std() > 20 for pixels in plate_pixels(picture))


def shows_its_angle(picture: Picture, path: Path) -> None:
    """It is more like the vehicle at this angle than like that of ten degrees before or after."""
    assert picture.angle_deg is not None and picture.planned_deg == picture.index * 10
    assert abs(picture.angle_deg - picture.planned_deg) <= 0.5 or picture.angle_deg > 359
    shown = np.asarray(Image.open(path).convert("RGB"), np.float64)
    away = [
        np.abs(shown - photograph(vehicle(LOOK), views.ring(LOOK, angle, WIDTH, HEIGHT))).mean()
        for angle in (picture.planned_deg, picture.planned_deg - 10, picture.planned_deg + 10)
    ]
    assert away[0] < 0.5 * min(away[1:]), (picture.file, away)


def has_a_page(site: Path, record: dict[str, Any], *, turns: bool) -> None:
    """The command makes a page of the record: with the turn, or saying what is missing."""
    folder = site.parent / "pages" / record["visit"]
    words = ("studio", "page", record["id"], "--site", site, "--out", folder)
    made = refit(*words, timeout_s=READY_S)
    assert made.returncode == 0, made.stderr
    page = (folder / "index.html").read_text()
    assert ("Incomplete" in page) is not turns
    assert len(list((folder / "turn").glob("*_full.jpg"))) == (36 if turns else 0)
    assert not list(folder.glob("vin*")), "the plate with the number is in no page"
