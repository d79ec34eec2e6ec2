"""A store that is slow, or refuses a line, a batch, or everything."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from functools import partial
from pathlib import Path

from plant.stores.factory import dead_letters_path
from refit.chaos.fault import Fault
from refit.chaos.scene import Scene
from refit.chaos.small_site import AGENT
from refit.chaos.waiting import until

LASTS_S, BACK_S = (3.0, 20.0), 60.0
HISTORIAN, WRONG = "historian", 2
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


def _deleted(scene: Scene) -> None:
    """All files of the historian are gone while it has them open; it puts them back."""
    site = scene.plant.site
    files = [site.store.path, dead_letters_path(site.store), Path(f"{site.ledger.path}")]
    for file in scene.random.sample(files, len(files)):
        for ending in ("", "-wal", "-shm"):
            Path(f"{file}{ending}").unlink(missing_ok=True)
    until(site.store.path.exists, "the store is put back", BACK_S)
    # Of the ledger only when there is a record: so there has to be one.
    scene.kill(AGENT)
    scene.start(AGENT)
    until(Path(f"{site.ledger.path}").exists, "the ledger is put back", BACK_S)


def _newer(scene: Scene) -> None:
    """Each is refused with a word and left as it is; RuntimeError when it is not."""
    site = scene.plant.site
    scene.kill(HISTORIAN)
    for file in (site.store.path, dead_letters_path(site.store)):
        _refused(scene, file, "PRAGMA user_version = 99", "PRAGMA user_version = 1")
    with closing(sqlite3.connect(Path(f"{site.ledger.path}"))) as database:
        (was,) = database.execute("SELECT value FROM about WHERE key = 'version'").fetchone()
    change = "UPDATE about SET value = '{}' WHERE key = 'version'"
    _refused(scene, Path(f"{site.ledger.path}"), change.format(99), change.format(was))
    scene.start(HISTORIAN)


def _refused(scene: Scene, file: Path, change: str, back: str) -> None:
    _do(file, change)
    before = file.read_bytes()
    ended = scene.plant.attempt(HISTORIAN)
    is_told = ended is not None and all(one in ended[1] for one in (str(file), "use a newer one"))
    if ended is None or ended[0] != WRONG or not is_told or file.read_bytes() != before:
        raise RuntimeError(f"the historian took {file} of a newer version, or changed it: {ended}")
    _do(file, back)


def _do(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file)) as database, database:
        database.execute(statement)


FAULTS = (
    Fault("historian-files-newer", "the historian is killed, refuses store, dead letters and ledger"
          " of a newer version, and gets its own back", _newer, frozenset({"store", HISTORIAN}),
          frozenset({"sqlite"})),
    Fault("historian-files-deleted", "store, ledger and dead letters are deleted under the running"
          " historian", _deleted, frozenset({"store", HISTORIAN, AGENT}), frozenset({"sqlite"})),
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
