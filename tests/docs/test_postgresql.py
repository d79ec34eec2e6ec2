"""The how-to about PostgreSQL does what it says, with a real server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.pages import ROOT, Reader
from tests.servers import Postgres

PAGE = ROOT / "docs/how-to/postgresql.md"


@pytest.mark.system
@pytest.mark.timeout(180)
def test_the_how_to_about_postgresql_does_what_it_says(tmp_path: Path) -> None:
    with Postgres(tmp_path, fsync=False) as server:
        environment = {
            "PGHOST": "127.0.0.1", "PGPORT": str(server.port), "PGDATABASE": "postgres",
            "PGUSER": "admin", "PGPASSWORD": server.password,
        }  # fmt: skip
        Reader(PAGE, tmp_path, environment, {"5432": str(server.port)}).follow(tmp_path)
