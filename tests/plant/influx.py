"""Stores at a real InfluxDB, for the tests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

from plant.stores.influx import InfluxStore
from tests.servers import InfluxDB, InfluxDB2
from tests.servers.influxdb2 import ORG
from wire.site import StoreConfig

NUMBERS = count(1)
AGES_MS = 10_000 * 86_400_000  # the samples of the tests are of 2023
NOBODY_MS = 0  # nobody else has ever written: statuses are written only where they must be


def config(
    server: InfluxDB | InfluxDB2, database: str = "", version: str = "", **changes: Any
) -> StoreConfig:
    """The [store] of a database of this server, a new one unless it is named."""
    name = database or f"refit_{next(NUMBERS)}"
    told: dict[str, Any] = {
        "url": f"influxdb://127.0.0.1:{server.port}/{name}",
        "version": version or server.version,
        "keep_ms": AGES_MS,
        "dead_letters": Path(f"{name}.dead.db"),
    }
    if isinstance(server, InfluxDB2):
        told |= {"org": ORG, "token_file": server.token_file}
    return StoreConfig(**told | changes)


@contextmanager
def opened(
    server: InfluxDB | InfluxDB2,
    database: str = "",
    since_ms: int | None = NOBODY_MS,
    **changes: Any,
) -> Iterator[InfluxStore]:
    """A store at this server."""
    with closing(InfluxStore(config(server, database, **changes), since_ms=since_ms)) as store:
        yield store
