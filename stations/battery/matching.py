"""Which modules of a stock belong into one pack: alike in charge, resistance, self-discharge, OCV.

A set is allowed when its Q differ by at most 3 % of the smallest, its R by at most 10 %, its OCV by
at most 10 mV, and no self-discharge is an outlier of the stock. Its cost is the sum of the spreads
(largest less smallest) of all four, each over the stock's standard deviation.

Every set contains the module with its smallest Q. So for each module as that one (the anchor) the
nearest others are taken, near by the sum of the same differences, from every window of R and OCV
in which all fit together. The cost of any set is at least the distance of its farthest module from
the anchor, and that of the set found at most 2 d - 1 = 7 times that distance: the set found costs
at most 7 times the best one, and `lower_bound` tells how much better any could be for this stock.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Indices = NDArray[np.intp]
Q_PART, R_PART, OCV_V, MADS = 0.03, 0.10, 0.010, 3.0
FACTOR = 7.0  # of the best cost, at most: 2 x 4 quantities - 1
ROUNDS = 50  # of exchanges of one module for another, at most
WINDOWS_MAX = 20_000  # of one anchor
EPSILON = 1e-9


@dataclass(frozen=True, slots=True)
class Module:
    """A module on the shelf."""

    module: str
    q_ah: float
    r10_mohm: float
    k_sd_mv_per_day: float
    ocv_v: float


@dataclass(frozen=True, slots=True)
class Spread:
    """Of a set: Q and R in % of the smallest, OCV in mV, self-discharge in mV per day."""

    q_pct: float
    r10_pct: float
    ocv_mv: float
    k_sd_mv_per_day: float


@dataclass(frozen=True, slots=True)
class Match:
    """The set found, in the order of Q, or the reason why there is none.

    `cost` is at most `factor` times that of the best set, and no set costs less than `lower_bound`;
    `excluded` are modules whose self-discharge is an outlier.
    """

    modules: tuple[Module, ...]
    spread: Spread | None
    cost: float | None
    lower_bound: float | None
    factor: float | None
    excluded: tuple[str, ...]
    reasons: tuple[str, ...] = ()


def matched(stock: Sequence[Module], count: int) -> Match:
    """The set of so many modules; count is at least 1."""
    table = np.array([(m.q_ah, m.r10_mohm, m.ocv_v, m.k_sd_mv_per_day) for m in stock], float)
    if len(stock) < count:
        return _none((), "stock_too_small")
    kept = sound(table[:, 3])
    excluded = tuple(one.module for one, is_kept in zip(stock, kept, strict=True) if not is_kept)
    places = np.flatnonzero(kept)
    if len(places) < count:
        return _none(excluded, "self_discharge")
    table = table[places]
    scale = table.std(axis=0)
    scaled = table / np.where(scale > 0, scale, 1.0)
    found, bound, is_whole = _search(table, scaled, count)
    if found is None:
        return _none(excluded, "no_set_within_limits" if is_whole else "search_given_up")
    found = _exchanged(table, scaled, found)
    chosen = found[np.argsort(table[found, 0], kind="stable")]
    return Match(
        modules=tuple(stock[int(places[at])] for at in chosen),
        spread=_spread(table[found]),
        cost=cost(scaled[found]),
        lower_bound=bound if is_whole else None,
        factor=FACTOR if is_whole else None,
        excluded=excluded,
    )


def sound(k_sd: Array) -> NDArray[np.bool_]:
    """Whose self-discharge is within 3 scaled MADs of the median; all when the MAD is 0."""
    away = np.abs(k_sd - np.median(k_sd))
    scale = 1.4826 * float(np.median(away))
    return away <= MADS * scale if scale > 0 else np.ones(len(k_sd), bool)


def allowed(table: Array) -> bool:
    """Whether modules (rows of Q, R, OCV, self-discharge) may stand in one pack."""
    low, high = table.min(axis=0), table.max(axis=0)
    return bool(
        high[0] <= low[0] * (1 + Q_PART) + EPSILON
        and high[1] <= low[1] * (1 + R_PART) + EPSILON
        and high[2] <= low[2] + OCV_V + EPSILON
    )


def cost(scaled: Array) -> float:
    """Sum of the spreads of rows that are in units of the stock's deviations."""
    return float(np.ptp(scaled, axis=0).sum())


def _search(table: Array, scaled: Array, count: int) -> tuple[Indices | None, float, bool]:
    """The best of all anchors' sets, the lower bound, and whether no window was left out."""
    near = [_candidates(table, scaled, anchor, count) for anchor in range(len(table))]
    order = sorted((radius, anchor) for anchor, (_, _, radius) in enumerate(near))
    best, best_cost, is_whole = None, np.inf, True
    bound = np.inf
    for radius, anchor in order:
        if radius >= best_cost:
            break  # nothing that contains this anchor as its smallest costs less
        members, distance, _ = near[anchor]
        least = np.inf
        for seen, inside in enumerate(_windows(table, members, anchor, count, distance)):
            if seen == WINDOWS_MAX:
                is_whole = False
                break
            chosen = inside[:count]
            least = min(least, float(distance[np.searchsorted(members, chosen)].max()))
            found = cost(scaled[chosen])
            if found < best_cost:
                best, best_cost = chosen, found
        bound = min(bound, least)
    rest = [radius for radius, _ in order if radius >= best_cost]
    bound = min([bound, *rest[:1]])
    return best, float(min(bound, best_cost)), is_whole


def _candidates(
    table: Array, scaled: Array, anchor: int, count: int
) -> tuple[Indices, Array, float]:
    """Modules that may stand beside the anchor as the smallest Q, their distances, the count-th."""
    q, r, ocv = table[anchor, :3]
    beside = (
        (table[:, 0] >= q)
        & (table[:, 0] <= q * (1 + Q_PART) + EPSILON)
        & (table[:, 1] <= r * (1 + R_PART) + EPSILON)
        & (table[:, 1] * (1 + R_PART) + EPSILON >= r)
        & (np.abs(table[:, 2] - ocv) <= OCV_V + EPSILON)
    )
    members = np.flatnonzero(beside)
    distance = np.abs(scaled[members] - scaled[anchor]).sum(axis=1)
    if len(members) < count:
        return members, distance, np.inf
    return members, distance, float(np.partition(distance, count - 1)[count - 1])


def _windows(
    table: Array, members: Indices, anchor: int, count: int, distance: Array
) -> Iterator[Indices]:
    """Members of every window of R and OCV around the anchor, the nearest first.

    Only windows that begin at a member's own R and OCV are needed.
    """
    members = members[np.argsort(distance, kind="stable")]
    if allowed(table[members[:count]]):
        yield members  # the nearest of all: no window has nearer ones
        return
    r, ocv = table[members, 1], table[members, 2]
    for low_r in np.unique(r[r <= table[anchor, 1]]):
        in_r = (r >= low_r) & (r <= low_r * (1 + R_PART) + EPSILON)
        if np.count_nonzero(in_r) < count:
            continue
        for low_v in np.unique(ocv[in_r & (ocv <= table[anchor, 2])]):
            inside = in_r & (ocv >= low_v) & (ocv <= low_v + OCV_V + EPSILON)
            if np.count_nonzero(inside) >= count:
                yield members[inside]


def _exchanged(table: Array, scaled: Array, found: Indices) -> Indices:
    """One module for another as long as that lowers the cost: never above what was found."""
    best = cost(scaled[found])
    for _ in range(ROUNDS):
        outside = np.setdiff1d(np.arange(len(table)), found)
        better: tuple[float, Indices] | None = None
        for place in range(len(found)):
            for other in outside:
                trial = found.copy()
                trial[place] = other
                now = cost(scaled[trial])
                if now < best - EPSILON and allowed(table[trial]):
                    best, better = now, (now, trial)
        if better is None:
            return found
        found = better[1]
    return found


def _spread(table: Array) -> Spread:
    low, apart = table.min(axis=0), np.ptp(table, axis=0)
    return Spread(
        q_pct=100 * float(apart[0] / low[0]),
        r10_pct=100 * float(apart[1] / low[1]),
        ocv_mv=1000 * float(apart[2]),
        k_sd_mv_per_day=float(apart[3]),
    )


def _none(excluded: tuple[str, ...], reason: str) -> Match:
    return Match((), None, None, None, None, excluded, (reason,))
