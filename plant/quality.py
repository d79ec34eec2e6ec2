"""Look-ups of the quality control: the rules that ship with it, what the ledger says of a visit."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files

import orjson
from pydantic import ValidationError

from plant.ledger import Ledger
from plant.making import QUALITY, plant_record
from stations.quality.check_plan import CheckPlan, parse_check_plan
from stations.quality.checking import check_of
from stations.quality.independence import Objection, objections
from stations.quality.records import Answer, Assignment, Check, RepairOperation
from stations.quality.run_rules import RuleSet, parse_rules
from stations.quality.tables import Tables, parse_tables
from stations.records import Record

SAMPLING = "iso-2859-1-1999"
CHECK_PLAN = "refit-80"
REPAIR, ASSIGNMENT, CHECK = "repair.operation", "quality.assignment", "quality.check"


class NotIndependent(Exception):
    """An inspector has repaired the car that is to be checked; `objections` says which work."""

    def __init__(self, inspector: str, visit: str, found: Sequence[Objection]) -> None:
        told = ", ".join(f"{one.operation} (record {one.record})" for one in found)
        super().__init__(f"{inspector} has repaired the car of {visit}: {told}")
        self.objections = list(found)


class NothingKnown(LookupError):
    """The ledger does not have what a check needs; the message says what."""


class Quality:
    """The quality control of one site: who may check, what was found, from its ledger."""

    def __init__(self, ledger: Ledger, site: str) -> None:
        self._ledger, self._site = ledger, site

    def operations(self, visit: str) -> dict[str, RepairOperation]:
        """The repairs of a visit, by the id of their records."""
        entries = self._ledger.find(visit=visit, kind=REPAIR)
        return {one.id: RepairOperation.model_validate(_data(one.body)) for one in entries}

    def assign(self, visit: str, inspector: str, plan: CheckPlan, time_ms: int) -> Record:
        """Assign an inspector: the record, which is in the ledger then.

        NotIndependent when he has repaired this car; then nothing is recorded. NothingKnown for a
        visit of which the ledger has no record at all.
        """
        known = self.operations(visit)
        if found := objections(inspector, visit, known):
            raise NotIndependent(inspector, visit, found)
        data = Assignment(
            visit=visit, inspector=inspector.strip(), plan=plan.name, plan_version=plan.version,
            operations=tuple(sorted(known)),
        )  # fmt: skip
        return self._append(ASSIGNMENT, visit, data, time_ms)

    def check(
        self, visit: str, inspector: str, plan: CheckPlan, answers: Sequence[Answer], time_ms: int
    ) -> Record:
        """Record a check. NothingKnown without an assignment of this inspector.

        NotIndependent when he has repaired the car since he was assigned; CheckRefused (of
        stations.quality.checking) when the answers are no whole check.
        """
        assigned = self._assignment(visit, inspector, plan)
        if found := objections(inspector, visit, self.operations(visit)):
            raise NotIndependent(inspector, visit, found)
        first = not self._ledger.find(visit=visit, kind=CHECK, limit=1)
        data = check_of(plan, visit, inspector.strip(), assigned, answers, first)
        return self._append(CHECK, visit, data, time_ms)

    def checks(self, limit: int) -> list[Check]:
        """The latest checks of the site, the latest first."""
        entries = self._ledger.find(kind=CHECK, limit=limit)
        return [Check.model_validate(_data(one.body)) for one in entries]

    def _assignment(self, visit: str, inspector: str, plan: CheckPlan) -> str:
        """The id of the latest assignment of a visit, when it is that of this inspector."""
        entries = self._ledger.find(visit=visit, kind=ASSIGNMENT, limit=1)
        if not entries:
            raise NothingKnown(f"nobody is assigned to check the car of {visit}: assign first")
        latest = Assignment.model_validate(_data(entries[0].body))
        if latest.inspector.casefold() != inspector.strip().casefold():
            raise NothingKnown(f"{latest.inspector} is assigned to {visit}, not {inspector}")
        if (latest.plan, latest.plan_version) != (plan.name, plan.version):
            raise NothingKnown(
                f"{visit} is assigned by {latest.plan} version {latest.plan_version}"
            )
        return entries[0].id

    def _append(self, kind: str, visit: str, data: Assignment | Check, time_ms: int) -> Record:
        entries = self._ledger.find(visit=visit, limit=1)
        if not entries:
            raise NothingKnown(f"{visit}: the ledger has no record of this visit")
        line = entries[0].line
        record = plant_record(kind, self._site, line, QUALITY, visit, time_ms, data)
        self._ledger.append([record])
        return record


def _data(body: bytes) -> object:
    return orjson.loads(body)["data"]


def read_answers(text: bytes) -> list[Answer]:
    """The answers of a JSON list. ValueError that says which is wrong."""
    try:
        said = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise ValueError(f"it is no JSON: {error}") from error
    if not isinstance(said, list):
        raise ValueError('write a list: [{"point": "tyres", "outcome": "ok"}, ...]')
    answers = []
    for place, one in enumerate(said, 1):
        try:
            answers.append(Answer.model_validate(one))
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise ValueError(f"answer {place}: {where}: {first['msg']}") from error
    return answers


@cache
def sampling_tables(name: str = SAMPLING) -> Tables:
    """The sampling tables of this name."""
    return parse_tables(_shipped("sampling_plans", name))


@cache
def check_plan(name: str = CHECK_PLAN) -> CheckPlan:
    """The list of points of this name."""
    return parse_check_plan(_shipped("check_plans", name))


def run_rule_names() -> list[str]:
    """The sets of run rules that there are."""
    found = (files("stations.quality") / "run_rules").iterdir()
    return sorted(one.name.removesuffix(".toml") for one in found if one.name.endswith(".toml"))


@cache
def run_rules(name: str) -> RuleSet:
    """The run rules of this name; LookupError with the known names when there are none."""
    if name not in run_rule_names():
        raise LookupError(f"no run rules are named {name!r}: {', '.join(run_rule_names())}")
    return parse_rules(_shipped("run_rules", name))


def _shipped(folder: str, name: str) -> str:
    return (files("stations.quality") / folder / f"{name}.toml").read_text(encoding="utf-8")
