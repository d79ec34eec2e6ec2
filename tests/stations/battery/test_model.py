"""How the station behaves in a simulation."""

from __future__ import annotations

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stations.battery.model import SEQUENCE, BatteryModel
from stations.battery.pack import NOMINAL_V, Pack
from stations.battery.states import BatteryState as S
from stations.battery.station import CELLS, Battery
from stations.model import Values, Vehicle
from tests.stations.battery.timeline import of_model


def test_the_sequence_is_over_within_300_s() -> None:
    assert sum(seconds * 1.2 for _, seconds in SEQUENCE) <= 300
    for seed in range(5):
        shown, _ = of_model(seed, step_s=0.5)
        assert len(shown) * 0.5 <= 300 and shown[-1]["state"] == S.DONE.value


@pytest.mark.parametrize("step_s", [0.1, 1.0, 2.0])
def test_every_state_is_passed_in_order_whatever_the_step(step_s: float) -> None:
    shown, _ = of_model(3, step_s=step_s)
    numbers = [one["state"] for one in shown]
    passed = [S.IDLE, *(state for state, _ in SEQUENCE), S.DONE]
    assert list(dict.fromkeys(numbers)) == [state.value for state in passed]


def test_the_same_seed_gives_the_same_trace_and_another_seed_another() -> None:
    assert of_model(11, step_s=1.0)[0] == of_model(11, step_s=1.0)[0]
    assert of_model(11, step_s=1.0)[0] != of_model(12, step_s=1.0)[0]


def test_signs_voltage_follows_the_current() -> None:
    shown, _ = of_model(2)
    for one in shown:
        if one["state"] == S.DISCHARGE.value:
            assert one["current"] < 0 and one["power"] < 0 and one["pack_current"] < 0
        elif one["state"] == S.CHARGE.value:
            assert one["current"] > 0 and one["power"] > 0 and one["pack_current"] > 0
        else:
            assert one["current"] == one["power"] == 0.0
    rest = [one["voltage"] for one in shown if one["state"] == S.REST.value]
    pulse = [one["voltage"] for one in shown if one["state"] == S.DISCHARGE.value]
    charge = [one["voltage"] for one in shown if one["state"] == S.CHARGE.value]
    relax = [one["voltage"] for one in shown if one["state"] == S.RELAX.value]
    assert max(pulse) < min(rest) and np.all(np.diff(pulse) < 0)
    assert min(charge) > max(relax) and np.all(np.diff(charge) > 0)


def test_no_current_without_a_closed_safety_chain() -> None:
    for health in (0.9, 0.1):
        for one in of_model(4, health=health)[0]:
            assert one["current"] == 0.0 or one["contactors_closed"]
            assert one["current"] == 0.0 or one["safety_chain"] == 2


def test_a_pack_of_poor_health_is_held_before_any_current() -> None:
    shown, _ = of_model(6, health=0.1)
    states = {one["state"] for one in shown}
    assert S.HOLD.value in states and S.DISCHARGE.value not in states
    worst = min(one["isolation_result"] for one in shown if one["isolation_result"])
    assert worst / NOMINAL_V < 100


def test_arrays_and_their_extremes_agree() -> None:
    for one in of_model(8, step_s=1.0)[0]:
        cells = one["cell_voltages"]
        assert len(cells) == len(one["cell_temperatures"]) == len(one["cell_states"]) == CELLS
        if one["cell_voltage_high"]:
            assert one["cell_voltage_high"] == max(cells)
            assert one["cell_voltage_low"] == min(cells)
            assert one["pack_voltage"] == pytest.approx(sum(cells))


@pytest.mark.parametrize("health", [0.05, 0.5, 1.0])
def test_every_value_stays_within_its_declared_limits(health: float) -> None:
    for one in of_model(9, health=health, step_s=0.5)[0]:
        for tag in Battery.tags:
            value = one[tag.name]
            for element in value if isinstance(value, list) else [value]:
                if tag.low is not None:
                    assert element >= tag.low, tag.name
                if tag.high is not None:
                    assert element <= tag.high, tag.name


@given(current=st.floats(-60, 60), parts=st.lists(st.floats(0.01, 5.0), min_size=1, max_size=8))
@settings(max_examples=50)
def test_the_circuit_is_solved_exactly_whatever_the_steps(
    current: float, parts: list[float]
) -> None:
    one, many = (Pack(random.Random(1), 0.8, 23.0) for _ in range(2))
    one.flow(current, sum(parts))
    for part in parts:
        many.flow(current, part)
    assert one.voltage == pytest.approx(many.voltage, abs=1e-6)


def test_charge_and_energy_balance() -> None:
    """What goes in comes out again, less the heat."""
    pack = Pack(random.Random(1), 0.9, 23.0)
    before = float(pack.soc.mean())
    inward = outward = 0.0
    for current in (30.0, -30.0):
        for _ in range(300):
            pack.flow(current, 0.1)
            energy_j = pack.voltage * current * 0.1
            inward, outward = inward + max(energy_j, 0), outward - min(energy_j, 0)
    assert float(pack.soc.mean()) == pytest.approx(before)
    assert 0 < outward < inward
    expected = 30.0**2 * pack.resistance(30.0) * 60
    assert inward - outward == pytest.approx(expected, rel=0.5)


def test_wear_raises_resistance_and_spread_and_lowers_capacity() -> None:
    new, worn = Pack(random.Random(2), 1.0, 23.0), Pack(random.Random(2), 0.3, 23.0)
    assert worn.resistance(10.0) > 1.3 * new.resistance(10.0)
    assert worn.capacity_ah.mean() < 0.9 * new.capacity_ah.mean()
    assert np.ptp(worn.cell_voltages) > np.ptp(new.cell_voltages)


def test_one_vehicle_after_another() -> None:
    model, values = BatteryModel(random.Random(1)), Values(Battery)
    serials = set()
    for visit in ("v-1", "v-2"):
        assert model.is_free
        model.arrive(Vehicle(visit))
        for _ in range(600):
            model.step(0.5, values)
        assert model.is_done and values[Battery.visit] == visit
        serials.add(values[Battery.pack_serial])
        model.leave()
        model.step(0.5, values)
        assert values[Battery.visit] == "" and values[Battery.state] is S.IDLE
    assert len(serials) == 2
