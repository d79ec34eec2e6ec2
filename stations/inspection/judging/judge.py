"""From a case to its judgement, by one rule set. Pure: the same case gives the same judgement."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Any

from stations.inspection.judging.case import Case, Wrong
from stations.inspection.judging.codes import WrongCode, parse
from stations.inspection.judging.days import days_later, months_later
from stations.inspection.judging.judgement import (
    Decided,
    Finding,
    Judgement,
    Letter,
    Open,
    verdict,
)  # fmt: skip
from stations.inspection.judging.limits import Facts, Limits
from stations.inspection.judging.measured import Outcome, Weighing
from stations.inspection.judging.readings import Readings, check_equipment
from stations.inspection.judging.recorded import recorded
from stations.inspection.judging.rule_set import RuleSet
from stations.inspection.judging.scope import Scope, scope_of

RECALL = "vehicle.recall_stop_drive"
# An inspector may decide what could not be measured; he cannot give a bench its calibration back.
NOT_BY_HAND = {
    "calibration_expired", "calibration_unknown", "calibration_in_future", "zero_not_confirmed",
    "equipment_fault",
}  # fmt: skip


class Judge:
    """A rule set at work; made once, it judges any number of cases."""

    def __init__(self, rules: RuleSet) -> None:
        self.rules = rules
        self.limits = Limits(rules)

    def judge(self, case: Case) -> Judgement:
        """The judgement of a case; Wrong when the case is refused."""
        self._refuse(case)
        readings = Readings(case, self.rules)
        facts = self._facts(case)
        scope = scope_of(case, self.rules, self.limits, facts, readings)
        weighing = Weighing(self.rules, self.limits, facts, readings)
        outcome = weighing.of(scope)
        findings = [*outcome.findings, *self._visual(case), *self._standing(scope)]
        self._recall(case, findings, outcome)
        if case.visual is None:
            outcome.open.append(Open(item="visual", reason="missing", severity_max=3))
        if case.test.aborted:
            outcome.open = [
                one.model_copy(update={"reason": "test_aborted"})
                if one.reason == "missing"
                else one
                for one in outcome.open
            ]
        decided = self._by_hand(case, outcome, findings)
        ordered = tuple(sorted(_once(findings), key=_worst_first))
        result, letter = verdict(
            (one.severity for one in ordered),
            (one.severity_max for one in outcome.open),
            case.test.aborted is not None,
        )
        return Judgement(
            result=result,
            letter=letter,
            valid_until=self._valid_until(case, letter),
            reinspection_until=self._reinspection(case, letter),
            findings=ordered,
            not_decidable=tuple(sorted(outcome.open, key=lambda one: (one.item, one.reason))),
            judged=tuple(outcome.judged),
            recorded=tuple(recorded(case, self.rules, readings, scope)),
            decided=decided,
            equipment=tuple(bench.used for bench in readings.benches),
            rule_set=self.rules.name,
            rule_set_sha256=self.rules.sha256,
            test_date=case.test.date.isoformat(),
            test_kind=case.test.kind,
        )

    def _refuse(self, case: Case) -> None:
        rules, wrong = self.rules, []
        if case.test.date not in rules.valid:
            wrong.append(
                f"test.date: {rules.name} is for tests from {rules.valid.from_ or 'ever'} to"
                f" {rules.valid.to or 'now'}, not for {case.test.date}: name another with --rules"
            )
        if case.vehicle.category not in rules.categories:
            known = ", ".join(rules.categories)
            wrong.append(
                f"vehicle.category: {rules.name} knows {known}, not {case.vehicle.category!r}"
            )
        if rules.family(case.vehicle.fuel) is None:
            known = ", ".join(fuel for fuels in rules.fuels.values() for fuel in fuels)
            wrong.append(f"vehicle.fuel: {rules.name} knows {known}, not {case.vehicle.fuel!r}")
        for number, seen in enumerate(case.visual or ()):
            wrong += self._wrong_code(f"visual.{number}", seen.code, seen.location, True)
        for number, one in enumerate(case.test.earlier):
            wrong += self._wrong_code(f"test.earlier.{number}", one.code, one.location, False)
        for number, decision in enumerate(case.decisions):
            if decision.outcome != "pass":
                where = f"decisions.{number}.outcome"
                wrong += self._wrong_code(where, decision.outcome, None, False)
        earlier = case.test.earlier_date
        if case.test.kind == "re-inspection" and earlier is not None:
            last = months_later(earlier, int(rules.figures["reinspection_months"].value))
            if case.test.date > last:
                wrong.append(
                    f"test.kind: the re-inspection was possible until {last}, this is"
                    f" {case.test.date}: a full test is due, write kind full"
                )
        if wrong:
            raise Wrong(wrong)
        check_equipment(case, rules)

    def _wrong_code(self, where: str, text: str, location: str | None, placed: bool) -> list[str]:
        rules = self.rules
        try:
            code = parse(text)
        except WrongCode as error:
            return [f"{where}: {error}"]
        if text in rules.replaced:
            return [f"{where}: {text} was replaced by {rules.replaced[text]}: write that"]
        if text not in rules.known_codes:
            same = [one for one in rules.known_codes if one.startswith(f"{code.number}.")]
            known = f": of point {code.number} it knows {', '.join(same)}" if same else (
                ": it has no such point; `refit inspection rules` shows what it has"
            )  # fmt: skip
            return [f"{where}: there is no code {text} in {rules.name}{known}"]
        if placed and rules.needs_place(text) and not location:
            return [f"{where}: {text} needs a location [Loc.]: say where on the vehicle"]
        return []

    def _facts(self, case: Case) -> Facts:
        vehicle = case.vehicle
        catalyst = vehicle.catalyst
        if catalyst is None and vehicle.first_registration is not None:
            late = vehicle.first_registration >= self.rules.catalyst_assumed_from
            catalyst = True if late else None
        return Facts(
            category=vehicle.category,
            family=self.rules.family(vehicle.fuel) or "",
            first_registration=vehicle.first_registration,
            euro="unknown" if vehicle.euro_class is None else vehicle.euro_class,
            turbo=vehicle.turbo,
            catalyst=catalyst,
            steered=frozenset(vehicle.steered_axles),
        )

    def _visual(self, case: Case) -> list[Finding]:
        return [
            self._of_code(
                one.code, rule="visual", by="visual", location=one.location, photo=one.photo
            )
            for one in case.visual or ()
        ]

    def _of_code(self, code: str, **said: Any) -> Finding:
        """A finding that is its code, of which the rule set knows the source."""
        point = self.rules.known_codes[code]
        return Finding(
            code=code, severity=int(parse(code).severity), source=point.source, mark=point.mark,
            **said,
        )  # fmt: skip

    def _standing(self, scope: Scope) -> list[Finding]:
        """Findings of the earlier test that were not looked at again: they stand."""
        return [
            self._of_code(one.code, rule="not-tested-again", by="earlier", location=one.location)
            for one in scope.standing
        ]

    def _recall(self, case: Case, findings: list[Finding], outcome: Outcome) -> None:
        recall, said = self.rules.recall, case.vehicle.recall_stop_drive
        if said:
            findings.append(
                Finding(
                    code=recall.code,
                    severity=int(recall.severity),
                    value="true",
                    limit="false",
                    rule="recall-stop-drive",
                    source=recall.source,
                    mark=recall.mark,
                    item=RECALL,
                    by="recall",
                )
            )
        elif said is None and any(RECALL in one.items for one in self.rules.required):
            outcome.open.append(
                Open(item=RECALL, reason="recall_unknown", severity_max=int(recall.severity))
            )

    def _by_hand(
        self, case: Case, outcome: Outcome, findings: list[Finding]
    ) -> tuple[Decided, ...]:
        wrong, decided = [], []
        for number, one in enumerate(case.decisions):
            where = f"decisions.{number}.item"
            fit = [open_ for open_ in outcome.open if open_.item == one.item]
            if not fit:
                known = ", ".join(sorted({open_.item for open_ in outcome.open})) or "none"
                wrong.append(f"{where}: {one.item} is not open, open are: {known}")
            elif barred := sorted({open_.reason for open_ in fit} & NOT_BY_HAND):
                wrong.append(
                    f"{where}: {one.item} cannot be decided by hand ({', '.join(barred)}):"
                    " measure it with a machine that is in order"
                )
            outcome.open = [open_ for open_ in outcome.open if open_.item != one.item]
            decided.append(Decided(**one.model_dump()))
            if one.outcome != "pass" and one.outcome in self.rules.known_codes:
                place = {"location": one.item, "item": one.item}
                findings.append(
                    self._of_code(one.outcome, rule="inspector", by="inspector", **place)
                )
        if wrong:
            raise Wrong(wrong)
        return tuple(decided)

    def _valid_until(self, case: Case, letter: Letter | None) -> str | None:
        day, figures = case.test.date, self.rules.figures
        if letter == "A":
            return months_later(day, int(figures["favourable_months"].value)).isoformat()
        if letter == "S":
            first = case.test.earlier_date or day
            return months_later(first, int(figures["major_months"].value)).isoformat()
        if letter == "R":
            return days_later(day, int(figures["critical_days"].value)).isoformat()
        return None

    def _reinspection(self, case: Case, letter: Letter | None) -> str | None:
        if letter not in ("S", "R"):
            return None
        first: date = case.test.earlier_date or case.test.date
        months = int(self.rules.figures["reinspection_months"].value)
        return months_later(first, months).isoformat()


def judge(case: Case, rules: RuleSet) -> Judgement:
    """The judgement of one case; Wrong when the case is refused."""
    return Judge(rules).judge(case)


def _worst_first(one: Finding) -> tuple[int, str, str, str, str]:
    return -one.severity, one.code, one.location or "", one.by, one.photo or ""


def _once(findings: Iterable[Finding]) -> list[Finding]:
    """What was said twice counts once."""
    return list(dict.fromkeys(findings))
