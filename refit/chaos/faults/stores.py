"""A store that is slow, or refuses a line, a batch, or everything."""

from __future__ import annotations

from functools import partial

from refit.chaos.fault import Fault
from refit.chaos.scene import Scene

LASTS_S = (3.0, 20.0)
INFLUXDB = frozenset({"influxdb"})
STORE = frozenset({"store"})


def _mode(mode: str, scene: Scene) -> None:
    gate = scene.plant.gate
    assert gate is not None
    gate.delay_s = scene.random.uniform(0.3, 3.0)
    gate.mode = mode
    scene.pause(*LASTS_S)
    gate.mode = ""


def _everything(scene: Scene) -> None:
    for mode in scene.random.sample(("full", "odd"), 2):
        _mode(mode, scene)


def _slow_file(scene: Scene) -> None:
    """Another program that writes: each transaction waits for it, for less than any time-out."""
    for _ in range(scene.random.randint(3, 8)):
        with scene.plant.locked(scene.plant.site.store.path):
            scene.pause(0.3, 1.5)


FAULTS = (
    Fault("store-slow", "the store accepts, but each write takes 0.3 to 3 s",
          partial(_mode, "slow"), STORE, INFLUXDB),
    Fault("store-busy", "another program keeps locking the file of the store for 0.3 to 1.5 s",
          _slow_file, STORE, frozenset({"sqlite"})),
    Fault("store-refuses-lines", "the store refuses every line of one tag and keeps the others",
          partial(_mode, "lines"), STORE, INFLUXDB),
    Fault("store-refuses-batches", "the store refuses any batch with more than one line",
          partial(_mode, "batches"), STORE, INFLUXDB),
    Fault("store-refuses-all", "the store refuses everything: in its own words, then in odd ones",
          _everything, STORE, INFLUXDB),
)  # fmt: skip
