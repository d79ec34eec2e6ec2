"""What an inspection report prints, taken out of the record: pure, nothing is judged here again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from plant.reports.brakes import Forces
from stations.inspection.judging.judgement import Judged, Judgement
from stations.records import Record
from wire.texts import Texts
from wire.texts.inspection_items import limit_words, place_name, value_words

KIND = "inspection.report"


class NotPrintable(ValueError):
    """A record that is no inspection report, or not one that this program understands."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine of the station as it was at the test."""

    name: str
    kind: str
    model: str = ""
    serial: str = ""
    calibrated: str = ""
    due: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class Printed:
    """A record in the ledger that is printed: its place there, and what only the ledger knows.

    `vin` is None where it is not known or was erased; `replaced_by` is the id of its correction.
    """

    record: Record
    number: int
    chain: str
    vin: str | None = None
    replaced_by: str | None = None


@dataclass(frozen=True, slots=True)
class Told:
    """The parts of a record that are printed."""

    judgement: Judgement | None
    vehicle: Mapping[str, Any]
    session: Mapping[str, Any]
    values: Mapping[str, tuple[str, str]]
    machines: tuple[Machine, ...]
    manual: tuple[str, ...] = ()
    corrects: Mapping[str, Any] = field(default_factory=dict)


def told(record: Record) -> Told:
    """The parts of a record. NotPrintable when it is none of an inspection."""
    if record.kind != KIND:
        raise NotPrintable(f"{record.id} is a record {record.kind}: name one {KIND}")
    data = record.data
    judgement = None
    if data.get("judgement") is not None:
        try:
            judgement = Judgement.model_validate(data["judgement"])
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise NotPrintable(f"{record.id}: judgement.{where}: {first['msg']}") from error
    case, session = _table(data.get("case")), _table(data.get("session"))
    vehicle = dict(_table(case.get("vehicle")))
    vehicle.setdefault("fuel", data.get("fuel"))
    steps = _table(session.get("steps")).values()
    return Told(
        judgement=judgement,
        vehicle=vehicle,
        session=session,
        values=_values(case, data),
        machines=_machines(session, case, judgement, data),
        manual=tuple(sorted({item for step in steps for item in _table(step.get("manual"))})),
        corrects=_table(data.get("corrects")),
    )


def forces(facts: Told, texts: Texts) -> list[Forces]:
    """The rows of the brake force diagram; none when no force was measured."""
    judged = {} if facts.judgement is None else {one.item: one for one in facts.judgement.judged}
    rows = []
    for axle in ("axle1", "axle2"):
        pair = _pair(facts, f"rbt.{axle}.force_max")
        rows.append(_row(place_name(texts, axle), pair, judged.get(f"rbt.{axle}.imbalance"), texts))
    park = _pair(facts, "rbt.park_force")
    rows.append(_row(texts.say("parking brake"), park, None, texts))
    return [row for row in rows if row.left is not None or row.right is not None]


def _row(
    name: str, pair: tuple[float | None, float | None], judged: Judged | None, texts: Texts
) -> Forces:
    if judged is None:
        return Forces(name, *pair)
    value, limit = value_words(texts, judged.value), limit_words(texts, judged.limit)
    return Forces(name, *pair, value, f"{limit} %", judged.passes)


def _pair(facts: Told, stem: str) -> tuple[float | None, float | None]:
    left, right = (_force(facts, f"{stem}_{side}") for side in ("l", "r"))
    return left, right


def _force(facts: Told, item: str) -> float | None:
    value, unit = facts.values.get(item, ("", ""))
    try:
        return float(value) * {"N": 1.0, "daN": 10.0, "kN": 1000.0}.get(unit, 1.0)
    except ValueError:
        return None


def _values(case: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, tuple[str, str]]:
    """Value and unit of each item that has one, as texts."""
    found = {}
    for source in (_table(data.get("measurements")), _table(case.get("measurements"))):
        for item, one in source.items():
            value, unit = (
                (one.get("value"), one.get("unit")) if isinstance(one, dict) else (one, "")
            )
            if value is not None:
                found[str(item)] = (_text(value), str(unit or ""))
    return found


def _machines(
    session: Mapping[str, Any], case: Mapping[str, Any], judgement: Judgement | None,
    data: Mapping[str, Any],
) -> tuple[Machine, ...]:  # fmt: skip
    said = _table(session.get("machines"))
    used = {} if judgement is None else {one.id: one for one in judgement.equipment}
    found = []
    for name in sorted({*said, *used, *_table(case.get("equipment"))}):
        one, judged = _table(said.get(name)), used.get(name)
        known = _table(_table(case.get("equipment")).get(name))
        due = one.get("calibration_due") or known.get("calibration_due")
        kind = one.get("kind") or known.get("kind") or (judged.kind if judged else None)
        found.append(
            Machine(
                name, str(kind or ""), str(one.get("model") or ""), str(one.get("serial") or ""),
                str(one.get("last_calibration") or ""), str(due or ""),
                judged.state if judged else str(one.get("fault") or ""),
            )
        )  # fmt: skip
    if not found and data.get("calibrated"):
        found.append(Machine("", "", calibrated=str(data["calibrated"])))
    return tuple(found)


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.10g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return str(value)


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}
