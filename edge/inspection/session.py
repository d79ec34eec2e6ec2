"""The sessions of one inspection station in its agent.

Messages, choices and the lane's tags go in, one after the other. What an input changes is on disk
before anybody is answered, so that an agent that is killed at any moment goes on where it was.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

import orjson
import structlog
from pydantic import ValidationError

from edge.files.files import FileRefused
from edge.inspection import operator
from edge.inspection.adapter import Adapter
from edge.inspection.ears import VISIT, Ear
from edge.inspection.shelf import Shelf
from edge.inspection.view import view
from edge.patience import PatientDisk
from stations.inspection.facts import Ended, Memory, Message, Plan, Refusal
from stations.inspection.happenings import (
    Action,
    Answer,
    Cleared,
    Delivered,
    InLane,
    Input,
    MachineIs,
    Recorded,
    Report,
    Restarted,
    Tell,
    Tick,
    Unreadable,
    Verdict,
)
from stations.inspection.identity import vin_hash
from stations.inspection.messages import hash_of
from stations.inspection.session import step
from stations.inspection.tagged import LIVE, PARTS, TaggedPart, message_of
from stations.records import Draft
from wire.clock import Clock

TICK_S, LOOK_S = 1.0, 0.2
AGAIN_S = 2.0
VERDICT_S = 30.0
INPUTS_MAX = 1000
SETTLED_MS = 1500  # a bench's flag and its values come in two requests

PutRecord = Callable[[str, Draft, Sequence[Any]], Awaitable[Any]]
MakeDraft = Callable[[Plan, Ended], Draft]

log = structlog.get_logger()


class InspectionSession:
    """The inspections of one station, for as long as the agent runs. `run` must run."""

    def __init__(
        self,
        station: str,
        plan: Plan,
        shelf: Shelf,
        clock: Clock,
        adapters: Sequence[Adapter],
        put_record: PutRecord,
        make_draft: MakeDraft,
        vin_key: bytes | None = None,
        own_folders: frozenset[str] = frozenset(),
        tagged: frozenset[str] = frozenset(),
    ) -> None:
        self.station, self.plan, self.shelf = station, plan, shelf
        self._clock, self._adapters, self._put_record = clock, adapters, put_record
        self._make_draft, self._vin_key = make_draft, vin_key
        self._own_folders, self._tagged = own_folders, tagged
        self._inputs: asyncio.Queue[tuple[Input, asyncio.Future[Action] | None]]
        self._inputs = asyncio.Queue(INPUTS_MAX)
        self._values: dict[str, Any] = {}
        self._since: dict[str, int] = {}
        self._shown: dict[str, bytes] = {}
        self._told: deque[Tell] = deque(maxlen=20)
        self._ended: asyncio.Queue[Ended] = asyncio.Queue()
        self.memory = Memory()
        self.disk = PatientDisk(station, AGAIN_S)
        self.record_problem, self.failures = "", 0

    # What comes from the agent.

    def ear(self, connection: str) -> Ear:
        """Who hears one connection of the station."""
        return Ear(self._hear)

    def _hear(self, values: dict[str, Any]) -> None:
        now_ms = self._clock.now_ms()
        for name, value in values.items():
            if value is True and self._values.get(name) is not True:
                self._since[name] = now_ms
        self._values |= values
        if VISIT in values:
            self._put(InLane(visit=values[VISIT], time_ms=now_ms))

    # What comes from the machines: the sink.

    async def deliver(self, machine: str, text: bytes, said: Message | Refusal) -> Verdict:
        """Take a message; TimeoutError when the disk takes nothing for too long."""
        now_ms = self._clock.now_ms()
        given: Input
        if isinstance(said, Refusal):
            given = Unreadable(machine=machine, id=hash_of(text), refusal=said, time_ms=now_ms)
        else:
            hashed = None
            if said.vin is not None and self._vin_key is not None:
                hashed = vin_hash(self._vin_key, said.vin)
            message = said.model_copy(update={"vin": None})
            given = Delivered(machine=machine, message=message, vin_hash=hashed, time_ms=now_ms)
        verdict = await self._answered(given)
        assert isinstance(verdict, Verdict)
        if verdict.reasons:
            reasons = [str(one) for one in verdict.reasons]
            if machine not in self._own_folders and text:
                keep = self.shelf.keep_refused
                await self.disk.keep(keep, machine, verdict.id, text, reasons)
        return verdict

    async def machine_is(self, machine: str, down: str) -> None:
        """A machine can or cannot be heard."""
        await self._inputs.put(
            (MachineIs(machine=machine, down=down, time_ms=self._clock.now_ms()), None)
        )

    def invitation(self, machine: str) -> dict[str, str]:
        """What a machine is told of the session that is open."""
        session = self.memory.session
        if session is None:
            return {}
        words = {"equipment": machine, "session": session.session, "visit": session.visit}
        for key in ("category", "fuel", "first_registration"):
            value = session.order.vehicle.get(key)
            if isinstance(value, str):
                words[key] = value
        return words

    # The tasks.

    async def run(self) -> None:
        """Serve for ever, until cancelled; a fault of ours begins anew with what is on disk."""
        while True:
            try:
                await self._run()
            except Exception:
                log.exception("the inspection begins anew", station=self.station)
                self.failures += 1
                await asyncio.sleep(AGAIN_S)

    async def _run(self) -> None:
        self.memory = await asyncio.to_thread(self.shelf.remembered)
        self._ended = asyncio.Queue()
        await self._give(Restarted(time_ms=self._clock.now_ms()), None)
        self._put(InLane(visit=self._values.get(VISIT), time_ms=self._clock.now_ms()))
        async with asyncio.TaskGroup() as group:
            for adapter in self._adapters:
                group.create_task(adapter.run(self))
            for work in (self._serve, self._tick, self._choices, self._record_all, self._look):
                group.create_task(work())

    def problems(self) -> Iterator[str]:
        """What is wrong now, for people."""
        for problem in (self.disk.problem, self.record_problem):
            if problem:
                yield f"{self.station}: {problem}"
        if self.failures:
            yield f"{self.station}: the inspection failed {self.failures} times, see the log"
        for adapter in self._adapters:
            if problem := getattr(adapter, "problem", ""):
                yield f"{self.station}: {problem}"
        for name, machine in self.memory.machines.items():
            if name in self.plan.machines and machine.fault:
                yield f"{self.station}: {name} is down: {machine.fault}"

    async def _serve(self) -> None:
        while True:
            given, answer = await self._inputs.get()
            await self._give(given, answer)

    async def _give(self, given: Input, answer: asyncio.Future[Action] | None) -> None:
        memory, actions = step(self.plan, self.memory, given)
        if _lasting(memory) != _lasting(self.memory):
            await self.disk.keep(self.shelf.remember, memory)
        self.memory = memory
        for action in actions:
            match action:
                case Report(ended=ended):
                    self._ended.put_nowait(ended)
                case Tell(code=code, about=about):
                    self._told.append(action)
                    log.info("inspection", station=self.station, what=code, about=about)
                case Verdict() | Answer():
                    if answer is not None and not answer.done():
                        answer.set_result(action)

    async def _answered(self, given: Input) -> Action:
        answer: asyncio.Future[Action] = asyncio.get_running_loop().create_future()
        await self._inputs.put((given, answer))
        return await asyncio.wait_for(answer, VERDICT_S)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            visit, now_ms = self._values.get(VISIT), self._clock.now_ms()
            if self.memory.visit != visit:  # told, and there was no room for it
                await self._inputs.put((InLane(visit=visit, time_ms=now_ms), None))
            await self._inputs.put((Tick(time_ms=now_ms), None))

    async def _record_all(self) -> None:
        """Make the records, one after the other, each until it is safe."""
        while True:
            ended = await self._ended.get()
            draft = await asyncio.to_thread(self._make_draft, self.plan, ended)
            while True:
                try:
                    await self._put_record(self.station, draft, ())
                    break
                except (FileRefused, LookupError, OSError) as error:
                    self.record_problem = f"a report waits: {error}"
                    await asyncio.sleep(AGAIN_S)
            self.record_problem = ""
            recorded = Recorded(session=ended.session.session, time_ms=self._clock.now_ms())
            await self._inputs.put((recorded, None))

    async def _choices(self) -> None:
        """What inspectors have decided, and what they see."""
        while True:
            try:
                for file, wish in await asyncio.to_thread(
                    lambda: list(operator.wishes(self.shelf.choices))
                ):
                    await self._wish(file, wish)
                await asyncio.to_thread(self._show)
            except OSError as error:
                log.warning("the inspectors' folder cannot be used", why=str(error))
            await asyncio.sleep(LOOK_S)

    async def _wish(self, file: Any, wish: operator.Wish | None) -> None:
        said = Answer(id=file.stem, said="not_readable")
        if wish is not None:
            try:
                answer = await self._answered(wish.happening(self._clock.now_ms()))
                assert isinstance(answer, Answer)
                said = answer
            except ValidationError as error:
                about = tuple(".".join(map(str, one["loc"])) for one in error.errors())
                said = Answer(id=file.stem, said="not_readable", about=about)
        await asyncio.to_thread(self.shelf.answer, file, said.model_dump_json().encode())

    def _show(self) -> None:
        told = [{"code": one.code, "about": one.about} for one in self._told]
        session = {**view(self.plan, self.memory), "told": told}
        live = {name: self._values[name] for name in LIVE if self._values.get(name) is not None}
        for name, content in ((operator.SESSION, session), (operator.LIVE, live)):
            written = orjson.dumps(content, option=orjson.OPT_INDENT_2)
            if self._shown.get(name) != written:
                self.shelf.show(name, written)
                self._shown[name] = written

    async def _look(self) -> None:
        """The machines whose results are tags of the station."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                for name in self._tagged:
                    for part in PARTS[self.plan.machines[name].kind]:
                        await self._look_at(name, part)
            except TimeoutError:
                log.error("the disk takes no results", station=self.station)

    async def _look_at(self, name: str, part: TaggedPart) -> None:
        memory, now_ms = self.memory, self._clock.now_ms()
        if self._values.get(part.flag) is False:
            if part.flag not in memory.cleared:
                self._put(Cleared(flag=part.flag, time_ms=now_ms))
            return
        since_ms = self._since.get(part.flag, now_ms)
        if now_ms - since_ms < SETTLED_MS:
            return
        config = self.plan.machines[name]
        said = message_of(part, config, self._values, memory, since_ms, now_ms)
        if said is not None and said.id not in memory.known:
            await self.deliver(name, b"", said)

    def _put(self, given: Input) -> None:
        try:
            self._inputs.put_nowait((given, None))
        except asyncio.QueueFull:
            log.error("too many inputs wait", station=self.station)


def _lasting(memory: Memory) -> Memory:
    """What has to outlive the agent: what the lane says is heard anew."""
    return memory.model_copy(update={"visit": None})
