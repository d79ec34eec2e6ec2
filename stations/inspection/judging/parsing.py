"""Reads a case from JSON, with every number as the decimal that was delivered.

What is not understood is refused: an unknown key, item or unit, the same item twice, a number that
is none. Each reason says what, where, and what would be right.
"""

from __future__ import annotations

import json
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from pydantic import ValidationError

from stations.inspection.judging.case import (
    Case,
    Decision,
    Machine,
    Measured,
    Seen,
    Test,
    Vehicle,
    Wrong,
)
from stations.inspection.judging.items import BY_ANY_NAME, Item
from stations.inspection.judging.units import FACTORS

BYTES_MAX = 1 << 20


def parse(text: str | bytes) -> Case:
    """The case of a JSON text; Wrong with every reason when it is refused."""
    if len(text) > BYTES_MAX:
        raise Wrong([f"the case has {len(text)} bytes: {BYTES_MAX} at most"])
    try:
        data = json.loads(
            text, parse_float=_number, parse_int=_number, parse_constant=_constant,
            object_pairs_hook=_once,
        )  # fmt: skip
    except RecursionError:
        raise Wrong(["no JSON of a case: it is nested too deeply"]) from None
    except ValueError as error:
        raise Wrong([f"no JSON of a case: {error}"]) from error
    return of(data)


def of(data: object) -> Case:
    """The case of an object whose numbers are decimals; Wrong when it is refused."""
    try:
        case = Case.model_validate(data)
    except ValidationError as error:
        raise Wrong([_said(one) for one in error.errors()]) from None
    reasons, named = _dates(case), {}
    for name, one in case.measurements.items():
        item = BY_ANY_NAME.get(name)
        if item is None:
            reasons.append(f"measurements.{name}: there is no such item{_hint(name, BY_ANY_NAME)}")
            continue
        if item.name in named:
            reasons.append(f"measurements.{name}: {item.name} is there twice: leave one")
        named[item.name] = one
        reasons += [f"measurements.{name}: {why}" for why in _unusable(item, name, one)]
        if one.equipment is not None and one.equipment not in case.equipment:
            known = ", ".join(case.equipment) or "none"
            reasons.append(
                f"measurements.{name}: no equipment {one.equipment!r}: named are {known}"
            )
    if reasons:
        raise Wrong(reasons)
    return case.model_copy(update={"measurements": named})


def _number(text: str) -> Decimal:
    if len(text) > 100:
        raise ValueError(f"the number {text[:20]}... has {len(text)} characters: 100 at most")
    return Decimal(text)


def _constant(text: str) -> Decimal:
    raise ValueError(f"{text} is no number: leave out what was not measured")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"the key {key!r} is there twice: leave one")
        found[key] = value
    return found


def _said(error: Any) -> str:
    parts = [str(part) for part in error["loc"]]
    if not parts:
        return f"the case: write an object with {', '.join(Case.model_fields)}"
    if parts[:1] == ["measurements"]:
        parts = parts[:2] + [one for one in parts[2:] if one in Measured.model_fields]
    where = ".".join(parts)
    message = _WORDS.get(error["type"]) or error["msg"].removeprefix("Value error, ")
    if error["type"] == "extra_forbidden":
        known = _KEYS.get(parts[0] if len(parts) > 1 else "", ())
        return f"{where}: there is no such key" + (
            f": known are {', '.join(known)}" if known else ""
        )
    if error["type"] == "missing":
        return f"{where}: it is missing"
    if parts[0] in ("vin", "plate") or parts[-1] in ("vin", "plate"):
        return f"{where}: {message}"
    return f"{where}: {message}, not {str(error['input'])[:60]!r}"


def _dates(case: Case) -> list[str]:
    found = []
    first, day, earlier = (
        case.vehicle.first_registration, case.test.date, case.test.earlier_date,
    )  # fmt: skip
    if first is not None and first > day:
        found.append(f"vehicle.first_registration: {first} is after the test of {day}: correct one")
    if earlier is not None and earlier > day:
        found.append(f"test.earlier_date: {earlier} is after the test of {day}: correct one")
    if case.test.kind == "re-inspection" and not case.test.earlier:
        found.append("test.earlier: a re-inspection needs the codes that it looks at again")
    elif case.test.kind == "re-inspection" and all(
        one.code.endswith(".1") for one in case.test.earlier
    ):
        found.append("test.earlier: minor findings need no re-inspection: write kind full")
    low, high = case.vehicle.lambda_maker_min, case.vehicle.lambda_maker_max
    if (low is None) != (high is None) or (low is not None and high is not None and low > high):
        found.append("vehicle.lambda_maker_min: write it with lambda_maker_max, the larger of both")
    return found


def _unusable(item: Item, name: str, one: Measured) -> list[str]:
    """Why a value cannot even be read as this item; what is out of range can be."""
    found = []
    expected = {"number": Decimal, "flag": bool, "text": str, "list": tuple}[item.kind]
    words = {"number": "a number", "flag": "true or false", "text": "a text", "list": "a list"}
    if one.value is not None and not isinstance(one.value, expected):
        found.append(f"value: write {words[item.kind]}, not {str(one.value)[:60]!r}")
    if item.kind != "number":
        if one.unit:
            found.append(f"unit {one.unit!r}: this item has none: leave it out")
        return found
    accepted = FACTORS[item.unit]
    if name != item.name and one.unit is not None and one.unit != item.unit:
        found.append(f"unit {one.unit!r}: the name says {item.unit}: write {item.name} for others")
    elif one.unit is None and name == item.name and item.unit != "1":
        found.append(f"unit: it is missing: write one of {', '.join(accepted)}")
    elif one.unit is not None and one.unit not in accepted:
        known = ", ".join(unit for unit in accepted if unit)
        found.append(f"unit {one.unit!r}: for this item write one of {known}")
    return found


def _hint(name: str, known: dict[str, Item]) -> str:
    close = get_close_matches(name, known, n=3, cutoff=0.6)
    return (
        f": did you mean {' or '.join(close)}?"
        if close
        else ": `refit inspection rules` names them"
    )


_WORDS = {
    "tuple_type": "write a list",
    "dict_type": "write an object",
    "model_type": "write an object",
    "string_type": "write a text",
    "string_pattern_mismatch": "write a text that is not empty",
    "bool_type": "write true or false",
    "is_instance_of": "write a number",
    "int_type": "write a whole number",
    "finite_number": "write a number",
    "too_short": "write at least one",
}
_KEYS = {
    "": tuple(Case.model_fields),
    "test": tuple(Test.model_fields),
    "vehicle": tuple(Vehicle.model_fields),
    "equipment": tuple(Machine.model_fields),
    "measurements": tuple(Measured.model_fields),
    "visual": tuple(Seen.model_fields),
    "decisions": tuple(Decision.model_fields),
}
