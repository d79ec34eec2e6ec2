"""A soak sees what grows, and that nobody looked; the page is that of its results."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from benchmarks.endurance import PAGE, RESULTS, text_of
from benchmarks.soak_result import Look, result
from refit.chaos.account import Account


def looks(minutes: int = 60, **growth: float) -> Iterator[tuple[float, Look]]:
    """A look every ten seconds; by what each thing grows until the end."""
    for number in range(6 * minutes):
        share = number / (6 * minutes)
        held = (100.0 + growth.get("memory", 0) * share, 20.0 + growth.get("files", 0) * share)
        yield (
            10.0 * (number + 1),
            {
                "pc-1": (*held, 5.0, 5.0),
                "files": (1.0 + growth.get("outbox", 0) * share, 0.1),
            },
        )


def made(found: Any, account: Account | None = None, kind: str = "faults") -> dict[str, Any]:
    given = account or Account(acknowledged=10, stored=10)
    return result(kind, 60, 60, list(found), 360, given, {"agent frozen": 3}, 0.0)


def test_a_flat_run_is_clean() -> None:
    assert made(looks())["clean"]


@pytest.mark.parametrize(
    ("growth", "what"),
    [("memory", "memory MiB"), ("files", "open files"), ("outbox", "outbox MiB")],
)
def test_what_grows_is_a_problem(growth: str, what: str) -> None:
    one = made(looks(**{growth: 40.0}))
    assert not one["clean"]
    assert [what in problem for problem in one["account"]["problems"]] == [True]


def test_an_outbox_grows_while_its_broker_is_away() -> None:
    assert made(looks(outbox=40.0), kind="broker")["clean"]


def test_a_run_that_nobody_looked_at_is_not_clean() -> None:
    assert not made(list(looks())[:200])["clean"]


def test_what_the_account_finds_is_not_clean() -> None:
    assert not made(looks(), Account(lost=1))["clean"]
    assert not made(looks(), Account(problems=["a change is told nowhere"]))["clean"]


def test_the_page_is_that_of_its_results() -> None:
    results = [json.loads(line) for line in RESULTS.read_text().splitlines()]
    assert PAGE.read_text() == text_of(results), "write it again: python -m benchmarks.endurance"
    unclean = text_of([made(looks(memory=40.0))])
    assert "**Not clean**" in unclean and "grew from" in unclean
