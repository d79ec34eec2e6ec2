"""Which traces are refused as they stand, and which are not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from stations.battery.plausible import doubt
from tests.stations.battery.cell import FULL, Cell

PULSES = [(0.0, 60.0), (-30.0, 30.0), (0.0, 40.0), (22.5, 10.0), (0.0, 40.0)]


def test_a_good_cell_is_not_refused() -> None:
    assert doubt(Cell().run(FULL), 30.0) is None
    assert doubt(Cell().run(PULSES, soc=0.5)) is None
    assert doubt(Cell(cells=96).run(PULSES, soc=0.5)) is None


@pytest.mark.parametrize("plan", [FULL, PULSES, [(-10.0, 5_000.0)]])
def test_a_sign_that_contradicts_the_voltage(plan: list[tuple[float, float]]) -> None:
    trace = Cell().run(plan, soc=0.5 if plan is not FULL else 0.0)
    found = doubt(replace(trace, current_a=-trace.current_a), 30.0)
    assert found is not None and found.code == "current_sign"


def test_a_current_without_sign() -> None:
    trace = Cell().run(FULL)
    found = doubt(replace(trace, current_a=np.abs(trace.current_a)), 30.0)
    assert found is not None and found.code == "current_sign"
    assert found.row is not None and trace.current_a[found.row] == -10.0


@pytest.mark.parametrize(("ohm", "refused"), [(0.0015, False), (0.004, False), (0.05, True)])
def test_leads_in_series_are_refused(ohm: float, refused: bool) -> None:
    trace = Cell(ohm=ohm).run([(0.0, 60.0), (2.0, 3600.0), (0.0, 60.0), (-2.0, 600.0)], soc=0.5)
    found = doubt(trace, 30.0)
    assert (found is not None) is refused
    if found is not None:
        assert found.code == "lead_resistance" and "50" in found.told


@pytest.mark.parametrize("factor", [96.0, 1000.0, 0.01])
def test_a_voltage_that_no_cell_has(factor: float) -> None:
    trace = Cell().run(PULSES, soc=0.5)
    found = doubt(replace(trace, voltage_v=trace.voltage_v * factor), 30.0)
    assert found is not None and found.code == "voltage_implausible" and found.row == 0


@settings(max_examples=50, deadline=None)
@given(
    ohm=some.floats(2e-4, 6e-3), slow=some.floats(0, 5e-3), amperes=some.floats(2.0, 60.0),
    soc=some.floats(0.05, 0.9), noise=some.integers(0, 2**32 - 1), charge=some.booleans(),
)  # fmt: skip
def test_no_cell_with_its_right_sign_is_refused_and_every_wrong_one_is(
    ohm: float, slow: float, amperes: float, soc: float, noise: int, charge: bool
) -> None:
    sign = 1 if charge else -1
    plan = [(0.0, 60.0), (sign * amperes, 60.0), (0.0, 60.0)] * 3
    trace = Cell(ah=60.0, ohm=ohm, slow_ohm=slow).run(plan, soc=soc)
    rough = trace.voltage_v + np.random.default_rng(noise).normal(0, 0.0003, len(trace.time_s))
    seen = replace(trace, voltage_v=np.round(rough, 3))
    assert doubt(seen, 60.0) is None
    if amperes * ohm >= 0.005:
        wrong = doubt(replace(seen, current_a=-seen.current_a), 60.0)
        assert wrong is not None and wrong.code == "current_sign"
