"""An hour of a studio: the controller's time is virtual, what the agent does is real.

The model of the studio runs as fast as it can, and no faster than a clock while a vehicle waits for
software. Cameras deliver pictures that were drawn before; judging, masking, encoding, signing, the
film, manifest and record are the product's. Each course runs in a process of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import structlog

from benchmarks.figure import Context, Figure
from benchmarks.machine import busy_s, peak_mib
from benchmarks.studio_lens import LARGE, Hand, Lens, plan
from benchmarks.studio_pictures import DETAILS
from edge.files.files import Attachment, Files
from edge.intake import Intake
from edge.lane import Lane
from edge.outbox import Outbox
from edge.pipeline import Pipeline
from edge.sources.source import Report
from edge.studio import operator, video
from edge.studio.folder_camera import FolderCamera
from edge.studio.judging import Judge
from edge.studio.output import Output
from edge.studio.preparing import Preparing
from edge.studio.session import StudioSession
from edge.studio.shelf import Shelf
from edge.studio.signing import Signer
from stations.model import Values, Vehicle
from stations.records import AgentInfo, Draft
from stations.samples import EMPTY, build
from stations.status import GOOD
from stations.studio.handshake import WATCHED
from stations.studio.model import StudioModel
from stations.studio.station import SLOT_DEG, SPIN_ANGLES, Studio, StudioState
from wire.clock import SystemClock
from wire.site import MediaConfig

STEP_S, TAKT_S, LOOK_S = 0.5, 360.0, 0.02
PICTURES = Path(__file__).parents[1] / "build" / "studio_hour"
SIZE, SHORT_SIZE = "1920x1080", "480x270"
NUMBERS = dict(enumerate(Studio.tags, 1))
BY_NAME = {tag.name: number for number, tag in NUMBERS.items()}


@dataclass(frozen=True)
class Course:
    """What is run: so many vehicles; one picture in `bad` is bad, 0: none."""

    name: str
    vehicles: int
    bad: int = 0
    signed: bool = False
    large: bool = False


COURSES = (
    Course("good", 10),
    Course("one picture in 50 bad", 10, bad=50),
    Course("signed (C2PA)", 4, signed=True),
    Course("signed, and panorama and underbody strip", 3, signed=True, large=True),
)
SHORT_COURSES = (Course("good", 1), Course("one picture in 20 bad, signed", 1, 20, signed=True))


@dataclass
class Measured:
    """One vehicle: seconds of the wall, those of the table's cycle, and what came of it."""

    waited_s: float
    acquired_s: float
    result_s: float
    cycle_s: float
    again: int
    turns: int
    whole: bool


class Hour:
    """The studio, its cameras and the agent's part of it."""

    def __init__(self, folder: Path, pictures: Path, course: Course, signer: Signer | None) -> None:
        rng = random.Random(1)
        self.model, self.values, self.course = StudioModel(rng), Values(Studio), course
        self.model.guided = True
        self.card = folder / "card"
        self.card.mkdir()
        self.lens = Lens(pictures, self.card, course.bad, rng)
        self.hand = Hand(self.model)
        self.shown: dict[str, Any] = {}
        self.recorded: dict[str, tuple[float, Draft]] = {}
        self.news, self.bytes = asyncio.Condition(), 0
        self.virtual_s, self.again = 0.0, 0
        self.taken_again: tuple[Any, ...] = ()
        clock = SystemClock()
        self.shelf = Shelf(folder / "studio")
        names = ("ring", "hand", *(LARGE if course.large else ()))
        cameras = [FolderCamera(name, self.card, rf"{name}_(?P<count>\d+)\.jpg") for name in names]
        output = Output(
            "studio-1", "benchmark 1", self._put, prepare=Preparing(signer), film=video.film
        )
        self.session = StudioSession(
            "studio-1", plan(course.large), cameras, self.shelf, clock, self.hand,  # type: ignore[arg-type]
            output, Judge(),
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
        self.bytes += sum(one.path.stat().st_size for one in files)
        await self.files.put_record(station, draft, files, keep=True)
        async with self.news:
            self.recorded[draft.data["capture"]] = (time.monotonic(), draft)
            self.news.notify_all()

    async def step(self, seconds: float) -> None:
        """Let the studio work, and show the agent what has changed."""
        before = self.values[Studio.frames_details]
        was = self.values[Studio.state]
        self.model.step(seconds, self.values)
        self.virtual_s += seconds
        for pulse in self.model.fired():
            planned = SLOT_DEG * round(pulse.angle_deg / SLOT_DEG) % 360
            self.lens.shoot("ring", SPIN_ANGLES.index(planned))
        after = self.values[Studio.frames_details]
        for number in range(DETAILS * before // 12, DETAILS * after // 12):
            self.lens.shoot("hand", number)
        state = self.values[Studio.state]
        if self.course.large and state is not was:
            if state is StudioState.SECURING:
                self.lens.shoot("sill", 0)
            elif state is StudioState.WHEELS:
                self.lens.shoot("cabin", 0)
        self._show()
        await asyncio.sleep(0)

    def _show(self) -> None:
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

    @property
    def _awaited(self) -> str:
        """The command without which the table does not go on; empty when it does."""
        match self.values[Studio.state]:
            case StudioState.SECURING if not self.values[Studio.locked]:
                wanted = "start"
            case StudioState.REVIEW:
                return "set_acquisition_done"
            case StudioState.DONE:
                wanted = "release"
            case _:
                return ""
        return "" if wanted in self.hand.given else wanted

    def _operate(self) -> None:
        """The operator answers at once, and takes again what a camera of the standing lacks."""
        if (asks := operator.asked(self.shelf.operator)) is not None:
            self.again += 1
            again = operator.Choice(capture=asks.capture, choice="again")
            operator.answer(self.shelf.operator, again)
            operator.ask(self.shelf.operator, None)
        running = self.session.memory.running
        if running is None or not running.rest.again:
            return
        wanted = (running.rest.again, running.rest.base["hand"])
        if wanted != self.taken_again:
            self.taken_again = wanted
            for name in running.rest.again:
                self.lens.shoot("hand", int(name.rpartition("_")[2]))

    async def vehicle(self, number: int) -> Measured:
        """One vehicle from driving on to driving off."""
        while not self.model.is_free:
            await self.step(STEP_S)
        self.hand.given.clear()
        self.model.arrive(Vehicle(f"v-{number}", health=0.8))
        began_s, asked, waits = self.virtual_s, self.again, dict[str, float]()
        while not self.model.is_done:
            looked_s = time.monotonic()
            if not (what := self._awaited):
                await self.step(STEP_S)
                continue
            await asyncio.sleep(LOOK_S)
            self._operate()
            took_s = time.monotonic() - looked_s
            waits[what] = waits.get(what, 0.0) + took_s
            await self.step(took_s)
        done_s = self.hand.given["set_acquisition_done"]
        cycle_s = self.virtual_s - began_s
        self.model.leave()
        while self.virtual_s - began_s < TAKT_S:
            await self.step(STEP_S)
        async with self.news:
            await self.news.wait_for(lambda: f"v-{number}-1" in self.recorded)
        ready_s, draft = self.recorded[f"v-{number}-1"]
        return Measured(
            waited_s=sum(waits.values()),
            acquired_s=done_s - self.lens.last_s,
            result_s=ready_s - done_s,
            cycle_s=cycle_s,
            again=self.again - asked,
            turns=draft.data["turns"],
            whole=draft.data["complete"] and draft.data["restricted"] == 0,
        )


async def hour(course: Course, pictures: Path) -> dict[str, Any]:
    """The figures of so many vehicles."""
    with tempfile.TemporaryDirectory() as folder:
        signer = signer_in(Path(folder)) if course.signed else None
        one = Hour(Path(folder), pictures, course, signer)
        tasks = [asyncio.create_task(work()) for work in running(one)]
        at_rest, cpu_s = peak_mib(), time.process_time()
        began_s, busy = time.monotonic(), busy_s()
        try:
            measured = [await one.vehicle(number) for number in range(1, course.vehicles + 1)]
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await one.files.stop()
            one.outbox.close()
        cpu_s = time.process_time() - cpu_s
        others = (busy_s() - busy - cpu_s) / (time.monotonic() - began_s)
    return {
        "course": course.name,
        "vehicles": course.vehicles,
        "signed": course.signed,
        "one_bad_in": course.bad,
        "pictures": one.lens.made,
        "bad_pictures": one.lens.spoiled,
        "asked_again": sum(each.again for each in measured),
        "turned_again": sum(each.turns - 1 for each in measured),
        "all_complete": all(each.whole for each in measured),
        "waited_for_software_s_max": round(max(each.waited_s for each in measured), 2),
        "acquired_s_max": round(max(each.acquired_s for each in measured), 2),
        "result_s_median": round(median(each.result_s for each in measured), 2),
        "result_s_max": round(max(each.result_s for each in measured), 2),
        "cycle_s_max": round(max(each.cycle_s for each in measured), 1),
        "cpu_s_per_vehicle": round(cpu_s / course.vehicles, 2),
        "memory_mib_before": at_rest,
        "memory_mib_max": peak_mib(),
        "cores_of_others": round(others, 2),
        "mb_per_vehicle": round(one.bytes / course.vehicles / 1e6, 1),
    }


def signer_in(folder: Path) -> Signer:
    """Keys of our own."""
    from edge.studio.signing import read_signer
    from tests.edge.studio.keys import credentials

    return read_signer(*credentials(folder))


def running(one: Hour) -> tuple[Callable[[], Awaitable[None]], ...]:
    """The tasks of the agent that the capture needs."""
    return one.session.run, one.intake.run, one.intake.tick


def measure(context: Context) -> dict[str, Any]:
    """Every course in a process of its own, from pictures that are drawn first where need be."""
    size = SHORT_SIZE if context.short else SIZE
    pictures = PICTURES / size
    module = [sys.executable, "-m"]
    context.say("pictures are drawn, once")
    subprocess.run(
        [*module, "benchmarks.studio_pictures", str(pictures), "--size", size], check=True
    )
    runs = []
    for course in SHORT_COURSES if context.short else COURSES:
        words = [
            "--name",
            course.name,
            "--vehicles",
            str(course.vehicles),
            "--bad",
            str(course.bad),
        ]
        words += ["--signed"] * course.signed + ["--large"] * course.large
        ran = subprocess.run(
            [*module, "benchmarks.studio_hour", str(pictures), *words],
            capture_output=True,
            text=True,
        )
        if ran.returncode:
            raise RuntimeError(f"{course.name}: {ran.stderr.strip().splitlines()[-1:]}")
        runs.append(json.loads(ran.stdout))
        context.say(f"{course.name}: result after {runs[-1]['result_s_median']} s")
    return {"settings": context.settings | {"size": size}, "runs": runs}


def main() -> None:
    """One course, printed as a JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("pictures", type=Path, help="made by benchmarks.studio_pictures")
    parser.add_argument("--name", default="own")
    parser.add_argument("--vehicles", type=int, default=10)
    parser.add_argument("--bad", type=int, default=0, help="one picture in so many is bad")
    parser.add_argument("--signed", action="store_true")
    parser.add_argument("--large", action="store_true", help="panorama and underbody strip too")
    given = parser.parse_args()
    structlog.configure(processors=[lambda *_: (_ for _ in ()).throw(structlog.DropEvent)])
    course = Course(given.name, given.vehicles, given.bad, given.signed, given.large)
    print(json.dumps(asyncio.run(hour(course, given.pictures)), indent=1))


FIGURE = Figure(
    "studio_hour", "ten vehicles an hour: waiting, results, memory of the studio PC", measure
)

if __name__ == "__main__":
    main()
