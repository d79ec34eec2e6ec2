"""One inspection after the other, as a pure state machine: inputs go in, what is to be done out.

A session opens when a vehicle is in the lane and its order is known, takes what machines and
inspectors bring in any order, and ends finished, aborted, timed out or because the vehicle left. An
end always makes one record, whatever is missing.
"""

from __future__ import annotations

from stations.inspection import accepting
from stations.inspection.choosing import Choosing
from stations.inspection.coming import ORDERS_MAX, open_steps
from stations.inspection.facts import (
    Held,
    Identity,
    Mark,
    Memory,
    Plan,
    Reason,
    Session,
    StepName,
)
from stations.inspection.happenings import (
    Action,
    Answer,
    Chosen,
    Cleared,
    Delivered,
    InLane,
    Input,
    MachineIs,
    Ordered,
    Recorded,
    Report,
    Restarted,
    Tick,
    Unreadable,
    Verdict,
)
from stations.inspection.requirements import step_of


def step(plan: Plan, memory: Memory, given: Input) -> tuple[Memory, list[Action]]:
    """What one input leads to: the new memory, and what is to be done, in this order."""
    work = _Step(plan, memory, given)
    work.take()
    return work.memory, work.actions


class _Step(Choosing):
    """What each kind of input means."""

    def take(self) -> None:
        match self.given:
            case InLane(visit=visit):
                self._in_lane(visit)
            case Ordered():
                self._ordered(self.given)
            case Delivered():
                self._delivered(self.given)
            case Unreadable():
                self._unreadable(self.given)
            case MachineIs(machine=name, down=down):
                if name in self.plan.machines and self.machine(name).down != down:
                    self.set_machine(name, self.machine(name).model_copy(update={"down": down}))
            case Chosen():
                self.chosen(self.given)
            case Cleared(flag=flag):
                if flag not in self.memory.cleared:
                    self.remember(cleared=(*self.memory.cleared, flag))
            case Recorded(session=name):
                rest = tuple(one for one in self.memory.ended if one.session.session != name)
                self.remember(ended=rest)
            case Tick():
                self._time()
            case Restarted():
                self.actions += [Report(ended=one) for one in self.memory.ended]
                # Which vehicle is there now has to be heard anew.
                self.remember(visit=None)

    # The lane and its orders.

    def _in_lane(self, visit: str | None) -> None:
        is_news = visit != self.memory.visit
        self.remember(visit=visit)
        if visit is None:
            return
        if visit != self.memory.cleared_of:
            self.remember(cleared=(), cleared_of=visit)
        session = self.session
        if session is not None and session.visit != visit:
            self.close("left_early")
        if visit != self.memory.over:
            self.remember(over=None)
        if visit and self.session is None and self.memory.over != visit:
            if visit in self.memory.orders:
                self.open(self.memory.orders[visit])
            elif is_news:
                self.tell("no_order", visit)

    def _ordered(self, given: Ordered) -> None:
        order, session = given.order, self.session
        if given.id in self.memory.answered:
            said = self.memory.answered[given.id]
        elif session is not None and session.visit == order.visit:
            said = "in_session"
        else:
            orders = {k: one for k, one in self.memory.orders.items() if k != order.visit}
            orders[order.visit] = order
            self.remember(orders=dict(list(orders.items())[-ORDERS_MAX:]))
            said = "ok"
            if session is None and self.memory.visit == order.visit:
                # An order for a vehicle whose session is over asks for another.
                self.open(order)
            self.answered(given.id, said)
        self.actions.append(Answer(id=given.id, said=said))

    # The machines.

    def _delivered(self, given: Delivered) -> None:
        config, message, session = self.plan.machines[given.machine], given.message, self.session
        if message.id in self.memory.known:
            reasons = self.memory.known[message.id]
            if not reasons:
                self._verdict(given, again=True)
                return
        found = list(accepting.reasons_against(message, config, session, given.time_ms))
        if session is not None and not found:
            other = accepting.is_other_vehicle(session, given.vin_hash)
            if other and session.identity is not Identity.BY_HAND:
                found.append(Reason.WRONG_VEHICLE)
        if found or session is None:
            self._not_taken(given, tuple(found))
            return
        machine = accepting.heard(message, config, self.machine(config.name), given.time_ms)
        self.set_machine(config.name, machine)
        self.know(message.id, ())
        marks = tuple(accepting.marks_of(message, config, machine, session, given.time_ms))
        self._hold(given, session)
        if accepting.is_other_vehicle(session, given.vin_hash):
            marks = (*marks, Mark(about=config.name, reason=Reason.WRONG_VEHICLE))
        self._identify(given)
        self.mark(marks)
        if any(one.reason is Reason.CALIBRATION_EXPIRED for one in marks):
            self.tell("calibration_expired", config.name)
        self._verdict(given, marks=marks)

    def _verdict(
        self,
        given: Delivered,
        reasons: tuple[Reason, ...] = (),
        marks: tuple[Mark, ...] = (),
        again: bool = False,
    ) -> None:
        answer = Verdict(
            machine=given.machine, id=given.message.id, reasons=reasons, marks=marks, again=again
        )
        self.actions.append(answer)

    def _not_taken(self, given: Delivered, reasons: tuple[Reason, ...]) -> None:
        """The same message refused for the same reasons is told once."""
        if self.memory.known.get(given.message.id) != reasons:
            self.refuse(given.machine, given.message.id, reasons)
            if Reason.WRONG_VEHICLE in reasons:
                self._mismatch(given)
        self._verdict(given, reasons)

    def _mismatch(self, given: Delivered) -> None:
        session = self.session
        if session is not None and session.identity is Identity.OPEN:
            self.run(identity=Identity.MISMATCH)
        self.tell("wrong_vehicle", given.machine)

    def _hold(self, given: Delivered, session: Session) -> None:
        """Put the values into the parts to which they belong."""
        for item, value in given.message.values.items():
            name = step_of(item)
            if name is None or not session.steps[name].required:
                continue
            held = Held(
                value=value, machine=given.machine, message=given.message.id, at_ms=given.time_ms
            )
            assert self.session is not None
            step = self.session.steps[name]
            only = session.inspectors[0] if len(session.inspectors) == 1 else ""
            by = step.taken_by or only
            self.change(name, values={**step.values, item: held}, taken_by=by)

    def _identify(self, given: Delivered) -> None:
        session = self.session
        assert session is not None
        if given.vin_hash is None or session.order.vin_hash is None:
            return
        if not accepting.is_other_vehicle(session, given.vin_hash):
            self.run(identity=Identity.MATCH)

    def _unreadable(self, given: Unreadable) -> None:
        refusal = given.refusal
        if self.memory.known.get(given.id) != refusal.reasons:
            self.refuse(given.machine, given.id, refusal.reasons, refusal.about)
        self.actions.append(
            Verdict(machine=given.machine, id=given.id, reasons=refusal.reasons)
        )  # fmt: skip

    # Time.

    def _time(self) -> None:
        session, now_ms = self.session, self.given.time_ms
        if session is None:
            return
        if now_ms - session.started_ms > self.plan.session_ms_max:
            self.close("timed_out")
            return
        for name in open_steps(session):
            one = session.steps[name]
            if one.taken_ms is None or one.is_slow:
                continue
            if now_ms - one.taken_ms > self.plan.step_ms_max:
                self.change(StepName(name), is_slow=True)
                self.tell("step_slow", name, one.taken_by)
