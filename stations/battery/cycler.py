"""What a DC cycler is told and says, as registers: pure, by a map that is data (`cyclers.toml`).

Values are shares of the nominal ones, so each has steps of nominal / full: what is set, and what is
read, is known no better (`step_v`, `step_a` go into the uncertainty).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stations.battery.data import table
from stations.battery.machine import Setpoints
from stations.battery.protocol import CyclerLimits

WORD = 1 << 16


class OutOfRange(ValueError):
    """The device cannot be told this: beyond 102 % of its nominal value, or negative."""


@dataclass(frozen=True, slots=True)
class CyclerMap:
    """Where everything is: coils `remote` and `output`, else holding registers."""

    source: str
    remote: int
    output: int
    sink_power: int
    sink_current: int
    voltage: int
    source_current: int
    source_power: int
    actual: int
    limits: int
    full: int
    most: int
    actual_full: int
    signed: bool
    state: int | None = None
    sinks: int | None = None


@dataclass(frozen=True, slots=True)
class Rating:
    """Nominal values of a device: V, A, W."""

    voltage_v: float
    current_a: float
    power_w: float


@dataclass(frozen=True, slots=True)
class Cycler:
    """One device: its map and its nominal values."""

    map: CyclerMap
    rating: Rating

    @property
    def step_v(self) -> float:
        """One step of a voltage in V."""
        return self.rating.voltage_v / self.map.full

    @property
    def step_a(self) -> float:
        """One step of an actual current in A."""
        return self.rating.current_a / self.map.actual_full

    def set_words(self, setpoints: Setpoints) -> dict[int, int]:
        """Registers for these set-points; both currents each time, the one not wanted as zero.

        Never more current than was asked for: steps are cut, not rounded.
        """
        at, rating = self.map, self.rating
        charge, discharge = max(setpoints.current_a, 0.0), max(-setpoints.current_a, 0.0)
        return {
            at.source_current: self._cut(charge, rating.current_a),
            at.sink_current: self._cut(discharge, rating.current_a),
            at.voltage: self._word(setpoints.voltage_v, rating.voltage_v),
        }

    def limit_words(self, limits: CyclerLimits) -> dict[int, int]:
        """The device's own limits and powers, which it keeps whatever we tell it afterwards."""
        at, rating = self.map, self.rating
        power = min(limits.voltage_max_v * limits.current_max_a, rating.power_w)
        words = {
            at.limits: self._word(limits.voltage_max_v, rating.voltage_v),
            at.limits + 1: self._word(limits.voltage_min_v, rating.voltage_v),
            at.limits + 2: self._word(limits.current_max_a, rating.current_a),
            at.limits + 3: 0,
            at.limits + 4: self._word(power, rating.power_w),
        }
        for register in (at.source_power, at.sink_power):
            words[register] = self._word(power, rating.power_w)
        return words

    def actual(self, words: tuple[int, ...], state: int = 0) -> tuple[float, float]:
        """Voltage (V) and current (A, positive charges) of the registers from `actual` on."""
        at, (volts, amperes) = self.map, words[:2]
        if at.signed:
            amperes = amperes - WORD if amperes >= WORD // 2 else amperes
        elif at.sinks is not None and state >> at.sinks & 1:
            amperes = -amperes
        return (
            volts * self.rating.voltage_v / at.full,
            amperes * self.rating.current_a / at.actual_full,
        )

    def _word(self, value: float, nominal: float) -> int:
        return self._within(round(value / nominal * self.map.full), value, nominal)

    def _cut(self, value: float, nominal: float) -> int:
        return self._within(int(value / nominal * self.map.full + 1e-9), value, nominal)

    def _within(self, word: int, value: float, nominal: float) -> int:
        if not 0 <= word <= self.map.most:
            most = nominal * self.map.most / self.map.full
            raise OutOfRange(f"{value:g} cannot be set: this device goes from 0 to {most:g}")
        return word


def cycler(name: str, rating: Rating) -> Cycler:
    """The device of this map; LookupError with the known names, ValueError for one without sign."""
    known: Mapping[str, Any] = table("cyclers")
    if name not in known:
        raise LookupError(f"no cycler {name!r}; known are {', '.join(known)}")
    found = CyclerMap(**known[name])
    if not found.signed and (found.state is None or found.sinks is None):
        raise ValueError(f"cycler {name!r}: an unsigned current needs `state` and `sinks`")
    return Cycler(found, rating)
