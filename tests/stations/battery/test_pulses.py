"""DCIR, open-circuit voltage, charge and energy from constructed traces."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stations.battery import pulses
from stations.battery.pulses import Direction, Series
from stations.battery.results import Measured, NotDecidable, Resistance

RESISTANCES = st.floats(0.02, 1.0)


def trace(
    ampere: float,
    *,
    r0: float,
    r1: float = 0.0,
    tau_s: float = 12.0,
    lasts_s: float = 32.0,
    phase_ms: int = 0,
    lsb: float = 0.0,
) -> tuple[Series, Series]:
    """10 s of rest, a pulse, 10 s of rest, sampled at 10 Hz."""
    time = np.arange(0, round(20_000 + lasts_s * 1000), 100) + phase_ms
    since_s = (time - 10_000) / 1000
    on = (since_s >= 0) & (since_s < lasts_s)
    inside = r1 * (1 - np.exp(-np.clip(since_s, 0, None) / tau_s))
    volts = 360.0 + np.where(on, ampere * (r0 + inside), 0.0)
    if lsb:
        volts = np.round(volts / lsb) * lsb
    return Series.of(time, volts), Series.of(time, np.where(on, ampere, 0.0))


def dcir(direction: Direction, voltage: Series, current: Series, seconds: float) -> Resistance:
    pulse = pulses.find(direction, current)
    assert pulse is not None
    return pulses.resistance(pulse, voltage, current, seconds)


def value(result: Resistance) -> float:
    assert isinstance(result.result, Measured), result
    return result.result.value


@given(
    r0=RESISTANCES,
    ratio=st.floats(0.0, 0.8),
    ampere=st.floats(20.0, 120.0),
    charges=st.booleans(),
    phase_ms=st.integers(0, 99),
    seconds=st.sampled_from([0.5, 2.0, 10.0, 18.0, 30.0]),
)
def test_the_resistance_of_a_known_circuit_is_found_within_1_percent(
    r0: float, ratio: float, ampere: float, charges: bool, phase_ms: int, seconds: float
) -> None:
    voltage, current = trace(
        ampere if charges else -ampere, r0=r0, r1=ratio * r0, phase_ms=phase_ms
    )
    found = dcir("charge" if charges else "discharge", voltage, current, seconds)
    true = r0 + ratio * r0 * (1 - math.exp(-seconds / 12.0))
    assert value(found) == pytest.approx(true, rel=0.01)


@given(r0=RESISTANCES)
def test_quantisation_stays_within_the_stated_uncertainty_or_nearly_so(r0: float) -> None:
    voltage, current = trace(-60.0, r0=r0, lsb=pulses.VOLT_LSB)
    found = dcir("discharge", voltage, current, 10.0)
    assert isinstance(found.result, Measured)
    assert found.result.u95 is not None
    # Two rectangular errors reach at most sqrt(6)/2 of their u95.
    assert abs(found.result.value - r0) <= 1.23 * found.result.u95


def test_the_uncertainty_of_the_quantisation_agrees_with_the_reference_example() -> None:
    """1 mV over 30 A is u95 = 1.3 % of 2.03 mOhm: the same formula with our cycler's step."""
    voltage, current = trace(-30.0, r0=2.03e-3 * 9.5368 / 1.0)
    found = dcir("discharge", voltage, current, 10.0)
    assert isinstance(found.result, Measured) and found.result.u95 is not None
    assert found.result.u95 / found.result.value == pytest.approx(0.0134, abs=0.0002)


def test_values_that_do_not_change_are_not_sampled_again_and_hold() -> None:
    voltage = Series.of([0, 10_000, 12_000, 42_000], [360.0, 354.0, 353.9, 360.0])
    current = Series.of([0, 10_000, 42_000], [0.0, -60.0, 0.0])
    found = dcir("discharge", voltage, current, 2.0)
    assert value(found) == pytest.approx(6.1 / 60)


@pytest.mark.parametrize(
    ("seconds", "lost", "reason"),
    [
        (30.0, (35_000, 41_000), "no_voltage_in_the_pulse"),
        (0.5, (0, 10_000), "no_voltage_before_the_step"),
        (0.5, (10_000, 11_000), "no_voltage_in_the_pulse"),
    ],
)
def test_without_voltage_there_is_no_resistance(
    seconds: float, lost: tuple[int, int], reason: str
) -> None:
    voltage, current = trace(-60.0, r0=0.1)
    keep = (voltage.time < lost[0]) | (voltage.time >= lost[1])
    found = dcir("discharge", Series(voltage.time[keep], voltage.value[keep]), current, seconds)
    assert found.result == NotDecidable(not_decidable=(reason,))


def test_a_pulse_that_ends_before_its_time_gives_no_value() -> None:
    voltage, current = trace(-60.0, r0=0.1, lasts_s=5.0)
    assert value(dcir("discharge", voltage, current, 2.0)) == pytest.approx(0.1)
    late = dcir("discharge", voltage, current, 10.0)
    assert late.result == NotDecidable(not_decidable=("pulse_too_short",))


def test_a_current_that_the_voltage_limit_takes_back_gives_no_value() -> None:
    voltage, current = trace(45.0, r0=0.1)
    limited = np.where(current.time > 15_000, current.value * 0.8, current.value)
    found = dcir("charge", voltage, Series(current.time, limited), 10.0)
    assert found.result == NotDecidable(not_decidable=("voltage_limited",))


def test_a_voltage_that_moves_the_wrong_way_gives_no_value() -> None:
    voltage, current = trace(-60.0, r0=0.1)
    turned = Series(voltage.time, 720.0 - voltage.value)
    found = dcir("discharge", turned, current, 10.0)
    assert found.result == NotDecidable(not_decidable=("resistance_not_positive",))


def test_a_ramp_is_measured_from_its_first_step_on() -> None:
    current = Series.of([0, 1000, 1100, 1200, 5000], [0.0, 0.0, -20.0, -60.0, -60.0])
    voltage = Series.of([0, 1000, 1100, 1200, 5000], [360.0, 360.0, 358.0, 354.0, 354.0])
    pulse = pulses.find("discharge", current)
    assert pulse is not None and pulse.start_ms == 1100
    assert value(pulses.resistance(pulse, voltage, current, 2.0)) == pytest.approx(0.1)


@pytest.mark.parametrize("amperes", [[], [-60.0, -60.0], [0.0, -3.0, 0.0], [0.0, 45.0, 0.0]])
def test_no_discharge_pulse(amperes: list[float]) -> None:
    assert pulses.find("discharge", Series.of(range(len(amperes)), amperes)) is None


def test_charge_and_energy_of_a_pulse() -> None:
    voltage, current = trace(45.0, r0=0.1)
    moved = pulses.moved("charge", pulses.find("charge", current), voltage, current)
    assert isinstance(moved.charge, Measured) and isinstance(moved.energy, Measured)
    assert moved.charge.value == pytest.approx(45.0 * 32 / 3600, rel=0.001)
    assert moved.energy.value == pytest.approx(45.0 * 32 / 3600 * 364.5, rel=0.001)


def test_energy_needs_the_voltage_but_charge_does_not() -> None:
    voltage, current = trace(45.0, r0=0.1)
    early = Series(voltage.time[:150], voltage.value[:150])
    moved = pulses.moved("charge", pulses.find("charge", current), early, current)
    assert isinstance(moved.charge, Measured)
    assert moved.energy == NotDecidable(not_decidable=("voltage_missing",))


def test_open_circuit_voltage_says_that_the_rest_was_short() -> None:
    voltage, current = trace(-60.0, r0=0.1)
    pulse = pulses.find("discharge", current)
    short = pulses.open_circuit(pulse, voltage, 30.0)
    settled = pulses.open_circuit(pulse, voltage, 4000.0)
    assert isinstance(short, Measured) and isinstance(settled, Measured)
    assert short.value == settled.value == 360.0
    assert "rest_too_short" in short.notes and "rest_too_short" not in settled.notes


def test_what_is_not_finite_is_left_out() -> None:
    series = Series.of([3, 1, 2], [3.0, float("nan"), float("inf")])
    assert series.time.tolist() == [3] and series.value.tolist() == [3.0]
