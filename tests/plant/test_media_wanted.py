"""Which records are complete, which files are orphans, and that none is removed that is needed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from plant.ledger import Ledger, LedgerDamaged
from plant.media.collect import collect
from plant.media.directory import DirectoryMedia
from plant.media.store import Stored
from plant.media.wanted import Counts, Incomplete, Wanted, complete, missing
from stations.records import File, Record
from tests.plant.ledgers import FilePlace, Place
from tests.plant.media_contract import START_MS, Clock, name_of, put
from tests.plant.records import record

LATER = START_MS + 1_000_000


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> DirectoryMedia:
    return DirectoryMedia(tmp_path / "media", clock)


@pytest.fixture
def ledger(place: Place) -> Iterator[Ledger]:
    with place.open() as ledger:
        yield ledger


@pytest.fixture
def wanted(store: DirectoryMedia) -> Iterator[Wanted]:
    with Wanted(store.folder) as wanted:
        yield wanted


def with_files(number: int, *contents: bytes) -> Record:
    """A record that names these files."""
    files = tuple(
        File(name=f"{i}.jpg", sha256=name_of(content), bytes=len(content), type="image/jpeg")
        for i, content in enumerate(contents)
    )
    return record(number, files=files)


def collected(
    store: DirectoryMedia, ledger: Ledger, wanted: Wanted, before_ms: int = LATER, **how: bool
) -> set[str]:
    found: list[Stored] = list(
        collect(store, ledger, wanted, before_ms, delete=how.get("delete", True))
    )
    return {one.sha256 for one in found}


def test_a_record_is_complete_when_its_files_are_there(store: DirectoryMedia) -> None:
    one = with_files(1, b"a", b"b")
    assert missing(store, one) == ["0.jpg", "1.jpg"] and not complete(store, one)
    put(store, b"a")
    assert missing(store, one) == ["1.jpg"]
    put(store, b"b")
    assert complete(store, one) and complete(store, record(2))


def test_the_index_follows_ledger_and_store(
    store: DirectoryMedia, ledger: Ledger, wanted: Wanted
) -> None:
    first, second = with_files(1, b"a", b"b"), with_files(2, b"b", b"c")
    ledger.append([record(9), first, second])
    put(store, b"a")
    wanted.refresh(ledger, store)
    assert wanted.counts() == Counts(2, 0, 4)
    assert wanted.incomplete(9) == [
        Incomplete(second.id, "studio-1", "studio.session", second.time, 2, 2),
        Incomplete(first.id, "studio-1", "studio.session", first.time, 2, 1),
    ]
    assert len(wanted.incomplete(1)) == 1
    put(store, b"b")
    ledger.append([with_files(3, b"d"), record(10)])
    wanted.refresh(ledger, store)
    assert wanted.counts() == Counts(3, 1, 5)
    assert wanted.names(name_of(b"d")) and not wanted.names(name_of(b"x"))


def test_what_is_gone_is_noticed_when_everything_is_looked_for(
    store: DirectoryMedia, ledger: Ledger, wanted: Wanted
) -> None:
    ledger.append([with_files(1, b"a")])
    put(store, b"a")
    wanted.refresh(ledger, store)
    store.delete(name_of(b"a"), LATER)
    wanted.refresh(ledger, store)
    assert wanted.counts().complete == 1, "what was there once is not looked for each time"
    wanted.refresh(ledger, store, recheck=True)
    assert wanted.counts().complete == 0


def test_an_index_of_another_ledger_begins_anew(
    store: DirectoryMedia, wanted: Wanted, tmp_path: Path
) -> None:
    for number in (1, 2):
        folder = tmp_path / str(number)
        folder.mkdir()
        with FilePlace(folder).open() as ledger:
            ledger.append([with_files(number, b"%d" % number)])
            wanted.refresh(ledger, store)
    assert not wanted.names(name_of(b"1")) and wanted.names(name_of(b"2"))


def test_a_ledger_that_was_restored_and_has_grown_since_loses_no_file(
    store: DirectoryMedia, wanted: Wanted, tmp_path: Path
) -> None:
    place = FilePlace(tmp_path)
    with place.open() as ledger:
        ledger.append([with_files(1, b"a")])
    backup = place.file.read_bytes()
    with place.open() as ledger:
        ledger.append([with_files(2, b"gone")])
        wanted.refresh(ledger, store)
    place.file.write_bytes(backup)
    with place.open() as ledger:
        ledger.anchor()
        ledger.append([with_files(3, b"b"), with_files(4, b"c")])
        named, orphan = {put(store, one) for one in (b"a", b"b", b"c")}, put(store, b"gone")
        assert collected(store, ledger, wanted) == {orphan}
    assert {one.sha256 for one in store.stored()} == named


def test_orphans_are_old_files_that_no_record_names(
    store: DirectoryMedia, ledger: Ledger, wanted: Wanted, clock: Clock
) -> None:
    ledger.append([with_files(1, b"named")])
    named, orphan = put(store, b"named"), put(store, b"orphan")
    clock.ms = LATER
    fresh = put(store, b"fresh")
    store.append(name_of(b"half"), 4, 0, b"ha")
    assert collected(store, ledger, wanted, delete=False) == {orphan}
    assert {one.sha256 for one in store.stored()} == {named, orphan, fresh}, "only shown"
    assert collected(store, ledger, wanted) == {orphan}
    assert {one.sha256 for one in store.stored()} == {named, fresh}
    assert collected(store, ledger, wanted) == set()
    assert [one.sha256 for one in store.partials()] == [name_of(b"half")]
    assert collected(store, ledger, wanted, LATER + 1) == {fresh}
    assert list(store.partials()) == []


def test_a_file_that_is_claimed_while_orphans_are_removed_stays(
    store: DirectoryMedia, ledger: Ledger, wanted: Wanted, clock: Clock
) -> None:
    put(store, b"a")
    put(store, b"b")
    clock.ms = LATER
    orphans = collect(store, ledger, wanted, LATER, delete=True)
    first = next(orphans).sha256
    (other,) = {name_of(b"a"), name_of(b"b")} - {first}
    assert store.claim(first) is None, "its agent sends it again"
    assert store.claim(other) is not None, "its agent may forget it: it must stay"
    assert list(orphans) == []
    assert [one.sha256 for one in store.stored()] == [other]


def test_a_record_that_comes_after_the_listing_keeps_its_file(
    store: DirectoryMedia, ledger: Ledger, wanted: Wanted, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = put(store, b"a")
    listed = store.stored

    def stored() -> Iterator[Stored]:
        yield from listed()
        ledger.append([with_files(1, b"a")])

    monkeypatch.setattr(store, "stored", stored)
    assert collected(store, ledger, wanted) == set()
    assert store.head(name) is not None


def test_a_ledger_that_cannot_be_read_removes_nothing(
    store: DirectoryMedia, wanted: Wanted, tmp_path: Path
) -> None:
    place = FilePlace(tmp_path)
    name = put(store, b"a")
    with place.open() as ledger:
        ledger.append([with_files(1, b"a")])
        place.change("UPDATE entry SET body = ?", b"no record")
        with pytest.raises(LedgerDamaged, match="entry 1 is no record"):
            collected(store, ledger, wanted)
    assert store.head(name) is not None
