"""What becomes of a capture whose disk is full while it is made, on a real small disk.

`python -m tests.disk.studio FOLDER`, where FOLDER is a file system of its own of a few MiB, which
fills while a picture is encoded, while one is signed (just then), and while the turn is filmed.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from edge.files.files import Attachment
from edge.studio import video
from edge.studio.encoding import About
from edge.studio.output import Output
from edge.studio.preparing import Preparing
from edge.studio.processing import MANIFEST, Prepared, Taken
from edge.studio.shelf import Shelf
from edge.studio.signing import Signer, read_signer
from stations.records import Draft
from stations.studio.jobs import Acquired, Job, Placed, Shot
from stations.studio.manifest import Manifest, PictureSet
from tests.edge.studio.keys import credentials
from tests.edge.studio.pictures import noise
from tests.simulators.helpers import eventually

FRAMES = 12
LEFT_BYTES = 4096
WAIT_S = 60.0


class Disk:
    """Fills itself when it is told to, once, and can be freed."""

    def __init__(self, folder: Path) -> None:
        self._ballast, self.was_full = folder / "ballast", False

    def fill(self) -> None:
        if self.was_full:
            return
        self.was_full = True
        with self._ballast.open("wb", buffering=0) as file, suppress(OSError):
            while file.write(bytes(LEFT_BYTES)):
                pass
        os.truncate(self._ballast, self._ballast.stat().st_size - LEFT_BYTES)

    def free(self) -> None:
        self._ballast.unlink(missing_ok=True)


class Filling:
    """The steps of a result, before one of which the disk fills."""

    def __init__(self, disk: Disk, when: str, signer: Signer) -> None:
        self._disk, self._when, self._signer = disk, when, signer
        self._prepare = Preparing(self)  # type: ignore[arg-type]

    def sign(self, file: Path, about: About, masked: bool) -> None:
        if self._when != "signing" or about.index != FRAMES // 2:
            self._signer.sign(file, about, masked)
            return
        self._disk.fill()
        try:
            self._signer.sign(file, about, masked)
        finally:
            self._disk.free()

    def prepare(self, source: Path, target: Path, shot: Shot, taken: Taken) -> Prepared:
        if self._when == "encoding" and shot.index == FRAMES // 2:
            self._disk.fill()
        return self._prepare(source, target, shot, taken)

    def film(self, pictures: Iterable[tuple[float, Path]], target: Path) -> bool:
        if self._when == "filming":
            self._disk.fill()
        return video.film(pictures, target)


def capture(shelf: Shelf) -> tuple[Job, Acquired]:
    """A turn whose frames lie on the shelf."""
    shots, placed = [], []
    for index in range(FRAMES):
        angle = 360.0 * index / FRAMES
        noise(index).save(shelf.frames / f"ring_{index}.jpg", quality=80)
        shots.append(
            Shot(set=PictureSet.SPIN, index=index, camera="ring", angle_deg=angle, mask=())
        )
        placed.append(
            Placed(
                file=f"ring_{index}.jpg", camera="ring", set=PictureSet.SPIN, index=index,
                angle_deg=angle,
            )
        )  # fmt: skip
    about: dict[str, Any] = {"visit": "v-1", "job": "v-1/1", "recipe": "p@1", "simulated": True}
    acquired = Acquired(
        capture="v-1-1", started_ms=0, ended_ms=1000, complete=True, reasons=(), missing=(),
        pictures=tuple(placed), turns=1, stops=(), **about,
    )  # fmt: skip
    return Job(id="p", version=1, shots=tuple(shots)), acquired


async def one(folder: Path, when: str, signer: Signer) -> None:
    """AssertionError for whatever is published too early, or lost."""
    shelf, disk = Shelf(folder / when), Disk(folder)
    job, acquired = capture(shelf)
    filling = Filling(disk, when, signer)
    published: list[tuple[Draft, list[str]]] = []

    async def put_record(station: str, draft: Draft, files: Sequence[Attachment]) -> None:
        assert all(one.path.stat().st_size for one in files)
        published.append((draft, [one.name for one in files]))

    output = Output(
        "studio-1", "refit 1", put_record, prepare=filling.prepare, again_s=0.05, film=filling.film
    )
    with ThreadPoolExecutor(1) as threads:
        putting = asyncio.create_task(output.put(shelf, job, acquired, threads))
        async with asyncio.timeout(WAIT_S):
            await eventually(lambda: output.problem or putting.done(), "the disk refuses")
            assert not putting.done(), f"published on a full disk: {published}"
            assert disk.was_full and "No space left on device" in output.problem, output.problem
            assert not published and not (shelf.captures / acquired.capture / MANIFEST).exists()
            print(f"{when}: {output.problem}")
            disk.free()
            await putting
    ((draft, names),) = published
    assert draft.data["complete"] and draft.data["reasons"] == [], draft.data
    manifest = Manifest.model_validate_json((shelf.captures / "v-1-1" / MANIFEST).read_bytes())
    assert manifest.video in names and all(one.signed for one in manifest.pictures)
    assert len(names) == FRAMES + 2 and not output.problem
    assert not list(shelf.captures.rglob(".*")), "nothing half-made is left"
    shutil.rmtree(shelf.folder)
    print(f"{when}: whole, once")


def main(folder: Path) -> None:
    """The disk fills at each step in turn."""
    with tempfile.TemporaryDirectory() as keys:
        signer = read_signer(*credentials(Path(keys)))
    for when in ("encoding", "signing", "filming"):
        asyncio.run(one(folder, when, signer))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
