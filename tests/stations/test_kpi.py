"""Time accounting: the parts of an hour are the hour, in any order, however it is cut."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stations import kinds, kpi
from stations.declare import Phase
from stations.kpi import HOUR_MS, Account, Times, account, between, spent, stopped, timeline, times

HOUR = (0, HOUR_MS)
MOMENTS = st.integers(-HOUR_MS, 2 * HOUR_MS)
PHASES = st.sampled_from([Phase.IDLE, Phase.WORKING, Phase.DONE, Phase.STOPPED, Phase.UNKNOWN])
STATES = st.lists(st.tuples(MOMENTS, PHASES), max_size=12, unique_by=lambda one: one[0])
LINKS = st.lists(st.tuples(MOMENTS, st.booleans()), max_size=6, unique_by=lambda one: one[0])


@st.composite
def intervals(draw: st.DrawFn) -> list[kpi.Interval]:
    edges = sorted(draw(st.lists(MOMENTS, max_size=8, unique=True)))
    return [pair for index, pair in enumerate(pairwise(edges)) if index % 2 == 0]


@pytest.mark.parametrize("name", kinds.names())
def test_every_state_of_every_kind_says_its_phase(name: str) -> None:
    scheme = kinds.find(name).scheme
    assert scheme is not None, "whoever follows vehicles says how"
    states = scheme.state.states
    assert states is not None
    said = {state.name: state.phase for state in states}
    assert None not in said.values(), said
    assert not {Phase.OFFLINE, Phase.UNKNOWN} & set(said.values()), "those a machine cannot say"
    assert (scheme.idle.phase, scheme.done.phase) == (Phase.IDLE, Phase.DONE)
    assert {state.phase for state in scheme.needed} == {Phase.WORKING}
    assert Phase.STOPPED in said.values()
    assert scheme.planned_s > 0


@given(STATES, LINKS, intervals(), intervals())
def test_the_parts_of_an_hour_are_the_hour(
    states: list[tuple[int, Phase]],
    links: list[tuple[int, bool]],
    gaps: list[kpi.Interval],
    busy: list[kpi.Interval],
) -> None:
    phases = timeline(states, links, gaps)
    assert sum(spent(phases, HOUR).values()) == HOUR_MS
    assert times(phases, busy, HOUR).total == kpi.length(busy, HOUR)


@given(STATES, LINKS, intervals(), st.randoms(use_true_random=False))
def test_the_order_of_arrival_does_not_matter(
    states: list[tuple[int, Phase]],
    links: list[tuple[int, bool]],
    gaps: list[kpi.Interval],
    shuffled: random.Random,
) -> None:
    before = timeline(states, links, gaps)
    for one in (states, links, gaps):
        shuffled.shuffle(one)
    assert timeline(states, links, gaps) == before


@given(STATES, LINKS, intervals(), st.lists(st.integers(1, HOUR_MS - 1), max_size=4), intervals())
def test_a_window_that_is_cut_adds_up_to_the_whole(
    states: list[tuple[int, Phase]],
    links: list[tuple[int, bool]],
    busy: list[kpi.Interval],
    cuts: list[int],
    gaps: list[kpi.Interval],
) -> None:
    phases = timeline(states, links, gaps)
    windows = list(pairwise([0, *sorted(set(cuts)), HOUR_MS]))
    parts = sum((times(phases, busy, window) for window in windows), Times())
    assert parts == times(phases, busy, HOUR)


@given(STATES, st.data())
def test_what_comes_late_gives_what_would_have_been(
    states: list[tuple[int, Phase]], data: st.DataObject
) -> None:
    """Part of the states comes in a second call: the window is worked out again from all."""
    late = data.draw(st.sets(st.sampled_from(range(len(states))))) if states else set()
    first = [one for index, one in enumerate(states) if index not in late]
    timeline(first)
    assert timeline([*first, *(states[index] for index in late)]) == timeline(states)


@given(STATES, LINKS)
def test_nothing_is_known_before_the_first_state(
    states: list[tuple[int, Phase]], links: list[tuple[int, bool]]
) -> None:
    first = min((time for time, _ in states), default=HOUR_MS)
    found = spent(timeline(states, links), (-2 * HOUR_MS, first))
    assert sum(found.values()) == found[Phase.UNKNOWN] + found[Phase.OFFLINE]


def test_while_the_agent_is_away_its_state_is_known_as_far_as_it_tells_afterwards() -> None:
    states = [(0, Phase.WORKING)]
    links = [(0, True), (100, False), (900, True)]
    assert timeline(states, links) == (
        (0, Phase.WORKING), (100, Phase.OFFLINE), (900, Phase.WORKING),
    )  # fmt: skip
    backlog = [*states, (300, Phase.DONE), (500, Phase.IDLE)]
    assert timeline(backlog, links) == (
        (0, Phase.WORKING), (300, Phase.DONE), (500, Phase.OFFLINE), (900, Phase.IDLE),
    )  # fmt: skip


def test_nobody_looked_in_a_gap() -> None:
    assert timeline([(0, Phase.WORKING)], gaps=[(10, 20)]) == (
        (0, Phase.WORKING), (10, Phase.UNKNOWN), (20, Phase.WORKING),
    )  # fmt: skip


def test_an_agent_that_is_away_stays_away() -> None:
    phases = timeline([(0, Phase.WORKING)], [(100, False)])
    assert spent(phases, (0, 1_000))[Phase.OFFLINE] == 900


def test_the_example_of_the_reference() -> None:
    """PBT 1320 min, 6 % down, PRI 6 min, PQ 180, GQ 174: A 0.940, E 0.870, Q 0.967, OEE 0.791."""
    minute = 60_000
    planned = 1320 * minute
    phases = timeline(
        [(0, Phase.WORKING), (planned * 94 // 100, Phase.STOPPED), (planned, Phase.IDLE)]
    )
    spent_times = times(phases, [(0, planned)], (0, 24 * HOUR_MS))
    found = account(spent_times, [True] * 174 + [False] * 6, 6 * minute)
    shown = [found.availability, found.effectiveness, found.quality, found.oee]
    assert [round(one, 3) for one in shown if one is not None] == [0.940, 0.870, 0.967, 0.791]
    assert found.pbt_ms == found.apt_ms + found.adet_ms + found.adot_ms + found.unknown_ms
    assert (found.pq, found.gq, found.run_ms) == (180, 174, 1080 * minute)


def test_a_denominator_of_zero_gives_no_value() -> None:
    nothing = Account()
    assert nothing.availability is nothing.effectiveness is nothing.quality is nothing.oee is None
    idle = account(Times(idle=HOUR_MS), [], 1)
    assert (idle.availability, idle.quality, idle.oee) == (0.0, None, None)


@given(st.lists(st.integers(0, HOUR_MS), min_size=10, max_size=10), st.integers(1, 10**6))
def test_accounts_of_two_hours_add_up(numbers: list[int], pri_ms: int) -> None:
    one = account(Times(*numbers[:5]), [True] * (numbers[0] % 7), pri_ms)
    other = account(Times(*numbers[5:]), [False] * (numbers[5] % 7), pri_ms)
    both = account(
        Times(*numbers[:5]) + Times(*numbers[5:]),
        [True] * (numbers[0] % 7) + [False] * (numbers[5] % 7),
        pri_ms,
    )
    assert one + other == both


def test_unknown_time_is_in_no_numerator() -> None:
    phases = timeline([(0, Phase.WORKING)], gaps=[(0, HOUR_MS // 2)])
    found = account(times(phases, [HOUR], HOUR), [True], HOUR_MS // 4)
    assert (found.apt_ms, found.unknown_ms) == (HOUR_MS // 2, HOUR_MS // 2)
    assert (found.availability, found.effectiveness) == (0.5, 0.5)


@given(st.lists(st.integers(-HOUR_MS, HOUR_MS), max_size=12), st.integers(1, HOUR_MS - 1))
def test_times_between_vehicles_add_up_over_a_cut(ends: list[int], cut: int) -> None:
    busy = [(-2 * HOUR_MS, HOUR_MS // 3), (HOUR_MS // 2, 2 * HOUR_MS)]
    whole = between(ends, busy, HOUR)
    parts = [between(ends, busy, window) for window in ((0, cut), (cut, HOUR_MS))]
    assert (sum(ms for ms, _ in parts), sum(count for _, count in parts)) == whole


def test_a_break_is_no_time_between_vehicles() -> None:
    assert between([0, 100, 700], [(0, 200), (600, 1_000)], (50, 1_000)) == (300, 2)


def test_a_stop_over_the_hour_counts_its_time_in_both_and_its_end_once() -> None:
    stops = [(HOUR_MS - 100, HOUR_MS + 300, "guard"), (0, 50, "table"), (60, 70, "guard")]
    assert stopped(stops, HOUR) == {"guard": (110, 1), "table": (50, 1)}
    assert stopped(stops, (HOUR_MS, 2 * HOUR_MS)) == {"guard": (300, 1)}
