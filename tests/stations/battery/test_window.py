"""Two-point capacity: against cells that are known, with errors of the size that is assumed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from stations.battery.trace import Instrument, Trace
from stations.battery.value import combined
from stations.battery.window import Curve, Voltmeter, window_capacity
from tests.stations.battery.cell import Cell, ocv

SOC = np.linspace(0, 100, 101)
CURVE = Curve(SOC, ocv(SOC / 100))
GIVEN = Instrument()
KNOWN = Voltmeter(slip_pct=0.0)


def window(from_soc: float, share: float, rest_s: float = 1800.0, ah: float = 30.0) -> Trace:
    """A rest, so much of the charge at C/3, a rest; at 25 degC."""
    plan = [(0.0, rest_s), (ah / 3, round(share * 10_800)), (0.0, rest_s)]
    trace = Cell(ah=ah, tau_s=300.0).run(plan, soc=from_soc, every_s=10.0)
    return replace(trace, temperature_degc=np.full(len(trace.time_s), 25.0))


def test_a_known_cell_in_a_window_of_half_its_range() -> None:
    found = window_capacity(window(0.3, 0.5), CURVE, GIVEN)
    assert found.capacity_ah == pytest.approx(30.0, rel=0.005) and found.valid
    assert found.moved_ah == pytest.approx(15.0)
    assert found.soc_start_pct == pytest.approx(30.0, abs=0.2)
    assert found.soc_end_pct == pytest.approx(80.0, abs=0.2)
    assert found.window_pct == pytest.approx(50.0, abs=0.3)
    assert found.u95_ah == pytest.approx(2 * combined(found.budget))
    assert 0.01 * 30 < found.u95_ah < 0.05 * 30


def test_a_discharge_is_a_window_too() -> None:
    trace = window(0.3, 0.5)
    back = replace(trace, current_a=-trace.current_a)
    level = Cell(tau_s=300.0).run(
        [(0.0, 1800.0), (-10.0, 5_400.0), (0.0, 1800.0)], soc=0.8, every_s=10.0
    )
    found = window_capacity(replace(back, voltage_v=level.voltage_v), CURVE, GIVEN)
    assert found.capacity_ah == pytest.approx(30.0, rel=0.005)
    assert found.soc_start_pct and found.soc_end_pct and found.soc_start_pct > found.soc_end_pct


def test_a_small_window_is_not_valid_and_keeps_its_wide_interval() -> None:
    found = window_capacity(window(0.4, 0.1), CURVE, GIVEN)
    assert not found.valid and "window_too_small" in found.reasons
    assert found.capacity_ah and found.u95_ah and found.u95_ah > 0.05 * found.capacity_ah
    wide = window_capacity(window(0.4, 0.1), CURVE, GIVEN, u95_max_pct=40.0)
    assert wide.valid


def test_an_unknown_temperature_costs_what_it_may_hide() -> None:
    trace = window(0.3, 0.5)
    found = window_capacity(replace(trace, temperature_degc=None), CURVE, GIVEN)
    assert "temperature_unknown" in found.reasons
    assert found.u95_ah and found.u95_ah > 2 * 0.05 / 3**0.5 * 30


def test_of_three_rests_the_widest_pair_is_taken() -> None:
    plan = [(0.0, 1800.0), (10.0, 2000.0), (0.0, 1800.0), (10.0, 3000.0), (0.0, 1800.0)]
    found = window_capacity(Cell().run(plan, soc=0.3, every_s=10.0), CURVE, GIVEN)
    assert found.moved_ah == pytest.approx(50_000 / 3600)


@pytest.mark.parametrize(
    "plan",
    [
        [(0.0, 1800.0)], [(0.0, 1800.0), (10.0, 3600.0)], [(0.0, 60.0), (10.0, 60.0), (0.0, 60.0)],
    ],
)  # fmt: skip
def test_without_two_rests_there_is_no_value(plan: list[tuple[float, float]]) -> None:
    found = window_capacity(Cell().run(plan, soc=0.3), CURVE, GIVEN)
    assert found.capacity_ah is None and not found.valid and "no_two_rests" in found.reasons


def test_a_voltage_off_the_curve_is_not_valid() -> None:
    short = Curve(SOC[:60], ocv(SOC[:60] / 100))
    found = window_capacity(window(0.3, 0.5), short, GIVEN)
    assert not found.valid and "ocv_outside_curve" in found.reasons


def test_a_charge_against_the_curve_has_no_value() -> None:
    trace = window(0.3, 0.5)
    found = window_capacity(replace(trace, current_a=-trace.current_a), CURVE, GIVEN)
    assert found.capacity_ah is None and "charge_contradicts_ocv" in found.reasons


def test_a_plateau_of_the_curve_is_read_in_its_middle() -> None:
    flat = Curve(np.array([0.0, 20, 40, 60, 100]), np.array([3.0, 3.3, 3.3, 3.3, 3.6]))
    assert flat.soc(3.3) == pytest.approx(40.0)
    assert flat.slope(3.3) > 4000, "% per V: a plateau tells little"


@pytest.mark.parametrize(
    ("soc", "volts"),
    [
        ([0, 50, 100], [3.0, 3.7, 3.6]),
        ([0, 0, 100], [3, 3.5, 4]),
        ([50], [3.6]),
        ([0, 100], [3, 3]),
    ],
)
def test_a_curve_must_rise(soc: list[float], volts: list[float]) -> None:
    with pytest.raises(ValueError, match="curve"):
        Curve(np.array(soc, float), np.array(volts, float))


def spoiled(trace: Trace, seed: int) -> Trace:
    """With 1 mV steps, an offset of up to 2 mV, and a current off by what is assumed."""
    draw = np.random.default_rng(seed)
    volts = np.round(trace.voltage_v + draw.uniform(-0.002, 0.002), 3)
    gain, offset = 1 + draw.uniform(-0.001, 0.001), draw.uniform(-0.05, 0.05)
    flowing = np.where(trace.current_a == 0, 0, trace.current_a * gain + offset)
    return replace(trace, voltage_v=volts, current_a=flowing)


def test_the_error_is_within_the_goal_and_covered_when_the_curve_is_known() -> None:
    draw = np.random.default_rng(1)
    errors, within = [], []
    for seed in range(60):
        trace = spoiled(window(draw.uniform(0.05, 0.4), draw.uniform(0.45, 0.59)), seed)
        found = window_capacity(trace, CURVE, GIVEN, meter=KNOWN)
        assert found.capacity_ah and found.u95_ah and found.valid
        errors.append(abs(found.capacity_ah - 30.0))
        within.append(errors[-1] <= found.u95_ah)
    assert 100 * np.mean(errors) / 30 <= 1.5 and np.mean(within) >= 0.93


def test_a_curve_that_ageing_has_stretched_is_covered() -> None:
    """SOC s of the new curve is s (1 - slip) + slip of the aged one, or the other way round."""
    draw = np.random.default_rng(2)
    within = []
    for seed in range(60):
        slip = draw.uniform(0, 0.03)
        aged = (lambda s, k=slip: s * (1 - k) + k) if seed % 2 else (lambda s, k=slip: s * (1 - k))
        start, share = draw.uniform(0.05, 0.4), draw.uniform(0.45, 0.59)
        trace = window(start, share)
        shift = ocv(aged(start + share)) - ocv(start + share), ocv(aged(start)) - ocv(start)
        half = len(trace.time_s) // 2
        volts = trace.voltage_v + np.where(np.arange(len(trace.time_s)) > half, *shift)
        found = window_capacity(spoiled(replace(trace, voltage_v=volts), seed), CURVE, GIVEN)
        assert found.capacity_ah and found.u95_ah and found.valid
        within.append(abs(found.capacity_ah - 30.0) <= found.u95_ah)
    assert np.mean(within) >= 0.93


@settings(max_examples=30, deadline=None)
@given(start=some.floats(0.05, 0.45), share=some.floats(0.1, 0.5), ah=some.floats(5.0, 200.0))
def test_any_cell_and_window_is_within_its_uncertainty(
    start: float, share: float, ah: float
) -> None:
    plan = [(0.0, 1800.0), (ah / 3, round(share * 1080) * 10), (0.0, 1800.0)]
    cell = Cell(ah=ah, ohm=0.03 / ah, slow_ohm=0.02 / ah, tau_s=600.0)
    found = window_capacity(cell.run(plan, soc=start, every_s=10.0), CURVE, GIVEN)
    assert found.capacity_ah and found.u95_ah
    assert abs(found.capacity_ah - ah) <= found.u95_ah
