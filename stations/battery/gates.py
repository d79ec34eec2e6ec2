"""The safety gates of the quick qualification: recorded here, enforced by the safety relay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from stations.battery import limits
from stations.battery.limits import Limit
from stations.battery.results import Cells, Gate, Isolation, NotDecidable, Temperatures


def judged(
    isolation: Isolation | NotDecidable,
    cells: Cells | NotDecidable,
    temperatures: Temperatures | NotDecidable,
    u95: Mapping[str, float] | None = None,
) -> tuple[Gate, ...]:
    """Every gate with its verdict; what could not be found passes none.

    `u95` (k = 2) by gate: a value that lies so near its limit decides nothing.
    """
    found: list[Gate] = []
    unsure = u95 or {}
    if isinstance(isolation, NotDecidable):
        found += _undecided(isolation, limits.ISOLATION)
    else:
        found.append(_gate(limits.ISOLATION, isolation.ohm_per_v, unsure))
    if isinstance(cells, NotDecidable):
        found += _undecided(cells, limits.CELL_LOW, limits.CELL_HIGH, limits.CELL_SPREAD)
    else:
        found.append(_gate(limits.CELL_LOW, cells.min, unsure))
        found.append(_gate(limits.CELL_HIGH, cells.max, unsure))
        found.append(_gate(limits.CELL_SPREAD, cells.spread, unsure))
    if isinstance(temperatures, NotDecidable):
        found += _undecided(temperatures, limits.TEMPERATURE, limits.TEMPERATURE_SPREAD)
    else:
        worst = max(temperatures.min, temperatures.max, key=_distance)
        found.append(_gate(limits.TEMPERATURE, worst, unsure))
        found.append(_gate(limits.TEMPERATURE_SPREAD, temperatures.spread, unsure))
    return tuple(found)


def _distance(degc: float) -> float:
    low, high = limits.TEMPERATURE.low or 0.0, limits.TEMPERATURE.high or 0.0
    return abs(degc - (low + high) / 2)


def _gate(limit: Limit, value: float, unsure: Mapping[str, float]) -> Gate:
    u95 = unsure.get(limit.gate)
    is_clear = limit.allows(value - (u95 or 0.0)) and limit.allows(value + (u95 or 0.0))
    is_near = not is_clear and u95 is not None and limit.near(value, u95)
    verdict: Literal["pass", "fail", "not_decidable"] = "pass" if is_clear else "fail"
    return Gate(
        gate=limit.gate,
        unit=limit.unit,
        low=limit.low,
        high=limit.high,
        source=limit.source,
        value=value,
        u95=u95,
        verdict="not_decidable" if is_near else verdict,
        reasons=("within_u95",) if is_near else (),
    )


def _undecided(why: NotDecidable, *of: Limit) -> list[Gate]:
    return [
        Gate(
            gate=limit.gate,
            unit=limit.unit,
            low=limit.low,
            high=limit.high,
            source=limit.source,
            value=None,
            verdict="not_decidable",
            reasons=why.not_decidable,
        )
        for limit in of
    ]
