"""From the site file's `[store]` to the store that it names."""

from __future__ import annotations

from pathlib import Path

from plant.stores.aging import Aging
from plant.stores.influx.means import Means
from plant.stores.influx.store import InfluxStore
from plant.stores.influx.touched import Touched
from plant.stores.sqlite import SqliteStore
from plant.stores.store import Store
from wire.clock import Clock
from wire.site import StoreConfig


def open_store(config: StoreConfig) -> Store:
    """The store of this url; StoreUnusable when what lies there is none of ours."""
    if config.is_influx:
        return InfluxStore(config)
    return SqliteStore(config.path, aging=Aging(config.keep_ms))


def dead_letters_path(config: StoreConfig) -> Path:
    """Where the samples lie that this store has refused: a file on this machine."""
    return config.dead_letters_file


def open_means(config: StoreConfig, store: Store, clock: Clock) -> Means | None:
    """Who keeps the means of a minute beside this store; None where nobody does.

    VictoriaMetrics could not take a mean back when late samples change it.
    """
    if not isinstance(store, InfluxStore) or config.version == "victoria":
        return None
    path = config.dead_letters_file.with_suffix("").with_suffix(".means.db")
    return Means(store, Touched(path), clock)
