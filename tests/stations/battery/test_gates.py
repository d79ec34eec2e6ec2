"""Every gate from both sides of its limit; what could not be measured passes none."""

from __future__ import annotations

import pytest

from stations.battery import gates
from stations.battery.results import Cells, Isolation, NotDecidable, Temperatures

ABSENT = NotDecidable(not_decidable=("missing",))


def verdicts(
    *, ohm_per_v: float = 500.0, cells: tuple[float, float] = (3.7, 3.75),
    degc: tuple[float, float] = (23.0, 25.0),
) -> dict[str, str]:  # fmt: skip
    low, high = cells
    cold, warm = degc
    judged = gates.judged(
        Isolation(ohm=ohm_per_v * 350, ohm_per_v=ohm_per_v, nominal_v=350.0, reported_ohm=None),
        Cells(
            resting="REST", count=96, min=low, max=high, mean=(low + high) / 2,
            spread=round(high - low, 6), lowest_cell=1, highest_cell=2,
        ),
        Temperatures(count=96, min=cold, max=warm, spread=round(warm - cold, 6)),
    )  # fmt: skip
    return {gate.gate: gate.verdict for gate in judged}


@pytest.mark.parametrize(
    ("gate", "passes", "fails"),
    [
        ("isolation_dc", {"ohm_per_v": 100.0}, {"ohm_per_v": 99.9}),
        ("cell_voltage_low", {"cells": (2.70, 2.70)}, {"cells": (2.69, 2.70)}),
        ("cell_voltage_high", {"cells": (4.25, 4.25)}, {"cells": (4.25, 4.26)}),
        ("cell_spread_at_rest", {"cells": (3.60, 3.75)}, {"cells": (3.60, 3.751)}),
        ("start_temperature", {"degc": (20.0, 22.0)}, {"degc": (19.9, 22.0)}),
        ("start_temperature", {"degc": (28.0, 30.0)}, {"degc": (28.0, 30.1)}),
        ("temperature_spread", {"degc": (22.0, 27.0)}, {"degc": (22.0, 27.1)}),
    ],
)
def test_a_gate_is_where_its_source_puts_it(
    gate: str, passes: dict[str, object], fails: dict[str, object]
) -> None:
    assert verdicts(**passes)[gate] == "pass"  # type: ignore[arg-type]
    found = verdicts(**fails)  # type: ignore[arg-type]
    assert {name for name, verdict in found.items() if verdict != "pass"} == {gate}


def test_what_could_not_be_measured_passes_no_gate() -> None:
    judged = gates.judged(ABSENT, ABSENT, ABSENT)
    assert len(judged) == 6
    assert {(gate.verdict, gate.value, gate.reasons) for gate in judged} == {
        ("not_decidable", None, ("missing",))
    }
    assert all(gate.source and (gate.low is not None or gate.high is not None) for gate in judged)
