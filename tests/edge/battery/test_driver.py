"""A run of a protocol at a bench: to its end, past losses and kills, never a current too much."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from random import Random

import pytest

from edge.battery.driver import Driver, Progress
from edge.battery.journal import Journal, JournalTorn
from edge.battery.recording import Recording
from refit.battery.traces import read_trace
from stations.battery.data import table
from stations.battery.machine import State
from stations.battery.protocol import protocol
from tests.edge.battery.pack_bench import SPEC, Killed, PackBench, Time

SHORT = {
    **table("protocols"),
    "protocol": {
        "short": {
            "version": 1, "title": "two pulses",
            "step": [
                {"name": "rest before", "kind": "rest", "seconds": 10},
                {"name": "pulse", "kind": "pulse", "current_c": -1.0, "seconds": 10,
                 "sample_s": 0.5, "resume": "rest before"},
                {"name": "relax", "kind": "rest", "seconds": 10, "resume": "rest before"},
                {"name": "charge", "kind": "charge", "current_c": 0.5, "until_moved_c": 0.003,
                 "until_current_c": 0.05, "seconds": 300},
                {"name": "settle", "kind": "rest", "seconds": 10},
            ],
        }
    },
}  # fmt: skip
PROTOCOL = protocol("short", SPEC, SHORT)


class Plant:
    """A bench and a folder that outlive the driver."""

    def __init__(self, folder: Path, **changes: object) -> None:
        self.time = Time()
        self.bench = PackBench(self.time, **changes)  # type: ignore[arg-type]
        self.journal = Journal(folder / "journal.json", PROTOCOL.sha256)
        self.trace = folder / "trace.csv"
        self.said: list[Progress] = []

    def run(self) -> State:
        driver = Driver(
            PROTOCOL, self.bench, self.journal, Recording(self.trace, SPEC.series), self.time,
            self.said.append,
        )  # fmt: skip
        return asyncio.run(driver.run())

    def run_over_kills(self, kills: list[int]) -> State:
        """The process is killed at these calls, counted anew each time, and started again."""
        for call in kills:
            self.bench.killed_at = len(self.bench.calls) + call
            try:
                return self.run()
            except Killed:
                self.time.at_s += 3.0  # what was told goes on flowing meanwhile
        self.bench.killed_at = None
        return self.run()


@pytest.fixture
def plant(tmp_path: Path) -> Plant:
    return Plant(tmp_path)


def test_a_run_from_drive_on_to_its_end(plant: Plant) -> None:
    state = plant.run()
    assert (state.phase, state.reasons) == ("complete", ())
    assert plant.bench.calls[0] == "secure" and plant.bench.calls[-1] == "secure"
    assert not plant.bench.is_on
    assert plant.bench.limits == PROTOCOL.cycler
    trace = read_trace(plant.trace)
    assert trace.cells == SPEC.series
    assert trace.current_a.min() == pytest.approx(-131.2, rel=0.01)
    assert {one.step for one in plant.said} >= {"rest before", "pulse", "relax", "charge"}


def test_a_gate_that_closes_ends_it_within_one_sample(tmp_path: Path) -> None:
    plant = Plant(tmp_path, hvil_opens_s=17.0)
    state = plant.run()
    assert (state.phase, state.reasons) == ("stopped", ("hvil",))
    assert not plant.bench.is_on
    assert float(plant.bench.packs.current[0, 0]) != 0.0  # it flowed at that very sample
    assert plant.bench.calls[-2:] == ["tell", "secure"]


def test_a_bench_that_is_lost_is_switched_off_before_anything_else(tmp_path: Path) -> None:
    plant = Plant(tmp_path, lost_at={40, 41, 42})
    assert plant.run().phase == "complete"
    after = plant.bench.calls[40:44]
    assert after[:3] == ["secure", "secure", "secure"], after
    assert after[3] == "take"


def test_a_bench_that_is_lost_again_and_again_is_given_up(tmp_path: Path) -> None:
    plant = Plant(tmp_path, lost_at=set(range(30, 4000, 30)))
    state = plant.run()
    assert (state.phase, state.reasons) == ("stopped", ("too_many_restarts",))


def test_a_driver_killed_anywhere_goes_on_or_ends_in_a_known_state(
    tmp_path: Path, seed: int
) -> None:
    chosen = Random(seed)
    for round_ in range(8):
        folder = tmp_path / str(round_)
        folder.mkdir()
        plant = Plant(folder)
        kills = [chosen.randint(1, 90) for _ in range(chosen.randint(1, 3))]
        state = plant.run_over_kills(kills)
        assert state.phase in ("complete", "stopped"), kills
        if state.phase == "stopped":
            assert state.reasons in {("too_many_restarts",), ("current_at_rest",)}, (kills, state)
        assert not plant.bench.is_on
        trace = read_trace(plant.trace)  # in order, whole, whatever was half written
        assert (trace.time_s[1:] > trace.time_s[:-1]).all()


def test_after_a_kill_no_current_comes_first(tmp_path: Path) -> None:
    plant = Plant(tmp_path)
    plant.bench.killed_at = 50
    with pytest.raises(Killed):
        plant.run()
    assert plant.bench.told.is_on, "it was killed while current flowed"
    plant.bench.killed_at = None
    before = len(plant.bench.calls)
    assert plant.run().phase == "complete"
    assert plant.bench.calls[before] == "secure"


@pytest.mark.parametrize("torn", ["", "{", "[]", '{"protocol_sha256": "other", "state": {}}'])
def test_a_journal_that_cannot_be_read_lets_nothing_flow(plant: Plant, torn: str) -> None:
    plant.journal.path.write_text(torn)
    with pytest.raises(JournalTorn):
        plant.run()
    assert set(plant.bench.calls) == {"secure"}


def test_a_run_that_is_over_stays_over(plant: Plant) -> None:
    assert plant.run().phase == "complete"
    calls = len(plant.bench.calls)
    assert plant.run().phase == "complete"
    assert set(plant.bench.calls[calls:]) == {"secure"}


def test_half_a_row_is_cut_off(plant: Plant) -> None:
    plant.run()
    whole = plant.trace.read_text()
    plant.trace.write_text(whole + "9999.0,3")
    with Recording(plant.trace, SPEC.series) as recording:
        assert recording.last_s() == pytest.approx(read_trace(plant.trace).time_s[-1])
    assert plant.trace.read_text() == whole


def test_the_journal_says_of_which_protocol_it_is(plant: Plant) -> None:
    plant.run()
    kept = json.loads(plant.journal.path.read_text())
    assert kept["protocol_sha256"] == PROTOCOL.sha256
    assert kept["state"]["phase"] == "complete"
