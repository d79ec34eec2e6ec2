"""How long the random runs of this tier are."""

from __future__ import annotations

import pytest


@pytest.fixture
def length(request: pytest.FixtureRequest) -> float:
    """How much longer than usual the runs are."""
    return float(request.config.getoption("--length"))
