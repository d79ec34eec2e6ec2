"""Which limits hold for a quantity of this vehicle: by category, fuel, dates, plate and maker."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from stations.inspection.judging.codes import Severity
from stations.inspection.judging.quantities import Look, Quantity, Undecided
from stations.inspection.judging.rule_set import Limit, RuleSet

ALL_EURO: tuple[int | str, ...] = ("unknown", 0, 1, 2, 3, 4, 5, 6, 7)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of the vehicle that a limit may depend on. None: not known."""

    category: str
    family: str
    first_registration: date | None
    euro: int | str
    turbo: bool | None
    catalyst: bool | None
    steered: frozenset[int]


@dataclass(frozen=True, slots=True)
class Bound:
    """A limit as it holds here: what is outside of low and high, both included, is a deficiency.

    With `excluded` the limit itself fails too. `magnitude`: the sign does not count.
    """

    row: Limit
    code: str
    severity: Severity
    low: Fraction | None = None
    high: Fraction | None = None
    excluded: bool = False
    magnitude: bool = False

    def broken(self, value: Fraction) -> Fraction | None:
        """The limit that a value does not keep; None when it keeps all."""
        size = abs(value) if self.magnitude else value
        if self.low is not None and (size < self.low or (self.excluded and size == self.low)):
            return self.low
        if self.high is not None and (size > self.high or (self.excluded and size == self.high)):
            return self.high
        return None

    def distance(self, value: Fraction) -> Fraction:
        """How far a value is from the nearest of its limits."""
        size = abs(value) if self.magnitude else value
        return min(abs(size - one) for one in (self.low, self.high) if one is not None)


class Limits:
    """The limits of a rule set, by quantity and severity."""

    def __init__(self, rules: RuleSet) -> None:
        self.rules = rules
        self._rows: dict[str, dict[Severity, list[Limit]]] = defaultdict(dict)
        for row in rules.limits:
            if row.severity is not None:
                self._rows[row.item].setdefault(row.severity, []).append(row)

    def rows(self, quantity: Quantity, facts: Facts) -> dict[Severity, list[Limit]]:
        """The rows that may hold for this category, fuel and axle, by severity from minor on."""
        found = {}
        for severity, rows in sorted(self._rows.get(quantity.pattern, {}).items()):
            chosen = [row for row in rows if _may_hold(row, quantity, facts)]
            if chosen:
                found[severity] = chosen
        return found

    def bounds(self, quantity: Quantity, facts: Facts, look: Look) -> list[Bound]:
        """The limits that hold, minor first; Undecided when that depends on what is not known."""
        found: list[Bound] = []
        for severity, rows in self.rows(quantity, facts).items():
            row, given = _chosen(rows, quantity, facts, look)
            if row is not None:
                found.append(_bound(row, severity, given, found))
        return found


def _may_hold(row: Limit, quantity: Quantity, facts: Facts) -> bool:
    if row.categories and facts.category not in row.categories:
        return False
    if row.fuels and facts.family not in row.fuels:
        return False
    return row.steered is None or row.steered == (quantity.axle in facts.steered)


def _chosen(
    rows: Sequence[Limit], quantity: Quantity, facts: Facts, look: Look
) -> tuple[Limit | None, tuple[Fraction, ...]]:
    """The one row that holds, and the values of plate or maker that stand in for its limit."""
    for row in rows:
        given = _given(row, quantity, look)
        if given:
            return row, given
    rows = [row for row in rows if not (row.override and row.value is None and row.low is None)]
    rows = _by(rows, quantity, "catalyst", facts.catalyst, facts.first_registration)
    rows = [row for row in rows if not row.euro or facts.euro in row.euro]
    rows = _by_date(rows, quantity, facts.first_registration)
    rows = _by(rows, quantity, "turbo", facts.turbo, date.max)
    rows = _by_height(rows, quantity, look)
    return (rows[0] if rows else None), ()


def _given(row: Limit, quantity: Quantity, look: Look) -> tuple[Fraction, ...]:
    if row.override == ("target_dip",):
        target = quantity.name.rpartition(".")[0] + ".target_dip"
        return (look.number(target),) if look.has(target) else ()
    known = [look.fact(name) for name in row.override]
    return tuple(one for one in known if one is not None) if None not in known else ()


def _by(
    rows: list[Limit], quantity: Quantity, name: str, known: bool | None, day: date | None
) -> list[Limit]:
    """Of rows that ask for a property of the vehicle, those that fit it."""
    asking = [row for row in rows if getattr(row, name) is not None]
    if not asking or known is not None:
        return [row for row in rows if getattr(row, name) in (None, known)]
    reason = "first_registration_unknown" if day is None else f"{name}_unknown"
    raise Undecided((quantity.name, reason))


def _by_date(rows: list[Limit], quantity: Quantity, day: date | None) -> list[Limit]:
    if day is None:
        if any(not row.first_registered.is_always for row in rows):
            raise Undecided((quantity.name, "first_registration_unknown"))
        return rows
    return [row for row in rows if day in row.first_registered]


def _by_height(rows: list[Limit], quantity: Quantity, look: Look) -> list[Limit]:
    if not any(row.height_below is not None for row in rows):
        return rows
    item = quantity.name.rpartition(".")[0] + ".height"
    if not look.has(item):
        raise Undecided((quantity.name, "target_dip_and_height_unknown"))
    height = look.number(item)
    fit = [row for row in rows if row.height_below is None or height < Fraction(row.height_below)]
    if not fit:
        raise Undecided((quantity.name, "no_limit_for_height"))
    return fit


def _bound(
    row: Limit, severity: Severity, given: tuple[Fraction, ...], before: Sequence[Bound]
) -> Bound:
    code = row.override_code if given else row.code
    low, high = _limits(row, given, before)
    return Bound(
        row, code, severity, low, high,
        excluded=row.boundary == "fails", magnitude=row.compare == "magnitude at most",
    )  # fmt: skip


def _limits(
    row: Limit, given: tuple[Fraction, ...], before: Sequence[Bound]
) -> tuple[Fraction | None, Fraction | None]:
    if row.compare == "is false":
        return None, Fraction(0)
    if row.compare == "within":
        if len(given) == 2:
            return given
        if given:
            around = _exact(row.tolerance)
            return given[0] - around, given[0] + around
        return _exact(row.low), _exact(row.high)
    value = given[0] if given else _value(row, before)
    return (value, None) if row.compare == "at least" else (None, value)


def _value(row: Limit, before: Sequence[Bound]) -> Fraction:
    if row.share is None:
        return _exact(row.value)
    whole = (before[-1].low if before[-1].low is not None else before[-1].high) if before else None
    if whole is None:
        raise LookupError(f"limit {row.id}: there is no limit of which it could be a share")
    return Fraction(row.share) * whole


def _exact(value: object) -> Fraction:
    return Fraction(str(value))
