"""The grading of many simulated packs, fifty of them: nothing unsafe passes, the weak are named."""

from __future__ import annotations

import pytest

from benchmarks.battery_grading import Packed, chunk, share, summed, wilson, works
from benchmarks.battery_grading_table import page

PACKS = 50


@pytest.fixture(scope="module")
def packs() -> list[Packed]:
    """Fifty packs by the quick protocol; the full one of 1,000 is measured by hand."""
    return [one for work in works("quick", PACKS) for one in chunk(work)]


@pytest.mark.timeout(300)
def test_nothing_unsafe_passes_and_weak_modules_are_named(packs: list[Packed]) -> None:
    found = summed(packs)
    assert found["packs"] == PACKS and sum(found["grades"].values()) == PACKS
    assert found["far_unsafe_passed"]["of"] >= 3 and found["far_unsafe_passed"]["hits"] == 0
    assert found["weak_named"]["of"] >= 5 and found["weak_named"]["share"] >= 0.95
    assert found["sound_named_weak"]["share"] <= 0.01
    assert found["soh_within_u95"]["share"] >= 0.9
    text = page({"quick": {"protocol": "quick", "pack": "ze40", "seconds": 1.0} | found})
    assert "| weak modules named |" in text and "none points" not in text


def test_a_share_has_the_interval_of_wilson() -> None:
    low, high = wilson(0, 100)
    assert low == pytest.approx(0, abs=1e-9) and high == pytest.approx(0.0370, abs=1e-4)
    low, high = wilson(50, 100)
    assert (low, high) == pytest.approx((0.4038, 0.5962), abs=1e-4)
    assert wilson(0, 0) == (0.0, 1.0) and share(0, 0)["share"] is None
