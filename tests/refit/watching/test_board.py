"""What is known from answers: whole ones, partial ones, none."""

from __future__ import annotations

import pytest

from refit.watching.board import Board, Row
from tests.refit.watching.answers import NOW_MS, answer, changed, station, tag

NOW_S = NOW_MS / 1000


def board_of(*answers: dict[str, object]) -> Board:
    """A board that has had these answers, a second apart."""
    board = Board()
    for second, one in enumerate(answers):
        board.take(one, NOW_S + second)
    return board


def row(board: Board, station: str = "press-1", tag: str = "force") -> Row:
    return board.rows[station, tag]


def test_a_partial_answer_changes_what_it_names() -> None:
    force, oil = tag(1.0, unit="kN", count=2, recent=[0.5, 1.0]), tag(40.0)
    more = answer(partial=True, press_1=station(force=changed(3.0, 4, [0.5, 1.0, 2.0, 3.0])))
    board = board_of(answer(press_1=station(force=force, oil=oil)), more)
    assert (row(board).value, row(board).unit) == (3.0, "kN")
    assert list(row(board).recent) == [0.5, 1.0, 2.0, 3.0]
    assert [one.tag for one in board.changed] == ["force"]
    assert row(board, tag="oil").value == 40.0


def test_a_row_that_is_never_drawn_keeps_only_the_counts_of_its_rate() -> None:
    every_second = [changed(1.0, count, []) for count in range(2, 100)]
    more = [answer(partial=True, press_1=station(force=one)) for one in every_second]
    board = board_of(answer(press_1=station(force=tag(1.0))), *more)
    assert len(row(board).counts) <= 10
    assert board.per_s(row(board), NOW_S + 98) == pytest.approx(1.0)


def test_a_whole_answer_after_a_while_says_what_has_changed_meanwhile() -> None:
    force, oil = tag(1.0), tag(40.0)
    board = board_of(answer(press_1=station(force=force, oil=oil)))
    assert [one.tag for one in board.changed] == ["force", "oil"]
    board.lost("connection refused", NOW_S + 1)
    board.take(answer(press_1=station(force=tag(2.0), oil=oil, new=tag(None))), NOW_S + 2)
    assert [one.tag for one in board.changed] == ["force", "new"]
    assert set(board.rows) == {("press-1", name) for name in ("force", "oil", "new")}


def test_numbers_that_an_answer_leaves_out_are_not_made_up() -> None:
    first = answer(press_1=station(force=tag(1.0, count=1, recent=[1.0])))
    jump = changed(9.0, 40, [8.0, 9.0])
    board = board_of(first, answer(partial=True, press_1=station(force=jump)))
    assert list(row(board).recent) == [1.0, 8.0, 9.0]


def test_what_a_whole_answer_does_not_name_is_gone() -> None:
    board = board_of(
        answer(press_1=station(force=tag(), oil=tag()), old_1=station(x=tag())),
        answer(press_1=station(oil=tag(), gas=tag())),
    )
    assert list(board.rows) == [("press-1", "oil"), ("press-1", "gas")]
    assert [one.place for one in board.rows.values()] == [0, 1]
    assert list(board.stations) == ["press-1"]


def test_the_rate_begins_with_the_second_answer() -> None:
    first = answer(press_1=station(force=tag(1.0, count=5_000)))
    board = board_of(first)
    assert board.per_s(row(board), NOW_S + 1) == 0
    board.take(answer(partial=True, press_1=station(force=changed(1.0, 5_020, []))), NOW_S + 2)
    assert board.per_s(row(board), NOW_S + 2) == pytest.approx(10.0)
    assert board.per_s(row(board), NOW_S + 30) == 0, "nothing has come for ten seconds"


def test_another_historian_counts_anew() -> None:
    board = board_of(
        answer(press_1=station(force=tag(1.0, count=900, recent=[7.0, 1.0]))),
        answer(press_1=station(force=tag(2.0, count=1, recent=[2.0]))),
    )
    assert list(row(board).recent) == [2.0]
    assert board.per_s(row(board), NOW_S + 1) == 0


def test_values_are_old_while_nothing_can_come() -> None:
    whole = answer(press_1=station(force=tag(1.0)), studio_1=station(False, x=tag(1)))
    board = board_of(whole)
    assert not board.is_old(row(board))
    assert board.is_old(row(board, "studio-1", "x"))
    board.lost("connection refused", NOW_S + 3)
    board.lost("timed out", NOW_S + 9)
    assert board.is_old(row(board))
    assert (board.away, board.away_since_s) == ("timed out", NOW_S + 3)
    assert row(board).value == 1.0
    board.take(whole, NOW_S + 12)
    assert not board.is_old(row(board))
    assert board.away_since_s is None
    board.take(whole | {"connected": False, "store": "disk full"}, NOW_S + 13)
    assert board.is_old(row(board))
    assert any("disk full" in one for one in board.troubles())


def test_ages_are_told_by_the_historians_clock() -> None:
    board = Board()
    board.take(answer(press_1=station(force=tag(1.0, time_ms=NOW_MS - 2_000))), 5.0)
    assert board.age_s(row(board), 5.0) == pytest.approx(2.0)
    assert board.age_s(row(board), 8.5) == pytest.approx(5.5)
    assert board.since_s(board.stations["press-1"], 6.0) == pytest.approx(91.0)


def test_qualities_in_words() -> None:
    board = board_of(
        answer(press_1=station(
            force=tag(None, status=0x8034_0000), oil=tag(1.0, status=0x4090_0000),
            gas=tag(None, status=None), odd=tag(1, status=0x8FFF_0000), ok=tag(1.0),
            other=tag(1.0, status=0x8033_0000), flagged=tag(1.0, status=0x480),
        ))
    )  # fmt: skip
    told = {tag: (one.severity, one.quality) for (_, tag), one in board.rows.items()}
    assert told == {
        "force": ("Bad", "BadNodeIdUnknown"),
        "oil": ("Uncertain", "UncertainLastUsableValue"),
        "gas": ("", "no value yet"),
        "odd": ("Bad", "Bad 0x8fff0000"),
        "ok": ("Good", "Good"),
        "other": ("Bad", "BadNodeIdInvalid"),
        "flagged": ("Good", "Good"),
    }
    assert board.good() == 2
