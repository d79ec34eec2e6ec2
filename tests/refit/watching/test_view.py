"""What is shown of the rows: every rule by itself, and the sparkline for all numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from refit.watching.board import Board
from refit.watching.screen import draw
from refit.watching.view import (
    BLOCKS,
    SORTS,
    View,
    plain,
    press,
    shown,
    sparkline,
    time_text,
    value_text,
)
from tests.refit.watching.answers import NOW_MS, answer, changed, station, tag

NOW_S = NOW_MS / 1000
VALUES: dict[str, Any] = {"a": 3.0, "b": "text", "c": None, "d": -1, "e": True, "f": [1.0]}
NUMBERS = st.lists(st.floats(), max_size=60)


@pytest.fixture
def board() -> Board:
    made = Board()
    oil = tag(40.25, unit="degC", doc="Temperature of the oil.", time_ms=NOW_MS - 9_000)
    state = tag(2, type="int", states={"2": "TURNING"}, time_ms=NOW_MS - 3_000)
    bad = tag(None, status=0x8034_0000, time_ms=NOW_MS - 1_000)
    made.take(
        answer(press_1=station(oil=oil, force=bad), studio_1=station(state=state, angle=tag(1.5))),
        NOW_S,
    )
    told = changed(2, 21, [], time_ms=NOW_MS - 3_000)
    made.take(answer(partial=True, press_1=station(), studio_1=station(state=told)), NOW_S + 2)
    return made


def tags(board: Board, **view: Any) -> list[str]:
    return [row.tag for row in shown(board, View(**view), NOW_S + 2)]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", ["oil", "force", "state", "angle"]),
        ("PRESS", ["oil", "force"]),
        ("press oil", ["oil"]),
        ("turning", ["state"]),
        ("NodeIdUnknown", ["force"]),
        ("degc", ["oil"]),
        ("-press", ["state", "angle"]),
        ("-press -state", ["angle"]),
        ("line-1 device pc-1", ["oil", "force", "state", "angle"]),
        ("-", ["oil", "force", "state", "angle"]),
        ("nothing", []),
    ],
)
def test_a_filter_is_words_that_must_all_be_there(
    board: Board, text: str, wanted: list[str]
) -> None:
    assert tags(board, filter=text) == wanted


@pytest.mark.parametrize(
    ("sort", "wanted"),
    [
        ("station", ["oil", "force", "state", "angle"]),
        ("tag", ["angle", "force", "oil", "state"]),
        ("value", ["force", "angle", "state", "oil"]),
        ("quality", ["force", "oil", "state", "angle"]),
        ("age", ["angle", "force", "state", "oil"]),
        ("rate", ["oil", "force", "angle", "state"]),
    ],
)
def test_rows_are_in_order(board: Board, sort: str, wanted: list[str]) -> None:
    assert tags(board, sort=sort) == wanted
    assert set(tags(board, sort=sort, is_descending=True)) == set(wanted)


@given(st.permutations(list(VALUES)), st.sampled_from(SORTS), st.booleans())
def test_any_values_can_be_sorted(order: list[str], sort: str, is_descending: bool) -> None:
    board = Board()
    board.take(answer(press_1=station(**{name: tag(VALUES[name]) for name in order})), NOW_S)
    found = shown(board, View(sort=sort, is_descending=is_descending), NOW_S)
    assert sorted(row.tag for row in found) == sorted(VALUES)


@given(NUMBERS, st.integers(0, 40))
def test_a_sparkline_has_a_sign_for_each_of_the_last_numbers(
    numbers: list[float], width: int
) -> None:
    line, last = sparkline(numbers, width), numbers[max(len(numbers) - width, 0) :]
    finite = [one for one in last if math.isfinite(one)]
    if not width or not finite:
        assert line == ""
        return
    assert len(line) == len(last)
    assert {" ", *BLOCKS} >= set(line)
    assert [sign == " " for sign in line] == [not math.isfinite(one) for one in last]
    levels = [(one, sign) for one, sign in zip(last, line, strict=True) if sign != " "]
    for one, sign in levels:
        assert all(BLOCKS.index(sign) <= BLOCKS.index(other) for two, other in levels if one < two)
    if min(finite) < max(finite):
        lowest, highest = min(levels)[1], max(levels)[1]
        assert lowest == BLOCKS[0]
        assert highest == BLOCKS[-1] or min(finite) / 2 == max(finite) / 2


def test_a_constant_is_a_line() -> None:
    assert sparkline([2.0, 2.0, 2.0], 8) == "▄▄▄"
    assert sparkline([1.0, math.nan, 2.0], 8) == "▁ █"


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        (tag(230.32321166992188, unit="V"), "230.3232 V"),
        (tag(1e-9), "1e-09"),
        (tag(12), "12"),
        (tag(False), "false"),
        (tag(""), '""'),
        (tag("a\x1b[31mb\n"), "a�[31mb�"),
        (tag([1.5, None, 3.0], unit="N"), "[1.5, -, 3] N"),
        (tag([1, 2, 3, 4, 5, 6]), "[1, 2, 3, 4, … 6]"),
        (tag(None), "-"),
        (tag(2, states={"2": "TURNING"}), "turning (2)"),
        (tag(7, states={"2": "TURNING"}), "unknown state (7)"),
    ],
)
def test_values_as_text(told: dict[str, Any], wanted: str) -> None:
    board = Board()
    board.take(answer(press_1=station(x=told)), NOW_S)
    assert value_text(board.rows["press-1", "x"]) == wanted


@given(st.text())
def test_no_text_of_a_machine_commands_the_terminal(text: str) -> None:
    assert plain(text).isprintable()
    assert len(plain(text)) == len(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "-"), (0.04, "0.0s"), (9.94, "9.9s"), (59.9, "59s"), (200, "3m20"), (18_420, "5h07"),
     (1e6, "11d")],
)  # fmt: skip
def test_durations_are_short(seconds: float | None, text: str) -> None:
    assert time_text(seconds) == text


def test_keys_change_the_view() -> None:
    view = View()

    def after(*keys: str) -> View:
        found = view
        for key in keys:
            found = press(found, key, page=10, count=35)
        return found

    assert after("/", "o", "i", "l", "enter").filter == "oil"
    assert after("/", "q", "backspace", "x", "page-up") == View(filter="x", is_typing=True)
    assert after("/", "o", "escape") == view
    assert after("/", "o", "enter", "escape") == view
    assert after("s").sort == "tag"
    assert after(*"ssssss") == view
    assert after("r", "r") == view
    assert after("page-down", "page-down", "page-down", "page-down").top == 25
    assert after("end", "up", "k").top == 23
    assert after("down", "page-up", "up").top == 0
    assert after(" ").is_paused and not after(" ", "p").is_paused
    assert after("?").is_help and after("?", "x") == view
    assert after("q").is_over and after("/", "ctrl-c").is_over and after("?", "q").is_over
    assert after("unknown") == view


def text_of(
    board: Board, view: View, height: int = 24, width: int = 120, stations: Sequence[str] = ()
) -> list[str]:
    console = Console(width=width, height=height, force_terminal=True, color_system=None)
    drawn = draw(board, view, NOW_S + 2, console, "http://127.0.0.1:9101", stations)
    with console.capture() as captured:
        console.print(drawn.whole)
    return captured.get().splitlines()


@given(st.integers(11, 60), st.integers(0, 500), st.integers(0, 3))
def test_the_screen_is_never_higher_than_the_terminal(height: int, top: int, gone: int) -> None:
    board = Board()
    many = {f"t{n}": tag(float(n)) for n in range(100)}
    stations = {f"gone_{n}": station(False) for n in range(gone)}
    board.take(answer(press_1=station(**many), **stations), NOW_S)
    lines = text_of(board, View(top=top), height)
    assert len(lines) <= height
    assert any("│" in line for line in lines)


def test_what_is_wrong_stands_above(board: Board) -> None:
    board.take(
        answer(agent=False, press_1=station(False), a_1=station() | {"agent": "pc-2"}), NOW_S
    )
    lines = text_of(board, View())
    assert "agent pc-1 is offline for 7.0s: NDEATH" in lines[1]
    assert not any("station press-1 is offline" in line for line in lines), "its agent is"
    board.lost("connection refused", NOW_S)
    assert "no answer from the historian for 2.0s: connection refused" in text_of(board, View())[1]
    many = {f"gone_{n}": station(False) | {"agent": "pc-2"} for n in range(9)}
    board.take(answer(**many), NOW_S)
    assert "and 6 more" in "\n".join(text_of(board, View()))


def test_typing_pausing_and_help_are_seen(board: Board) -> None:
    assert "filter: oi" in text_of(board, View(filter="oi", is_typing=True))[-1]
    assert "PAUSED" in text_of(board, View(is_paused=True))[-1]
    assert any("quit" in line for line in text_of(board, View(is_help=True))[3:-1])
    assert any("no tag fits" in line for line in text_of(board, View(filter="zz")))
    assert replace(View(), top=5) != View()


def test_a_station_that_is_not_there_is_told_with_those_that_are(board: Board) -> None:
    lines = text_of(board, View(), stations=["pres-1"])
    assert any("no station 'pres-1'; known are press-1" in line for line in lines)


@pytest.mark.parametrize("width", [60, 80, 100, 120, 160])
def test_an_age_and_a_rate_are_never_cut_and_the_screen_is_never_wider(width: int) -> None:
    long = tag("x" * 60, unit="degC", time_ms=NOW_MS - 200_000)
    board = Board()
    board.take(answer(press_of_the_long_line_1=station(temperature_of_the_oil_behind=long)), NOW_S)
    lines = text_of(board, View(), width=width)
    assert max(map(len, lines)) <= width
    title, _, row = lines[2:5]
    assert title.split("┃")[5].strip() == "age"
    assert title.split("┃")[6].strip() == "per s"
    assert row.split("│")[5].strip() == "3m22"
    assert ("history" in title) == (width >= 120)


@pytest.mark.parametrize("sort", SORTS)
def test_help_and_foot_fit_a_narrow_terminal(board: Board, sort: str) -> None:
    for view in (View(sort=sort), View(is_help=True), View(filter="oil" * 20)):
        assert len(text_of(board, view, width=84)) <= 24
