"""Since when a problem lasts."""

from __future__ import annotations

import pytest

from wire.troubles import Troubles


class HandClock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.ms = 1_000

    def now_ms(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return self.ms / 1000


def test_a_problem_keeps_the_time_at_which_it_was_first_seen() -> None:
    clock = HandClock()
    troubles = Troubles(clock)
    assert troubles.since(["no broker"]) == {"no broker": 1_000}
    clock.ms = 5_000
    assert troubles.since(["disk full", "no broker"]) == {"disk full": 5_000, "no broker": 1_000}


def test_a_problem_that_went_and_comes_again_is_a_new_one() -> None:
    clock = HandClock()
    troubles = Troubles(clock)
    troubles.since(["no broker"])
    assert troubles.since([]) == {}
    clock.ms = 9_000
    assert troubles.since(["no broker"]) == {"no broker": 9_000}


@pytest.mark.parametrize("text", [
    "press-{}/opcua is not connected", "10.0.0.{}: no route", "h:{}: refused", "a{} failed",
])  # fmt: skip
def test_a_number_in_a_name_is_another_problem(text: str) -> None:
    clock = HandClock()
    troubles = Troubles(clock)
    troubles.since([text.format(1)])
    clock.ms = 9_000
    both = [text.format(1), text.format(2)]
    assert troubles.since(both) == dict(zip(both, (1_000, 9_000), strict=True))


def test_a_number_that_rises_makes_no_new_problem() -> None:
    clock = HandClock()
    troubles = Troubles(clock)
    troubles.since(["the rules failed 1 times"])
    clock.ms = 9_000
    assert troubles.since(["the rules failed 12 times"]) == {"the rules failed 12 times": 1_000}
