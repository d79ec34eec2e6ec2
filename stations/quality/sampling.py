"""How many of a lot are inspected: the switching rules of ISO 2859-1 as a state machine over lots.

Only original inspection counts (clause 9): a lot that is presented again changes nothing.

- normal -> tightened: 2 of 5 or fewer consecutive lots are not accepted;
- tightened -> normal: 5 consecutive lots are accepted;
- tightened -> stopped: 5 lots in all are not accepted; goes on, tightened, after corrective action;
- normal -> reduced: the switching score is at least 30, production is steady, and it is allowed;
- reduced -> normal: one lot is not accepted.

The switching score counts on normal inspection alone. A plan of Ac >= 2: +3 when the lot would have
been accepted one AQL step tighter as well, else 0 again. A plan of Ac 0 or 1: +2 when the lot is
accepted, else 0 again.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum

from stations.quality.tables import Plan, Severity, Tables

SCORE_FOR_REDUCED = 30
WINDOW, REJECTED_IN_WINDOW = 5, 2
ACCEPTED_FOR_NORMAL = 5
REJECTED_FOR_STOP = 5


class State(StrEnum):
    """Which inspection is in force."""

    NORMAL = "normal"
    TIGHTENED = "tightened"
    REDUCED = "reduced"
    STOPPED = "stopped"


class Reason(StrEnum):
    """Why this state is in force: what switched to it last; codes."""

    FIRST_LOT = "first_lot"
    NO_SWITCH = "no_switch"
    TWO_OF_FIVE = "two_of_five_not_accepted"
    FIVE_ACCEPTED = "five_accepted"
    SCORE_REACHED = "score_reached"
    SCORE_REACHED_NOT_ALLOWED = "score_reached_reduced_not_allowed"
    LOT_NOT_ACCEPTED = "lot_not_accepted_on_reduced"
    FIVE_NOT_ACCEPTED = "five_not_accepted_on_tightened"
    RESUMED = "resumed_after_corrective_action"


SWITCHED = (Reason.FIVE_ACCEPTED, Reason.LOT_NOT_ACCEPTED)


@dataclass(frozen=True, slots=True)
class Lot:
    """A lot that was inspected. `original`: not one that was presented again."""

    name: str
    size: int
    sampled: int
    defective: int
    original: bool = True


@dataclass(frozen=True, slots=True)
class Scheme:
    """What was agreed: AQL, inspection level, and whether reduced inspection is allowed.

    `reduced_allowed` says that production is steady and the responsible authority agrees.
    """

    aql: Decimal
    level: str
    reduced_allowed: bool = False


@dataclass(frozen=True, slots=True)
class Switching:
    """Where the rules stand: `recent` are the outcomes (accepted?) since the state began."""

    state: State = State.NORMAL
    reason: Reason = Reason.FIRST_LOT
    score: int = 0
    recent: tuple[bool, ...] = ()
    rejected: int = 0


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A lot whose sample was not as large as the plan in force asks."""

    lot: str
    sampled: int
    plan: Plan
    state: State


@dataclass(frozen=True, slots=True)
class Ruling:
    """What applies to the next lot. `plan` is None while inspection is stopped.

    `full`: the sample would be the lot or more, so all of it is inspected.
    """

    switching: Switching
    plan: Plan | None
    full: bool
    mismatches: tuple[Mismatch, ...]


def plan_for(tables: Tables, scheme: Scheme, state: State, lot: int) -> Plan:
    """The plan of a lot of this size in a state; stopped has that of tightened, for its return."""
    severity = Severity.TIGHTENED if state is State.STOPPED else Severity(state)
    return tables.plan(severity, tables.letter(lot, scheme.level), scheme.aql)


def after(now: Switching, lot: Lot, tables: Tables, scheme: Scheme) -> Switching:
    """Where the rules stand after a lot of original inspection."""
    if not lot.original or now.state is State.STOPPED:
        return now
    plan = plan_for(tables, scheme, now.state, lot.size)
    accepted = lot.defective <= plan.ac
    if now.state is State.NORMAL:
        return _after_normal(now, lot, plan, accepted, tables, scheme)
    if now.state is State.TIGHTENED:
        return _after_tightened(now, accepted)
    if not accepted:
        return Switching(State.NORMAL, Reason.LOT_NOT_ACCEPTED)
    return now


def resumed(now: Switching) -> Switching:
    """Inspection goes on, tightened, after corrective action. ValueError when it is not stopped."""
    if now.state is not State.STOPPED:
        raise ValueError(f"inspection is {now.state} there, not stopped")
    return Switching(State.TIGHTENED, Reason.RESUMED)


def ruling(
    tables: Tables, scheme: Scheme, history: Iterable[Lot], lot: int, resumed_after: str = ""
) -> Ruling:
    """What applies to the next lot after the lots before it, in their order.

    ValueError when `resumed_after` names no lot after which inspection was stopped.
    """
    now, found, mismatches = Switching(), False, []
    for one in history:
        if one.original and now.state is not State.STOPPED:
            plan = plan_for(tables, scheme, now.state, one.size)
            if one.sampled != min(plan.n, one.size):
                mismatches.append(Mismatch(one.name, one.sampled, plan, now.state))
        now = after(now, one, tables, scheme)
        if one.name == resumed_after:
            now, found = resumed(now), True
    if resumed_after and not found:
        raise ValueError(f"no lot is named {resumed_after!r}")
    if now.state is State.STOPPED:
        return Ruling(now, None, False, tuple(mismatches))
    plan = plan_for(tables, scheme, now.state, lot)
    full = plan.n >= lot
    return Ruling(now, replace(plan, n=min(plan.n, lot)), full, tuple(mismatches))


def _after_normal(
    now: Switching, lot: Lot, plan: Plan, accepted: bool, tables: Tables, scheme: Scheme
) -> Switching:
    recent = (*now.recent, accepted)[-WINDOW:]
    if recent.count(False) >= REJECTED_IN_WINDOW:
        return Switching(State.TIGHTENED, Reason.TWO_OF_FIVE)
    score = _scored(now.score, lot, plan, accepted, tables, scheme)
    reason = now.reason if now.reason in SWITCHED else Reason.NO_SWITCH
    if score >= SCORE_FOR_REDUCED:
        if scheme.reduced_allowed:
            return Switching(State.REDUCED, Reason.SCORE_REACHED, score)
        reason = Reason.SCORE_REACHED_NOT_ALLOWED
    return Switching(State.NORMAL, reason, score, recent)


def _scored(
    score: int, lot: Lot, plan: Plan, accepted: bool, tables: Tables, scheme: Scheme
) -> int:
    if plan.ac < 2:
        return score + 2 if accepted else 0
    tighter = tables.tighter(plan, scheme.aql)
    return score + 3 if tighter is not None and lot.defective <= tighter.ac else 0


def _after_tightened(now: Switching, accepted: bool) -> Switching:
    recent = (*now.recent, accepted)[-ACCEPTED_FOR_NORMAL:]
    rejected = now.rejected + (not accepted)
    if rejected >= REJECTED_FOR_STOP:
        return Switching(State.STOPPED, Reason.FIVE_NOT_ACCEPTED, rejected=rejected)
    if len(recent) == ACCEPTED_FOR_NORMAL and all(recent):
        return Switching(State.NORMAL, Reason.FIVE_ACCEPTED)
    return replace(now, recent=recent, rejected=rejected)
