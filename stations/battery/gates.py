"""The safety gates of the quick qualification: recorded here, enforced by the safety relay."""

from __future__ import annotations

from stations.battery import limits
from stations.battery.limits import Limit
from stations.battery.results import Cells, Gate, Isolation, NotDecidable, Temperatures


def judged(
    isolation: Isolation | NotDecidable,
    cells: Cells | NotDecidable,
    temperatures: Temperatures | NotDecidable,
) -> tuple[Gate, ...]:
    """Every gate with its verdict; what could not be found passes none."""
    found: list[Gate] = []
    if isinstance(isolation, NotDecidable):
        found += _undecided(isolation, limits.ISOLATION)
    else:
        found.append(_gate(limits.ISOLATION, isolation.ohm_per_v))
    if isinstance(cells, NotDecidable):
        found += _undecided(cells, limits.CELL_LOW, limits.CELL_HIGH, limits.CELL_SPREAD)
    else:
        found.append(_gate(limits.CELL_LOW, cells.min))
        found.append(_gate(limits.CELL_HIGH, cells.max))
        found.append(_gate(limits.CELL_SPREAD, cells.spread))
    if isinstance(temperatures, NotDecidable):
        found += _undecided(temperatures, limits.TEMPERATURE, limits.TEMPERATURE_SPREAD)
    else:
        worst = max(temperatures.min, temperatures.max, key=_distance)
        found.append(_gate(limits.TEMPERATURE, worst))
        found.append(_gate(limits.TEMPERATURE_SPREAD, temperatures.spread))
    return tuple(found)


def _distance(degc: float) -> float:
    low, high = limits.TEMPERATURE.low or 0.0, limits.TEMPERATURE.high or 0.0
    return abs(degc - (low + high) / 2)


def _gate(limit: Limit, value: float) -> Gate:
    return Gate(
        gate=limit.gate,
        unit=limit.unit,
        low=limit.low,
        high=limit.high,
        source=limit.source,
        value=value,
        verdict="pass" if limit.allows(value) else "fail",
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
