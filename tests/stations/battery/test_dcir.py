"""The resistance of pulses that are found in the current alone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from refit.battery.traces import read_trace
from stations.battery.dcir import find_pulses
from stations.battery.trace import Trace
from tests import measured
from tests.stations.battery.cell import Cell

PULSES = [(0.0, 60.0), (-30.0, 30.0), (0.0, 40.0), (22.5, 10.0), (0.0, 40.0)]
TABLE = {  # reference: Ah out of full -> R at 0.5, 2, 10, 18, 30 s, R of the charge at 10 s, mOhm
    0.0: (1.77, 2.03, 2.60, 2.93, 3.33, None),
    3.20: (1.57, 1.77, 2.13, 2.37, 2.63, 2.18),
    15.95: (1.57, 1.70, 2.03, 2.23, 2.53, 2.09),
    25.51: (1.57, 1.70, 2.07, 2.27, 2.57, 2.18),
    28.70: (1.67, 1.87, 2.53, 3.13, 3.97, 2.71),
}


def test_the_resistance_of_a_known_cell() -> None:
    cell = Cell(ah=1e6)
    out, into = find_pulses(cell.run(PULSES, soc=0.5, every_s=0.5), rated_ah=30.0)
    assert (out.direction, into.direction) == ("discharge", "charge")
    assert (out.current_a, into.current_a) == (-30.0, 22.5)
    assert (out.start_s, into.start_s) == (60.0, 130.0)
    assert list(out.r_mohm) == ["0.5", "2", "10", "18", "30"] and list(into.r_mohm)[-1] == "10"
    for name, found in out.r_mohm.items():
        true = 1.5 + 1.0 * (1 - np.exp(-float(name) / 15))
        assert found == pytest.approx(true, rel=1e-4)
    assert out.valid and out.reasons == () and out.soc_pct is None


def test_a_time_without_a_row_has_no_resistance() -> None:
    (one, _) = find_pulses(Cell().run(PULSES, soc=0.5), rated_ah=30.0)
    assert list(one.r_mohm) == ["2", "10", "18", "30"], "0.5 s has no row at 1 Hz"


def test_an_edge_that_was_not_sampled() -> None:
    one, _ = find_pulses(Cell().run(PULSES, soc=0.5, every_s=2.0), rated_ah=30.0)
    assert not one.valid and "edge_not_sampled" in one.reasons and one.r_mohm == {}


def test_a_current_that_falls_is_limited() -> None:
    trace = Cell().run(PULSES, soc=0.5)
    current = trace.current_a.copy()
    current[150 - 15 : 141] *= 0.9
    _, into = find_pulses(replace(trace, current_a=current), rated_ah=30.0)
    assert not into.valid and into.reasons == ("voltage_limited",)
    assert list(into.r_mohm) == ["2"], "before it fell it was right"
    current = trace.current_a.copy()
    current[140] *= 0.5  # half of the last second
    _, edge = find_pulses(replace(trace, current_a=current), rated_ah=30.0)
    assert edge.valid


@pytest.mark.parametrize(
    ("plan", "count"),
    [
        ([(0.0, 10.0), (-30.0, 120.0), (0.0, 10.0)], 1),
        ([(0.0, 10.0), (-30.0, 121.0), (0.0, 10.0)], 0),
        ([(0.0, 10.0), (-30.0, 10.0), (30.0, 10.0)], 1),
        ([(-0.1, 10.0), (-30.0, 10.0), (0.0, 10.0)], 0),
        ([(0.0, 10.0), (-0.1, 10.0), (0.0, 10.0)], 0),
        ([(0.0, 10.0)], 0),
    ],
)
def test_a_pulse_is_a_rest_and_then_a_step_of_two_minutes_at_most(
    plan: list[tuple[float, float]], count: int
) -> None:
    trace = Cell().run(plan, soc=0.5)
    if plan[0][0]:
        trace = replace(
            trace, **{c: getattr(trace, c)[1:] for c in ("time_s", "voltage_v", "current_a")}
        )
    assert len(find_pulses(trace, rated_ah=30.0)) == count


def test_the_quantisation_is_in_the_uncertainty() -> None:
    trace = Cell().run(PULSES, soc=0.5)
    (one, _) = find_pulses(replace(trace, voltage_v=np.round(trace.voltage_v, 3)), rated_ah=30.0)
    assert one.u95_mohm["10"] == pytest.approx(2 / 6**0.5 / 30, rel=0.02)


@settings(max_examples=40, deadline=None)
@given(
    ohm=some.floats(2e-4, 2e-2), slow=some.floats(1e-5, 1e-2), amperes=some.floats(5.0, 200.0),
    rests=some.lists(some.integers(5, 60), min_size=1, max_size=4),
)  # fmt: skip
def test_every_pulse_of_any_cell_is_found(
    ohm: float, slow: float, amperes: float, rests: list[int]
) -> None:
    plan = [one for rest in rests for one in ((0.0, float(rest)), (-amperes, 18.0))]
    trace = Cell(ah=1e7, ohm=ohm, slow_ohm=slow, tau_s=2.0).run([*plan, (0.0, 5.0)], soc=0.5)
    found = find_pulses(trace, rated_ah=amperes)
    assert len(found) == len(rests)
    assert found[0].r_mohm["10"] == pytest.approx(1000 * (ohm + slow * (1 - np.exp(-5))), rel=0.01)


def test_the_state_of_charge_is_known_from_a_full_charge_and_the_capacity() -> None:
    taper = [(10.0 * 0.8**step, 60.0) for step in range(20)]
    moved = sum(amperes * seconds for amperes, seconds in taper)
    plan = [
        (0.0, 60.0), (10.0, 10_800.0 - moved / 10 // 1), *taper, (0.0, 600.0), (-10.0, 5_400.0),
        (0.0, 600.0), (-30.0, 30.0), (0.0, 60.0), (-10.0, 5_310.0), (0.0, 60.0),
    ]  # fmt: skip
    trace = Cell().run(plan)
    (one,) = find_pulses(trace)
    assert one.soc_pct == pytest.approx(50.0, abs=0.2)
    begun = Trace(trace.time_s[12_000:], trace.voltage_v[12_000:], trace.current_a[12_000:])
    assert find_pulses(begun, rated_ah=30.0)[0].soc_pct is None, "no full charge in it"


@measured.needed
@pytest.mark.parametrize("step", [True, False])
def test_the_leaf_cell_gives_the_table_of_the_reference(tmp_path: Path, step: bool) -> None:
    trace = read_trace(measured.converted(measured.HPPC, tmp_path / "t.csv", step=step))
    found = find_pulses(trace)
    assert len(found) == 20 and [one.direction for one in found[:2]] == ["discharge", "charge"]
    for ah, expected in TABLE.items():
        at = round(ah / 3.19)
        out, into = found[2 * at], found[2 * at + 1]
        assert out.soc_pct == pytest.approx(100 * (1 - ah / 30.56), abs=0.2)
        for name, true in zip(("0.5", "2", "10", "18", "30"), expected[:5], strict=True):
            assert out.r_mohm[name] == pytest.approx(true, rel=0.01, abs=0.005)
        if expected[5] is None:
            assert not into.valid and "voltage_limited" in into.reasons and "10" not in into.r_mohm
        else:
            assert into.valid and into.r_mohm["10"] == pytest.approx(expected[5], rel=0.01)
