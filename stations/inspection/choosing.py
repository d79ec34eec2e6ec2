"""What inspectors decide in a session, and when they may not.

| verb | may be given when | leads to |
|---|---|---|
| `join` | | the inspector belongs to the session; every other verb does so too |
| `take` | a part is not done | it is known who does it |
| `repeat` | a part has brought something; a reason | it begins anew, what it brought is kept |
| `add` | a part is not required; a reason | it is required |
| `down` | a reason | a machine cannot be used until it is heard again |
| `enter` | every machine of the part is down; a reason | values wait for a second person |
| `identify` | by hand, where no VIN was read; a reason | waits for a second person |
| `confirm` | another person than the one who entered | the values count |
| `withdraw` | something waits for a second person | it does not any more |
| `odometer`, `visual` | not done before, else `repeat` | |
| `finish` | every part is done | the session ends |
| `abort` | a reason | the session ends, not whole |
| `begin` | the lane cannot say which vehicle is there | the session of an order opens |
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal

from stations.inspection.codes import ITEMS
from stations.inspection.coming import Coming, is_done, open_steps
from stations.inspection.facts import (
    Entry,
    Held,
    Identity,
    Manual,
    Repeated,
    StepName,
    Value,
    Visual,
)
from stations.inspection.happenings import Answer, Chosen
from stations.inspection.requirements import MACHINES, step_of
from stations.inspection.tagged import flags_of

ANSWERED_MAX = 200
KM_MAX = 3_000_000
FINDINGS_MAX = 200
REPEATS_MAX = 20
CODE = re.compile(r"\d{1,2}\.\d{1,2}\.\d{1,3}\.[a-z]{1,3}\.[123]\Z")  # F.P.S.letter.severity
WITH_REASON = ("repeat", "abort", "enter", "identify", "down", "add")
WITH_STEP = ("take", "repeat", "enter", "confirm", "withdraw", "add")


class Choosing(Coming):
    """The choices of inspectors."""

    def chosen(self, given: Chosen) -> None:
        """Take one choice; the same id again changes nothing and gets the same answer."""
        if given.id in self.memory.answered:
            said, *about = self.memory.answered[given.id].split(" ")
        else:
            said, *about = self._said(given)
            self.answered(given.id, " ".join((said, *about)))
        self.actions.append(Answer(id=given.id, said=said, about=tuple(about)))

    def answered(self, id: str, said: str) -> None:
        """Remember an answer."""
        answered = {**self.memory.answered, id: said}
        self.remember(answered=dict(list(answered.items())[-ANSWERED_MAX:]))

    def _said(self, given: Chosen) -> tuple[str, ...]:
        if given.by not in self.plan.inspectors:
            return ("unknown_inspector", *sorted(self.plan.inspectors))
        if given.verb in WITH_REASON and not given.why.strip():
            return ("why_missing",)
        if given.verb == "begin":
            return self._begin(given)
        if self.session is None:
            return ("no_session",)
        if given.verb in WITH_STEP and given.step is None:
            return ("step_missing",)
        if given.by not in self.session.inspectors:
            self.run(inspectors=(*self.session.inspectors, given.by))
        return self._verb(given)

    def _verb(self, given: Chosen) -> tuple[str, ...]:
        match given.verb:
            case "take":
                return self._take(given)
            case "repeat":
                return self._repeat(given)
            case "add":
                return self._add(given)
            case "down":
                return self._down(given)
            case "enter":
                return self._enter(given)
            case "identify":
                return self._identify_by_hand(given)
            case "confirm":
                return self._confirm(given)
            case "withdraw":
                return self._withdraw(given)
            case "odometer":
                return self._odometer(given)
            case "visual":
                return self._visual(given)
            case "finish":
                return self._finish(given)
            case "abort":
                self.close("aborted", given.why.strip(), given.by)
        return ("ok",)

    def _begin(self, given: Chosen) -> tuple[str, ...]:
        if self.session is not None:
            return ("in_session", self.session.session)
        if self.memory.visit is not None:
            return ("lane_says", self.memory.visit or "empty")
        if given.visit not in self.memory.orders:
            return ("no_order", *sorted(self.memory.orders))
        self.open(self.memory.orders[given.visit])
        self.run(inspectors=(given.by,))
        return ("ok",)

    def _take(self, given: Chosen) -> tuple[str, ...]:
        assert self.session is not None and given.step is not None
        if not self.session.steps[given.step].required:
            return ("not_required",)
        if is_done(self.session, given.step):
            return ("already_done",)
        self.change(given.step, taken_by=given.by, taken_ms=given.time_ms, is_slow=False)
        return ("ok",)

    def _add(self, given: Chosen) -> tuple[str, ...]:
        assert self.session is not None and given.step is not None
        if self.session.steps[given.step].required:
            return ("already_required",)
        self.change(given.step, required=True, why=given.why.strip())
        return ("ok",)

    def _repeat(self, given: Chosen) -> tuple[str, ...]:
        session, name = self.session, given.step
        assert session is not None and name is not None
        step = session.steps[name]
        visual = session.visual if name is StepName.VISUAL else ()
        km = session.odometer_km if name is StepName.ODOMETER else None
        is_identity = name is StepName.IDENTIFY and session.identity is not Identity.OPEN
        if not (step.values or step.entry or step.done_by or km is not None or is_identity):
            return ("nothing_to_repeat",)
        if len(step.repeated) >= REPEATS_MAX:
            return ("too_many_repeats",)
        before = Repeated(
            by=given.by, why=given.why.strip(), at_ms=given.time_ms, values=step.values,
            visual=visual, odometer_km=km,
        )  # fmt: skip
        self.change(
            name, values={}, entry=None, done_by="", confirmed_by="", taken_by=given.by,
            taken_ms=given.time_ms, is_slow=False, repeated=(*step.repeated, before),
        )  # fmt: skip
        old = flags_of(name)
        self.remember(cleared=tuple(flag for flag in self.memory.cleared if flag not in old))
        if name is StepName.VISUAL:
            self.run(visual=())
        elif name is StepName.ODOMETER:
            self.run(odometer_km=None)
        elif name is StepName.IDENTIFY:
            self.run(identity=Identity.OPEN)
        return ("ok",)

    def _down(self, given: Chosen) -> tuple[str, ...]:
        if given.machine not in self.plan.machines:
            return ("unknown_machine", *sorted(self.plan.machines))
        machine = self.machine(given.machine)
        changed = machine.model_copy(update={"declared_down": given.why.strip()})
        self.set_machine(given.machine, changed)
        return ("ok",)

    # What needs two persons.

    def _enter(self, given: Chosen) -> tuple[str, ...]:
        session, name = self.session, given.step
        assert session is not None and name is not None
        step = session.steps[name]
        if not step.required or name not in MACHINES:
            return ("not_required",) if name in MACHINES else ("no_machine_does_it",)
        if up := self._up(name):
            return ("machine_is_up", *up)
        if step.entry is not None:
            return ("waits_for_confirmation",)
        if wrong := tuple(_wrong(name, given.values)):
            return ("bad_value", *wrong)
        if held := [item for item in given.values if item in step.values]:
            return ("already_measured", *held)
        entry = Entry(by=given.by, why=given.why.strip(), values=given.values, at_ms=given.time_ms)
        self.change(name, entry=entry)
        return ("ok",)

    def _up(self, name: StepName) -> tuple[str, ...]:
        """The machines that could do a part."""
        return tuple(
            machine
            for machine, config in self.plan.machines.items()
            if config.kind is MACHINES[name] and not self.machine(machine).fault
        )

    def _identify_by_hand(self, given: Chosen) -> tuple[str, ...]:
        assert self.session is not None
        if self.session.identity is Identity.MATCH:
            return ("already_done",)
        if self.session.steps[StepName.IDENTIFY].entry is not None:
            return ("waits_for_confirmation",)
        entry = Entry(by=given.by, why=given.why.strip(), at_ms=given.time_ms)
        self.change(StepName.IDENTIFY, entry=entry)
        return ("ok",)

    def _confirm(self, given: Chosen) -> tuple[str, ...]:
        session, name = self.session, given.step
        assert session is not None and name is not None
        step = session.steps[name]
        entry = step.entry
        if entry is None:
            return ("nothing_to_confirm",)
        if entry.by == given.by:
            return ("second_person_needed",)
        if held := [item for item in entry.values if item in step.values]:
            return ("already_measured", *held)
        manual = Manual(by=entry.by, why=entry.why, confirmed_by=given.by)
        values = {
            item: Held(value=value, machine="", at_ms=entry.at_ms, manual=manual)
            for item, value in entry.values.items()
        }
        self.change(
            name, values={**step.values, **values}, entry=None, done_by=entry.by,
            why=entry.why, confirmed_by=given.by,
        )  # fmt: skip
        if name is StepName.IDENTIFY:
            self.run(identity=Identity.BY_HAND)
        return ("ok",)

    def _withdraw(self, given: Chosen) -> tuple[str, ...]:
        assert self.session is not None and given.step is not None
        if self.session.steps[given.step].entry is None:
            return ("nothing_to_confirm",)
        self.change(given.step, entry=None)
        return ("ok",)

    # What a person sees.

    def _odometer(self, given: Chosen) -> tuple[str, ...]:
        assert self.session is not None
        if given.km is None or not 0 <= given.km <= KM_MAX:
            return ("bad_value", "odometer")
        if self.session.odometer_km is not None:
            return ("already_done",)
        self.run(odometer_km=given.km)
        self.change(StepName.ODOMETER, done_by=given.by)
        return ("ok",)

    def _visual(self, given: Chosen) -> tuple[str, ...]:
        assert self.session is not None
        if self.session.steps[StepName.VISUAL].done_by:
            return ("already_done",)
        wrong = [code for code, _ in given.findings if not CODE.match(code)]
        if wrong or len(given.findings) > FINDINGS_MAX:
            return ("bad_value", *wrong)
        visual = tuple(
            Visual(code=code, location=where, by=given.by) for code, where in given.findings
        )
        self.run(visual=visual)
        self.change(StepName.VISUAL, done_by=given.by)
        return ("ok",)

    def _finish(self, given: Chosen) -> tuple[str, ...]:
        assert self.session is not None
        if missing := open_steps(self.session):
            return ("not_done", *missing)
        if waiting := [name for name, one in self.session.steps.items() if one.entry is not None]:
            return ("waits_for_confirmation", *waiting)
        self.close("finished", by=given.by)
        return ("ok",)


def _wrong(name: StepName, values: Mapping[str, Value]) -> Iterator[str]:
    """The items of a manual entry that cannot be; none at all is wrong too."""
    known = ITEMS[MACHINES[name]]
    if not values:
        yield "no_values"
    for item, one in values.items():
        code = known.get(item)
        if code is None or step_of(item) is not name or one.unit != code.unit:
            yield item
            continue
        match code.form:
            case "number":
                is_right = isinstance(one.value, Decimal) and code.holds(one.value)
            case "flag":
                is_right = isinstance(one.value, bool)
            case "list":
                is_right = isinstance(one.value, tuple)
            case _:
                is_right = False
        if not is_right:
            yield item
