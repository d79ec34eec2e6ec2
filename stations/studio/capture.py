"""One capture after the other, as a pure state machine: inputs go in, what is to be done comes out.

A capture begins with an identified vehicle on the table and ends for it when every picture has been
judged (`AcquisitionDone`), or with reasons why it is not complete. Processing follows while the
next vehicle may be on the table; each capture has its own frames and its own result.
"""

from __future__ import annotations

from typing import Any, Literal

from stations.studio import parts
from stations.studio.course import Course
from stations.studio.handshake import GONE, PHASES, VisionState, in_the_way
from stations.studio.jobs import (
    Action,
    Arrived,
    CameraBack,
    CameraLost,
    Chosen,
    Coming,
    Event,
    Input,
    Job,
    Judge,
    Judged,
    Memory,
    Part,
    Placed,
    Processed,
    Restarted,
    Running,
    Tags,
    Tell,
)
from stations.studio.manifest import Reason, Verdict
from stations.studio.station import NO_FRAME, StopCause, StudioState

WAIT_S = 30.0
"""After which the operator is told what the table waits for."""

TURNING, REVIEW = StudioState.TURNING.name, StudioState.REVIEW.name
STOPS = (StudioState.STOPPED.name, StudioState.FAULT.name)
PARTS: tuple[Literal["turn", "rest"], ...] = ("turn", "rest")


def step(job: Job, memory: Memory, given: Input) -> tuple[Memory, list[Action]]:
    """What one input leads to: the new memory, and what is to be done, in this order."""
    work = _Step(job, memory, given)
    work.take()
    return work.memory, work.actions


def vision_state(job: Job, memory: Memory) -> VisionState:
    """Where the studio stands, in the words of OPC 40100-1."""
    if memory.plc.get("state") is None:
        return VisionState.PREOPERATIONAL
    if memory.running is not None:
        return VisionState.SINGLE_EXECUTION
    prepared = memory.plc.get("recipe") == job.recipe
    return VisionState.READY if prepared else VisionState.INITIALIZED


class _Step(Course):
    """What each kind of input means, and what follows from all that is known."""

    def take(self) -> None:
        if not isinstance(self.given, Restarted):
            self.clock()
        match self.given:
            case Tags():
                self._tags(self.given.values)
            case Arrived():
                self._arrived(self.given)
            case Coming():
                self._coming(self.given.camera)
            case CameraLost(camera=camera, why=why):
                self.remember(lost={**self.memory.lost, camera: why})
                self.actions.append(Tell(code="camera_lost", about=(camera, why)))
            case CameraBack(camera=camera):
                lost = {name: why for name, why in self.memory.lost.items() if name != camera}
                self.remember(lost=lost)
            case Judged():
                self._judged(self.given)
            case Chosen():
                self._chosen(self.given)
            case Processed():
                self.processed(self.given.capture)
            case Restarted():
                self.restarted()
        self.unanswered()
        self._go_on()

    # What the controller says.

    def _tags(self, values: dict[str, Any]) -> None:
        before = self.plc
        self.remember(plc={**before, **values})
        self._identity()
        if self.running is not None:
            self._safety(before)
            self._latch()
            self._state(before.get("state"))
        self.answers()

    def _identity(self) -> None:
        """Which vehicle is on the table: one capture ends, another begins."""
        visit, job, state = (self.plc.get(name) for name in ("visit", "job", "state"))
        if visit is None or job is None or state is None:
            return
        running = self.running
        if running is not None and ((visit, job) != (running.visit, running.job) or state in GONE):
            replaced = bool(visit) and visit != running.visit and state not in GONE
            self.end("wrong_vehicle" if replaced else "left_early")
        if not job or state in GONE:
            self.remember(freed=None)
        elif self.running is None and visit and self.memory.freed != job:
            self.begin(visit, job, state)
            self._phase(state)

    def _safety(self, before: dict[str, Any]) -> None:
        broken = self.plc.get("curtain_clear") is False and before.get("curtain_clear") is not False
        if broken and self.plc.get("state") == TURNING and self.running is not None:
            reasons = (*self.running.turn.reasons, "light_curtain")
            self.change("turn", reasons=tuple(dict.fromkeys(reasons)))

    def _latch(self) -> None:
        """Note the angles; a controller that has forgotten one has begun to count anew."""
        running, angles = self.running, self.plc.get("trigger_angles")
        if running is None or angles is None or not running.turns:
            return
        turn = running.turn
        if not parts.was_cleared(turn.latched, angles):
            if not turn.ended:
                self.change("turn", latched=tuple(angles))
            elif parts.has_grown(turn.latched, angles):
                # The last angles may be told after the state that follows them.
                self.change("turn", latched=tuple(angles), placed=None, judging=0)
                self.run(is_asking=False)
        elif running.stale:
            self.run(stale=False)
            self.change("turn", latched=tuple(angles))
        elif not turn.ended and self.plc.get("state") == TURNING:
            self._turn_begins()
        elif not turn.ended:
            self.change("turn", ended=True, last_s=self.given.at_s)

    def _state(self, was: str | None) -> None:
        running, state = self.running, self.plc.get("state")
        if running is None or state is None or state == was:
            return
        if state in STOPS:
            cause = self.plc.get("stop_cause")
            told = StopCause[cause].name.lower() if cause else "unknown_cause"
            self.run(stops=(*running.stops, told), is_moved=True)
        elif state == TURNING and (not running.turns or running.turn.ended):
            self._turn_begins()
        elif state != TURNING and running.turns and not running.turn.ended:
            self.change("turn", ended=True, last_s=self.given.at_s)
        self.run(since_s=self.given.at_s)
        self._phase(state)

    def _turn_begins(self) -> None:
        """A new turn: what was good in an earlier one stands in where this one fails."""
        assert self.running is not None
        kept = () if self.running.is_moved else parts.kept(self.running.turn)
        base = {name: self.memory.counts.get(name) for name in self.job.cameras}
        angles = tuple(self.plc.get("trigger_angles") or ())
        stale = self.running.turns > 0 and any(angle != NO_FRAME for angle in angles)
        turn = Part(base=base, last_s=self.given.at_s, latched=angles, kept=kept)
        turns = self.running.turns + 1
        self.run(turn=turn, turns=turns, stale=stale, is_asking=False, told=(), is_moved=False)

    def _phase(self, state: str) -> None:
        """A camera counts from where the first state of its sets began; the others are asked."""
        assert self.running is not None
        rest = self.running.rest
        base, asked = dict(rest.base), rest.asked
        for camera in self.job.cameras:
            starts = {_phase_of(shot.set) for shot in self.job.standing(camera)}
            if state in starts and camera not in base:
                base[camera] = self.memory.counts.get(camera)
        for shot in self.job.shots:
            if shot.camera not in self.job.asked or shot.name in asked:
                continue
            # What was missed, by an agent that was dead say, is taken while the vehicle stands.
            if state in (_phase_of(shot.set), REVIEW):
                asked = (*asked, shot.name)
                self.shoot(shot)
        changes: dict[str, Any] = {"base": base, "asked": asked}
        if state == REVIEW:
            changes |= {"ended": True, "last_s": self.given.at_s}
        self.change("rest", **changes)

    # What the cameras say.

    def _arrived(self, given: Arrived) -> None:
        frame, running = given.frame, self.running
        where = None if running is None else parts.belongs(self.job, running, frame)
        if frame.count is not None:
            known = self.memory.counts.get(frame.camera, frame.count)
            counts = {**self.memory.counts, frame.camera: max(known, frame.count)}
            self.remember(counts=counts)
        if where is None or running is None:
            self.actions.append(Tell(code="stray", about=(frame.file,)))
            return
        part: Part = getattr(running, where)
        if all(one.file != frame.file for one in part.frames):
            changed = parts.with_frame(part, frame, self.given.at_s)
            self.run(**{where: changed}, is_asking=False)

    def _coming(self, camera: str) -> None:
        if self.running is not None:
            turning = self.job.turning(camera) and not self.job.standing(camera)
            self.change("turn" if turning else "rest", last_s=self.given.at_s)

    def _judged(self, given: Judged) -> None:
        running = self.running
        if running is None or running.capture != given.capture:
            return
        for name in PARTS:
            part: Part = getattr(running, name)
            if part.judging and part.judging == given.number:
                placed = tuple(_marked(one, given) for one in part.placed or ())
                reasons = (*part.reasons, *given.reasons)
                changes = {"placed": placed, "reasons": reasons, "judging": 0}
                judged = part.model_copy(update=changes)
                self.run(**{name: parts.filled(self.job, judged) if name == "turn" else judged})

    # What the operator says.

    def _chosen(self, given: Chosen) -> None:
        running, why = self.running, given.why.strip()
        if running is None:
            return
        if given.choice == "wrong_vehicle":
            self.end("wrong_vehicle")
            self.ask("release", running.job)
        elif given.choice == "go_on" and running.is_asking and why:
            if self.plc.get("state") == REVIEW:
                self.free((*parts.failures(running), f"operator: {why}"))
            else:
                self.run(accepted=why, is_asking=False)
        elif given.choice == "again" and running.is_asking and self.plc.get("state") == REVIEW:
            self._again(running)

    def _again(self, running: Running) -> None:
        self.run(is_asking=False)
        if parts.is_bad(running.turn) or not running.turns:
            self.ask("repeat_spin", running.job)
        if parts.is_bad(running.rest):
            rest, shots = parts.again(self.job, running.rest, self.memory.counts, self.given.at_s)
            for shot in shots:
                self.shoot(shot)
            self.run(rest=rest)
            if rest.again:
                self.actions.append(Tell(code="take_again", about=rest.again))

    # What follows from all of it.

    def _go_on(self) -> None:
        if self.running is not None:
            self._start(self.running)
            for name in PARTS:
                self._judge(name)
            self._review(self.running)

    def _start(self, running: Running) -> None:
        if self.plc.get("state") != StudioState.SECURING.name:
            return
        if running.flaws and not running.accepted:
            return
        way = in_the_way(self.plc, self.memory.lost)
        if not way:
            if all(one.command != "start" for one in self.memory.asked):
                self.ask("start", running.job)
                self.actions.append(Event(name="JobStarted", capture=running.capture))
        elif self.given.at_s - running.since_s > WAIT_S and running.told != way:
            self.run(told=way)
            self.actions.append(Tell(code="waits", about=way))

    def _judge(self, name: Literal["turn", "rest"]) -> None:
        running = self.running
        assert running is not None
        part: Part = getattr(running, name)
        if part.placed is not None or not part.ended:
            return
        if not parts.is_settled(name, self.job, part, self.given.at_s):
            return
        part, number = parts.placed(name, self.job, part, running.stale), running.judgements + 1
        self.run(**{name: part.model_copy(update={"judging": number})}, judgements=number)
        self.actions.append(
            Judge(capture=running.capture, part=name, number=number, frames=part.placed or ())
        )

    def _review(self, running: Running) -> None:
        """Every picture is judged: the vehicle is freed, or the operator is asked."""
        if self.plc.get("state") != REVIEW or running.is_asking:
            return
        if running.turns and not parts.is_judged(running.turn):
            return
        turns_again = any(one.command == "repeat_spin" for one in self.memory.asked)
        if turns_again or not parts.is_judged(running.rest):
            return
        failures = parts.failures(running)
        if failures and not (running.accepted and set(failures) <= set(running.flaws)):
            self.run(is_asking=True)
            self.actions.append(Tell(code="choose", about=failures))
        else:
            accepted = (f"operator: {running.accepted}",) if running.accepted else ()
            self.free((*failures, *accepted))


def _phase_of(set: Any) -> str:
    return PHASES.get(set, StudioState.DETAILS).name


def _marked(one: Placed, given: Judged) -> Placed:
    """The frame with what is wrong with it, and what was measured of it."""
    changes: dict[str, Any] = {"quality": given.qualities.get(one.file)}
    if found := given.bad.get(one.file, ()):
        changes["verdict"] = Verdict.UNREADABLE if Reason.CORRUPT in found else Verdict.BAD
        changes["reasons"] = tuple(dict.fromkeys((*one.reasons, *found)))
    return one.model_copy(update=changes)
