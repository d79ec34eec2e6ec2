"""Isolation resistance by the known resistor."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stations.battery import isolation
from stations.battery.isolation import Voltages

OHMS = st.floats(5e3, 1e7)
SOUND = Voltages(360.0, 200.0, 160.0, 13.5, 34_560.0)


@given(negative=OHMS, positive=OHMS, bus=st.floats(200.0, 500.0), known=st.floats(2e4, 3e5))
def test_the_smaller_side_is_found_exactly(
    negative: float, positive: float, bus: float, known: float
) -> None:
    shown = isolation.voltages(bus, negative, positive, known)
    assert shown.negative + shown.positive == pytest.approx(bus)
    assert isolation.resistance_ohm(shown) == pytest.approx(min(negative, positive), rel=1e-6)


@pytest.mark.parametrize(
    ("measured", "reason"),
    [
        (replace(SOUND, loaded=0.0), "isolation_voltage_missing"),
        (replace(SOUND, bus=-1.0), "isolation_voltage_missing"),
        (replace(SOUND, loaded=0.2), "isolation_voltage_near_zero"),
        (replace(SOUND, resistor_ohm=0.0), "isolation_resistor_missing"),
        (replace(SOUND, positive=250.0), "isolation_voltages_disagree"),
        (replace(SOUND, loaded=200.0), "isolation_resistor_without_effect"),
        (replace(SOUND, loaded=float("nan")), "isolation_voltage_missing"),
    ],
)
def test_implausible_voltages_give_no_verdict(measured: Voltages, reason: str) -> None:
    assert isolation.doubts(measured) == (reason,)


def test_plausible_voltages_give_one() -> None:
    assert isolation.doubts(SOUND) == ()
