"""What a case offers to formulas and limits: values in the item's unit, or why there is none."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from fractions import Fraction

from stations.inspection.judging.case import Case, Machine, Measured, Wrong
from stations.inspection.judging.days import months_later
from stations.inspection.judging.exact import is_plain
from stations.inspection.judging.items import ITEMS
from stations.inspection.judging.judgement import Used
from stations.inspection.judging.quantities import QUANTITIES, WEIGHTS, Undecided, numbers
from stations.inspection.judging.rule_set import Equipment, RuleSet
from stations.inspection.judging.units import FACTORS


class Bench:
    """One piece of equipment: what it measures, and whether its results count today."""

    def __init__(self, name: str, machine: Machine, rules: RuleSet, day: date) -> None:
        self.name, self.machine = name, machine
        self.kinds = _kinds(name, machine, rules)
        self.due = machine.calibration_due
        if self.due is None and machine.last_calibration is not None:
            months = int(rules.figures["calibration_months"].value)
            self.due = months_later(machine.last_calibration, months)
        self.state = _state(machine, self.kinds, self.due, day)

    def measures(self, item: str) -> bool:
        """Whether an item comes from here; one of no known kind stands for all."""
        if not self.kinds:
            return True
        return any(item.startswith(prefix) for kind in self.kinds for prefix in kind.measures)

    @property
    def used(self) -> Used:
        """What the judgement keeps of it."""
        due = self.due
        kind = ", ".join(kind.kind for kind in self.kinds) or self.machine.kind
        return Used(
            id=self.name,
            kind=kind or None,
            calibration_due=None if due is None else due.isoformat(),
            state=self.state,
        )


class Readings:
    """The measurements of a case as formulas see them (`quantities.Look`)."""

    def __init__(self, case: Case, rules: RuleSet) -> None:
        self.case, self.rules = case, rules
        self.benches = [
            Bench(name, machine, rules, case.test.date) for name, machine in case.equipment.items()
        ]
        self._by_name = {bench.name: bench for bench in self.benches}
        self._values: dict[str, Fraction | str] = {}
        for name, one in case.measurements.items():
            self._values[name] = self._value(name, one)

    def number(self, item: str) -> Fraction:
        """A measured value in the item's unit; Undecided with the reason when there is none."""
        found = self._values.get(item, "missing")
        if isinstance(found, str):
            raise Undecided((item, found))
        return found

    def why(self, item: str) -> str | None:
        """Why an item has no value; None when it has one."""
        found = self._values.get(item, "missing")
        return found if isinstance(found, str) else None

    def has(self, item: str) -> bool:
        """Whether the item was delivered at all, usable or not."""
        return item in self._values

    def figure(self, name: str) -> Fraction:
        """A figure of the rule set."""
        return Fraction(self.rules.figures[name].value)

    def mass(self, purpose: str) -> Fraction:
        """The first mass that is known of those that the rule set names for this purpose."""
        order = self.rules.masses["service" if purpose == "service" else "parking"].order
        missing: list[tuple[str, str]] = []
        for name in order:
            try:
                return self._mass(name)
            except Undecided as why:
                missing = missing or list(why.open)
        raise Undecided(*missing)

    def fact(self, name: str) -> Fraction | None:
        """A number that is known of the vehicle; None when it is not."""
        value = getattr(self.case.vehicle, name)
        return None if value is None else Fraction(value)

    def uncertainty(self, quantity: str) -> Fraction:
        """How near a limit is near: what the bench states, else what the rule set says."""
        items = QUANTITIES[quantity].items
        stated = [
            Fraction(bench.machine.uncertainty[quantity])
            for bench in self.benches
            if quantity in bench.machine.uncertainty and any(map(bench.measures, items))
        ]
        if stated:
            return max(stated)
        pattern = QUANTITIES[quantity].pattern
        return next(
            (Fraction(one.value) for one in self.rules.uncertainties if one.item == pattern),
            Fraction(-1),
        )

    def _mass(self, name: str) -> Fraction:
        if name == "weighed":
            mass = sum(numbers(self, *WEIGHTS), Fraction(0))
            if mass < self.figure("weighed_mass_min"):
                raise Undecided(*((item, "weight_too_small") for item in WEIGHTS))
            return mass
        field = {"reference": "ref_mass_kg", "gvm": "gvm_kg"}[name]
        mass_known = self.fact(field)
        if mass_known is None:
            raise Undecided((f"vehicle.{field}", "missing"))
        return mass_known

    def _value(self, name: str, one: Measured) -> Fraction | str:
        """The value in the item's unit, or the reason why it does not count."""
        item = ITEMS[name]
        if one.value is None:
            return "missing"
        if why := self._bench_says(name, one):
            return why
        if isinstance(one.value, bool):
            return Fraction(int(one.value))
        if not isinstance(one.value, Decimal):
            return "no_number"
        if not is_plain(one.value):
            return "out_of_range"
        unit = item.unit if one.unit is None else one.unit
        value = Fraction(one.value) * Fraction(FACTORS[item.unit][unit])
        return value if Fraction(item.low) <= value <= Fraction(item.high) else "out_of_range"

    def _bench_says(self, name: str, one: Measured) -> str | None:
        if one.equipment is not None:
            benches = [self._by_name[one.equipment]]
        else:
            benches = [bench for bench in self.benches if bench.measures(name)]
        return next((bench.state for bench in benches if bench.state != "ok"), None)


def check_equipment(case: Case, rules: RuleSet) -> None:
    """Refuse a kind of machine or an uncertainty that nothing is known of."""
    wrong = list(_unknown(case, rules))
    if wrong:
        raise Wrong(wrong)


def _unknown(case: Case, rules: RuleSet) -> Iterator[str]:
    kinds = {kind.kind for kind in rules.equipment}
    for name, machine in case.equipment.items():
        if machine.kind is not None and machine.kind not in kinds:
            known = ", ".join(sorted(kinds))
            yield f"equipment.{name}.kind: no kind {machine.kind!r}: known are {known}"
        for quantity, value in machine.uncertainty.items():
            if quantity not in QUANTITIES:
                yield f"equipment.{name}.uncertainty: there is no quantity {quantity!r}"
            elif not is_plain(value) or value < 0:
                yield f"equipment.{name}.uncertainty.{quantity}: write a number from 0 on"


def _kinds(name: str, machine: Machine, rules: RuleSet) -> list[Equipment]:
    if machine.kind is not None:
        return [kind for kind in rules.equipment if kind.kind == machine.kind]
    lower = name.lower()
    return [kind for kind in rules.equipment if any(word in lower for word in kind.words)]


def _state(machine: Machine, kinds: list[Equipment], due: date | None, day: date) -> str:
    """`ok`, or why no result of this machine counts on this day."""
    if machine.fault or machine.status in ("fault", "out_of_order"):
        return "equipment_fault"
    if machine.last_calibration is not None and machine.last_calibration > day:
        return "calibration_in_future"
    if due is None:
        return "calibration_unknown"
    if due < day:
        return "calibration_expired"
    needs_zero = not kinds or any(kind.needs_zero for kind in kinds)
    if machine.zero_ok is False or (needs_zero and machine.zero_ok is None):
        return "zero_not_confirmed"
    return "ok"
