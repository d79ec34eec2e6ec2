"""The circuit of many packs at once."""

from __future__ import annotations

import numpy as np
import pytest

from stations.battery.cell import STEPS, identified_cell, pack_spec
from stations.battery.data import table
from stations.battery.draw import FAULTS, Drawn, Fault, drawn, read_fault
from stations.battery.reference import capacity_ah

SPEC = pack_spec("ze40")


def some(count: int = 1, *faults: Fault) -> Drawn:
    rngs = [np.random.default_rng([7, row]) for row in range(count)]
    return drawn(SPEC, rngs, [faults] * count)


def amperes(value: float, count: int = 1) -> np.ndarray:
    return np.full((count, 1), value)


def test_the_cell_is_the_measured_one_within_the_stated_error() -> None:
    cell, found = identified_cell(), table("leaf_cell")
    assert cell.capacity_ah == pytest.approx(30.56, abs=0.01)
    assert np.all(np.diff(cell.ocv_v) > 0)
    middle = STEPS // 2
    r10 = cell.r0_ohm + cell.r1_ohm * (1 - np.exp(-10 / cell.tau_s[0]))
    assert 1000 * r10[middle] == pytest.approx(2.03, rel=0.05)  # measured at 50 %
    assert found["fit"]["rms_mv"] < 3 and found["not_fitted"]["discharge_1c_rms_mv"] < 10


def test_a_step_is_solved_exactly_however_it_is_cut() -> None:
    one, many = some().packs, some().packs
    one.step(amperes(50.0), amperes(4.0))
    for _ in range(8):
        many.step(amperes(50.0), amperes(0.5))
    assert one.cell_voltages == pytest.approx(many.cell_voltages, abs=1e-7)
    assert one.temperature == pytest.approx(many.temperature, abs=1e-3)


def test_packs_do_not_see_each_other() -> None:
    alone, beside = some(1).packs, some(5).packs
    for _ in range(30):
        alone.step(amperes(-40.0), amperes(1.0))
        beside.step(amperes(-40.0, 5), amperes(1.0, 5))
    assert np.array_equal(alone.cell_voltages[0], beside.cell_voltages[0])


def test_charge_is_counted_and_energy_only_lost_as_heat() -> None:
    packs = some().packs
    before = packs.soc.copy()
    packs.leak_a[:] = 0.0
    packs.step(amperes(0.0), amperes(0.0))
    joules = 0.0
    for sign in (1.0, -1.0):
        for _ in range(60):
            packs.step(amperes(sign * 60.0), amperes(1.0))
            joules += float(packs.cell_voltages.sum()) * sign * 60.0
    warm = 1 + packs.alpha_per_k * (packs.temperature - 25)
    assert packs.soc == pytest.approx(before, abs=2e-4 * float(warm.max()))
    assert 0 < joules < 2 * 60 * 60**2 * float(packs.resistance(60.0).sum())


def test_a_voltage_is_held_by_less_current_and_never_by_the_other_sign() -> None:
    packs = some().packs
    seconds = amperes(1.0)
    volts = float(packs.cell_voltages.sum())
    held = packs.held(amperes(130.0), np.array([[volts + 1.0]]), seconds)
    assert 0 < held[0, 0] < 130
    packs.step(held, seconds)
    assert float(packs.cell_voltages.sum()) == pytest.approx(volts + 1.0, abs=0.02)
    assert packs.held(amperes(130.0), np.array([[volts - 50]]), seconds)[0, 0] == 0.0
    assert packs.held(amperes(-130.0), np.array([[volts + 50]]), seconds)[0, 0] == 0.0
    assert packs.held(amperes(-130.0), np.array([[200.0]]), seconds)[0, 0] == -130.0


def test_the_true_capacity_is_that_of_the_weakest_cell_but_for_the_window() -> None:
    packs = some(6).packs
    weakest = packs.q_ah.min(axis=1)
    assert capacity_ah(packs) == pytest.approx(weakest, rel=0.04)


def test_the_true_capacity_is_the_same_alone_and_beside_others() -> None:
    alone, beside = capacity_ah(some(1).packs), capacity_ah(some(5).packs)
    assert alone[0] == pytest.approx(beside[0], rel=1e-6)


def test_a_weak_module_has_eight_to_eighteen_percent_less_than_the_others() -> None:
    packs = some(4, Fault("weak-module", 7)).packs
    modules = packs.q_ah.reshape(4, 12, 8).mean(axis=2)
    short = 1 - modules[:, 6] / np.median(np.delete(modules, 6, axis=1), axis=1)
    assert np.all((short > 0.05) & (short < 0.21))
    assert np.all(np.argmin(modules, axis=1) == 6)


def test_every_fault_changes_what_it_names() -> None:
    sound, packs = some(), {name: some(1, Fault(name)) for name in FAULTS}
    assert packs["joint"].packs.resistance(10).max() > 1.3 * sound.packs.resistance(10).max()
    leak = packs["isolation-leak"].packs
    assert min(leak.negative_ohm[0], leak.positive_ohm[0]) < 100 * SPEC.nominal_v
    assert abs(packs["current-drift"].drift_a_per_h[0]) >= 0.2
    assert packs["lying-bms"].told_soh(np.array([0.7]))[0] >= 77
    assert packs["runaway"].packs.heating_w.max() >= 12
    assert np.ptp(packs["imbalance"].packs.ocv) > 0.1
    assert packs["stuck-contactor"].stuck == [True]
    assert packs["negative-code"].packs.balancing.sum() == 3


def test_a_runaway_heats_one_cell_more_and_more() -> None:
    packs = some(1, Fault("runaway", 3)).packs
    heights = []
    for _ in range(3):
        for _ in range(60):
            packs.step(amperes(0.0), amperes(10.0))
        heights.append(float(np.ptp(packs.temperature)))
    assert heights[0] > 3 and heights[2] > 2 * heights[0]
    assert 16 <= int(np.argmax(packs.temperature)) < 24


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("weak-modul=7", "no fault 'weak-modul'; known are weak-module"),
        ("weak-module=13", "modules are 1 to 12"),
        ("weak-module=1.5", "modules are 1 to 12"),
        ("joint=x", "wants a number"),
        ("isolation-leak=-5", "above 0"),
        ("isolation-leak=nan", "above 0"),
        ("weak-module=", "wants a number"),
        ("stuck-contactor=1", "takes no value"),
    ],
)
def test_a_fault_that_cannot_be_is_told(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        read_fault(text, SPEC)
