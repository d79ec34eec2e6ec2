"""A historian with a real session, a real store and its worker, in this process."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from random import Random

from plant.dead_letters import DeadLetters
from plant.historian import Historian
from plant.points import Model
from plant.stores.sqlite import SqliteStore
from plant.writer import Writer
from stations.samples import Samples
from tests.mqtt.conftest import QUICK, BrokerAt
from wire.clock import SystemClock
from wire.mqtt import Session
from wire.site import Site
from wire.sparkplug.asker import Pace
from wire.sparkplug.edge import HostSettings

YEARS_MS = 1 << 42


class RunningHistorian:
    """Runs from entering to leaving; `stored` is what its store has of one tag."""

    def __init__(self, folder: Path, site: Site, broker: BrokerAt) -> None:
        clock, random = SystemClock(), Random(1)
        self.store = SqliteStore(folder / "samples.db")
        self.letters = DeadLetters(folder / "samples.dead.db")
        self.historian = Historian(
            Model(site), Writer(self.store, self.letters, clock, random), site=site.name,
            name=site.historian.name, clock=clock, random=random,
            settings=HostSettings(group=site.name, pace=Pace(jitter_ms=100)),
        )  # fmt: skip
        self.broker = broker

    def stored(self, station: str, tag: str) -> Samples:
        """Everything that the store has of a tag."""
        return self.store.range(station, tag, 0, YEARS_MS)

    def last(self, station: str, tag: str) -> object:
        """The value stored last; None where there is none."""
        latest = self.store.last(station, tag).latest
        return None if latest is None else latest.value

    def __enter__(self) -> RunningHistorian:
        self.historian.connect(partial(Session, self.broker, "historian", limits=QUICK))
        return self

    def __exit__(self, *_: object) -> None:
        self.historian.stop()
        self.store.close()
        self.letters.close()
