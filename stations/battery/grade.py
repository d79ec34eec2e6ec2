"""From gates and results to a grade with guard bands: A reuse, B second life, C repair, D recycle.

"At least L" passes when value - u95 >= L, fails when value + u95 < L; between them it is undecided
and the grade is HOLD, with the next test. A gate that failed overrides every grade; a result that
is not valid passes no rule. Rules, limits and their sources are data (`data/grading.toml`).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from stations.battery.data import table

Verdict = Literal["pass", "fail", "undecided"]
WORSE: tuple[Verdict, ...] = ("pass", "undecided", "fail")
Letter = Literal["A", "B", "C", "D", "HOLD"]


@dataclass(frozen=True, slots=True)
class Known:
    """A quantity as a rule sees it; `valid` False or no value: it passes nothing."""

    value: float | None
    u95: float | None
    valid: bool = True
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Checked:
    """A gate of a record; limits None where there is none on that side."""

    gate: str
    verdict: str
    value: float | None = None
    u95: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """A rule as it was applied."""

    id: str
    grade: str
    quantity: str
    verdict: Verdict
    limit: float
    side: Literal["at_least", "at_most"]
    value: float | None
    u95: float | None
    source: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Graded:
    """The grade, why, and what comes next; `rules` are all that were applied, in order."""

    grade: Letter
    name: str
    reasons: tuple[str, ...]
    next_test: str | None
    rules: tuple[Judged, ...]
    gates_failed: tuple[str, ...]
    gates_undecided: tuple[str, ...]


def verdict_of(known: Known | None, side: str, limit: float) -> tuple[Verdict, tuple[str, ...]]:
    """One rule on one quantity: the verdict, and why there is none."""
    if known is None:
        return "undecided", ("not_measured",)
    if not known.valid or known.value is None or not math.isfinite(known.value):
        return "undecided", known.reasons or ("invalid",)
    if known.u95 is None or not math.isfinite(known.u95) or known.u95 < 0:
        return "undecided", ("no_uncertainty",)
    above = known.value - limit if side == "at_least" else limit - known.value
    if above - known.u95 >= 0:
        return "pass", ()
    return ("fail", ()) if above + known.u95 < 0 else ("undecided", ("within_u95",))


def gate_verdict(gate: Checked) -> Verdict:
    """What a gate says, found again from its value: a verdict alone never opens one."""
    if gate.verdict == "fail":
        return "fail"
    limits = [("at_least", gate.low), ("at_most", gate.high)]
    given = [(side, limit) for side, limit in limits if limit is not None]
    if not given:
        return "pass" if gate.verdict == "pass" else "undecided"
    known = Known(gate.value, gate.u95 if gate.u95 is not None else 0.0)
    found = [verdict_of(known, side, limit)[0] for side, limit in given]
    if "fail" in found:
        return "fail"
    return "pass" if gate.verdict == "pass" and set(found) == {"pass"} else "undecided"


def graded(
    gates: Sequence[Checked],
    results: Mapping[str, Known],
    protocol: str | None,
    needed: Iterable[str] = (),
    rules: Mapping[str, Any] | None = None,
) -> Graded:
    """The grade; `needed` are gates that must be among those given, or they are undecided."""
    rules = rules or table("grading")
    judged = tuple(_judged(row, results) for row in rules["rule"])
    found: dict[str, Verdict] = {}
    for one in gates:
        verdicts = gate_verdict(one), found.get(one.gate, "pass")
        found[one.gate] = max(verdicts, key=WORSE.index)
    failed = tuple(gate for gate, verdict in found.items() if verdict == "fail")
    unread = tuple(gate for gate, verdict in found.items() if verdict == "undecided")
    unread += tuple(gate for gate in needed if gate not in found)
    if failed or unread:
        letter, reasons, following = _by_gates(rules, failed, unread)
    else:
        letter, reasons, following = _by_rules(rules, judged, protocol)
    return Graded(
        letter, rules["grade"][letter]["name"], reasons, following, judged, failed, unread
    )


def _judged(row: Mapping[str, Any], results: Mapping[str, Known]) -> Judged:
    side: Literal["at_least", "at_most"] = "at_least" if "at_least" in row else "at_most"
    known = results.get(row["quantity"])
    verdict, reasons = verdict_of(known, side, row[side])
    return Judged(
        id=row["id"],
        grade=row["grade"],
        quantity=row["quantity"],
        verdict=verdict,
        limit=row[side],
        side=side,
        value=known.value if known else None,
        u95=known.u95 if known else None,
        source=row["source"],
        reasons=reasons,
    )


def _by_gates(
    rules: Mapping[str, Any], failed: Sequence[str], unread: Sequence[str]
) -> tuple[Letter, tuple[str, ...], str | None]:
    """The worst that any closed gate forces; HOLD where one was only not read."""
    known = rules["gate"]
    reasons = tuple(f"gate {gate} failed" for gate in failed)
    reasons = reasons or tuple(f"gate {gate} was not decided" for gate in unread)
    worst = [gate for gate in failed if known.get(gate, {}).get("fails_to") == "D"]
    asked = worst or failed or unread
    told = known.get(asked[0], {}).get("next", f"read the gate {asked[0]}, then the gates again")
    if not failed:
        told = f"read the gate {asked[0]} again"
    return ("D" if worst else "HOLD"), reasons, told


def _by_rules(
    rules: Mapping[str, Any], judged: Sequence[Judged], protocol: str | None
) -> tuple[Letter, tuple[str, ...], str | None]:
    """The best grade of which all rules pass, unless a better one is undecided."""
    missed: list[str] = []
    for letter in rules["order"]:
        own = [one for one in judged if one.grade == letter]
        failed = [one for one in own if one.verdict == "fail"]
        if failed:
            missed += [f"{one.id} failed" for one in failed]
            continue
        unsure = [one for one in own if one.verdict == "undecided"]
        if unsure:
            why = tuple(f"{one.id} undecided: {', '.join(one.reasons)}" for one in unsure)
            told = [rules["next_by_reason"].get(it) for one in unsure for it in one.reasons]
            usual = rules["next"].get(protocol or "none", rules["next"]["none"])
            following = next((one for one in told if one), usual)
            return "HOLD", (*missed, *why), following
        return letter, tuple(missed), None
    return rules["lowest"], tuple(missed), None
