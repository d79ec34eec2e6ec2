"""Keys out of the bytes of a terminal, in whatever pieces they come."""

from __future__ import annotations

import itertools
import os
import termios
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from refit.watching.keys import Keys, keys_of

TYPED = b"a\xc3\xa4\x1b[A\x1b[5~\x1bOF\x1b[1;5C\r\x7f\x03/"
KEYS = ["a", "ä", "up", "page-up", "end", "unknown", "enter", "backspace", "ctrl-c", "/"]


@given(st.lists(st.integers(0, len(TYPED)), max_size=6))
def test_the_same_keys_in_any_pieces(cuts: list[int]) -> None:
    at = [0, *sorted(cuts), len(TYPED)]
    found, rest = [], b""
    for begin, end in itertools.pairwise(at):
        keys, rest = keys_of(rest + TYPED[begin:end])
        found += keys
    assert (found, rest) == (KEYS, b"")


@given(st.binary(max_size=40))
def test_no_bytes_are_too_odd(data: bytes) -> None:
    keys, rest = keys_of(data)
    assert len(keys) + len(rest) <= len(data)


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    ours, its = os.openpty()
    yield ours, its
    os.close(ours)
    os.close(its)


def test_the_terminal_is_as_before_afterwards(terminal: tuple[int, int]) -> None:
    ours, its = terminal
    before = termios.tcgetattr(its)
    with pytest.raises(RuntimeError), Keys(its) as keys:
        assert not termios.tcgetattr(its)[3] & (termios.ECHO | termios.ICANON)
        os.write(ours, b"x\x1b")
        assert keys.next(5.0) == "x"
        assert keys.next(5.0) == "escape"
        assert keys.next(0.0) is None
        os.write(ours, b"\x1b[6~")
        assert keys.next(5.0) == "page-down"
        raise RuntimeError
    assert termios.tcgetattr(its) == before
