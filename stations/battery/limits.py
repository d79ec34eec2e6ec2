"""The limits of the quick qualification's gates, each with where it comes from."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Limit:
    """A gate's limits: at least `low`, at most `high` (None: no limit on that side)."""

    gate: str
    unit: str
    source: str
    low: float | None = None
    high: float | None = None

    def allows(self, value: float) -> bool:
        """True when the value lies within the limits."""
        above = self.low is None or value >= self.low
        return above and (self.high is None or value <= self.high)

    def near(self, value: float, u95: float) -> bool:
        """True when a limit lies within +- u95 of the value: nobody knows on which side it is."""
        return any(one is not None and abs(value - one) <= u95 for one in (self.low, self.high))


ISOLATION = Limit("isolation_dc", "Ohm/V", "UN R100, 5.1.3: DC bus", low=100.0)
CELL_HIGH = Limit("cell_voltage_high", "V", "cell maker's limit, taken over", high=4.25)
CELL_LOW = Limit("cell_voltage_low", "V", "cell maker's limit, taken over", low=2.70)
CELL_SPREAD = Limit("cell_spread_at_rest", "V", "pack maker's limit, taken over", high=0.150)
TEMPERATURE = Limit("start_temperature", "degC", "this project's proposal", low=20.0, high=30.0)
TEMPERATURE_SPREAD = Limit("temperature_spread", "K", "this project's proposal", high=5.0)

REST_MIN_S = 3600.0  # rest after which a voltage counts as open-circuit voltage
DCIR_SECONDS = (0.5, 2.0, 10.0, 18.0, 30.0)
