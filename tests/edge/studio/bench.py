"""A studio without machines: tests play the controller, cameras are folders, records are kept."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from edge.files.files import Attachment, FileRefused
from edge.sources.fault import MachineFault
from edge.sources.source import Report
from edge.studio.folder_camera import FolderCamera
from edge.studio.output import Output
from edge.studio.processing import Prepared, Taken
from edge.studio.session import StudioSession
from edge.studio.shelf import Shelf
from edge.studio.still_camera import StillCamera
from stations.declare import Tag
from stations.records import Draft
from stations.samples import EMPTY, build
from stations.status import GOOD
from stations.studio.handshake import WATCHED
from stations.studio.jobs import Shot
from stations.studio.station import Studio
from tests.edge.studio.pictures import deliver
from tests.edge.studio.stills import Stills
from tests.simulators.helpers import eventually
from tests.studio.capture_case import JOB, tags
from wire.pictures import size_of
from wire.site.cameras import CameraConfig

NUMBERS: dict[int, Tag[Any]] = dict(enumerate(Studio.tags, 1))
BY_NAME = {tag.name: number for number, tag in NUMBERS.items()}
SAFE = {"curtain_clear": True, "entry_closed": True, "guard_closed": True, "load_ok": True}


class Hands:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.wall_ms, self.run_s = 1_790_000_000_000, 100.0

    def now_ms(self) -> int:
        return self.wall_ms

    def monotonic(self) -> float:
        return self.run_s

    def go(self, seconds: float) -> None:
        self.wall_ms += round(seconds * 1000)
        self.run_s += seconds


class Controller:
    """Takes commands, as OpcuaCommands does; silent while it is not `up`."""

    def __init__(self) -> None:
        self.up, self.values = True, dict[str, bool]()
        self.given: list[tuple[str, bool]] = []

    def allows(self, command: str) -> bool:
        return True

    async def give(self, command: str, value: bool) -> None:
        if not self.up:
            raise MachineFault("there is no session")
        self.values[command] = value
        self.given.append((command, value))


def masked(source: Path, target: Path, shot: Shot, taken: Taken) -> Prepared:
    """A picture in which nothing had to be hidden."""
    shutil.copyfile(source, target)
    return Prepared(*size_of(source), restricted=False)


class Bench:
    """One studio on a folder, which sessions come and go on."""

    def __init__(self, folder: Path, stills: Stills) -> None:
        self.folder, self.stills = folder, stills
        self.card = folder / "card"
        self.card.mkdir()
        self.clock, self.controller = Hands(), Controller()
        self.records: list[tuple[Draft, list[Attachment], dict[str, bytes]]] = []
        self.refuses = 0
        self.prepare, self.job = masked, JOB
        self.plc: dict[str, Any] = {}
        self.counts, self.base = {"ring": 0, "hand": 0}, {"ring": 0, "hand": 0}
        self.session = self._session()

    async def put_record(self, station: str, draft: Draft, files: Sequence[Attachment]) -> None:
        if self.refuses:
            self.refuses -= 1
            raise FileRefused("20 bytes wait, and waiting_max is 10")
        contents = {one.name: await asyncio.to_thread(one.path.read_bytes) for one in files}
        known = (draft, list(files), contents)
        if known not in self.records:
            self.records.append(known)

    def _session(self) -> StudioSession:
        shelf = Shelf(self.folder / "studio")
        output = Output("studio-1", "0", self.put_record, None, self.prepare, again_s=0.01)
        url = f"http://127.0.0.1:{self.stills.port}/?s={{set}}&i={{index}}&v={{visit}}"
        cameras = (
            FolderCamera("ring", self.card, "ring_(?P<count>[0-9]+)[.]jpg", look_s=0.01),
            FolderCamera("hand", self.card, "hand_(?P<count>[0-9]+)[.]jpg", look_s=0.01),
            StillCamera("floor", CameraConfig(url=url), shelf.folder / "fetched"),
        )
        made = StudioSession(
            "studio-1", self.job, cameras, shelf, self.clock, self.controller, output  # type: ignore[arg-type]
        )  # fmt: skip
        made.declare(NUMBERS, EMPTY)
        return made

    @asynccontextmanager
    async def running(self) -> AsyncIterator[StudioSession]:
        """A session of its own; on the way out it is cut off as by a kill."""
        self.session = self._session()
        task = asyncio.create_task(self.session.run())
        self.show(**self.plc)
        try:
            yield self.session
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def show(self, **row: Any) -> None:
        """The controller shows these values; those of a case, `latched` too."""
        values = tags(row) if row else {}
        if "trigger_angles" in row:
            values["trigger_angles"] = row["trigger_angles"]
        self.plc |= values
        time = self.clock.now_ms()
        followed = {tag.name for tag in WATCHED}
        rows = []
        for name, value in values.items():
            assert name in followed
            tag = Studio.tag(name)
            number = tag.states[value].value if tag.states is not None else value
            rows.append((BY_NAME[name], time, GOOD, tag.value_type, number))
        samples = build(rows)
        ticks = samples.time * 10_000
        self.session.hear(Report(samples, ticks, time, False, False, lambda: None))

    def shoot(self, camera: str, number: int) -> None:
        """So many triggers reach a camera."""
        for _ in range(number):
            self.counts[camera] += 1
            deliver(self.card, camera, self.counts[camera])

    def upto(self, camera: str, number: int) -> None:
        """So many triggers have reached a camera since the vehicle came."""
        self.shoot(camera, number - (self.counts[camera] - self.base[camera]))

    async def taken(self) -> None:
        """Every file of the cameras is in the studio's own folder and has been seen."""
        await eventually(lambda: not list(self.card.iterdir()), "the cards are empty")

        def seen() -> bool:
            counts = self.session.memory.counts
            return all(counts.get(name, 0) == count for name, count in self.counts.items())

        await eventually(seen, "the frames were seen")

    async def answered(self, command: str, **shown: Any) -> None:
        """The controller is given a command, shows these values, and it is taken back."""
        await eventually(lambda: self.controller.values.get(command), f"{command} is given")
        self.show(**shown)
        await eventually(lambda: not self.controller.values[command], f"{command} is taken back")

    async def recorded(self, number: int = 1) -> dict[str, Any]:
        """The data of the newest of so many records."""
        await eventually(lambda: len(self.records) >= number, f"{number} records")
        await eventually(lambda: not self.session.memory.processing, "the result is ready")
        return self.records[-1][0].data
