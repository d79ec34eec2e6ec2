"""What every run of this tier ends with: all counted, nothing lost, nothing doubled."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path

from plant.dead_letters import DeadLetters
from plant.kpi.facts import ms
from plant.stores.factory import dead_letters_path
from plant.stores.store import STATION_CYCLE
from refit.accounts import acknowledged, balance, total
from tests.chaos.conftest import Note
from tests.reckoning import Reckoning, gaps, reckon, unsaid
from tests.small_plant import AGENT, SmallPlant

CONNECTIONS = (("press-1", "opcua"), ("meter-1", ""), ("studio-1", "opcua"), ("studio-1", ""))
RESTARTED = "agent restarted"


@dataclass
class Run:
    """One run: what was done to the plant, and the count at its end."""

    name: str
    plant: SmallPlant
    note: Note
    began_s: float = field(default_factory=time.monotonic)
    agent_kills: list[int] = field(default_factory=list)
    record_ids: set[str] = field(default_factory=set)

    def kill(self, victim: str, stalled: int = 0) -> None:
        """Kill a process, at once or in the middle of work that stood still for so many events.

        For the agent that is its disk, for the others the whole process.
        """
        if stalled:
            self.plant.wait_for_values()
        with ExitStack() as stack:
            if stalled and victim == AGENT:
                stack.enter_context(self.plant.locked(self.plant.outbox))
            elif stalled:
                self.plant.freeze(victim)
            if stalled:
                self.plant.wait_for_events(stalled)
            gone_ms = self.plant.kill(victim)
        if victim == AGENT:
            self.agent_kills.append(gone_ms)
            self.record_ids |= waiting_records(self.plant)

    def finish(self) -> Reckoning:
        """Stop the machines, let everything arrive, end all processes, count, and judge."""
        plant = self.plant
        plant.wait_for_values()
        plant.drain()
        health = plant.health("agent")
        plant.end()
        with plant.store() as store:
            found = reckon(plant.site, plant.truth, store)
            untold = unsaid(plant.site, plant.truth, store, "press-1")
        self.note(self.name, found, time.monotonic() - self.began_s)
        assert (found.lost, found.duplicates) == (0, 0), found.examples
        assert untold == []
        assert found.emitted - found.told == found.stored
        assert found.acknowledged > 0
        self._compare(found)
        self._check_records(health["health"]["records"] if health else -1)
        self._check_gaps()
        self._check_cycles()
        return found

    def _compare(self, found: Reckoning) -> None:
        """The program's own account says the same.

        It follows the agent's rules over the log alone, so after a kill of the agent it can judge
        only what has neither deadband nor memory of what was forgotten: the press.
        """
        plant = self.plant
        letters = Counter(
            letter.refusal.station
            for letter in DeadLetters(dead_letters_path(plant.site.store)).read()
        )
        only = acknowledged(plant.truth) if self.agent_kills else None
        with plant.store() as store:
            balances = balance(plant.site, plant.truth, store, letters, only)
        whole = balances["press-1"] if self.agent_kills else total(balances.values())
        assert (whole.lost, whole.duplicates, whole.refused) == (0, 0, 0), whole.examples
        if not self.agent_kills:
            assert (whole.emitted, whole.stored - whole.own) == (found.emitted, found.stored)
            assert found.told == 0

    def _check_records(self, made: int) -> None:
        """Every record that was ever on the agent's disk is in the ledger, once."""
        with closing(_database(self.plant.site.ledger.path)) as ledger:
            rows = ledger.execute("SELECT id, station, kind, visit, time, body FROM entry")
            entries = rows.fetchall()
        ids = {row[0] for row in entries}
        assert not waiting_records(self.plant)
        assert self.record_ids <= ids
        assert len(ids) == len(entries)
        if not self.agent_kills:
            assert made == len(ids)
        states = Counter(row[1:5] for row in entries if row[2] == "studio.state")
        assert states
        assert set(states.values()) == {1}, "a change of state was recorded twice"
        verify(self.plant)

    def _check_cycles(self) -> None:
        """Each cycle of the ledger is a point of the historian's, whoever was killed in between."""
        with closing(_database(self.plant.site.ledger.path)) as ledger:
            query = "SELECT time FROM entry WHERE kind = 'studio.session'"
            recorded = {ms(row[0]) for row in ledger.execute(query)}
        with self.plant.store() as store:
            told = store.range("studio-1", "cycle_s", 0, 1 << 52, STATION_CYCLE)
        assert told.time.tolist() == sorted(recorded)

    def _check_gaps(self) -> None:
        """After each kill every connection of the agent has a gap record over that moment."""
        found = [one for one in gaps(self.plant.site) if one.reason == RESTARTED]
        for gone_ms in self.agent_kills:
            for station, connection in CONNECTIONS:
                assert any(
                    (one.station, one.connection) == (station, connection)
                    and one.from_ms <= gone_ms <= one.to_ms
                    for one in found
                ), f"no gap record of {station} {connection!r} covers the kill at {gone_ms}"
        assert bool(found) == bool(self.agent_kills)


def verify(plant: SmallPlant) -> None:
    """`refit ledger verify` finds nothing wrong."""
    words = ["ledger", "verify", "--site", str(plant.file)]
    done = subprocess.run(
        [sys.executable, "-m", "refit.main", *words], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr


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
    with closing(_database(copy / f"{AGENT}.db")) as outbox:
        return {id for (id,) in outbox.execute("SELECT id FROM record")}


def _database(path: Path) -> sqlite3.Connection:
    assert path.exists(), path
    return sqlite3.connect(path)
