"""The demo's plant with a real InfluxDB that is killed once: every value is counted there."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import orjson
import pytest

from plant.stores.factory import open_store
from refit.demo_plant import DEMO_SITE, DemoPlant
from tests.servers import InfluxDB, until
from wire.site import write_copy

pytestmark = [pytest.mark.system, pytest.mark.timeout(180)]


def trouble(plant: DemoPlant) -> list[str]:
    """What the historian says is wrong with its store."""
    try:
        urlopen(f"http://127.0.0.1:{plant.site.historian.http}/healthz", timeout=5).close()
    except HTTPError as error:
        return [one for one in orjson.loads(error.read())["problems"] if "the store" in one]
    return []


def test_nothing_is_lost_or_doubled_on_the_way_into_influxdb(tmp_path: Path) -> None:
    with InfluxDB(tmp_path / "influxdb") as server:
        told = {
            ("store", "url"): f"influxdb://127.0.0.1:{server.port}/demo",
            ("store", "version"): "1.8" if server.speaks_v2 else "1",
        }
        site = tmp_path / "site.toml"
        write_copy(DEMO_SITE, site, told)
        with DemoPlant(tmp_path / "run", 20.0, 0, site) as plant:
            with closing(open_store(plant.site.store)) as store:
                until(lambda: store.count("studio-1") > 100, "samples are stored", 60)
                plant.processes.check()
                state = store.last("studio-1", "state").latest
                assert state is not None and isinstance(state.value, int)
                server.stop(kill=True)
                until(lambda: trouble(plant), "the historian says that its store is away", 60)
                server.start()
                seen = store.count("studio-1")
                until(lambda: store.count("studio-1") > seen, "samples are stored again", 60)
                until(lambda: not trouble(plant), "the historian says that all is well", 60)
            result = plant.finish()
        assert result.is_clean, result.total.examples
        assert result.total.stored > 300 and result.total.lost == 0
        with closing(open_store(plant.site.store)) as store:
            assert store.count() >= result.total.stored
            assert store.count(measurement="edge_health") > 0
