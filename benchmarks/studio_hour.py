"""An hour of a studio: the controller's time is virtual, what the agent does is real.

`python -m benchmarks.studio_hour [--vehicles 10] [--bad 50] [--bytes 350000]`. The model of the
studio runs as fast as it can and more slowly where it waits for software; cameras deliver files of
a picture's size. What is measured: how long the vehicle waits for the judge, how long the result
takes after it, CPU, memory and bytes for each vehicle. What is done to a picture is what
`edge/studio` does at this commit.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import resource
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import structlog

from edge.files.files import Attachment, Files
from edge.intake import Intake
from edge.lane import Lane
from edge.outbox import Outbox
from edge.pipeline import Pipeline
from edge.sources.source import Report
from edge.studio import operator
from edge.studio.folder_camera import FolderCamera
from edge.studio.output import Output
from edge.studio.session import StudioSession
from edge.studio.shelf import Shelf
from stations.model import Values, Vehicle
from stations.records import AgentInfo, Draft
from stations.samples import EMPTY, build
from stations.status import GOOD
from stations.studio.handshake import WATCHED
from stations.studio.jobs import Job, Shot
from stations.studio.manifest import PictureSet
from stations.studio.model import StudioModel
from stations.studio.station import SPIN_ANGLES, Studio, StudioState
from wire.clock import SystemClock
from wire.site import MediaConfig

STEP_S, TAKT_S = 0.5, 360.0
LOOK_S, WAITING_STEP_S = 0.02, 0.2
DETAILS = 26  # with the 40 of the spin: 66 pictures a vehicle
NUMBERS = dict(enumerate(Studio.tags, 1))
BY_NAME = {tag.name: number for number, tag in NUMBERS.items()}


def plan() -> Job:
    """40 pictures of the spin and 26 of the standing vehicle."""
    spin = [
        Shot(set=PictureSet.SPIN, index=index, camera="ring", angle_deg=angle)
        for index, angle in enumerate(SPIN_ANGLES)
    ]
    rest = [Shot(set=PictureSet.DETAIL, index=index, camera="hand") for index in range(DETAILS)]
    return Job(id="full-360", version=3, shots=(*spin, *rest))


@dataclass
class Lens:
    """Writes files of a picture's size; of the spin's one in `bad` is the one before once more."""

    folder: Path
    size: int
    bad: int
    rng: random.Random
    counts: dict[str, int] = field(default_factory=dict)
    last: bytes = b""
    made: int = 0

    def shoot(self, camera: str) -> None:
        """One trigger reaches a camera."""
        self.made += 1
        self.counts[camera] = self.counts.get(camera, 0) + 1
        count = self.counts[camera]
        if not self.last or not self.bad or camera != "ring" or count % self.bad:
            head = b"\xff\xd8\xff\xc0\x00\x0b\x08\x04\x38\x07\x80\x01\x01\x11\x00"
            self.last = head + self.rng.randbytes(self.size) + b"\xff\xd9"
        (self.folder / f"{camera}_{self.counts[camera]:06d}.jpg").write_bytes(self.last)


class Hand:
    """The controller's end of the commands."""

    def __init__(self, model: StudioModel) -> None:
        self._model = model
        self.given: dict[str, float] = {}

    def allows(self, command: str) -> bool:
        """Everything."""
        return True

    async def give(self, command: str, value: bool) -> None:
        """Take a command at once."""
        if value:
            self.given.setdefault(command, time.monotonic())
        self._model.commanded(command, value)


@dataclass
class Measured:
    """One vehicle: seconds of the wall, and whether it turned again."""

    waited_s: float
    result_s: float
    turns: int
    complete: bool


class Hour:
    """The studio, its cameras and the agent's part of it."""

    def __init__(self, folder: Path, size: int, bad: int) -> None:
        rng = random.Random(1)
        self.model, self.values = StudioModel(rng), Values(Studio)
        self.model.guided = True
        self.card = folder / "card"
        self.card.mkdir()
        self.lens, self.hand = Lens(self.card, size, bad, rng), Hand(self.model)
        self.shown: dict[str, Any] = {}
        self.recorded: dict[str, tuple[float, Draft]] = {}
        self.news, self.bytes = asyncio.Condition(), 0
        self.virtual_s = 0.0
        clock = SystemClock()
        self.shelf = Shelf(folder / "studio")
        cameras = [
            FolderCamera(name, self.card, rf"{name}_(?P<count>\d+)\.jpg")
            for name in ("ring", "hand")
        ]
        output = Output("studio-1", "benchmark", self._put)
        self.session = StudioSession(
            "studio-1", plan(), cameras, self.shelf, clock, self.hand, output,  # type: ignore[arg-type]
        )  # fmt: skip
        self.session.declare(NUMBERS, EMPTY)
        self.outbox = Outbox(folder / "pc.db")
        about = AgentInfo(name="pc", version="0")
        lane = Lane("hall", "", "studio-1", about, NUMBERS, {"": tuple(NUMBERS)})
        self.intake = Intake(
            self.outbox, Pipeline(), [lane], clock, self._blocking, lambda batches, records: None
        )
        # Nothing listens there: the files wait in the agent's folder, as in an outage.
        config = MediaConfig.model_validate({"url": "http://127.0.0.1:9", "free_min": 1})
        self.files = Files(
            config, self.outbox, self.intake, clock, rng, self._blocking, lambda: None
        )

    async def _blocking(self, work: Callable[..., Any], *args: Any) -> Any:
        return await asyncio.to_thread(partial(work, *args))

    async def _put(self, station: str, draft: Draft, files: Sequence[Attachment]) -> None:
        await self.files.put_record(station, draft, files, keep=True)
        self.bytes += draft.data["bytes"]
        async with self.news:
            self.recorded[draft.data["capture"]] = (time.monotonic(), draft)
            self.news.notify_all()

    async def step(self, seconds: float) -> None:
        """Let the studio work, and show the agent what has changed."""
        before = self.values[Studio.frames_details]
        self.model.step(seconds, self.values)
        self.virtual_s += seconds
        for _ in self.model.fired():
            self.lens.shoot("ring")
        after = self.values[Studio.frames_details]
        for _ in range(DETAILS * after // 12 - DETAILS * before // 12 if after > before else 0):
            self.lens.shoot("hand")
        rows = []
        for tag in WATCHED:
            value: Any = self.values[tag]
            if self.shown.get(tag.name, ...) != value:
                self.shown[tag.name] = list(value) if isinstance(value, list) else value
                number = value.value if tag.states is not None else value
                rows.append((BY_NAME[tag.name], 0, GOOD, tag.value_type, number))
        if rows:
            samples = build(rows)
            self.session.hear(Report(samples, samples.time, 0, False, False, lambda: None))
        await asyncio.sleep(0)

    async def vehicle(self, number: int) -> Measured:
        """One vehicle from driving on to driving off."""
        while not self.model.is_free:
            await self.step(STEP_S)
        self.hand.given.clear()
        self.model.arrive(Vehicle(f"v-{number}", health=0.8))
        began_s = self.virtual_s
        reviewed_s = waited_s = 0.0
        while not self.model.is_done:
            state = self.values[Studio.state]
            waits = state in (StudioState.SECURING, StudioState.REVIEW, StudioState.DONE)
            if waits:
                await asyncio.sleep(LOOK_S)
            await self.step(WAITING_STEP_S if waits else STEP_S)
            if state is StudioState.REVIEW and not reviewed_s:
                reviewed_s = time.monotonic()
            if state is not StudioState.REVIEW and reviewed_s:
                waited_s, reviewed_s = waited_s + time.monotonic() - reviewed_s, 0.0
            if (asks := operator.asked(self.shelf.operator)) is not None:
                again = operator.Choice(capture=asks.capture, choice="again")
                operator.answer(self.shelf.operator, again)
        done_s = self.hand.given["set_acquisition_done"]
        self.model.leave()
        while self.virtual_s - began_s < TAKT_S:
            await self.step(STEP_S)
        async with self.news:
            await self.news.wait_for(lambda: f"v-{number}-1" in self.recorded)
        ready_s, draft = self.recorded[f"v-{number}-1"]
        turns, complete = draft.data["turns"], draft.data["reasons"] in ([], ["unmasked"])
        return Measured(waited_s, ready_s - done_s, turns, complete)


async def hour(vehicles: int, size: int, bad: int) -> dict[str, Any]:
    """The figures of so many vehicles."""
    with tempfile.TemporaryDirectory() as folder:
        one = Hour(Path(folder), size, bad)
        tasks = [asyncio.create_task(work()) for work in running(one)]
        cpu_s = time.process_time()
        try:
            measured = [await one.vehicle(number) for number in range(1, vehicles + 1)]
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await one.files.stop()
            one.outbox.close()
        cpu_s = time.process_time() - cpu_s
    results = sorted(each.result_s for each in measured)
    return {
        "vehicles": vehicles,
        "pictures": one.lens.made,
        "one_bad_in": bad,
        "turned_again": sum(each.turns - 1 for each in measured),
        "all_required_there": all(each.complete for each in measured),
        "waited_for_software_s_max": round(max(each.waited_s for each in measured), 2),
        "result_s_median": round(results[len(results) // 2], 2),
        "result_s_max": round(results[-1], 2),
        "cpu_s_per_vehicle": round(cpu_s / vehicles, 2),
        "memory_mib_max": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
        "mb_per_vehicle": round(one.bytes / vehicles / 1e6, 1),
    }


def running(one: Hour) -> tuple[Callable[[], Awaitable[None]], ...]:
    """The tasks of the agent that the capture needs."""
    return one.session.run, one.intake.run, one.intake.tick


def main() -> None:
    """Measure, and print one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vehicles", type=int, default=10)
    parser.add_argument("--bytes", type=int, default=350_000)
    parser.add_argument("--bad", type=int, default=0, help="one picture in so many is a repeat")
    given = parser.parse_args()
    structlog.configure(processors=[lambda *_: (_ for _ in ()).throw(structlog.DropEvent)])
    print(json.dumps(asyncio.run(hour(given.vehicles, given.bytes, given.bad)), indent=1))


if __name__ == "__main__":
    main()
