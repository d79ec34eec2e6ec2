"""How one capture begins, is freed and ends, and the commands that stand at the controller."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from stations.studio import parts
from stations.studio.handshake import is_answered
from stations.studio.jobs import (
    Action,
    Asked,
    CommandName,
    Event,
    Input,
    Job,
    Memory,
    Part,
    Process,
    Running,
    Shoot,
    Shot,
    Tell,
    Write,
)
from stations.studio.station import StudioState

ANSWER_S = 10.0
"""After which a command without an answer is told and given again."""
USED_MAX = 100
CLOCK_S = 2.0
"""A jump of the wall's time by more than this is told: begin and end of a capture are uncertain."""
ARRIVING = (StudioState.LOADING.name, StudioState.SECURING.name)


class Course:
    """The work on one input: what is remembered changes, and actions are gathered."""

    def __init__(self, job: Job, memory: Memory, given: Input) -> None:
        self.job, self.memory, self.given = job, memory, given
        self.actions: list[Action] = []

    @property
    def plc(self) -> dict[str, Any]:
        """The latest values of the station; None, or none, where one is not known."""
        return self.memory.plc

    @property
    def running(self) -> Running | None:
        """The capture of the vehicle on the table."""
        return self.memory.running

    def remember(self, **changes: Any) -> None:
        """Change the memory."""
        self.memory = self.memory.model_copy(update=changes)

    def run(self, **changes: Any) -> None:
        """Change what is known of the capture that runs."""
        assert self.running is not None
        self.remember(running=self.running.model_copy(update=changes))

    def change(self, name: str, **changes: Any) -> None:
        """Change one part of the capture that runs."""
        self.run(**{name: getattr(self.running, name).model_copy(update=changes)})

    def begin(self, visit: str, job: str, state: str) -> None:
        """A vehicle has been identified: its capture begins."""
        flaws = [] if state in ARRIVING else ["joined"]
        recipe = self.plc.get("recipe")
        if job.rpartition("/")[0] != visit:
            flaws.append("wrong_vehicle")
            self.actions.append(Tell(code="wrong_vehicle", about=(visit, job)))
        if recipe != self.job.recipe:
            flaws.append("recipe_unknown")
            self.actions.append(Tell(code="recipe", about=(str(recipe), self.job.recipe)))
        running = Running(
            capture=self._name(job),
            visit=visit,
            job=job,
            recipe=self.job.recipe,
            simulated=self.plc.get("simulated") is not False,
            started_ms=self.given.time_ms,
            since_s=self.given.at_s,
            ahead_s=self.given.ahead_s,
            flaws=tuple(flaws),
            is_asking=bool(flaws),
            turn=Part(last_s=self.given.at_s),
            rest=Part(last_s=self.given.at_s),
        )
        used = (*self.memory.used, running.capture)[-USED_MAX:]
        self.remember(running=running, used=used, freed=None)

    def free(self, reasons: Sequence[str]) -> None:
        """The vehicle may go: what was shot is all that there will be."""
        running = self.running
        assert running is not None
        self.ask("set_acquisition_done", running.job)
        self.actions.append(Event(name="AcquisitionDone", capture=running.capture))
        self._close(tuple(reasons))
        self.actions.append(Event(name="Ready", capture=running.capture))

    def end(self, reason: str) -> None:
        """The capture is over without having been judged to its end."""
        running = self.running
        assert running is not None
        for name in ("turn", "rest"):
            part: Part = getattr(running, name)
            if part.placed is None:
                part = parts.placed(name, self.job, part, running.stale)
                running = running.model_copy(update={name: part})
        self.remember(running=running)
        self._close((reason, *parts.failures(running)))

    def processed(self, capture: str) -> None:
        """A result is ready; the controller hears so while the vehicle is still there."""
        done = [one for one in self.memory.processing if one.capture == capture]
        rest = tuple(one for one in self.memory.processing if one.capture != capture)
        self.remember(processing=rest)
        for one in done:
            self.actions.append(Event(name="ResultReady", capture=capture))
            if self.memory.freed == one.job:
                self.ask("set_result_ready", one.job)

    def restarted(self) -> None:
        """What was under way when the agent ended is asked for again; clocks begin anew."""
        now = self.given.at_s
        asked = tuple(one.model_copy(update={"since_s": now}) for one in self.memory.asked)
        self.remember(asked=asked, plc={}, lost={})
        self.actions += [Write(command=one.command) for one in asked]
        self.actions += [Process(acquired=one) for one in self.memory.processing]
        running = self.running
        if running is None:
            return
        if running.recipe != self.job.recipe and "recipe_unknown" not in running.flaws:
            # The plan was changed under the vehicle.
            self.run(flaws=(*running.flaws, "recipe_unknown"))
        turn, rest = (parts.begun_again(part, now) for part in (running.turn, running.rest))
        there = {(frame.set, frame.index) for frame in rest.frames}
        for shot in self.job.shots:
            if shot.name in rest.asked and (shot.set, shot.index) not in there:
                self.shoot(shot)
        self.run(turn=turn, rest=rest, since_s=now, is_asking=False, ahead_s=self.given.ahead_s)

    def clock(self) -> None:
        """Note that the wall's time has jumped; an agent that begins has another running time."""
        running, ahead_s = self.running, self.given.ahead_s
        if running is None or running.ahead_s is None:
            return
        if abs(ahead_s - running.ahead_s) > CLOCK_S:
            self.run(ahead_s=ahead_s, was_set=True)

    def shoot(self, shot: Shot) -> None:
        """Ask a camera for a picture of the vehicle that is there."""
        assert self.running is not None
        about = self.running
        self.actions.append(Shoot(capture=about.capture, visit=about.visit, shot=shot))

    def ask(self, command: CommandName, job: str) -> None:
        """Give a command, once; it stands until it is answered."""
        if any((one.command, one.job) == (command, job) for one in self.memory.asked):
            return
        asked = Asked(command=command, job=job, since_s=self.given.at_s)
        self.remember(asked=(*self.memory.asked, asked))
        self.actions.append(Write(command=command))

    def answers(self) -> None:
        """Take back what the controller has answered."""
        for asked in self.memory.asked:
            if is_answered(asked, self.plc):
                self.remember(asked=tuple(one for one in self.memory.asked if one != asked))
                self.actions.append(Write(command=asked.command, value=False))
                if asked.command == "set_acquisition_done" and self.plc.get("job") == asked.job:
                    self.ask("release", asked.job)

    def unanswered(self) -> None:
        """A command that is not answered is given again, and told once."""
        for asked in self.memory.asked:
            if self.given.at_s - asked.since_s < ANSWER_S or asked.command == "release":
                continue
            again = asked.model_copy(update={"since_s": self.given.at_s, "told": True})
            kept = tuple(again if one == asked else one for one in self.memory.asked)
            self.remember(asked=kept)
            self.actions.append(Write(command=asked.command))
            if not asked.told:
                self.actions.append(Tell(code="unanswered", about=(asked.command,)))

    def _name(self, job: str) -> str:
        """The name of a new capture: the job's, with a number when that was used."""
        plain = job.replace("/", "-")
        number = 1 + sum(one.partition(".")[0] == plain for one in self.memory.used)
        return plain if number == 1 else f"{plain}.{number}"

    def _close(self, reasons: tuple[str, ...]) -> None:
        running = self.running
        assert running is not None
        acquired = parts.acquired(running, reasons, self.given.time_ms)
        waiting = (*self.memory.processing, acquired)
        self.remember(running=None, processing=waiting, freed=running.job)
        self.actions.append(Process(acquired=acquired))
