"""Asking every panel of every dashboard for the whole of a filled day."""

from __future__ import annotations

from collections.abc import Iterator

from tests.dashboards.filled import Day
from tests.dashboards.grafana import View
from tests.dashboards.made import board, boards
from tests.dashboards.proof import Answer


def view(day: Day, name: str) -> View:
    """A day on one dashboard, with a choice for each of its variables."""
    choices = day.stores.variables(board(name), View(day.start_ms, day.end_ms, {}))
    assert all(choices.values()), f"{name}: a variable has nothing to choose"
    chosen = {key: found[len(found) // 2] for key, found in choices.items()}
    if "visit" in chosen:
        chosen["visit"] = _whole_visit(day)
    return View(day.start_ms, day.end_ms, chosen)


def _whole_visit(day: Day) -> str:
    """One that was at every station: the newest ones are still on the line."""
    assert day.stores.ledger is not None
    query = "SELECT visit FROM visit ORDER BY station_visits DESC, visit LIMIT 1"
    found = day.stores.ledger.execute(query).fetchone()
    assert found is not None
    return str(found[0])


def ask(day: Day) -> Iterator[Answer]:
    """What every query of every dashboard gives."""
    for name in boards():
        yield from day.stores.answers(name, board(name), view(day, name))
