"""The figures of every run, shown at the end of the tests whether they pass or not."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.reckoning import Reckoning

COLUMNS = ("emitted", "acknowledged", "stored", "lost", "duplicates", "told", "gaps")
ROWS: list[str] = []
Note = Callable[[str, Reckoning, float], None]


@pytest.fixture
def length(request: pytest.FixtureRequest) -> float:
    """How much longer than usual the runs are."""
    return float(request.config.getoption("--length"))


@pytest.fixture
def note() -> Note:
    """Puts a run into the table."""

    def noted(run: str, found: Reckoning, seconds: float) -> None:
        figures = "".join(f"{getattr(found, name):>14}" for name in COLUMNS)
        ROWS.append(f"{run:<34}{figures}{seconds:>10.1f}")
        print("\n".join([_head(), ROWS[-1], *found.examples]))

    return noted


def _head() -> str:
    return f"{'run':<34}" + "".join(f"{name:>14}" for name in COLUMNS) + f"{'seconds':>10}"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the table; `told` offers are missing and a gap record says so."""
    if ROWS:
        terminalreporter.section("what became of every value")
        for line in (_head(), *ROWS):
            terminalreporter.write_line(line)
