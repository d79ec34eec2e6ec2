"""The switching rules, over lots: examples with pencil and paper, and what always holds."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as some

from plant.quality import sampling_tables
from stations.quality.sampling import (
    Lot,
    Reason,
    Ruling,
    Scheme,
    State,
    Switching,
    after,
    plan_for,
    resumed,
    ruling,
)  # fmt: skip

TABLES = sampling_tables()
ONE = Scheme(Decimal("1.0"), "II")  # lots of 180: H, 50, 1; tightened J, 80, 1; reduced J, 32, 1
TWO = Scheme(Decimal("2.5"), "II")  # lots of 180: G, 32, 2, one step tighter 1


def lots(defective: Sequence[int], sampled: int = 50, start: int = 1) -> list[Lot]:
    return [Lot(str(n), 180, sampled, found) for n, found in enumerate(defective, start)]


def after_all(defective: Sequence[int], scheme: Scheme = ONE) -> Ruling:
    return ruling(TABLES, scheme, lots(defective), 180)


def test_the_first_lot_is_on_normal_inspection() -> None:
    found = after_all([])
    assert found.switching == Switching(State.NORMAL, Reason.FIRST_LOT, 0)
    assert found.plan is not None
    assert (found.plan.code, found.plan.n, found.plan.ac, found.plan.re) == ("H", 50, 1, 2)
    assert not found.full


@pytest.mark.parametrize(
    ("defective", "state"),
    [
        ([2], State.NORMAL),
        ([2, 2], State.TIGHTENED),
        ([2, 0, 0, 0, 2], State.TIGHTENED),
        ([2, 0, 0, 0, 0, 2], State.NORMAL),
        ([0] * 20 + [2, 0, 0, 2], State.TIGHTENED),
    ],
)
def test_two_of_five_lots_not_accepted_tighten(defective: list[int], state: State) -> None:
    assert after_all(defective).switching.state is state


def test_tightened_has_its_own_plan_and_ends_after_five_accepted() -> None:
    found = after_all([2, 2])
    assert found.plan is not None
    assert (found.plan.code, found.plan.n, found.plan.ac) == ("J", 80, 1)
    assert after_all([2, 2, 0, 0, 0, 0]).switching.state is State.TIGHTENED
    back = after_all([2, 2, 0, 0, 0, 0, 0]).switching
    assert back == Switching(State.NORMAL, Reason.FIVE_ACCEPTED, 0)
    assert after_all([2, 2, 0, 0, 0, 0, 2, 0]).switching.state is State.TIGHTENED
    # What was before the switch counts no more: one rejected lot alone tightens nothing.
    assert after_all([2, 2, 0, 0, 0, 0, 0, 2]).switching.state is State.NORMAL


def test_five_lots_not_accepted_on_tightened_stop_inspection() -> None:
    stopped = after_all([2, 2, 2, 0, 2, 0, 2, 2, 2])
    assert stopped.switching.state is State.STOPPED
    assert stopped.switching.reason is Reason.FIVE_NOT_ACCEPTED
    assert stopped.plan is None
    assert after_all([2, 2, 2, 0, 2, 0, 2, 2]).switching.state is State.TIGHTENED
    # The two that tightened it do not count; what comes while it is stopped changes nothing.
    assert after_all([2] * 7 + [0] * 40).switching.state is State.STOPPED


def test_after_corrective_action_it_goes_on_tightened() -> None:
    history = lots([2] * 7)
    found = ruling(TABLES, ONE, history, 180, resumed_after="7")
    assert found.switching == Switching(State.TIGHTENED, Reason.RESUMED)
    more = [*history, *lots([0] * 5, 80, start=8)]
    assert ruling(TABLES, ONE, more, 180, resumed_after="7").switching.state is State.NORMAL
    with pytest.raises(ValueError, match="inspection is tightened there, not stopped"):
        ruling(TABLES, ONE, history, 180, resumed_after="6")
    with pytest.raises(ValueError, match="no lot is named '99'"):
        ruling(TABLES, ONE, history, 180, resumed_after="99")
    with pytest.raises(ValueError, match="not stopped"):
        resumed(Switching())


def test_the_score_of_ac_below_two_is_two_a_lot() -> None:
    assert [after_all([1] * n).switching.score for n in (1, 2, 14)] == [2, 4, 28]
    assert after_all([0] * 14 + [2]).switching.score == 0
    at_30 = after_all([0] * 15).switching
    assert (at_30.state, at_30.reason) == (State.NORMAL, Reason.SCORE_REACHED_NOT_ALLOWED)


def test_the_score_of_ac_two_or_more_asks_for_one_step_tighter() -> None:
    assert after_all([1] * 9, TWO).switching.score == 27
    accepted_but_not_tighter = after_all([1] * 9 + [2], TWO).switching
    assert (accepted_but_not_tighter.state, accepted_but_not_tighter.score) == (State.NORMAL, 0)


def test_reduced_needs_the_score_and_to_be_allowed_and_one_lot_ends_it() -> None:
    allowed = Scheme(Decimal("2.5"), "II", reduced_allowed=True)
    assert after_all([0] * 9, allowed).switching.state is State.NORMAL
    reduced = after_all([0] * 10, allowed)
    assert (reduced.switching.state, reduced.switching.score) == (State.REDUCED, 30)
    assert reduced.plan is not None
    assert (reduced.plan.code, reduced.plan.n, reduced.plan.ac) == ("G", 13, 1)
    assert after_all([0] * 10 + [1], allowed).switching.state is State.REDUCED
    ended = after_all([0] * 10 + [2], allowed).switching
    assert ended == Switching(State.NORMAL, Reason.LOT_NOT_ACCEPTED, 0)


def test_a_lot_that_is_presented_again_changes_nothing() -> None:
    again = Lot("1", 180, 180, 9, original=False)
    history = [*lots([2, 0, 0]), again, again]
    assert ruling(TABLES, ONE, history, 180).switching == after_all([2, 0, 0]).switching


def test_a_sample_as_large_as_the_lot_is_all_of_it() -> None:
    for size, n, full in ((50, 13, False), (13, 13, True), (5, 5, True), (1, 1, True)):
        found = ruling(TABLES, ONE, [], size)
        assert found.plan is not None
        assert (found.plan.n, found.full) == (n, full)


def test_a_sample_of_another_size_is_told() -> None:
    [one] = ruling(TABLES, ONE, lots([0], sampled=40), 180).mismatches
    assert (one.lot, one.sampled, one.plan.n, one.state) == ("1", 40, 50, State.NORMAL)
    assert not ruling(TABLES, ONE, [Lot("1", 10, 10, 0)], 180).mismatches


@given(
    some.lists(some.tuples(some.integers(0, 4), some.booleans()), max_size=60),
    some.sampled_from(["0.65", "1.0", "2.5", "4.0"]),
    some.booleans(),
)
def test_what_always_holds(history: list[tuple[int, bool]], aql: str, allowed: bool) -> None:
    scheme = Scheme(Decimal(aql), "II", allowed)
    now = Switching()
    for number, (defective, original) in enumerate(history):
        lot = Lot(str(number), 180, 50, defective, original)
        then = after(now, lot, TABLES, scheme)
        accepted = now.state is State.STOPPED or (
            defective <= plan_for(TABLES, scheme, now.state, 180).ac
        )
        if not original or now.state is State.STOPPED:
            assert then == now
        elif then.state is not now.state:
            switch = (now.state, then.state)
            assert switch in {
                (State.NORMAL, State.TIGHTENED), (State.NORMAL, State.REDUCED),
                (State.TIGHTENED, State.NORMAL), (State.TIGHTENED, State.STOPPED),
                (State.REDUCED, State.NORMAL),
            }  # fmt: skip
            towards_strict = (
                switch[1] in (State.TIGHTENED, State.STOPPED) or switch[0] is State.REDUCED
            )
            assert accepted is not towards_strict
            assert allowed or then.state is not State.REDUCED
        if then.state is State.REDUCED:
            assert then.score >= 30
        now = then


@given(some.lists(some.integers(0, 3), min_size=1, max_size=30), some.integers(0, 29))
def test_one_defect_less_never_gives_a_stricter_state_than_normal_gave(
    defective: list[int], place: int
) -> None:
    """Fewer defects in the last lot never tighten."""
    better = [*defective[:-1], max(defective[-1] - 1, 0)]
    strict = [State.REDUCED, State.NORMAL, State.TIGHTENED, State.STOPPED]
    rank = [strict.index(after_all(one).switching.state) for one in (better, defective)]
    assert rank[0] <= rank[1]
