"""Modules for one pack: within the limits, near the best set, never worse than the stated bound."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stations.battery.matching import FACTOR, Module, allowed, cost, matched, sound


def stock_of(seed: int, size: int, spread: float = 1.0) -> list[Module]:
    rng = np.random.default_rng(seed)
    return [
        Module(
            f"m{number}",
            110 * (1 + 0.02 * spread * rng.standard_normal()),
            4.0 * (1 + 0.05 * spread * rng.standard_normal()),
            1.0 + 0.2 * rng.standard_normal(),
            3.70 + 0.005 * spread * rng.standard_normal(),
        )
        for number in range(size)
    ]


def tables(stock: list[Module]) -> tuple[np.ndarray, np.ndarray]:
    table = np.array([(m.q_ah, m.r10_mohm, m.ocv_v, m.k_sd_mv_per_day) for m in stock])
    kept = sound(table[:, 3])
    scale = table[kept].std(axis=0)
    return table[kept], table[kept] / np.where(scale > 0, scale, 1.0)


def brute(stock: list[Module], count: int) -> float | None:
    table, scaled = tables(stock)
    costs = [
        cost(scaled[list(some)])
        for some in combinations(range(len(table)), count)
        if allowed(table[list(some)])
    ]
    return min(costs) if costs else None


@given(
    seed=st.integers(0, 10_000), size=st.integers(3, 10), count=st.integers(1, 5),
    spread=st.floats(0.1, 2.0),
)  # fmt: skip
@settings(max_examples=60, deadline=None)
def test_it_finds_a_set_when_there_is_one_and_stays_within_its_bound(
    seed: int, size: int, count: int, spread: float
) -> None:
    stock = stock_of(seed, size, spread)
    best, found = brute(stock, count), matched(stock, count)
    if best is None:
        assert found.modules == () and found.reasons
        return
    assert len({one.module for one in found.modules}) == count
    assert found.cost is not None and found.lower_bound is not None
    assert best - 1e-9 <= found.cost <= FACTOR * best + 1e-9
    assert found.lower_bound <= best + 1e-9
    assert found.spread is not None
    assert found.spread.q_pct <= 3 + 1e-6 and found.spread.r10_pct <= 10 + 1e-6
    assert found.spread.ocv_mv <= 10 + 1e-6


def test_on_small_stocks_it_is_near_the_best_set() -> None:
    ratios = []
    for seed in range(40):
        stock = stock_of(seed, 11, 0.7)
        best, found = brute(stock, 4), matched(stock, 4)
        if best is not None:
            assert found.cost is not None
            ratios.append(found.cost / best)
    assert len(ratios) >= 30
    assert np.mean(ratios) <= 1.05 and max(ratios) <= 1.35


def test_a_module_that_loses_charge_by_itself_is_left_out() -> None:
    stock = [*stock_of(1, 20, 0.3), Module("leaky", 110.0, 4.0, 9.0, 3.70)]
    found = matched(stock, 12)
    assert "leaky" in found.excluded and "leaky" not in [one.module for one in found.modules]
    assert len(found.modules) == 12


@pytest.mark.parametrize(
    ("stock", "reason"),
    [
        (stock_of(1, 3), "stock_too_small"),
        ([Module(f"m{n}", 100.0 + 5 * n, 4, 1, 3.7) for n in range(5)], "no_set_within_limits"),
        ([Module(f"m{n}", 100.0, 4, 1, 3.7 + 0.011 * n) for n in range(5)], "no_set_within_limits"),
    ],
)
def test_without_a_set_it_says_why(stock: list[Module], reason: str) -> None:
    found = matched(stock, 4)
    assert found.modules == () and found.reasons == (reason,)


def test_equal_modules_cost_nothing() -> None:
    found = matched([Module(f"m{n}", 100.0, 4.0, 1.0, 3.7) for n in range(14)], 12)
    assert len(found.modules) == 12 and found.cost == 0.0
