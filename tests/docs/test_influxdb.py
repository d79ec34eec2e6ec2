"""The how-to about InfluxDB does what it says, with a real server."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.pages import ROOT, Reader
from tests.servers import InfluxDB

PAGE = ROOT / "docs/how-to/influxdb.md"


@pytest.mark.system
@pytest.mark.timeout(180)
def test_the_how_to_about_influxdb_does_what_it_says(tmp_path: Path) -> None:
    with InfluxDB(tmp_path / "data") as server:
        if not server.speaks_v2:
            pytest.skip("the page is about 1.8.10, which Debian's InfluxDB is not")
        Reader(PAGE, tmp_path, None, {"8086": str(server.port)}).follow(tmp_path)
