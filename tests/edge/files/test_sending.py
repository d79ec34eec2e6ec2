"""The way of files to the media store: over real HTTP, from real disks, whatever is in between."""

from __future__ import annotations

import asyncio
import os
from functools import partial
from pathlib import Path

import pytest

from edge.files import sender
from plant.media.server import MediaServer
from tests.edge.files.yard import CHUNK, yard
from tests.plant.media_contract import name_of
from tests.servers.certificate import certificate
from tests.simulators.helpers import eventually

pytestmark = pytest.mark.system


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
