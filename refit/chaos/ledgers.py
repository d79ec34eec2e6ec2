"""What is asked of the records of a run: none is missing, none is there twice."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import UUID

from plant.kpi.facts import ms
from plant.stores.store import STATION_CYCLE, Store
from refit.chaos.plant import SmallPlant
from refit.chaos.small_site import AGENT
from refit.chaos.spans import gaps

VERIFY_S = 120.0


def wrong_records(plant: SmallPlant, ids: set[str], store: Store) -> Iterator[str]:
    """What is wrong with the ledger of a plant that has ended, in words.

    `ids`: of every record that was seen on the disk of a killed agent.
    """
    with closing(_database(plant.site.ledger.path)) as ledger:
        entries = ledger.execute(
            "SELECT id, station, kind, visit, time, body FROM entry"
        ).fetchall()
    there = {row[0] for row in entries}
    if waiting := waiting_records(plant):
        yield f"{len(waiting)} records are still in the outbox"
    if lost := {id for id in ids - there if not (plant.is_outbox_spoiled and _is_told(plant, id))}:
        yield f"{len(lost)} records were on the agent's disk and are not in the ledger"
    if len(there) != len(entries):
        yield f"{len(entries) - len(there)} records are in the ledger twice"
    states = Counter(row[1:5] for row in entries if row[2] == "studio.state")
    if twice := [state for state, count in states.items() if count > 1]:
        yield f"a change of state was recorded twice: {twice[0]}"
    recorded = {ms(row[4]) for row in entries if row[2] == "studio.session"}
    told = store.range("studio-1", "cycle_s", 0, 1 << 52, STATION_CYCLE).time.tolist()
    if told != sorted(recorded):
        yield f"{len(recorded)} cycles are in the ledger, {len(told)} in the historian's points"
    yield from unsound(plant)


def _is_told(plant: SmallPlant, id: str) -> bool:
    """Whether a gap record says that what was made when this record was may be missing."""
    made_ms = UUID(id).int >> 80
    return any(one.is_at(made_ms) for one in gaps(plant.site))


def unsound(plant: SmallPlant) -> Iterator[str]:
    """What `refit ledger verify` finds wrong."""
    words = ["ledger", "verify", "--site", str(plant.file)]
    done = subprocess.run(
        [sys.executable, "-m", "refit.main", *words],
        capture_output=True, text=True, timeout=VERIFY_S, check=False,
    )  # fmt: skip
    if done.returncode:
        yield f"the ledger is not sound: {done.stdout}{done.stderr}"


def waiting_records(plant: SmallPlant) -> set[str]:
    """The ids of the records in the outbox of an agent that is not running; it is not touched."""
    copy = plant.folder / "copy"
    copy.mkdir(exist_ok=True)
    for ending in ("", "-wal"):
        source = Path(f"{plant.outbox}{ending}")
        target = copy / source.name
        target.unlink(missing_ok=True)
        if source.exists():
            shutil.copyfile(source, target)
    if not (copy / f"{AGENT}.db").exists():
        return set()
    with closing(_database(copy / f"{AGENT}.db")) as outbox:
        try:
            return {id for (id,) in outbox.execute("SELECT id FROM record")}
        except sqlite3.OperationalError:  # killed before it had made its tables
            return set()


def _database(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path)
