"""What is delivered: metadata of our own, signatures that hold, a film that turns evenly."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from PIL import Image

from edge.studio.preparing import Preparing
from edge.studio.processing import Taken
from edge.studio.signing import Signer, read_signer
from edge.studio.video import TURN_S, film
from stations.studio.jobs import Shot
from stations.studio.manifest import PictureSet
from tests.edge.studio.keys import credentials
from tests.edge.studio.pictures import noise
from wire.site.problems import Wrong

PLATE = [[0.4, 0.6], [0.6, 0.6], [0.6, 0.7], [0.4, 0.7]]
SPIN = Shot(set=PictureSet.SPIN, index=3, camera="ring", angle_deg=30)


@pytest.fixture(scope="module")
def signer(tmp_path_factory: pytest.TempPathFactory) -> Signer:
    return read_signer(*credentials(tmp_path_factory.mktemp("keys")))


def report(file: Path) -> dict[str, object]:
    import c2pa

    with file.open("rb") as opened, c2pa.Reader("image/jpeg", opened) as reader:
        found: dict[str, object] = json.loads(reader.json())
        return found


def test_exif_and_xmp_say_what_it_is_and_not_whose(tmp_path: Path) -> None:
    source, out = tmp_path / "a.jpg", tmp_path / "out.jpg"
    exif = Image.Exif()
    exif[0x010F], exif[0x8825] = "a camera of hall 3", {1: "N", 2: (48.0, 51.0, 0.0)}
    small = io.BytesIO()
    noise(1, 64, 36).save(small, "JPEG")
    noise().save(source, exif=exif, comment=small.getvalue(), xmp=b"<x>AB-123-CD</x>")
    taken = Taken({"plate": PLATE, "exposure_s": 0.001}, 30.04, True, "refit 1")
    done = Preparing()(source, out, SPIN, taken)
    assert not done.restricted and done.masked
    with Image.open(out) as picture:
        told, xmp = picture.getexif(), picture.info["xmp"].decode()
        assert dict(told)[0x0131] == "refit 1" and 0x010F not in told and 0x8825 not in told
        assert told.get_ifd(0x8769)[0x829A] == pytest.approx(0.001)
        assert dict(told)[0x010E] == "spin 3 at 30.0 degrees, simulated"
        assert "comment" not in picture.info
    assert "algorithmicMedia" in xmp and "digitalCapture" not in xmp and "GPano:Pro" not in xmp
    whole = out.read_bytes()
    assert b"AB-123" not in whole and whole.count(b"\xff\xd8\xff") == 1


@pytest.mark.parametrize(("height", "top"), [(160, 0), (100, 30), (161, None)])
def test_a_panorama_says_how_much_of_the_sphere_it_is(
    tmp_path: Path, height: int, top: int | None
) -> None:
    source, out = tmp_path / "a.jpg", tmp_path / "out.jpg"
    noise(1, 320, height).save(source)
    shot = Shot(set=PictureSet.INTERIOR, index=0, camera="inside", mask=())
    Preparing()(source, out, shot, Taken(simulated=False, software="refit 1"))
    with Image.open(out) as picture:
        xmp = picture.info["xmp"].decode()
    told = dict(re.findall(r'GPano:(\w+)="(\w+)"', xmp))
    assert "digitalCapture" in xmp
    if top is None:
        assert not told
    else:
        assert told["ProjectionType"] == "equirectangular"
        assert told["FullPanoHeightPixels"] == "160" and told["CroppedAreaTopPixels"] == str(top)


@pytest.mark.parametrize("simulated", [True, False])
def test_a_signed_picture_tells_when_a_byte_has_changed(
    tmp_path: Path, signer: Signer, simulated: bool
) -> None:
    source, out = tmp_path / "a.jpg", tmp_path / "out.jpg"
    noise().save(source)
    taken = Taken({"plate": PLATE}, 30.0, simulated, "refit 1")
    done = Preparing(signer)(source, out, SPIN, taken)
    assert done.signed and not done.flaws and [one.name for one in tmp_path.glob(".*")] == []
    said = report(out)
    assert said["validation_state"] == "Valid"
    assert ("digitalCapture" in json.dumps(said)) is not simulated
    content = bytearray(out.read_bytes())
    content[-40] ^= 1
    out.write_bytes(content)
    changed = report(out)
    assert changed["validation_state"] == "Invalid" and "dataHash.mismatch" in json.dumps(changed)


def test_a_signature_carries_no_second_picture(tmp_path: Path, signer: Signer) -> None:
    """A thumbnail in it would be one more place where a plate could be read."""
    source, out = tmp_path / "a.jpg", tmp_path / "out.jpg"
    noise(1, 1280, 720).save(source, exif=Image.Exif())
    plain = Preparing()(source, out, SPIN, Taken({"plate": PLATE}, software="refit 1"))
    size = out.stat().st_size
    assert plain.masked and not plain.signed
    signed = Preparing(signer)(source, out, SPIN, Taken({"plate": PLATE}, software="refit 1"))
    assert signed.signed and "thumbnail" not in json.dumps(report(out))
    whole = out.read_bytes()
    assert whole.count(b"\xff\xd8\xff") == 1 and len(whole) - size < 20_000


def test_a_picture_that_cannot_be_signed_is_delivered_and_said(tmp_path: Path) -> None:
    source, out = tmp_path / "a.jpg", tmp_path / "out.jpg"
    noise().save(source)
    broken = Signer("no certificate", ec.generate_private_key(ec.SECP256R1()))
    done = Preparing(broken)(source, out, SPIN, Taken({"plate": PLATE}))
    assert not done.signed and done.flaws == ("unsigned",) and not done.restricted
    with Image.open(out) as picture:
        assert picture.size == (320, 180)


def test_certificate_and_key_have_to_fit(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    (chain, key), (_, other) = credentials(tmp_path / "a"), credentials(tmp_path / "b")
    for files in ((chain, other), (key, key), (chain, chain), (tmp_path / "none", key)):
        with pytest.raises(Wrong):
            read_signer(*files)


def test_the_film_turns_as_fast_at_every_angle(tmp_path: Path) -> None:
    import av

    angles = [0.0, 10, 23, 30, 31, 40, *range(60, 360, 20)]
    turn = []
    for number, angle in enumerate(angles):
        path = tmp_path / f"{number}.jpg"
        Image.new("RGB", (160, 90), (number * 10,) * 3).save(path)
        turn.append((float(angle), path))
    target = tmp_path / "turn.webm"
    assert film([*turn[::-1], (23.0, turn[3][1])], target)
    with av.open(str(target)) as made:
        shown = [
            (frame.time / TURN_S * 360, float(frame.to_ndarray(format="gray").mean()))
            for frame in made.decode(video=0)
        ]
        assert made.duration == pytest.approx(TURN_S * 1e6, rel=0.01)
    for (at, grey), (number, angle) in zip(shown, enumerate(angles), strict=False):
        assert at == pytest.approx(angle, abs=0.05) and abs(grey - number * 10) < 6
    assert not film(turn[:7], tmp_path / "few.webm") and not (tmp_path / "few.webm").exists()
