"""How a session opens, what one part of it is at, and how it ends."""

from __future__ import annotations

from typing import Any, Literal

from stations.inspection.accepting import day_of, is_known
from stations.inspection.facts import (
    Ended,
    Machine,
    Mark,
    Memory,
    Order,
    Plan,
    Reason,
    Refused,
    Session,
    Step,
    StepName,
)
from stations.inspection.happenings import Action, Input, Report, Tell
from stations.inspection.requirements import is_measured, required

REFUSED_MAX = 100
KNOWN_MAX = 500
ORDERS_MAX = 50
MARKS_MAX = 200


def is_done(session: Session, name: StepName) -> bool:
    """Whether a part has brought all that it needs."""
    match name:
        case StepName.IDENTIFY:
            return is_known(session.identity)
        case StepName.ODOMETER:
            return session.odometer_km is not None
        case StepName.VISUAL:
            return bool(session.steps[name].done_by)
        case _:
            return is_measured(name, session.steps[name].values)


def open_steps(session: Session) -> tuple[StepName, ...]:
    """The parts that are required and not done, in the usual order."""
    return tuple(
        name
        for name in StepName
        if session.steps[name].required and not is_done(session, name)
    )  # fmt: skip


class Coming:
    """The work on one input: what is remembered changes, and actions are gathered."""

    def __init__(self, plan: Plan, memory: Memory, given: Input) -> None:
        self.plan, self.memory, self.given = plan, memory, given
        self.actions: list[Action] = []

    @property
    def session(self) -> Session | None:
        """The inspection that is under way."""
        return self.memory.session

    def remember(self, **changes: Any) -> None:
        """Change the memory."""
        self.memory = self.memory.model_copy(update=changes)

    def run(self, **changes: Any) -> Session:
        """Change what is known of the session."""
        assert self.session is not None
        changed = self.session.model_copy(update=changes)
        self.remember(session=changed)
        return changed

    def change(self, name: StepName, **changes: Any) -> None:
        """Change one part of the session."""
        assert self.session is not None
        step = self.session.steps[name].model_copy(update=changes)
        self.run(steps={**self.session.steps, name: step})

    def machine(self, name: str) -> Machine:
        """What is known of a machine."""
        return self.memory.machines.get(name, Machine())

    def set_machine(self, name: str, machine: Machine) -> None:
        """Remember what is known of a machine."""
        self.remember(machines={**self.memory.machines, name: machine})

    def tell(self, code: Any, *about: str) -> None:
        """Say something to the people at the station."""
        self.actions.append(Tell(code=code, about=about))

    def open(self, order: Order) -> None:
        """The vehicle of an order is in the lane: its session opens, every machine may be told."""
        number = self.memory.number + 1
        due = required(order, day_of(self.given.time_ms))
        session = Session(
            session=f"{order.visit}.{number}",
            visit=order.visit,
            order=order,
            started_ms=self.given.time_ms,
            steps={name: Step(required=name in due) for name in StepName},
        )
        orders = {visit: one for visit, one in self.memory.orders.items() if visit != order.visit}
        self.remember(session=session, number=number, over=None, orders=orders)
        if self.memory.cleared_of != order.visit:  # the lane does not say who is there
            self.remember(cleared=(), cleared_of=order.visit)
        self._tell_machines(session.session)
        self.tell("session_opened", session.session)

    def _tell_machines(self, session: str) -> None:
        for name in self.plan.machines:
            self.set_machine(name, self.machine(name).model_copy(update={"session": session}))

    def close(
        self,
        why: Literal["finished", "aborted", "timed_out", "left_early"],
        because: str = "",
        by: str = "",
    ) -> None:
        """The session is over: what it has is all that there will be."""
        session = self.session
        assert session is not None
        machines = {name: self.machine(name) for name in self.plan.machines}
        ended = Ended(
            session=session,
            ended_ms=max(self.given.time_ms, session.started_ms),
            why=why,
            because=because,
            by=by,
            machines=machines,
        )
        over = session.visit if self.memory.visit == session.visit else self.memory.over
        self.remember(session=None, ended=(*self.memory.ended, ended), over=over)
        self._tell_machines("")
        self.tell("session_ended", session.session, why)
        self.actions.append(Report(ended=ended))

    def refuse(
        self, machine: str, id: str, reasons: tuple[Reason, ...], about: tuple[str, ...] = ()
    ) -> None:
        """Note that a message did not count; the agent keeps its bytes."""
        known = self.machine(machine)
        self.set_machine(machine, known.model_copy(update={"refused": known.refused + 1}))
        self.know(id, reasons)
        self.tell("refused", machine, *reasons)
        session = self.session
        if session is None:
            return
        if len(session.refused) >= REFUSED_MAX:
            self.run(refused_more=session.refused_more + 1)
            return
        refused = Refused(
            machine=machine, message=id, at_ms=self.given.time_ms, reasons=reasons, about=about
        )
        self.run(refused=(*session.refused, refused))

    def know(self, id: str, reasons: tuple[Reason, ...]) -> None:
        """Remember what became of a message, so that the same again is known as that."""
        known = {key: value for key, value in self.memory.known.items() if key != id}
        known[id] = reasons
        self.remember(known=dict(list(known.items())[-KNOWN_MAX:]))

    def mark(self, marks: tuple[Mark, ...]) -> None:
        """Note once what has to be known about what counts."""
        assert self.session is not None
        found = dict.fromkeys((*self.session.marks, *marks))
        self.run(marks=tuple(found)[:MARKS_MAX])
