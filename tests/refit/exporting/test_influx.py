"""Samples out of a real InfluxDB: the same file as out of the store in a file."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from plant.stores.sqlite import SqliteStore
from plant.stores.store import Store
from refit.exporting.giving import Asked, Nothing, give
from stations.status import BAD_SENSOR_FAILURE, GOOD, UNCERTAIN
from tests.plant.influx import opened
from tests.plant.points import T0, Row, angles, points
from tests.servers.influxdb import InfluxDB
from wire.site import Site

pytestmark = pytest.mark.system
SITE = Site(name="flins-vo")
ROWS: list[Row] = [
    ("guard", T0, GOOD, True), ("state", T0, GOOD, -(2**63)), ("angle", T0, UNCERTAIN, 0.1 + 0.2),
    ("visit", T0, GOOD, 'v-2026 "é"\n'), ("visit", T0 + 1, GOOD, ""), ("counts", T0, GOOD, [1, -2]),
    ("cells", T0, GOOD, [3.7, -0.5]), ("cells", T0 + 1, BAD_SENSOR_FAILURE, None),
]  # fmt: skip


@pytest.fixture
def stores(tmp_path: Path) -> Iterator[tuple[Store, Store]]:
    """One store in a file and one at InfluxDB, with the same samples."""
    file = SqliteStore(tmp_path / "samples.db")
    with InfluxDB(tmp_path / "influxdb") as server, opened(server) as influx:
        for store in (file, influx):
            assert store.write([points(ROWS)]) == [[]]
            assert store.write([angles([i / 7 for i in range(3_000)], T0 + 10, 50)]) == [[]]
        yield file, influx
    file.close()


def given(store: Store, **asked: Any) -> bytes:
    file = io.BytesIO()
    give(store, SITE, Asked(T0 - 5, T0 + 86_400_000, **asked), file, lambda share: None)
    return file.getvalue()


def test_both_stores_give_the_same_files(stores: tuple[Store, Store]) -> None:
    file, influx = stores
    for asked in ({}, {"is_wide": True}, {"tags": ["angle"]}):
        assert given(influx, **asked) == given(file, **asked)
    means = [given(one, every_ms=60_000, tags=["angle"]).decode().split("\r\n") for one in stores]
    for one, other in zip(*means, strict=True):
        assert one.split(",")[:3] == other.split(",")[:3]
        assert one.split(",")[4:] == other.split(",")[4:], "the counts"
    with pytest.raises(Nothing):
        given(influx, tags=["visit"], every_ms=60_000)
