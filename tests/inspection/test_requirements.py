"""Which parts an inspection has."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from stations.inspection.codes import ITEMS
from stations.inspection.facts import Order, StepName
from stations.inspection.identity import vin_hash, vin_of
from stations.inspection.requirements import (
    ALWAYS,
    FUELS,
    MACHINES,
    MEASURED,
    NEEDED,
    REINSPECTION_MONTHS,
    is_limited,
    required,
    step_of,
)
from wire.rule_sets import rule_set

TODAY = date(2026, 11, 25)
BURNING = {StepName.GAS, StepName.OPACITY, StepName.OBD, StepName.CONTINUITY}


def more(**vehicle: Any) -> set[StepName]:
    """What a full test of a vehicle has beside what every test has."""
    found = required(Order(visit="v", vehicle={"category": "M1", **vehicle}), TODAY)
    assert found >= {*ALWAYS, *MEASURED}
    return set(found) - {*ALWAYS, *MEASURED}


@pytest.mark.parametrize(
    ("fuel", "first", "parts"),
    [
        ("petrol", "1972-09-30", set()),
        ("petrol", "1972-10-01", {StepName.GAS}),
        ("petrol", "2000-12-31", {StepName.GAS}),
        ("petrol", "2001-01-01", {StepName.GAS, StepName.OBD}),
        ("lpg", "2010-01-01", {StepName.GAS, StepName.OBD}),
        ("diesel", "1979-12-31", set()),
        ("diesel", "1980-01-01", {StepName.OPACITY}),
        ("diesel", "2003-12-31", {StepName.OPACITY}),
        ("diesel", "2004-01-01", {StepName.OPACITY, StepName.OBD}),
        ("electric", "2020-01-01", {StepName.CONTINUITY}),
        ("petrol", None, {StepName.GAS, StepName.OBD}),
        ("coal", None, BURNING),
        (None, "2020-01-01", BURNING),
    ],
)
def test_by_fuel_and_age(fuel: str | None, first: str | None, parts: set[StepName]) -> None:
    assert more(fuel=fuel, first_registration=first) == parts


def again(*codes: str, on: date = date(2026, 10, 1)) -> set[StepName]:
    order = Order(
        visit="v", vehicle={"fuel": "diesel"}, kind="re-inspection", earlier=codes, earlier_date=on
    )
    return set(required(order, TODAY))


def test_a_re_inspection_has_what_was_found() -> None:
    assert again("1.2.1.b.2") == {*ALWAYS, StepName.BRAKES}
    assert again("1.4.2.a.2") == {*ALWAYS, StepName.BRAKES, StepName.PARKING_BRAKE}
    assert again("8.2.22.a.2", "5.2.3.e.3") == {*ALWAYS, StepName.OPACITY, StepName.TREAD}
    assert again("8.2.22.c.2") == {*ALWAYS, StepName.OBD}
    assert again("6.1.1.a.2") == {*ALWAYS}
    assert again("1.21.1.a.2") == {*ALWAYS}


def test_after_two_months_it_is_a_full_test() -> None:
    assert len(again("4.1.2.a.2", on=date(2026, 9, 25))) == len(ALWAYS) + 1
    assert StepName.BRAKES in again("4.1.2.a.2", on=date(2026, 9, 24))
    assert StepName.BRAKES in again("4.1.2.a.2", on=date(2026, 11, 26))
    full = Order(visit="v", vehicle={}, earlier=("4.1.2.a.2",), earlier_date=TODAY)
    assert not is_limited(full, TODAY)


def test_every_needed_item_is_said_by_the_machine_of_its_part() -> None:
    for step, items in NEEDED.items():
        for item in items:
            assert step_of(item) is step and item in ITEMS[MACHINES[step]], item
    for codes in ITEMS.values():
        assert all(step_of(item) is not None for item in codes)


def test_a_vin_is_known_again_by_the_key_alone() -> None:
    vin = vin_of("vf1-aaaaa a12345678")
    assert vin == "VF1AAAAAA12345678"
    assert vin_hash(b"one", vin) == vin_hash(b"one", vin) != vin_hash(b"two", vin)
    assert vin_of("VF1AAAAAI12345678") is None and vin_of("VF1") is None


@pytest.mark.parametrize("day", ["1960-01-01", "1985-01-01", "2000-12-31", "2002-01-01", None])
@pytest.mark.parametrize("fuel", FUELS)
def test_what_the_newest_rule_set_asks_for_is_a_part_of_the_session(
    fuel: str, day: str | None
) -> None:
    rules = rule_set()
    first = None if day is None else date.fromisoformat(day)
    parts = required(Order(visit="v", vehicle={"fuel": fuel, "first_registration": day}), TODAY)
    asked = {
        item
        for row in rules.required
        if (not row.fuels or rules.family(fuel) in row.fuels)
        and (first is None or first in row.first_registered)
        for item in row.items
    }
    assert {item for item in asked if (step := step_of(item)) and step not in parts} == set()


def test_the_session_and_the_newest_rule_set_have_the_same_months() -> None:
    assert rule_set().figures["reinspection_months"].value == REINSPECTION_MONTHS
