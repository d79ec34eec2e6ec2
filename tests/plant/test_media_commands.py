"""`refit media status`, `collect` and `get`."""

from __future__ import annotations

import os
from pathlib import Path

import orjson
import pytest

from plant.ledger import open_ledger
from plant.media.directory import DirectoryMedia
from plant.media.server import open_media
from tests.plant.media_contract import name_of, put
from tests.plant.test_media_wanted import with_files
from tests.refit.test_commands import run
from tests.servers import free_port
from wire.clock import SystemClock
from wire.site import Site, load


@pytest.fixture
def site(tmp_path: Path) -> Site:
    url = f"http://127.0.0.1:{free_port()}"
    (tmp_path / "site.toml").write_text(
        f'[site]\nname = "s"\n[media]\nurl = "{url}"\nfree_min = "1 B"\n'
    )
    return load(tmp_path / "site.toml")


@pytest.fixture
def store(site: Site) -> DirectoryMedia:
    """A media store with `here` and an old `orphan`, and a ledger that misses `missing`."""
    store = DirectoryMedia(site.media.folder, SystemClock())
    put(store, b"here")
    put(store, b"orphan")
    path = next(store.folder.rglob(f"{name_of(b'orphan')}*"))
    os.utime(path, (1_600_000_000, 1_600_000_000))
    with open_ledger(site.ledger, SystemClock()) as ledger:
        ledger.append([with_files(1, b"here"), with_files(2, b"here", b"missing")])
    return store


def test_the_status_says_what_is_not_complete(site: Site, store: DirectoryMedia) -> None:
    code, out, err = run("media", "status", "--site", str(site.file), "--json")
    assert (code, err) == (0, "")
    found = orjson.loads(out)
    assert found.pop("free_bytes") > 0
    assert found == {
        "files": 2, "bytes": 10, "partial_uploads": 0, "records_with_files": 2, "complete": 1,
        "incomplete": 1, "orphans": 1, "orphan_bytes": 6,
    }  # fmt: skip
    code, out, _ = run("media", "status", "--site", str(site.file))
    assert code == 0 and f"{with_files(2).id}" in out
    assert out.splitlines()[-1].endswith("1 of 2 files are missing")


def test_orphans_are_shown_and_removed_when_that_is_said(site: Site, store: DirectoryMedia) -> None:
    words = ("media", "collect", "--site", str(site.file))
    for _ in range(2):
        code, out, err = run(*words)
        assert code == 0 and out.startswith(name_of(b"orphan"))
        assert err == "1 files, 6 bytes would be removed: say --delete\n"
    code, out, err = run(*words, "--older", "20000 d", "--delete")
    assert (code, out, err) == (0, "", "0 files, 0 bytes removed\n")
    code, out, err = run(*words, "--delete")
    assert code == 0 and err == "1 files, 6 bytes removed\n"
    assert {one.sha256 for one in store.stored()} == {name_of(b"here")}


@pytest.mark.parametrize(("older", "why"), [("1 d", "2 d at least"), ("old", "is not a duration")])
def test_a_grace_that_is_none_is_refused(
    site: Site, store: DirectoryMedia, older: str, why: str
) -> None:
    code, _, err = run("media", "collect", "--site", str(site.file), "--older", older, "--delete")
    assert code == 2 and why in err


@pytest.mark.parametrize("command", ["status", "collect"])
def test_they_run_where_the_files_are(site: Site, command: str) -> None:
    code, _, err = run("media", command, "--site", str(site.file))
    assert code == 2 and "run it where the media store is" in err
    site.media.folder.mkdir(parents=True)
    code, _, err = run("media", command, "--site", str(site.file))
    assert code == 2 and "there is no ledger" in err


@pytest.mark.system
def test_a_file_is_fetched_and_verified(site: Site, store: DirectoryMedia, tmp_path: Path) -> None:
    words = ("--site", str(site.file), "--to", str(tmp_path / "got"))
    code, _, err = run("media", "get", name_of(b"here"), *words)
    assert code == 1 and "Connection refused" in err
    with open_media(site.media, [], SystemClock()):
        assert run("media", "get", name_of(b"here"), *words) == (0, "", "")
        assert (tmp_path / "got").read_bytes() == b"here"
        code, _, err = run("media", "get", "a" * 64, *words)
        assert code == 1 and "it is not there" in err
        next(store.folder.rglob(f"{name_of(b'here')}*")).write_bytes(b"HERE")
        code, _, err = run("media", "get", name_of(b"here"), *words)
        assert code == 1 and "it is damaged there" in err
    code, _, err = run("media", "get", "abc", *words)
    assert code == 2 and "abc is no SHA-256" in err
