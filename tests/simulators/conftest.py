"""A truth log for each test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.simulators.helpers import Log


@pytest.fixture
def log(tmp_path: Path) -> Iterator[Log]:
    """A log in the test's own folder."""
    with Log(tmp_path) as opened:
        yield opened
