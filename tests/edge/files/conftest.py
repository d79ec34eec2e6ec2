"""Files are sent without long rests."""

from __future__ import annotations

import pytest

from edge.files import sender


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "IDLE_S", 0.02)
    monkeypatch.setattr(sender, "FIRST_S", 0.02)
    monkeypatch.setattr(sender, "MOST_S", 0.1)
    monkeypatch.setattr(sender, "LATER_S", 0.3)
