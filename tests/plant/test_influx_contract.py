"""The contract of a store at a real InfluxDB 1: 1.8.10 by both ways of writing, 1.6.7 by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from plant.stores.store import Store
from tests.plant.influx import opened
from tests.plant.store_contract import StoreContract
from tests.servers import InfluxDB
from tests.servers.influxdb import built, debian

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxDB]:
    with InfluxDB(tmp_path_factory.mktemp("influxdb")) as server:
        yield server


@pytest.fixture(scope="module")
def debians(tmp_path_factory: pytest.TempPathFactory) -> Iterator[InfluxDB]:
    program = debian()
    if program is None or not built().exists():
        pytest.skip("there is only one InfluxDB 1 on this machine")
    with InfluxDB(tmp_path_factory.mktemp("debian"), program) as server:
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

    @pytest.fixture(autouse=True)
    def speaks_v2(self, server: InfluxDB) -> None:
        if not server.speaks_v2:
            pytest.skip("Debian's InfluxDB does not know /api/v2/write")


class TestAtDebians(OnInfluxDB):
    @pytest.fixture
    def server(self, debians: InfluxDB) -> InfluxDB:
        return debians
