"""What the checks of some cars show: defects per unit, first pass yield, rolled yield, demerits.

Each figure keeps its numerator and denominator; over nothing it has no value.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

from stations.quality.check_plan import CLASSES, CheckPlan
from stations.quality.records import Check, SeverityClass


@dataclass(frozen=True, slots=True)
class Ratio:
    """A numerator over a denominator."""

    numerator: int
    denominator: int

    @property
    def value(self) -> float | None:
        """The quotient; None over nothing."""
        return self.numerator / self.denominator if self.denominator else None

    def said(self) -> dict[str, float | int | None]:
        """All three, for JSON."""
        return {
            "value": self.value, "numerator": self.numerator, "denominator": self.denominator
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Figures:
    """Figures over checks: `fpy` at the gate and of each block, `rty` the product of the latter."""

    checks: int
    units: int
    dpu: Ratio
    demerits: Ratio
    fpy: Ratio
    blocks: Mapping[str, Ratio]
    rty: float | None
    defects: Mapping[SeverityClass, int]


def figures(plan: CheckPlan, checks: Sequence[Check]) -> Figures:
    """The figures of the first checks of cars; a car that is checked again counts once."""
    first = [one for one in checks if one.first and one.plan == plan.name]
    blocks = {block: Ratio(0, 0) for block in plan.blocks}
    where = {point.id: point.block for point in plan.points}
    for one in first:
        faulty = {where.get(answer.point) for answer in one.answers if answer.outcome == "defect"}
        blocks = {
            name: Ratio(ratio.numerator + (name not in faulty), ratio.denominator + 1)
            for name, ratio in blocks.items()
        }
    defects = {name: sum(one.defects.get(name, 0) for one in first) for name in CLASSES}
    return Figures(
        checks=len(checks),
        units=len(first),
        dpu=Ratio(sum(defects.values()), len(first)),
        demerits=Ratio(sum(one.demerits for one in first), len(first)),
        fpy=Ratio(sum(not any(one.defects.values()) for one in first), len(first)),
        blocks=blocks,
        rty=rolled(list(blocks.values())),
        defects=defects,
    )


def rolled(yields: Sequence[Ratio]) -> float | None:
    """The rolled throughput yield: the product of first pass yields; None without one of them."""
    values = [one.value for one in yields]
    known = [one for one in values if one is not None]
    return prod(known) if known and len(known) == len(values) else None
