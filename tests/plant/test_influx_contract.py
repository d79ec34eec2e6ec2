"""The contract of a store at a real InfluxDB 1, by /api/v2/write and by /write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from plant.stores.store import Store
from tests.plant.influx import opened
from tests.plant.store_contract import StoreContract
from tests.servers import InfluxDB

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxDB]:
    with InfluxDB(tmp_path_factory.mktemp("influxdb")) as server:
        yield server


class OnInfluxDB(StoreContract):
    version = "1"

    @pytest.fixture
    def new_store(self, server: InfluxDB) -> Iterator[Callable[[], Store]]:
        with ExitStack() as stack:
            yield lambda: stack.enter_context(opened(server, version=self.version))

    @pytest.fixture
    def store(self, new_store: Callable[[], Store]) -> Store:
        return new_store()


class TestByWrite(OnInfluxDB):
    version = "1"


class TestByV2Write(OnInfluxDB):
    version = "1.8"
