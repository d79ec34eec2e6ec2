"""Capacity of full cycles: of a cell that is known, by the tester's own counter, its budget."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from refit.battery.traces import read_trace
from stations.battery.capacity import capacity, resolution
from stations.battery.trace import Instrument, Trace
from stations.battery.value import combined
from tests import measured
from tests.stations.battery.cell import FULL, Cell

GIVEN = Instrument()


def test_a_cycle_is_a_charge_and_the_discharge_after_it() -> None:
    found = capacity(Cell().run(FULL), GIVEN, 33.0)
    (one,) = found.cycles
    assert one.charge_ah == pytest.approx(30.0) and one.discharge_ah == pytest.approx(30.0)
    assert one.complete and one.soh_pct == pytest.approx(100 * 30 / 33)
    assert one.rate_c == pytest.approx(10 / 33)
    assert one.charge_wh and one.charge_wh > one.discharge_wh > 100
    assert one.reasons == ("temperature_unknown",)


def test_two_cycles_and_a_charge_that_no_discharge_follows() -> None:
    found = capacity(Cell().run([*FULL, *FULL[1:], (10.0, 900.0)]), GIVEN)
    assert [one.cycle for one in found.cycles] == [1, 2]
    assert found.reasons == ("charge_without_discharge_after_it",)
    assert all(one.soh_pct is None and one.complete for one in found.cycles), "no rated charge"


def test_rests_and_pulses_do_not_end_a_cycle_and_count_net() -> None:
    plan = [
        (0.0, 60.0), (10.0, 10_800.0), (0.0, 600.0),
        (-30.0, 30.0), (0.0, 40.0), (22.5, 10.0), (-10.0, 5_400.0), (0.0, 3_600.0),
        (-30.0, 30.0), (0.0, 40.0), (22.5, 10.0), (-10.0, 5_235.0), (0.0, 60.0),
    ]  # fmt: skip
    (one,) = capacity(Cell().run(plan), GIVEN, 30.0).cycles
    assert one.charge_ah == pytest.approx(30.0)
    net = (2 * (900 - 225) + 54_000 + 52_350) / 3600
    assert one.discharge_ah == pytest.approx(net) and one.complete


def test_what_a_rest_shows_is_not_integrated() -> None:
    trace = Cell().run([FULL[0], FULL[1], (0.0, 36_000.0), FULL[3]])
    offset = np.where(trace.current_a == 0, 0.029, trace.current_a)
    (one,) = capacity(replace(trace, current_a=offset), GIVEN, 30.0).cycles
    assert one.charge_ah == pytest.approx(30.0) and one.discharge_ah == pytest.approx(30.0)
    (more,) = capacity(replace(trace, current_a=offset * 1.1), GIVEN, 30.0).cycles
    assert more.charge_ah and more.charge_ah > 33.2, "0.0319 A is no rest of 30 Ah"


def test_a_discharge_that_did_not_empty_the_cell_is_not_complete() -> None:
    (cut,) = capacity(Cell().run([*FULL[:3], (-10.0, 5_000.0)]), GIVEN, 30.0).cycles
    assert not cut.complete and cut.soh_pct is None
    assert "trace_ends_in_the_discharge" in cut.reasons
    (ended,) = capacity(Cell().run([*FULL[:3], (-10.0, 5_000.0), (0.0, 60.0)]), GIVEN, 30.0).cycles
    assert not ended.complete and "discharge_not_to_empty" in ended.reasons
    half = [(0.0, 60.0), (10.0, 3_000.0), (0.0, 60.0), (-10.0, 7_000.0), (0.0, 60.0)]
    (never_full,) = capacity(Cell().run(half, soc=0.3), GIVEN, 30.0).cycles
    assert "charge_not_to_full" in never_full.reasons
    (alone,) = capacity(Cell().run([(0.0, 60.0), (-10.0, 5_000.0)], soc=0.5), GIVEN, 30.0).cycles
    assert alone.charge_ah is None and "no_charge_before" in alone.reasons


def test_a_discharge_alone_from_full_has_a_state_of_health() -> None:
    (one,) = capacity(Cell().run([(0.0, 60.0), (-10.0, 10_800.0)], soc=1.0), GIVEN, 30.0).cycles
    assert one.complete and one.soh_pct == pytest.approx(100) and one.charge_ah is None


def test_the_uncertainty_is_the_root_of_its_budget() -> None:
    trace = Cell().run(FULL)
    warm = replace(trace, temperature_degc=np.full(len(trace.time_s), 25.0))
    (one,) = capacity(warm, GIVEN, 30.0).cycles
    assert one.u95_pct == pytest.approx(100 * 2 * combined(one.budget) / 30)
    of = {term.term: term.u for term in one.budget}
    assert of["gain"] == pytest.approx(0.03 / 3**0.5)
    assert of["offset"] == pytest.approx(0.05 * 3 / 3**0.5)
    assert of["edges"] == pytest.approx(10 / 3600 * (2 / 12) ** 0.5)
    assert of["temperature"] == pytest.approx(0.005 * 30 / 3**0.5)
    assert one.u95_pct < 1.0 and one.reasons == ()
    (unknown,) = capacity(trace, GIVEN, 30.0).cycles
    assert 5.0 < unknown.u95_pct < 6.0, "+-10 K at 0.5 % per K"
    worse = capacity(warm, replace(GIVEN, gain_pct=1.0, offset_a=0.5), 30.0).cycles[0]
    assert worse.u95_pct > 2 * one.u95_pct


def test_the_charge_refers_to_the_rated_temperature() -> None:
    trace = Cell().run(FULL)
    cold = replace(trace, temperature_degc=np.full(len(trace.time_s), 15.0))
    (one,) = capacity(cold, GIVEN, 30.0).cycles
    assert one.discharge_ah == pytest.approx(30.0) and one.temperature_degc == pytest.approx(15.0)
    assert one.soh_pct == pytest.approx(100 / 0.95)
    assert one.u95_pct > 100 / 0.95 - 100, "alpha is an assumption: without it, it would be 100 %"
    assert "temperature_not_rated" in one.reasons
    (as_is,) = capacity(cold, replace(GIVEN, alpha_pct_per_k=0.0), 30.0).cycles
    assert as_is.soh_pct == pytest.approx(100.0)


def test_a_string_is_empty_when_its_lowest_cell_is() -> None:
    trace = Cell(cells=4).run([*FULL[:3], (-10.0, 9_000.0), (0.0, 60.0)])
    cells = np.tile(trace.cell_voltage_v[:, None], (1, 4))
    assert not capacity(replace(trace, cells_v=cells), GIVEN, 30.0).cycles[0].complete
    cells[:, 2] -= 0.4
    assert capacity(replace(trace, cells_v=cells), GIVEN, 30.0).cycles[0].complete


@pytest.mark.parametrize(
    "trace", [Trace(*(np.array(x, float) for x in ([0, 1], [3.7, 3.7], [0, 0])))]
)
def test_nothing_flowed(trace: Trace) -> None:
    found = capacity(trace, GIVEN)
    assert found.cycles == () and found.best is None
    assert found.reasons == ("no_charge_or_discharge_of_120_s",)


@settings(max_examples=25, deadline=None)
@given(
    amperes=some.floats(3.0, 60.0),
    ah=some.floats(10.0, 150.0),
    every_s=some.sampled_from([1, 5, 10]),
)
def test_any_cell_at_any_rate_gives_its_charge(amperes: float, ah: float, every_s: int) -> None:
    seconds = round(3600 * ah / amperes / every_s) * every_s
    plan = [(0.0, 100.0), (amperes, seconds), (0.0, 300.0), (-amperes, seconds), (0.0, 100.0)]
    trace = Cell(ah=ah, ohm=0.03 / ah, slow_ohm=0.02 / ah).run(plan, every_s=every_s)
    (one,) = capacity(trace, GIVEN, ah).cycles
    assert one.discharge_ah == pytest.approx(amperes * seconds / 3600, rel=1e-9)
    assert one.charge_ah == pytest.approx(one.discharge_ah, rel=1e-9) and one.complete


def test_the_resolution_is_the_smallest_step() -> None:
    assert resolution(np.round(np.linspace(3, 4, 5000), 3)) == pytest.approx(0.001)
    assert resolution(np.full(3, 3.7)) == 0.0


@measured.needed
@pytest.mark.parametrize("step", [True, False])
def test_the_leaf_cell_gives_what_its_tester_counted(tmp_path: Path, step: bool) -> None:
    trace = read_trace(measured.converted(measured.ONE_C, tmp_path / "t.csv", 25.0, step=step))
    found = capacity(trace, GIVEN, 33.1)
    assert len(found.cycles) == 4
    for one, out, into in zip(
        found.cycles, measured.counted(measured.ONE_C, "DCHG"),
        measured.counted(measured.ONE_C, "CHRG"), strict=False,
    ):  # fmt: skip
        assert one.discharge_ah == pytest.approx(out, rel=1e-3)
        assert one.charge_ah == pytest.approx(into, rel=1e-3)
        assert one.complete and one.reasons == () and one.u95_pct <= 1.0


@measured.needed
def test_the_leaf_cell_in_steps_gives_the_charge_of_the_reference(tmp_path: Path) -> None:
    trace = read_trace(measured.converted(measured.HPPC, tmp_path / "t.csv", 25.0))
    (one,) = capacity(trace, GIVEN, 33.1).cycles
    assert one.discharge_ah == pytest.approx(30.56, abs=0.005) and one.complete
    assert one.charge_ah == pytest.approx(30.18, rel=1e-3) and one.u95_pct <= 1.0
