"""What the tests of the plant share: each database that the ledger can be in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.plant.ledgers import FilePlace, Place, ServerPlace


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.system)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Place:
    """A place for one ledger, in each of the databases."""
    if request.param == "sqlite":
        return FilePlace(tmp_path)
    return ServerPlace(tmp_path, request.getfixturevalue("postgres"))
