"""The quantities that are judged: each made of measured items by an exact formula.

A formula works with fractions: 0.58 x 100 is 58. What cannot be computed is said with its reason;
nothing is ever taken for zero.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Protocol

from stations.inspection.judging.items import AXLES, ITEMS, SIDES, WHEELS

FORCES = tuple(f"rbt.{axle}.force_max_{side}" for axle in AXLES for side in SIDES)
WEIGHTS = tuple(f"rbt.{axle}.weight_{side}" for axle in AXLES for side in SIDES)
PARKING = tuple(f"rbt.park_force_{side}" for side in SIDES)


class Undecided(Exception):
    """A quantity has no value, or no limit; `open` are items and the reasons why."""

    def __init__(self, *open: tuple[str, str]) -> None:
        super().__init__(", ".join(f"{item}: {reason}" for item, reason in open))
        self.open = open


class NotJudged(Exception):
    """A quantity says nothing here, which is no doubt: its forces are too small, for instance."""


class Look(Protocol):
    """What a formula sees of a case."""

    def number(self, item: str) -> Fraction:
        """A measured value in the item's unit; Undecided with the reason when there is none."""

    def has(self, item: str) -> bool:
        """Whether the item was delivered at all, usable or not."""

    def figure(self, name: str) -> Fraction:
        """A figure of the rule set."""

    def mass(self, purpose: str) -> Fraction:
        """The mass under an efficiency, in kg, as the rule set chooses it."""

    def fact(self, name: str) -> Fraction | None:
        """A number that is known of the vehicle; None when it is not."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """One quantity: `pattern` is its name in rule sets, `place` where it is on the vehicle.

    `inputs` are the items that it needs, `also` those that it takes when they were delivered. A
    bench that reports the quantity itself does so under `name`; both are judged then.
    """

    name: str
    pattern: str
    unit: str
    formula: Callable[[Look], Fraction]
    inputs: tuple[str, ...]
    also: tuple[str, ...] = ()
    place: str = ""
    axle: int = 0

    @property
    def items(self) -> tuple[str, ...]:
        """Every item that has a part in it, its own report included."""
        return (*self.inputs, *self.also, self.name)


def numbers(look: Look, *items: str) -> list[Fraction]:
    """The values of some items; Undecided with all that are missing."""
    found: list[Fraction] = []
    missing: list[tuple[str, str]] = []
    for item in items:
        try:
            found.append(look.number(item))
        except Undecided as why:
            missing += why.open
    if missing:
        raise Undecided(*missing)
    return found


def difference(left: Fraction, right: Fraction) -> Fraction:
    """The difference of two values over the larger one, in %; the larger is not zero."""
    larger = max(left, right)
    return 100 * (larger - min(left, right)) / larger


def _imbalance(left: str, right: str) -> Callable[[Look], Fraction]:
    def formula(look: Look) -> Fraction:
        """100 x (Fmax - Fmin) / Fmax (JORFARTI000001408389), above a smallest force."""
        forces = numbers(look, left, right)
        if max(forces) < look.figure("imbalance_force_min"):
            raise NotJudged("force_too_small")
        return difference(*forces)

    return formula


def _asymmetry(left: str, right: str) -> Callable[[Look], Fraction]:
    def formula(look: Look) -> Fraction:
        """Difference over the larger; to what the order relates it is assumed."""
        values = numbers(look, left, right)
        if max(values) <= 0:
            raise Undecided((left, "not_believable"), (right, "not_believable"))
        return difference(*values)

    return formula


def _efficiency(purpose: str, *forces: str) -> Callable[[Look], Fraction]:
    def formula(look: Look) -> Fraction:
        """100 x sum of forces / (mass x g)."""
        open: list[tuple[str, str]] = []
        total, mass = Fraction(0), Fraction(0)
        try:
            total = sum(numbers(look, *forces), Fraction(0))
        except Undecided as why:
            open += why.open
        try:
            mass = look.mass(purpose)
        except Undecided as why:
            open += why.open
        if open:
            raise Undecided(*open)
        return 100 * total / (mass * look.figure("gravity"))

    return formula


def _combination(look: Look) -> Fraction:
    """The parking brake against the mass of the whole combination, where that is known."""
    mass = look.fact("gcm_kg")
    if mass is None:
        raise NotJudged("no_combination")
    return 100 * sum(numbers(look, *PARKING), Fraction(0)) / (mass * look.figure("gravity"))


def _largest(*items: str) -> Callable[[Look], Fraction]:
    return lambda look: max(numbers(look, *items))


def _smallest(item: str, *also: str) -> Callable[[Look], Fraction]:
    return lambda look: min(numbers(look, item, *filter(look.has, also)))


def _item(name: str) -> Callable[[Look], Fraction]:
    return lambda look: look.number(name)


def _odometer(look: Look) -> Fraction:
    """What the odometer shows less what it showed at an earlier test."""
    now, before = look.fact("odometer_km"), look.fact("earlier_odometer_km")
    if now is None or before is None:
        raise NotJudged("no_earlier_reading")
    return now - before


def _plain(name: str, pattern: str, unit: str, place: str = "", axle: int = 0) -> Quantity:
    return Quantity(name, pattern, unit, _item(name), (name,), place=place, axle=axle)


def _of_brakes() -> Iterator[Quantity]:
    for number, axle in enumerate(AXLES, 1):
        left, right = (f"rbt.{axle}.force_max_{side}" for side in SIDES)
        yield Quantity(
            f"rbt.{axle}.imbalance", "rbt.axle*.imbalance", "%", _imbalance(left, right),
            (left, right), place=axle, axle=number,
        )  # fmt: skip
        yield Quantity(
            f"rbt.{axle}.force_larger", "rbt.axle*.force_larger", "N", _largest(left, right),
            (left, right), place=axle, axle=number,
        )  # fmt: skip
        for side, force in zip(SIDES, (left, right), strict=True):
            yield _plain(force, "rbt.axle*.force_max_*", "N", f"{axle}.{side}", number)
    yield Quantity(
        "rbt.service_eff", "rbt.service_eff", "%", _efficiency("service", *FORCES), FORCES, WEIGHTS
    )
    yield Quantity("rbt.park_eff", "rbt.park_eff", "%", _efficiency("parking", *PARKING), PARKING)
    yield Quantity(
        "rbt.park_eff_combination", "rbt.park_eff_combination", "%", _combination, PARKING
    )
    for side, force in zip(SIDES, PARKING, strict=True):
        yield _plain(force, "rbt.park_force_*", "N", side)


def _of_the_rest() -> Iterator[Quantity]:
    for number, axle in enumerate(AXLES, 1):
        yield _plain(f"slip.{axle}.slip", "slip.axle*.slip", "m/km", axle, number)
        left, right = (f"susp.{axle}.eff_{side}" for side in SIDES)
        yield Quantity(
            f"susp.{axle}.asym", "susp.axle*.asym", "%", _asymmetry(left, right),
            (left, right), place=axle, axle=number,
        )  # fmt: skip
    for side in SIDES:
        lamp = f"lamp.dip_{side}"
        yield Quantity(
            f"{lamp}.dip", "lamp.dip_*.dip", "%", _item(f"{lamp}.dip"), (f"{lamp}.dip",), place=side
        )  # fmt: skip
    yield from (
        _plain(name, name, unit)
        for name, unit in (
            ("gas.co_idle", "%"), ("gas.co_fast", "%"), ("gas.lambda", "1"),
            ("opac.k_result", "1/m"), ("obd.mil", ""), ("obd.abs_fault", ""),
        )
    )  # fmt: skip
    for wheel in WHEELS:
        grooves = [f"tyre.{wheel}.tread_{groove}" for groove in ("mid", "inner", "outer")]
        yield Quantity(
            f"tyre.{wheel}.tread", "tyre.*.tread", "mm", _smallest(*grooves), (grooves[0],),
            tuple(grooves[1:]), place=wheel,
        )  # fmt: skip
    yield Quantity("vehicle.odometer", "vehicle.odometer", "km", _odometer, ())


QUANTITIES: dict[str, Quantity] = {
    one.name: one for part in (_of_brakes, _of_the_rest) for one in part()
}
PATTERNS = {one.pattern: one for one in QUANTITIES.values()}
USED_IN: dict[str, frozenset[str]] = {
    item: frozenset(one.name for one in QUANTITIES.values() if item in one.items) for item in ITEMS
}
"""The quantities that an item has a part in."""
