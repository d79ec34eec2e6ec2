"""`refit studio page` and `export`, of a folder and of a record."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from plant.ledger import open_ledger
from plant.media.directory import DirectoryMedia
from plant.media.server import open_media
from plant.pages.capture import from_record
from plant.pages.page import make_page
from stations.records import File, Record
from stations.studio.manifest import Manifest, PictureSet
from tests.plant.media_contract import put
from tests.plant.pages.captures import SECRET, Drawn, drawn, scratch
from tests.plant.records import record
from tests.refit.test_commands import run
from tests.servers import free_port
from wire.clock import SystemClock
from wire.media.protocol import RESTRICTED
from wire.site import Site, load
from wire.texts import Texts


@pytest.fixture
def capture(tmp_path: Path) -> Path:
    drawing = Drawn(tmp_path / "capture")
    drawing.spin([0, 90, 180, 270])
    drawing.add(PictureSet.DAMAGE, 0, drawn((40, 30), "", (150, 70, 70)))
    drawing.add(PictureSet.VIN, 0, drawn((40, 30), "", SECRET))
    return drawing.finish([scratch()], frames_per_turn=4)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    url = f"http://127.0.0.1:{free_port()}"
    (tmp_path / "site.toml").write_text(
        f'[site]\nname = "s"\n[media]\nurl = "{url}"\nfree_min = "1 B"\n'
    )
    return load(tmp_path / "site.toml")


def delivered(site: Site, capture: Path, *, as_file: bool) -> Record:
    """The capture as an agent delivers it: a record in the ledger, files in the media store."""
    store = DirectoryMedia(site.media.folder, SystemClock())
    manifest = Manifest.model_validate_json((capture / "manifest.json").read_bytes())
    files = [
        File(name=one.file, sha256=one.sha256, bytes=one.bytes, type=one.type)
        for one in manifest.pictures
    ]
    for one in manifest.pictures:
        put(store, (capture / one.file).read_bytes(), one.type)
    if as_file:
        text = (capture / "manifest.json").read_bytes()
        name = put(store, text, "application/json")
        files.append(
            File(name="manifest.json", sha256=name, bytes=len(text), type="application/json")
        )
    data = {} if as_file else manifest.model_dump(mode="json")
    made = record(1).model_copy(
        update={"kind": "studio.capture", "data": data, "files": tuple(files)}
    )
    with open_ledger(site.ledger, SystemClock()) as ledger:
        assert ledger.append([made]).taken
    return made


def test_a_folder_becomes_a_page(capture: Path, tmp_path: Path) -> None:
    out = tmp_path / "pages/one"
    code, said, err = run("studio", "page", str(capture), "--out", str(out), "--lang", "fr")
    assert (code, said, err) == (0, f"{out}/index.html\n", "")
    assert 'lang="fr"' in (out / "index.html").read_text()


def test_a_folder_becomes_a_zip(capture: Path, tmp_path: Path) -> None:
    out = tmp_path / "one.zip"
    code, said, err = run("studio", "export", str(capture), "--out", str(out))
    assert (code, said, err) == (0, "", f"6 files written to {out}\n")
    assert zipfile.ZipFile(out).testzip() is None


@pytest.mark.parametrize("as_file", [True, False])
def test_a_record_becomes_a_page(capture: Path, site: Site, tmp_path: Path, as_file: bool) -> None:
    made = delivered(site, capture, as_file=as_file)
    words = ("studio", "page", made.id, "--site", str(site.file), "--out", str(tmp_path / "page"))
    code, _, err = run(*words)
    assert (code, err) == (0, "")
    assert len(list((tmp_path / "page/turn").glob("*.webp"))) == 4
    shown = next(one for one in made.files if one.name.startswith("spin/"))
    next(site.media.folder.rglob(f"{shown.sha256}*")).write_bytes(b"other")
    code, _, err = run(*words)
    assert code == 2 and f"{shown.name} is damaged in the media store" in err
    next(site.media.folder.rglob(f"{shown.sha256}*")).unlink()
    code, _, err = run(*words)
    assert code == 2 and f"{shown.name} is not in the media store" in err


def test_what_only_the_record_calls_restricted_is_not_shown(
    capture: Path, site: Site, tmp_path: Path
) -> None:
    made = delivered(site, capture, as_file=True)
    hidden = next(one for one in made.files if one.name.startswith("spin/spin_001"))
    files = tuple(
        one.model_copy(update={"type": RESTRICTED}) if one == hidden else one for one in made.files
    )
    fetched: list[str] = []

    def fetch(sha256: str) -> bytes:
        fetched.append(sha256)
        return b"".join(DirectoryMedia(site.media.folder, SystemClock()).read(sha256))

    opened = from_record(made.model_copy(update={"files": files}), fetch)
    make_page(opened, tmp_path / "page", Texts("en"))
    assert len(list((tmp_path / "page/turn").glob("*.webp"))) == 3
    assert hidden.sha256 not in fetched and opened.withheld == 2


@pytest.mark.system
def test_pictures_come_over_http_where_the_store_is_elsewhere(
    capture: Path, site: Site, tmp_path: Path
) -> None:
    made = delivered(site, capture, as_file=True)
    there = tmp_path / "elsewhere"
    site.media.folder.rename(there)
    words = ("studio", "page", made.id, "--site", str(site.file), "--out", str(tmp_path / "page"))
    code, _, err = run(*words)
    assert code == 2 and "Connection refused" in err
    with open_media(site.media.model_copy(update={"folder": there}), [], SystemClock()):
        assert run(*words)[0] == 0
        assert len(list((tmp_path / "page/turn").glob("*.webp"))) == 4
        gone = next(one for one in made.files if one.name.startswith("damage/"))
        next(there.rglob(f"{gone.sha256}*")).unlink()
        code, _, err = run(*words)
        assert code == 2 and f"{gone.name} is not in the media store" in err


def test_what_cannot_be_shown_is_told(capture: Path, site: Site, tmp_path: Path) -> None:
    out = ("--out", str(tmp_path / "page"))
    for words, told in (
        ((str(tmp_path / "none"), *out), "there is no such folder"),
        (("018f", *out, "--site", str(site.file)), "there is no ledger"),
        ((str(capture), *out, "--lang", "de"), 'there are no texts in "de": write en, fr'),
        ((str(capture), "--out", str(capture)), "was not made by this command"),
    ):
        code, _, err = run("studio", "page", *words)
        assert code == 2 and told in " ".join(err.replace("│", " ").split())
    made = record(1)
    with open_ledger(site.ledger, SystemClock()) as ledger:
        ledger.append([made])
    for id, told in ((made.id, "name one studio.capture"), ("018f", "has no record of this id")):
        code, _, err = run("studio", "page", id, *out, "--site", str(site.file))
        assert code == 2 and told in err
    assert not (tmp_path / "page").exists()


def test_a_zip_that_fails_is_not_there(capture: Path, tmp_path: Path) -> None:
    (capture / "damage/damage_000.jpg").write_bytes(b"")
    out = tmp_path / "one.zip"
    code, _, err = run("studio", "export", str(capture), "--out", str(out))
    assert code == 2 and "damage/damage_000.jpg is not the file that manifest.json names" in err
    assert not out.exists()


def test_damages_are_added_beside_the_manifest(capture: Path, tmp_path: Path) -> None:
    (capture / "damages.json").write_text(json.dumps([scratch(text="Stone chip").model_dump()]))
    assert run("studio", "page", str(capture), "--out", str(tmp_path / "page"))[0] == 0
    assert "Stone chip" in (tmp_path / "page/index.html").read_text()
