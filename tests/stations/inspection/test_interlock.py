"""Which way a vehicle may leave: R never, S towards repair alone, in doubt not at all."""

from __future__ import annotations

from itertools import product

import pytest

from stations.inspection.judging.interlock import Hold, Way, held


@pytest.mark.parametrize("way", Way)
def test_a_vehicle_with_r_never_leaves(way: Way) -> None:
    assert held(way, "not_ok", "R", False) is Hold.CRITICAL


def test_a_vehicle_with_s_leaves_towards_repair_alone() -> None:
    assert held(Way.REPAIR, "not_ok", "S", False) is None
    assert held(Way.ONWARD, "not_ok", "S", False) is Hold.REPAIR_ONLY


def test_a_vehicle_with_a_may_go_anywhere() -> None:
    assert [held(way, "ok", "A", False) for way in Way] == [None, None]


@pytest.mark.parametrize("way", Way)
def test_an_open_recall_holds_whatever_the_letter(way: Way) -> None:
    assert held(way, "ok", "A", True) is Hold.RECALL
    assert held(way, "not_ok", "S", True) is Hold.RECALL
    assert held(way, "ok", "A", None) is Hold.RECALL_UNKNOWN


def test_only_three_combinations_open_a_gate() -> None:
    results = ("undefined", "ok", "not_ok", "not_decidable")
    letters = ("A", "S", "R", None)
    every = product(Way, results, letters, (False, True, None))
    opened = {one for one in every if held(*one) is None}
    assert opened == {
        (Way.ONWARD, "ok", "A", False), (Way.REPAIR, "ok", "A", False),
        (Way.REPAIR, "not_ok", "S", False),
    }  # fmt: skip


def test_what_contradicts_itself_holds() -> None:
    assert held(Way.ONWARD, "not_decidable", "A", False) is Hold.CONTRADICTION
    assert held(Way.REPAIR, "ok", "S", False) is Hold.CONTRADICTION
