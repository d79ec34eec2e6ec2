"""The captures of one studio in its agent: tags, frames and choices go in, what follows is done.

One input is taken after the other. What it changes is on disk before anything is done about it, so
that an agent that is killed at any moment goes on, or says that a capture is not complete.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import structlog

from edge.patience import PatientDisk
from edge.sources.opcua_commands import OpcuaCommands
from edge.sources.source import Report
from edge.studio import operator
from edge.studio.camera import Camera, CameraError
from edge.studio.commanding import Commanding
from edge.studio.frames import files_of, frame_of, lasting
from edge.studio.judging import JudgePictures, Verdicts, judge_files
from edge.studio.output import Output
from edge.studio.shelf import Shelf
from edge.values import Values
from stations.declare import Tag
from stations.samples import Samples
from stations.studio.capture import step, vision_state
from stations.studio.handshake import WATCHED
from stations.studio.jobs import (
    Acquired,
    Action,
    Arrived,
    CameraBack,
    CameraLost,
    Chosen,
    Coming,
    Event,
    Frame,
    Input,
    Job,
    Judge,
    Judged,
    Memory,
    Process,
    Processed,
    Restarted,
    Shoot,
    Tags,
    Tell,
    Tick,
    Write,
)
from stations.studio.manifest import Reason
from wire.clock import Clock

TICK_S = 0.5
AGAIN_S = 1.0
INPUTS_MAX = 10_000
KEPT_EVERY_S = 3600.0
ASKING = ("choose", "recipe", "wrong_vehicle")

log = structlog.get_logger()


class StudioSession:
    """The captures of one station, for as long as the agent runs. `run` must run."""

    def __init__(
        self,
        station: str,
        job: Job,
        cameras: Sequence[Camera],
        shelf: Shelf,
        clock: Clock,
        commands: OpcuaCommands,
        output: Output,
        judge: JudgePictures = judge_files,
    ) -> None:
        self.station, self.job, self.shelf, self.commands = station, job, shelf, commands
        self._cameras = {one.name: one for one in cameras}
        self._clock, self._output, self._judge = clock, output, judge
        self._inputs: asyncio.Queue[Input] = asyncio.Queue(INPUTS_MAX)
        self._values = Values([tag.name for tag in WATCHED])
        self._taken: set[str] = set()
        self._asked: operator.Asks | None = None
        self._commanding = Commanding(commands)
        self.disk = PatientDisk(station, AGAIN_S)
        self.failures = 0
        self._told: deque[Tell] = deque(maxlen=50)
        self.memory = Memory()

    # What comes from the agent.

    def declare(self, tags: Mapping[int, Tag[Any]], last: Samples) -> None:
        """The numbers under which the agent reads the station's tags, and their last values."""
        self._values.declare(tags, last)

    def hear(self, report: Report) -> None:
        """A source has reported."""
        if not report.historical:
            for values in self._values.of(report.samples):
                self._put(Tags(**self._now(), values=values))

    def link(self, up: bool) -> None:
        """The controller can or cannot be reached: what it showed cannot be relied on then."""
        if not up:
            self._put(Tags(**self._now(), values=self._values.nothing()))

    # What comes from the cameras: the sink.

    async def deliver(
        self, camera: str, file: Path, count: int | None, asked: Shoot | None
    ) -> None:
        """Take a frame into the studio's own folder. OSError when the disk refuses."""
        name = await asyncio.to_thread(self.shelf.take, camera, file, count, asked)
        self._taken.add(name)
        await self._inputs.put(Arrived(**self._now(), frame=frame_of(name, camera, count, asked)))

    async def coming(self, camera: str) -> None:
        """A camera is writing."""
        await self._inputs.put(Coming(**self._now(), camera=camera))

    async def lost(self, camera: str, why: str) -> None:
        """A camera is gone."""
        await self._inputs.put(CameraLost(**self._now(), camera=camera, why=why))

    async def back(self, camera: str) -> None:
        """A camera is there."""
        await self._inputs.put(CameraBack(**self._now(), camera=camera))

    # The tasks.

    async def run(self) -> None:
        """Capture for ever, until cancelled; a fault of ours begins anew with what is on disk."""
        while True:
            try:
                await self._run()
            except Exception:
                log.exception("the capture begins anew", station=self.station)
                self.failures += 1
                self._values.nothing()
                await asyncio.sleep(AGAIN_S)

    async def _run(self) -> None:
        self._acquired: asyncio.Queue[Acquired] = asyncio.Queue()
        self._judging: asyncio.Queue[Judge] = asyncio.Queue()
        with ThreadPoolExecutor(1, thread_name_prefix=f"studio {self.station}") as threads:
            await self._begin()
            async with asyncio.TaskGroup() as group:
                for camera in self._cameras.values():
                    group.create_task(camera.run(self))
                for work in (self._serve, self._tick, self._commanding.run, self._look_after):
                    group.create_task(work())
                group.create_task(self._judge_all())
                group.create_task(self._process_all(threads))

    def problems(self) -> Iterator[str]:
        """What is wrong now, for people."""
        if self.disk.problem:
            yield f"{self.station}: {self.disk.problem}"
        if self.failures:
            yield f"{self.station}: the capture failed {self.failures} times, see the log"
        for name, why in self.memory.lost.items():
            yield f"{self.station}: camera {name} is lost: {why}"
        if self._asked is not None:
            about = ", ".join(self._asked.about)
            yield f"{self.station}: the operator has to choose about {self._asked.capture}: {about}"
        if self._output.problem:
            yield f"{self.station}: {self._output.problem}"
        yield from (f"{self.station}: {why}" for why in self._commanding.problems())

    async def _begin(self) -> None:
        """Go on where the agent before has ended: frames that it has not seen are there."""
        known = await asyncio.to_thread(self.shelf.remembered)
        if known is not None:
            self.memory = known
            await self._give(Restarted(**self._now()))
        seen = files_of(self.memory)
        await asyncio.to_thread(self.shelf.tidy, [one.capture for one in self.memory.processing])
        for name in await asyncio.to_thread(self.shelf.waiting):
            if name not in seen:
                await self._give(Arrived(**self._now(), frame=self._frame_of(name)))

    async def _serve(self) -> None:
        while True:
            await self._give(await self._inputs.get())

    async def _give(self, given: Input) -> None:
        memory, actions = step(self.job, self.memory, given)
        if lasting(memory) != lasting(self.memory):
            await self.disk.keep(self.shelf.remember, memory)
        was, self.memory = self.memory, memory
        if isinstance(given, Arrived):
            self._taken.discard(given.frame.file)
        for action in actions:
            await self._do(action)
        for one in was.processing:
            if isinstance(given, Processed) and one.capture == given.capture:
                await self._finished(one)
        if (was.running, memory.running) != (None, None):
            await self._say_asked()

    async def _do(self, action: Action) -> None:
        match action:
            case Write(command=command, value=value):
                self._commanding.want(command, value)
            case Shoot():
                self._shoot(action)
            case Judge():
                await self._judging.put(action)
            case Process(acquired=acquired):
                await self._acquired.put(acquired)
            case Event(name=name, capture=capture):
                state = vision_state(self.job, self.memory)
                log.info(name, station=self.station, capture=capture, state=str(state))
            case Tell(code=code, about=about):
                self._told.append(action)
                log.warning("studio", station=self.station, what=code, about=about)
                if code == "stray":
                    for file in about:
                        await self.disk.keep(self.shelf.put_aside, file)

    def _shoot(self, asked: Shoot) -> None:
        try:
            self._cameras[asked.shot.camera].shoot(asked)
        except CameraError as error:
            log.warning("a camera cannot shoot", station=self.station, why=str(error))

    async def _tick(self) -> None:
        """Time goes on, and the operator may have answered."""
        while True:
            await asyncio.sleep(TICK_S)
            try:
                choice = await asyncio.to_thread(operator.answered, self.shelf.operator)
            except OSError as error:
                log.warning("the operator's answer cannot be read", why=str(error))
                choice = None
            running = self.memory.running
            if choice is not None and running is not None and choice.capture == running.capture:
                chosen = Chosen(**self._now(), choice=choice.choice, why=choice.why)
                await self._inputs.put(chosen)
            await self._inputs.put(Tick(**self._now()))

    async def _say_asked(self) -> None:
        if (asks := self._asks()) != self._asked:
            self._asked = asks
            await self.disk.keep(operator.ask, self.shelf.operator, asks)

    def _asks(self) -> operator.Asks | None:
        running = self.memory.running
        if running is None or not running.is_asking:
            return None
        told = [one.about for one in self._told if one.code in ASKING]
        placed = (*(running.turn.placed or ()), *(running.rest.placed or ()))
        failed = tuple(
            operator.Failed(
                name=one.name, file=self.shelf.frames / one.file, reasons=one.reasons
            )
            for one in placed
            if one.reasons
        )  # fmt: skip
        about = told[-1] if told else running.flaws
        return operator.Asks(
            capture=running.capture, visit=running.visit, about=about, failed=failed
        )

    async def _judge_all(self) -> None:
        while True:
            asked = await self._judging.get()
            try:
                found = await asyncio.to_thread(self._judge, self.shelf.frames, asked.frames)
            except Exception:
                # What cannot be judged is not good; the samples of other stations go on.
                log.exception("pictures cannot be judged", station=self.station)
                found = Verdicts({one.file: (Reason.CORRUPT,) for one in asked.frames})
            about = {"capture": asked.capture, "number": asked.number}
            await self._inputs.put(Judged(**self._now(), **about, **vars(found)))

    async def _process_all(self, threads: ThreadPoolExecutor) -> None:
        """Make the results, one after the other, each until it is safe."""
        while True:
            acquired = await self._acquired.get()
            await self._output.put(self.shelf, self.job, acquired, threads)
            await self._inputs.put(Processed(**self._now(), capture=acquired.capture))

    async def _finished(self, acquired: Acquired) -> None:
        """The record is safe and that is remembered: what it was made of may go."""
        files = [one.file for one in acquired.pictures]
        await self.disk.keep(
            self.shelf.finish, acquired.capture, files, self._output.keeps_originals
        )
        await self._sweep()

    async def _sweep(self) -> None:
        """Frames of turns that were repeated belong to nothing any more."""
        needed = files_of(self.memory) | self._taken
        for name in await asyncio.to_thread(self.shelf.waiting):
            if name not in needed and name not in self._taken:
                await self.disk.keep(self.shelf.put_aside, name)

    async def _look_after(self) -> None:
        """Originals are kept for as long as the site file says."""
        while True:
            kept_s = self._output.originals_s
            if kept_s is not None:
                before_s = self._clock.now_ms() / 1000 - kept_s
                gone = await asyncio.to_thread(self.shelf.forget, before_s)
                if gone:
                    log.info("originals are gone", station=self.station, captures=gone)
            await asyncio.sleep(KEPT_EVERY_S)

    def _put(self, given: Input) -> None:
        try:
            self._inputs.put_nowait(given)
        except asyncio.QueueFull:
            log.error("too many inputs wait", station=self.station)
            self._values.nothing()  # the next report brings all values again, those dropped too

    def _now(self) -> dict[str, Any]:
        return {"at_s": self._clock.monotonic(), "time_ms": self._clock.now_ms()}

    def _frame_of(self, name: str) -> Frame:
        """The frame of a file that was taken in by the agent before."""
        running, stem = self.memory.running, name.partition(".")[0]
        for shot in self.job.shots:
            begin, camera = self.shelf.stem(shot.camera), shot.camera
            if stem.startswith(begin) and stem.removeprefix(begin).isdecimal():
                return frame_of(name, camera, int(stem.removeprefix(begin)), None)
            if running is not None:
                asked = Shoot(capture=running.capture, visit=running.visit, shot=shot)
                if stem == self.shelf.stem(camera, asked):
                    return frame_of(name, camera, None, asked)
        return Frame(file=name, camera="")
