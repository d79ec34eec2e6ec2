"""The newest time of a machine whose clock may be set back; what a gap then reaches over."""

from __future__ import annotations

import numpy as np

from edge.sources.opcua_newest import SETTLE_MS, Newest, reach
from edge.sources.source import TICKS_PER_MS

SECOND = 1000 * TICKS_PER_MS
NOON = 17_900_000_000_000_000


class Clocks:
    """Three tags and what was reported of them, in seconds after noon."""

    def __init__(self) -> None:
        self.last = np.full(3, -1, np.int64)
        self.newest = Newest(self.last)

    def told(self, received_s: float, *rows: tuple[int, float]) -> float | None:
        places = np.array([place for place, _ in rows], np.intp)
        ticks = np.array([NOON + round(at * SECOND) for _, at in rows], np.int64)
        self.last[places] = ticks
        self.newest.note(places, ticks, self.last, round(received_s * 1000))
        assert self.newest.ms is not None
        return (self.newest.ticks - NOON) / SECOND


def test_it_rises_and_one_that_was_long_still_does_not_lower_it() -> None:
    clocks = Clocks()
    assert clocks.newest.ms is None
    assert clocks.told(0, (0, 0.0), (1, 5.0)) == 5.0
    assert clocks.told(1, (2, 1.0)) == 5.0
    assert clocks.told(2, (0, 6.0)) == 6.0
    assert not clocks.newest.is_behind


def test_a_clock_that_is_set_back_lowers_it_and_queues_of_before_do_not_raise_it() -> None:
    clocks = Clocks()
    clocks.told(100, (0, 100.0), (1, 100.1), (2, 90.0))
    assert clocks.told(101, (0, 41.0)) == 41.0
    assert clocks.newest.is_behind
    assert clocks.told(101.1, (1, 100.2)) == 41.0, "this was waiting in its queue"
    assert clocks.told(102, (1, 42.0)) == 42.0
    assert clocks.told(103, (0, 41.5)) == 42.0
    assert clocks.told(104 + SETTLE_MS / 1000, (2, 44.0)) == 44.0, "and it shows it late"
    assert clocks.told(165, (0, 105.0)) == 105.0
    assert not clocks.newest.is_behind


def test_a_clock_may_be_set_back_twice() -> None:
    clocks = Clocks()
    clocks.told(100, (0, 100.0), (1, 100.1))
    clocks.told(101, (0, 41.0), (1, 41.1))
    assert clocks.told(102, (1, 12.0)) == 12.0
    assert clocks.told(103, (0, 13.0)) == 13.0


def test_one_value_with_an_old_time_soon_counts_no_more() -> None:
    clocks = Clocks()
    clocks.told(100, (0, 100.0), (1, 100.1))
    assert clocks.told(101, (1, 3.0)) == 3.0
    assert clocks.told(102 + SETTLE_MS / 1000, (0, 117.0)) == 117.0


def test_what_was_known_behind_is_known_after_a_restart() -> None:
    last = np.array([NOON, NOON + 60 * SECOND], np.int64)
    assert Newest(last).ticks == NOON + 60 * SECOND
    told = Newest(last, (NOON + 2 * SECOND) // TICKS_PER_MS)
    assert told.ticks == NOON + 2 * SECOND and told.is_behind


def test_a_gap_over_a_step_back_holds_the_times_of_both_clocks() -> None:
    assert reach(100, 200, 250) == (100, 200)
    assert reach(None, 200, 250) == (None, 200)
    began, ended = reach(100_000, 40_000, 107_000)  # 7 s without a word, and set back by a minute
    assert (began, ended) == (33_000, 107_000)
