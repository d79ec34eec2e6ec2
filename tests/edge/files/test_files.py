"""Files of records, taken from a station's hand and kept until they are in the plant."""

from __future__ import annotations

import asyncio
import os
import resource
from pathlib import Path
from typing import Any

import orjson
import pytest

from edge.files.files import Attachment, FileRefused
from edge.files.table import FileFill
from stations.records import Draft
from tests.edge.files.yard import CHUNK, yard
from tests.plant.media_contract import name_of
from tests.simulators.helpers import eventually
from wire.clock import SystemClock

pytestmark = pytest.mark.system


async def test_a_record_and_its_files_are_on_disk_and_reach_the_plant(tmp_path: Path) -> None:
    async with yard(tmp_path) as made:
        content = os.urandom(5 * CHUNK + 7)
        first, second = made.picture("a.jpg", content), made.picture("b.csv", b"1;2\n")
        record = await made.put(first, Attachment(second, "traces/run.csv"))
        a, b = record.files
        assert (a.name, a.sha256, a.bytes, a.type) == (
            "a.jpg", name_of(content), len(content), "image/jpeg",
        )  # fmt: skip
        assert (b.name, b.type) == ("traces/run.csv", "text/csv")
        assert made.records() == [orjson.loads(record.canonical())]
        assert not first.exists() and not second.exists(), "they were moved in"
        assert made.copies() == {a.sha256, b.sha256}
        made.serve()
        await eventually(lambda: made.stored() == {a.sha256, b.sha256}, "both are there")
        await eventually(lambda: made.fill().waiting == 0, "that is known here")
        assert made.copies() == {a.sha256, b.sha256}, "the ledger does not have the record yet"
        made.outbox.records_confirmed([record.id])
        await eventually(lambda: made.copies() == set(), "the copies are gone")
        assert made.fill() == FileFill(0, 0, None)
        assert made.files.sender.tally.sent == 2
        assert made.files.problems(made.fill()) == []


async def test_a_record_without_files_is_a_record(tmp_path: Path) -> None:
    async with yard(tmp_path, url=None) as made:
        record = await made.put()
        assert record.files == () and [one["id"] for one in made.records()] == [record.id]


async def test_files_that_are_kept_stay_where_they_are(tmp_path: Path) -> None:
    async with yard(tmp_path) as made:
        path = made.picture()
        await made.put(path, keep=True)
        assert path.read_bytes() == b"picture" and made.copies() == {name_of(b"picture")}


async def test_a_file_that_is_kept_may_be_written_anew_in_its_place(tmp_path: Path) -> None:
    async with yard(tmp_path) as made:
        latest = made.picture("latest.jpg", b"first!!")
        record = await made.put(latest, keep=True)
        with latest.open("r+b") as camera:
            camera.write(b"second!")
        made.serve()
        await eventually(lambda: made.fill().waiting == 0, "it is there")
        assert made.stored() == {record.files[0].sha256}
        assert made.files.sender.tally.lost == 0


async def test_the_same_fact_with_the_same_files_is_one_record(tmp_path: Path) -> None:
    async with yard(tmp_path) as made:
        ids = [(await made.put(made.picture())).id for _ in range(2)]
        other = await made.put(made.picture(content=b"another"))
        assert ids[0] == ids[1] != other.id
        assert len(made.records()) == 2 and made.fill().waiting == 2


@pytest.mark.parametrize(
    ("files", "why"),
    [
        (["absent.jpg"], "absent.jpg cannot be read"),
        (["."], "is no file"),
        (["a.jpg", "b.jpg", "absent.jpg"], "cannot be read"),
        (["big.jpg"], "file_max"),
        (["a.jpg", "a.jpg"], "the same name"),
        ([("a.jpg", "../b")], "leads out of its record"),
        ([("a.jpg", "/etc/b")], "leads out of its record"),
        ([("a.jpg", "b\n")], "no name of a file"),
        ([("a.jpg", "b" * 201)], "no name of a file"),
        ([("a.jpg", "", "picture")], "no media type: write it like image/jpeg"),
        ([("a.jpg", "", "image/jpeg\nX: y")], "no media type"),
        ([("a.jpg", "", "image/片")], "no media type"),
    ],
)
async def test_what_cannot_be_taken_is_said_and_nothing_is_done(
    tmp_path: Path, files: list[Any], why: str
) -> None:
    async with yard(tmp_path, file_max=1000) as made:
        for name, size in (("a.jpg", 10), ("b.jpg", 20), ("big.jpg", 1001)):
            made.picture(name, bytes(size))
        given = [
            Attachment(tmp_path / one[0], *one[1:]) if isinstance(one, tuple) else tmp_path / one
            for one in files
        ]
        with pytest.raises(FileRefused, match=why):
            await made.put(*given)
        assert made.copies() == set() and made.records() == [] and made.fill().waiting == 0
        assert made.pictures() == {"a.jpg", "b.jpg", "big.jpg"}
        with pytest.raises(LookupError, match="no station 'studio-9' at this agent"):
            await made.files.put_record("studio-9", Draft(kind="x", time_ms=0, data={}))


async def test_files_of_a_record_that_cannot_be_made_leave_no_copy(tmp_path: Path) -> None:
    async with yard(tmp_path) as made:
        path = made.picture()
        with pytest.raises(ValueError, match="kind"):
            await made.files.put_record(
                "press-1", Draft(kind="No Kind", time_ms=0, data={}), [path]
            )
        assert path.exists() and made.copies() == set()
        record = await made.put(path)
        made.serve()
        made.outbox.records_confirmed([record.id])
        await eventually(lambda: made.copies() == set(), "nobody holds the copy any more")
        assert made.stored() == {name_of(b"picture")}


async def test_a_folder_that_cannot_be_cleared_keeps_no_agent_from_its_work(tmp_path: Path) -> None:
    (tmp_path / "pc-1.files" / ".passing-1").mkdir(parents=True)
    async with yard(tmp_path) as made:
        assert "cannot be cleared" in made.files.problems(made.fill())[0]
        await made.put(made.picture())
        media = made.serve()
        await eventually(lambda: made.fill().waiting == 0, "files go on")
        assert media.tally["received_bytes"] == 7


async def test_a_site_without_a_media_store_takes_no_files(tmp_path: Path) -> None:
    async with yard(tmp_path) as made:
        await made.put(made.picture())
    async with yard(tmp_path, url=None) as made:
        with pytest.raises(FileRefused, match="the site has no media store"):
            await made.put(made.picture("b.jpg"))
        assert made.files.problems(made.fill()) == ["files wait, and the site has no media store"]


async def test_at_the_bound_the_station_is_told_and_keeps_its_files(tmp_path: Path) -> None:
    async with yard(tmp_path, waiting_max=1000) as made:
        record = await made.put(made.picture("a.jpg", bytes(800)))
        other = made.picture("b.jpg", bytes(300))
        with pytest.raises(FileRefused, match="800 bytes wait, and waiting_max is 1000"):
            await made.put(other, at=1)
        assert other.exists() and made.files.refused == 1
        assert "no more files are taken" in made.files.problems(made.fill())[0]
        made.serve()
        made.outbox.records_confirmed([record.id])
        await eventually(lambda: made.copies() == set(), "there is room again")
        assert not any("no more" in one for one in made.files.problems(made.fill()))
        await made.put(other, at=1)


async def test_an_agent_that_starts_again_goes_on(tmp_path: Path) -> None:
    async with yard(tmp_path, sending=False) as made:
        content = os.urandom(4 * CHUNK)
        await made.put(made.picture("a.jpg", content))
        half, stray = content[: 2 * CHUNK], made.files.folder.path("f" * 64)
        made.serve().store.append(name_of(content), 4 * CHUNK, 0, half)
        stray.write_bytes(b"left by a kill between the file and the commit")
    async with yard(tmp_path) as made:
        assert made.copies() == {name_of(content)}
        media = made.serve()
        await eventually(lambda: made.fill().waiting == 0, "it is sent")
        assert media.tally["received_bytes"] == 2 * CHUNK, "only what was missing"


async def test_an_agent_waits_for_its_files_when_it_is_told_to(tmp_path: Path) -> None:
    async with yard(tmp_path) as made:
        await made.files.drain(0.0)
        await made.put(made.picture())
        made.serve()
        await made.files.drain(SystemClock().monotonic() + 10)
        assert made.fill().waiting == 0


async def test_two_takers_of_one_content_leave_a_copy(tmp_path: Path) -> None:
    async with yard(tmp_path) as made:
        made.serve()
        records = await asyncio.gather(
            *(made.put(made.picture(f"{n}.jpg", b"same"), at=n) for n in range(8))
        )
        await eventually(lambda: made.fill().waiting == 0, "it is there")
        made.outbox.records_confirmed([one.id for one in records])
        await eventually(lambda: made.copies() == set(), "and gone here")


async def test_a_full_disk_here_leaves_the_file_with_its_owner(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    async with yard(tmp_path, sending=False) as made:
        path = made.picture("a.jpg", bytes(100_000))
        monkeypatch.setattr(os, "link", refuse)
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, limits[1]))
        try:
            with pytest.raises(FileRefused, match="cannot be taken in"):
                await made.put(path)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert path.exists() and made.copies() == set() and made.records() == []
        await made.put(path)
        assert made.copies() == {name_of(bytes(100_000))}


async def test_what_was_taken_after_the_backup_of_a_restored_outbox_is_set_aside(
    tmp_path: Path,
) -> None:
    contents = (b"one", b"two", b"three")
    async with yard(tmp_path, sending=False) as made:
        await made.put(made.picture("a.jpg", contents[0]))
    backup = restored(tmp_path)
    async with yard(tmp_path, sending=False) as made:
        await made.put(made.picture("b.jpg", contents[1]), at=1)
        await made.put(made.picture("c.jpg", contents[2]), at=2, keep=True)
        assert made.pictures() == {"c.jpg"}
    restored(tmp_path, backup)
    async with yard(tmp_path, sending=False) as made:
        folder = made.files.folder.folder
        assert made.copies() == {name_of(contents[0])}
        aside = {one.name for one in folder.rglob("set-aside/*")}
        assert aside == {name_of(contents[1]), name_of(contents[2])}


def restored(folder: Path, backup: bytes = b"") -> bytes:
    """The closed outbox as it is, or another one in its place."""
    path = folder / "pc-1.db"
    there = path.read_bytes()
    if backup:
        path.write_bytes(backup)
    return there
