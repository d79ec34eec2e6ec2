"""From the answers of an inspector to the check of a car: every point answered, nothing assumed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from stations.quality.check_plan import CLASSES, CheckPlan, Point
from stations.quality.records import Answer, Check, SeverityClass

SHA256 = re.compile(r"[0-9a-f]{64}")


class CheckRefused(ValueError):
    """Answers that are no whole check; `problems` says what is missing or wrong."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


def check_of(
    plan: CheckPlan, visit: str, inspector: str, assignment: str, answers: Sequence[Answer],
    first: bool,
) -> Check:  # fmt: skip
    """The check of a car. CheckRefused when a point is not answered, or a photo is missing.

    A defect has the class of its point unless the inspector says a more severe one.
    """
    problems = _problems(plan, answers)
    if problems:
        raise CheckRefused(problems)
    known = {point.id: point for point in plan.points}
    classed = {one.point: _class(known[one.point], one) for one in answers}
    placed = {point.id: place for place, point in enumerate(plan.points)}
    ordered = sorted(answers, key=lambda one: placed[one.point])
    counts = Counter(one for one in classed.values() if one is not None)
    return Check(
        visit=visit, inspector=inspector, assignment=assignment, plan=plan.name,
        plan_version=plan.version, first=first,
        answers=tuple(one.model_copy(update={"severity": classed[one.point]}) for one in ordered),
        defects={name: counts[name] for name in CLASSES},
        demerits=sum(plan.weights[name] * count for name, count in counts.items()),
        released=not counts,
    )  # fmt: skip


def _problems(plan: CheckPlan, answers: Sequence[Answer]) -> list[str]:
    known = {point.id: point for point in plan.points}
    times = Counter(one.point for one in answers)
    problems = [f"{one}: no point of {plan.name} has this id" for one in times if one not in known]
    problems += [f"{one}: answered {count} times" for one, count in times.items() if count > 1]
    missing = [point.id for point in plan.points if point.id not in times]
    if missing:
        told = ", ".join(missing[:5]) + (", ..." if len(missing) > 5 else "")
        problems.append(f"{len(missing)} points are not answered: {told}")
    for one in answers:
        if (point := known.get(one.point)) is not None:
            problems += [f"{one.point}: {what}" for what in _of_answer(point, one)]
    return problems


def _of_answer(point: Point, answer: Answer) -> list[str]:
    found = []
    if point.photo and answer.outcome != "not_applicable" and not answer.photos:
        found.append("a photo is required")
    if any(SHA256.fullmatch(photo) is None for photo in answer.photos):
        found.append("a photo is named by its SHA-256")
    if answer.severity is not None:
        if answer.outcome != "defect":
            found.append(f"a class {answer.severity}, but no defect")
        elif answer.severity > point.severity:
            found.append(f"class {answer.severity} is less severe than that of the point")
    if answer.outcome == "defect" and not answer.note.strip():
        found.append("a defect needs a note")
    return found


def _class(point: Point, answer: Answer) -> SeverityClass | None:
    return (answer.severity or point.severity) if answer.outcome == "defect" else None
