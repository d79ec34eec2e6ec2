"""From the frames of a capture to the page: real files and store, a line that is cut, a refusal."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from edge.files import sender
from edge.files.files import Attachment
from edge.studio.output import Output
from edge.studio.preparing import Preparing
from edge.studio.shelf import Shelf
from edge.studio.video import film
from plant.ledger import open_ledger
from plant.media.server import MediaServer, open_media
from refit.chaos.cutting import CuttingRelay
from stations.records import Draft, Record
from stations.studio.jobs import Acquired, Job, Placed, Shot
from stations.studio.manifest import PictureSet
from tests.disk.studio import FRAMES, capture
from tests.edge.files.yard import Yard, yard
from tests.edge.studio.pictures import noise
from tests.refit.test_commands import run
from tests.servers import free_port
from tests.simulators.helpers import eventually
from wire.clock import SystemClock
from wire.media.protocol import RESTRICTED
from wire.site import MediaConfig, load

pytestmark = pytest.mark.system
CUT_TO, CUT_BACK = (5_000, 70_000, 71_000, 300_000), (900, 5_000)


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, seconds in (("IDLE_S", 0.02), ("FIRST_S", 0.02), ("MOST_S", 0.1), ("LATER_S", 0.3)):
        monkeypatch.setattr(sender, name, seconds)


def with_vin(shelf: Shelf) -> tuple[Job, Acquired]:
    """A turn, and the picture of the VIN plate."""
    job, acquired = capture(shelf)
    noise(99).save(shelf.frames / "hand_1.jpg")
    vin = Placed(file="hand_1.jpg", camera="hand", set=PictureSet.VIN, index=0)
    shot = Shot(set=PictureSet.VIN, index=0, camera="hand", mask=())
    return (
        job.model_copy(update={"shots": (*job.shots, shot)}),
        acquired.model_copy(update={"pictures": (*acquired.pictures, vin)}),
    )


async def put(made: Yard, folder: Path) -> Record:
    """The capture as the agent makes it."""
    records: list[Record] = []

    async def put_record(station: str, draft: Draft, files: Sequence[Attachment]) -> Any:
        records.append(await made.files.put_record(station, draft, files, keep=True))

    output = Output("press-1", "refit 1", put_record, prepare=Preparing(), again_s=0.05, film=film)
    shelf = Shelf(folder)
    with ThreadPoolExecutor(1) as threads:
        await output.put(shelf, *await asyncio.to_thread(with_vin, shelf), threads)
    (record,) = records
    return record


def served(folder: Path) -> MediaServer:
    values = {"url": f"http://127.0.0.1:{free_port()}", "folder": folder, "free_min": 1}
    return open_media(MediaConfig.model_validate(values), ["pc-1"], SystemClock())


def page(folder: Path, id: str) -> tuple[int, str]:
    """`refit studio page` of the record: its exit code and what it says."""
    words = ("studio", "page", id, "--site", str(folder / "site.toml"))
    code, _, said = run(*words, "--out", str(folder / "page"))
    return code, said


async def test_a_capture_reaches_its_page_whole_or_not_at_all(tmp_path: Path) -> None:
    """The line is cut six times and the largest file refused at first: nothing is sent twice."""
    text = '[site]\nname = "s"\n[media]\nurl = "http://127.0.0.1:1"\nfolder = "media"\n'
    (tmp_path / "site.toml").write_text(text)
    with served(tmp_path / "media") as media, CuttingRelay(media.port, CUT_TO, CUT_BACK) as relay:
        url = f"http://127.0.0.1:{relay.port}"
        async with yard(tmp_path, url=url, chunk=32 << 10) as made:
            media.file_bytes_max = 1
            record = await put(made, tmp_path / "studio")
            sizes = {one.sha256: one.bytes for one in record.files}
            with open_ledger(load(tmp_path / "site.toml").ledger, SystemClock()) as ledger:
                assert ledger.append([record]).taken
            media.file_bytes_max = max(sizes.values()) - 1
            await eventually(lambda: made.fill().waiting == 1, "all but the largest are there")
            await eventually(lambda: made.files.sender.problem, "it is said")
            assert "bytes are more" in str(made.files.sender.problem)
            code, said = await asyncio.to_thread(page, tmp_path, record.id)
            assert code == 2 and "is not in the media store" in said
            assert not (tmp_path / "page").exists()
            media.file_bytes_max = 1 << 30
            await eventually(lambda: not made.fill().waiting, "all is there")
        assert relay.to.passed > CUT_TO[-1] and relay.back.passed > CUT_BACK[-1]
        assert media.tally["received_bytes"] == sum(sizes.values()), "no byte was kept twice"
        assert {one.sha256 for one in media.store.stored()} == set(sizes)
        by_name = {one.name: one for one in record.files}
        assert len(by_name) == FRAMES + 3 and by_name["vin/vin_000.jpg"].type == RESTRICTED
        assert (await asyncio.to_thread(page, tmp_path, record.id))[0] == 0
        turn = b"".join(media.store.read(by_name["turn.webm"].sha256))
    assert (tmp_path / "page/turn.webm").read_bytes() == turn
    assert "turn.webm" in (tmp_path / "page/index.html").read_text()
    assert not list((tmp_path / "page").rglob("*vin*"))
