"""Files of records from a station's hand to the media store, over real HTTP, real disks."""

from __future__ import annotations

import asyncio
import os
import resource
from functools import partial
from pathlib import Path
from typing import Any

import orjson
import pytest

from edge.files import sender
from edge.files.files import Attachment, FileRefused
from edge.files.table import FileFill
from plant.media.server import MediaServer
from stations.records import Draft
from tests.edge.files.yard import CHUNK, yard
from tests.plant.media_contract import name_of
from tests.servers.certificate import certificate
from tests.simulators.helpers import eventually
from wire.clock import SystemClock

pytestmark = pytest.mark.system


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "IDLE_S", 0.02)
    monkeypatch.setattr(sender, "FIRST_S", 0.02)
    monkeypatch.setattr(sender, "MOST_S", 0.1)
    monkeypatch.setattr(sender, "LATER_S", 0.3)


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


async def test_a_store_that_comes_and_goes_delays_and_loses_nothing(tmp_path: Path) -> None:
    async with yard(tmp_path) as made:
        contents = {os.urandom(20 * CHUNK + n) for n in range(6)}
        for number, content in enumerate(contents):
            await made.put(made.picture(f"{number}.jpg", content), at=number)
        await eventually(lambda: made.files.sender.problem, "it is said that nobody is there")
        assert "files wait: " in made.files.problems(made.fill())[0]

        def some_came(media: MediaServer) -> bool:
            return media.tally["received_bytes"] > 5 * CHUNK or not made.fill().waiting

        for _ in range(3):
            media = made.serve()
            await eventually(partial(some_came, media), "some chunks")
            await asyncio.to_thread(media.close)
        made.serve()
        await eventually(lambda: made.fill().waiting == 0, "all are sent")
        await eventually(lambda: made.files.sender.problem is None, "all is well")
        assert made.stored() == {name_of(one) for one in contents}


async def test_a_copy_that_is_gone_or_changed_is_told_and_holds_up_no_other(
    tmp_path: Path,
) -> None:
    async with yard(tmp_path) as made:
        gone = await made.put(made.picture("gone.jpg", b"gone"), at=1)
        changed = await made.put(made.picture("changed.jpg", b"changed"), at=2)
        whole = await made.put(made.picture("whole.jpg", b"whole"), at=3)
        made.files.folder.path(gone.files[0].sha256).unlink()
        made.files.folder.path(changed.files[0].sha256).write_bytes(b"CHANGED")
        made.serve()
        await eventually(lambda: made.fill().waiting == 0, "nothing waits any more")
        assert made.stored() == {whole.files[0].sha256}
        lost = {one["data"]["record"]: one["data"] for one in made.records("file_lost")}
        assert {one: said["reason"] for one, said in lost.items()} == {
            gone.id: "gone", changed.id: "changed",
        }  # fmt: skip
        assert lost[gone.id]["name"] == "gone.jpg" and made.told == 2
        assert made.files.sender.tally.lost == 2
        assert "2 files were lost" in made.files.problems(made.fill())[0]
        assert made.copies() == {whole.files[0].sha256}


async def test_a_file_that_the_plant_damaged_is_sent_again(tmp_path: Path) -> None:
    async with yard(tmp_path) as made:
        content = os.urandom(3 * CHUNK)
        await made.put(made.picture("a.jpg", content))
        media = made.serve()
        await eventually(lambda: made.stored() == {name_of(content)}, "it is there")
        other = os.urandom(3 * CHUNK)
        media.store.append(name_of(other), 3 * CHUNK, 0, bytes(CHUNK))
        await made.put(made.picture("b.jpg", other), at=1)
        await eventually(lambda: name_of(other) in made.stored(), "it is there at last")
        await eventually(lambda: made.fill().waiting == 0, "that is known")
        assert made.files.sender.tally.refused == 1 and made.records("file_lost") == []


async def test_a_file_that_is_refused_holds_up_no_other(tmp_path: Path) -> None:
    async with yard(tmp_path) as made:
        media = made.serve()
        media.file_bytes_max = 100
        large = await made.put(made.picture("large.jpg", bytes(101)), at=1)
        small = await made.put(made.picture("small.jpg", bytes(99)), at=2)
        await eventually(lambda: made.stored() == {small.files[0].sha256}, "the small one is there")
        await eventually(lambda: made.files.sender.problem, "it is said")
        assert "large.jpg cannot be sent: 101 bytes are more" in str(made.files.sender.problem)
        media.file_bytes_max = 1000
        await eventually(lambda: made.fill().waiting == 0, "it is tried again")
        assert large.files[0].sha256 in made.stored()
        await eventually(lambda: made.files.sender.problem is None, "all is well")


async def test_the_same_content_of_two_records_is_sent_once(tmp_path: Path) -> None:
    async with yard(tmp_path) as made:
        content = os.urandom(3 * CHUNK)
        for at in range(2):
            await made.put(made.picture("a.jpg", content), at=at)
        media = made.serve()
        await eventually(lambda: made.fill().waiting == 0, "both are there")
        assert media.tally["received_bytes"] == 3 * CHUNK
        assert made.files.sender.tally.sent == 1


async def test_an_upload_that_somebody_else_ends_meanwhile_loses_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with yard(tmp_path) as made:
        content, store = os.urandom(3 * CHUNK), made.serve().store
        append = store.append

        def late(sha256: str, total: int, offset: int, chunk: bytes) -> int:
            """Another agent has sent all of the same content, and is about to end the upload."""
            if not store.received(sha256, total):
                append(sha256, total, 0, content)
            return append(sha256, total, offset, chunk)

        monkeypatch.setattr(store, "append", late)
        await made.put(made.picture("a.jpg", content))
        await eventually(lambda: made.fill().waiting == 0, "it is there")
        assert made.records("file_lost") == [] and made.stored() == {name_of(content)}


async def test_what_is_there_already_is_not_sent(tmp_path: Path) -> None:
    async with yard(tmp_path) as made:
        media = made.serve()
        media.store.append(name_of(b"picture"), 7, 0, b"picture")
        media.store.complete(name_of(b"picture"), 7, "image/jpeg")
        await made.put(made.picture())
        await eventually(lambda: made.fill().waiting == 0, "it is known")
        assert media.tally["received_bytes"] == 0


async def test_no_more_bytes_a_second_than_allowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    async with yard(tmp_path, rate_max=CHUNK // 100) as made:
        made.serve()
        monkeypatch.setattr(sender.asyncio, "sleep", pause)
        await made.put(made.picture("a.jpg", os.urandom(4 * CHUNK)))
        while made.fill().waiting:
            await asyncio.wait([asyncio.create_task(asyncio.to_thread(lambda: None))])
        monkeypatch.undo()
    long = [one for one in pauses if one > 1]  # the others are those of the intake
    assert len(long) == 3 and 200 < sum(long) <= 310


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


async def test_an_agent_proves_who_it_is_to_a_store_that_does_too(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    tokens, token = tmp_path / "tokens", tmp_path / "token"
    tokens.write_text("pc-1 right-0123456789abc\n")
    token.write_text("wrong-0123456789abc\n")
    keys = {"ca_file": cert, "cert_file": cert, "key_file": key}
    async with yard(tmp_path, token_file=token, tokens_file=tokens, **keys) as made:
        content = os.urandom(3 * CHUNK)
        made.serve()
        await made.put(made.picture("a.jpg", content))
        await eventually(lambda: made.files.sender.problem, "it is refused")
        assert "a token is needed" in str(made.files.sender.problem)
        token.write_text("right-0123456789abc\n")
        await eventually(lambda: made.fill().waiting == 0, "it is let in")
        assert made.stored() == {name_of(content)}


async def test_a_certificate_that_is_not_there_is_said(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    keys = {"ca_file": tmp_path / "later.pem", "cert_file": cert, "key_file": key}
    async with yard(tmp_path, **keys) as made:
        made.serve()
        await made.put(made.picture())
        await eventually(lambda: made.files.sender.problem, "it is said")
        assert "later.pem: there is no such file" in str(made.files.sender.problem)
        (tmp_path / "later.pem").write_bytes(cert.read_bytes())
        await eventually(lambda: made.fill().waiting == 0, "it is sent")


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
