"""Time accounting of a station and a line after ISO 22400-2: what was planned, what was done in it.

Everything here is integer milliseconds and pieces, so that parts add up exactly; only `Account`
divides. Formulas: ISO 22400-2 as OPC 40501-1, annex C.2.4 cites them; which state counts as which
time: OPC 40001-1, annex C.2, and OPC 40501-1, annex C.2.3.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import TypeVar

from stations.declare import Phase

Interval = tuple[int, int]  # from, to before; UTC ms
Timeline = tuple[tuple[int, Phase], ...]  # from this time on; before the first: UNKNOWN
HOUR_MS = 3_600_000

Sum = TypeVar("Sum", "Times", "Account")


def timeline(
    states: Iterable[tuple[int, Phase]],
    links: Iterable[tuple[int, bool]] = (),
    gaps: Iterable[Interval] = (),
) -> Timeline:
    """The phases of a station in the order of time, whatever the order of what is handed in.

    `states` are what its samples said (UNKNOWN for one that is Bad), `links` when its agent or its
    own link came (True) and went. While it was away, its state is known as far as samples have
    arrived afterwards; from the last of them on it is OFFLINE. In `gaps` nobody looked: UNKNOWN.
    """
    told = sorted(dict(sorted(states)).items())
    times = [time for time, _ in told]
    hidden: list[tuple[int, float, Phase]] = [(one, end, Phase.UNKNOWN) for one, end in gaps]
    for start, end in _away(links):
        last = bisect_right(times, end - 1) if end < math.inf else len(times)
        known_to = times[last - 1] if last and times[last - 1] > start else start
        hidden.append((known_to, end, Phase.OFFLINE))
    edges = sorted({*times, *(int(edge) for one in hidden for edge in one[:2] if edge < math.inf)})
    phases: list[tuple[int, Phase]] = []
    for edge in edges:
        covers = [phase for start, end, phase in hidden if start <= edge < end]
        index = bisect_right(times, edge)
        said = told[index - 1][1] if index else Phase.UNKNOWN
        phase = min(covers) if covers else said
        if not phases or phases[-1][1] != phase:
            phases.append((edge, phase))
    return tuple(phases)


def _away(links: Iterable[tuple[int, bool]]) -> list[tuple[int, float]]:
    """From when to when a station was away; the last end is infinity while it still is."""
    away: list[tuple[int, float]] = []
    since: int | None = None
    for time, is_online in sorted(links):
        if not is_online and since is None:
            since = time
        elif is_online and since is not None:
            away.append((since, time))
            since = None
    return away if since is None else [*away, (since, math.inf)]


def at(phases: Timeline, time_ms: int) -> Phase:
    """The phase at a moment."""
    index = _after(phases, time_ms)
    return phases[index - 1][1] if index else Phase.UNKNOWN


def _after(phases: Timeline, time_ms: int) -> int:
    """The place of the first phase that begins after a moment."""
    return bisect_right(phases, time_ms, key=lambda one: one[0])


def spent(phases: Timeline, window: Interval) -> dict[Phase, int]:
    """Milliseconds in each phase within a window; together they are the length of the window."""
    start, end = window
    inside = phases[_after(phases, start) : _after(phases, end - 1)]
    edges = [(start, at(phases, start)), *inside, (end, Phase.UNKNOWN)]
    found: dict[Phase, int] = dict.fromkeys(Phase, 0)
    for (since, phase), (until, _) in pairwise(edges):
        found[phase] += max(until - since, 0)
    return found


def clipped(intervals: Iterable[Interval], window: Interval) -> list[Interval]:
    """What of these intervals lies within a window."""
    start, end = window
    cut = ((max(one, start), min(other, end)) for one, other in intervals)
    return [(one, other) for one, other in cut if one < other]


def length(intervals: Iterable[Interval], window: Interval) -> int:
    """Milliseconds of disjoint intervals within a window."""
    return sum(end - start for start, end in clipped(intervals, window))


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds within planned busy time, by phase."""

    idle: int = 0
    working: int = 0
    done: int = 0
    stopped: int = 0
    unknown: int = 0

    def __add__(self, other: Times) -> Times:
        return _added(self, other)

    @property
    def total(self) -> int:
        """The planned busy time itself."""
        return self.idle + self.working + self.done + self.stopped + self.unknown


def times(phases: Timeline, busy: Sequence[Interval], window: Interval) -> Times:
    """How the planned busy time (disjoint intervals) within a window was spent."""
    total = Times()
    for part in clipped(busy, window):
        found = spent(phases, part)
        total += Times(
            found[Phase.IDLE],
            found[Phase.WORKING],
            found[Phase.DONE],
            found[Phase.STOPPED],
            found[Phase.OFFLINE] + found[Phase.UNKNOWN],
        )
    return total


@dataclass(frozen=True, slots=True)
class Account:
    """Numerators and denominators of ISO 22400-2 for one station and any stretch of time, and sums.

    PBT planned busy time, APT actual production time, ADET actual unit delay time (stopped with
    work at hand), ADOT actual unit down time (available, nothing executed: idle or blocked), PQ
    produced and GQ good quantity. `run_ms` is PRI (planned run time per item) x PQ. Unknown time
    belongs to PBT and to nothing else: PBT = APT + ADET + ADOT + unknown.
    """

    pbt_ms: int = 0
    apt_ms: int = 0
    adet_ms: int = 0
    idle_ms: int = 0
    blocked_ms: int = 0
    unknown_ms: int = 0
    pq: int = 0
    gq: int = 0
    run_ms: int = 0
    good_run_ms: int = 0

    def __add__(self, other: Account) -> Account:
        return _added(self, other)

    @property
    def adot_ms(self) -> int:
        """ADOT: idle and blocked together."""
        return self.idle_ms + self.blocked_ms

    @property
    def availability(self) -> float | None:
        """APT / PBT; None while nothing is planned."""
        return ratio(self.apt_ms, self.pbt_ms)

    @property
    def effectiveness(self) -> float | None:
        """PRI x PQ / APT; above 1 where work was quicker than planned. None without production."""
        return ratio(self.run_ms, self.apt_ms)

    @property
    def quality(self) -> float | None:
        """Quality ratio GQ / PQ; None while nothing was produced."""
        return ratio(self.gq, self.pq)

    @property
    def oee(self) -> float | None:
        """Overall equipment effectiveness: availability x effectiveness x quality ratio."""
        parts = (self.availability, self.effectiveness, self.quality)
        known = [part for part in parts if part is not None]
        return math.prod(known) if len(known) == len(parts) else None


def ratio(numerator: float, denominator: float) -> float | None:
    """Their quotient; None (never 0, never NaN) where the denominator is 0."""
    return numerator / denominator if denominator else None


def account(spent_times: Times, pieces: Iterable[bool], pri_ms: int) -> Account:
    """The account of a stretch of time; `pieces` says of each piece that ended in it: is it good.

    A piece counts where it ended, also outside planned busy time.
    """
    good = list(pieces)
    return Account(
        pbt_ms=spent_times.total,
        apt_ms=spent_times.working,
        adet_ms=spent_times.stopped,
        idle_ms=spent_times.idle,
        blocked_ms=spent_times.done,
        unknown_ms=spent_times.unknown,
        pq=len(good),
        gq=sum(good),
        run_ms=pri_ms * len(good),
        good_run_ms=pri_ms * sum(good),
    )


def between(ends: Iterable[int], busy: Sequence[Interval], window: Interval) -> Interval:
    """Planned busy time between vehicles, and how many such times: those that end in the window.

    `ends` are when vehicles left the line, also before the window. Their quotient is the takt that
    was reached.
    """
    start, end = window
    pairs = [(one, other) for one, other in pairwise(sorted(set(ends))) if start <= other < end]
    return sum(length(busy, pair) for pair in pairs), len(pairs)


def stopped(stops: Iterable[tuple[int, int, str]], window: Interval) -> Mapping[str, Interval]:
    """For each reason the milliseconds stopped in the window and how many of its stops ended there.

    `stops` are (from, to, reason).
    """
    found: dict[str, Interval] = {}
    for start, end, reason in stops:
        ms, count = found.get(reason, (0, 0))
        ms += length([(start, end)], window)
        count += window[0] <= end < window[1]
        if ms or count:
            found[reason] = (ms, count)
    return found


def _added(one: Sum, other: Sum) -> Sum:
    names = [field.name for field in fields(one)]
    return type(one)(**{name: getattr(one, name) + getattr(other, name) for name in names})
