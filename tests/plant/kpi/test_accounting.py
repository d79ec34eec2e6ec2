"""The worker of the accounts: late, killed, without a store or without room, it comes out right."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest

from plant.kpi.accounting import ENTRIES_AT_ONCE, Accounting
from plant.kpi.facts import Facts
from plant.kpi.hours import Hours
from plant.kpi.marks import Mark
from plant.ledger import Ledger
from plant.stores.sqlite import SqliteStore
from plant.stores.store import Points, StoreUnavailable
from stations.kpi import HOUR_MS
from stations.samples import Samples
from stations.studio.station import StudioState
from tests.plant.kpi.site import MODEL, SITE, STUDIO, T0, cycle, received, stored

NOW = T0 + 5 * HOUR_MS + 600_000


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.ms = NOW

    def now_ms(self) -> int:
        return self.ms

    def monotonic(self) -> float:
        return self.ms / 1000


class ReadStore(SqliteStore):
    """A store that cannot be read while it is gone."""

    gone = False

    def range(self, *args: Any, **more: Any) -> Samples:
        if self.gone:
            raise StoreUnavailable("the store is gone")
        return super().range(*args, **more)


class World:
    """A store, a ledger and an accounting; what it says goes to the store at once."""

    def __init__(self, folder: Path) -> None:
        self.clock = Clock()
        self.store = ReadStore(folder / "samples.db")
        self.ledger = Ledger(f"sqlite:{folder / 'ledger.db'}", self.clock)
        self.full = False
        self.accounting = self.begin()

    def begin(self) -> Accounting:
        """A new process: nothing is remembered."""
        hours, facts = Hours(SITE, self.store, MODEL), Facts(SITE, MODEL)
        self.accounting = Accounting(hours, facts, self.ledger, self.say, self.clock)
        return self.accounting

    def say(self, points: Points, marks: tuple[Mark, ...]) -> bool:
        if self.full:
            return False
        self.store.write([points])
        self.accounting.mark(marks)
        return True

    def state(self, time_ms: int, state: StudioState) -> None:
        self.store.write([MODEL.samples(received([("state", time_ms, state)]), NOW)])

    def kpi(self, field: str) -> dict[int, Any]:
        return stored(self.store, "station_kpi", STUDIO, field)

    def later(self, seconds: float = 61.0) -> None:
        self.clock.ms += round(seconds * 1000)
        self.accounting.turn()

    def close(self) -> None:
        self.store.close()
        self.ledger.close()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with ExitStack() as stack:
        yield stack.enter_context(closing(World(tmp_path)))


def test_at_the_start_the_last_day_is_worked_out(world: World) -> None:
    world.state(T0, StudioState.TURNING)
    world.accounting.turn()
    found = world.kpi("apt_s")
    assert [found[T0 + hour * HOUR_MS] for hour in range(5)] == [3600.0] * 5
    assert found[T0 + 5 * HOUR_MS] == 600.0
    assert len(found) == 25


def test_the_present_hour_goes_on(world: World) -> None:
    world.state(T0, StudioState.TURNING)
    world.accounting.turn()
    world.later(5.0)
    assert world.kpi("pbt_s")[T0 + 5 * HOUR_MS] == 600.0, "not all the time"
    world.later(60.0)
    assert world.kpi("pbt_s")[T0 + 5 * HOUR_MS] == 665.0


def test_an_hour_that_has_ended_is_worked_out_once_more(world: World) -> None:
    world.state(T0, StudioState.TURNING)
    world.accounting.turn()
    world.later(3_000.0)
    assert world.kpi("pbt_s")[T0 + 5 * HOUR_MS] == 3600.0


def test_an_hour_that_is_marked_is_worked_out_again(world: World) -> None:
    world.accounting.turn()
    world.state(T0, StudioState.TURNING)
    world.state(T0 + 1_800_000, StudioState.EMPTY)
    world.accounting.mark([Mark("line-1", T0)])
    world.later(11.0)
    assert world.kpi("apt_s")[T0] == 1800.0


def test_hours_wait_while_the_store_is_away(world: World) -> None:
    world.state(T0, StudioState.TURNING)
    world.store.gone = True
    world.accounting.turn()
    assert "gone" in world.accounting.problem
    world.store.gone = False
    world.later(11.0)
    assert world.accounting.problem == ""
    assert world.kpi("apt_s")[T0] == 3600.0


def test_hours_wait_while_there_is_no_room(world: World) -> None:
    world.state(T0, StudioState.TURNING)
    world.full = True
    world.accounting.turn()
    world.full = False
    world.later(11.0)
    assert world.kpi("apt_s")[T0] == 3600.0


def test_what_was_recorded_is_a_cycle(world: World) -> None:
    world.accounting.turn()
    world.ledger.append([cycle(T0 + 5)])
    world.accounting.recorded([cycle(T0 + 5)])
    world.later(11.0)
    assert stored(world.store, "station_cycle", STUDIO, "cycle_s") == {T0 + 5: 266.0}
    assert world.kpi("pq")[T0] == 1


def test_a_cycle_that_a_kill_kept_from_the_store_is_told_again(world: World) -> None:
    """Killed between the ledger and the store: the agent does not send that record again."""
    world.ledger.append([cycle(T0 + 5)])
    world.begin().turn()
    world.later(11.0)
    assert stored(world.store, "station_cycle", STUDIO, "ok") == {T0 + 5: True}
    assert world.kpi("gq")[T0] == 1


def test_a_cycle_without_room_is_told_again(world: World) -> None:
    world.accounting.turn()
    world.ledger.append([cycle(T0 + 5)])
    world.full = True
    world.accounting.recorded([cycle(T0 + 5)])
    world.full = False
    world.later(11.0)
    world.later(11.0)
    assert world.kpi("pq")[T0] == 1


def test_cycles_of_days_without_a_store_are_told_after_a_restart(world: World) -> None:
    """The store was away over the weekend, and the historian was killed before it came back."""
    first, last = T0 + 5, T0 + 40 * HOUR_MS
    world.ledger.append([cycle(first)])
    world.accounting.turn()
    world.later(41 * 3600.0)
    for number in range(ENTRIES_AT_ONCE + 3):
        world.ledger.append([cycle(first + 60_000 * (number + 1))])
    world.ledger.append([cycle(last)])
    world.later(50 * 3600.0)
    world.begin().turn()
    found = stored(world.store, "station_cycle", STUDIO, "ok")
    assert len(found) == ENTRIES_AT_ONCE + 5 and {first, last} < set(found)


def test_facts_that_found_no_room_for_days_are_told_when_there_is_some(world: World) -> None:
    world.accounting.turn()
    world.later(1.0)
    world.full = True
    for number in range(3):
        world.ledger.append([cycle(T0 + number)])
        world.accounting.recorded([cycle(T0 + number)])
        world.later(20 * 3600.0)
    asked, find = [], world.ledger.find
    world.ledger.find = lambda **how: asked.append(how) or find(**how)  # type: ignore[assignment]
    world.later()
    assert (asked[-1]["station"], asked[-1]["kind"]) == (STUDIO, "studio"), "not to its end"
    world.full = False
    world.later()
    assert len(stored(world.store, "station_cycle", STUDIO, "ok")) == 3


def test_a_fault_of_our_own_loses_no_hours(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.state(T0, StudioState.TURNING)
    monkeypatch.setattr(Hours, "seen", lambda *_: 1 / 0)
    world.accounting.turn()
    assert "ZeroDivisionError" in world.accounting.problem
    monkeypatch.undo()
    world.later(11.0)
    assert world.kpi("apt_s")[T0] == 3600.0 and world.accounting.problem == ""


def test_what_is_told_again_changes_nothing(world: World) -> None:
    world.state(T0, StudioState.TURNING)
    world.ledger.append([cycle(T0 + 5), cycle(T0 + 900_000)])
    for _ in range(2):
        world.begin().turn()
        world.accounting.turn()
    before = world.store.count(measurement="station_cycle"), world.kpi("oee")[T0]
    world.begin().turn()
    assert (world.store.count(measurement="station_cycle"), world.kpi("oee")[T0]) == before


def test_the_thread_ends_when_it_is_told_to(world: World) -> None:
    world.accounting.start()
    world.accounting.stop()
    assert world.accounting.counts["failed rounds"] == 0
