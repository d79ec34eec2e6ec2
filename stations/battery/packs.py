"""Many packs at once as equivalent circuits: arrays of (packs, cells), one step for all of them.

V = OCV(s, T) + I (R0 + joint) + v1 + v2, v_j' = v_j e^(-dt/tau_j) + R_j (1 - e^(-dt/tau_j)) I,
s' = s + I dt / (3600 Q(T)), m cp dT/dt = I^2 R0 + v1^2/R1 + v2^2/R2 - h A (T - T_amb); I > 0
charges.
The curves are those of one real cell (`cell.py`); the packs are simulated from it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from stations.battery.cell import STEPS, Array, Cell, PackSpec

Flags = NDArray[np.bool_]
RENEW_EVERY = 10  # steps after which the resistances are looked up again
RUNAWAY_K = 6.0  # own heating grows by e for so many kelvins
REFERENCE_K, REFERENCE_DEGC = 298.15, 25.0
SECOND_H = 1.0 / 3600.0


@dataclass(slots=True, eq=False)
class Packs:
    """Parameters and state of packs; (packs, cells) where not said otherwise, Ah, Ohm, V, degC."""

    spec: PackSpec
    cell: Cell
    q_ah: Array  # at 25 degC
    growth: Array  # resistance over that of a new cell
    soc: Array
    temperature: Array
    ambient: Array  # (packs, 1)
    alpha_per_k: Array  # (packs, 1), of the capacity
    joint_ohm: Array
    leak_a: Array  # self-discharge
    balancing: Flags
    heating_w: Array  # of a runaway that begins, at 25 degC
    negative_ohm: Array  # (packs,), isolation of the poles
    positive_ohm: Array
    is_isothermal: bool = field(init=False, default=False)
    current: Array = field(init=False)  # (packs, 1)
    v1: Array = field(init=False)
    v2: Array = field(init=False)
    _r: tuple[Array, Array, Array] = field(init=False)
    _age: int = field(init=False, default=0)
    _seconds: Array | None = field(init=False, default=None)
    _decays: tuple[Array, Array] = field(init=False)
    _gains: tuple[Array, Array] = field(init=False)
    _losses: tuple[Array, Array] = field(init=False)  # 1 / R1, 1 / R2
    _part_per_as: Array = field(init=False)  # of the capacity, moved by 1 A s
    _drained: Array = field(init=False)
    _is_heating: bool = field(init=False)

    def __post_init__(self) -> None:
        self.v1, self.v2 = np.zeros_like(self.soc), np.zeros_like(self.soc)
        self.current = np.zeros((len(self.soc), 1))
        self.renew()

    def __len__(self) -> int:
        return len(self.soc)

    def renew(self) -> None:
        """Look up what depends on state of charge and temperature, and changes slowly.

        To be called after a parameter was changed.
        """
        place = np.rint(np.clip(self.soc, 0.0, 1.0) * STEPS).astype(np.intp)
        kelvin = self.temperature + 273.15
        warm = np.exp(self.spec.assumed["resistance_k"] * (1 / kelvin - 1 / REFERENCE_K))
        scale = self.growth * warm * (self.cell.capacity_ah / self.spec.rated_ah)
        r0, r1, r2 = (
            curve[place] * scale for curve in (self.cell.r0_ohm, self.cell.r1_ohm, self.cell.r2_ohm)
        )
        self._r = r0 + self.joint_ohm, r1, r2
        self._losses = 1 / r1, 1 / r2
        self._drained = self.leak_a + self.balancing * self.spec.assumed["balancing_a"]
        warmer = 1 + self.alpha_per_k * (self.temperature - REFERENCE_DEGC)
        self._part_per_as = SECOND_H / (self.q_ah * warmer)
        self._is_heating = bool(self.heating_w.any())
        self._age = 0
        if self._seconds is not None:
            self._gain()

    def _gain(self) -> None:
        one, two = self._decays
        self._gains = self._r[1] * (1 - one), self._r[2] * (1 - two)

    def _decay(self, seconds: Array) -> tuple[Array, Array]:
        """e^(-dt/tau) of both pairs, kept while the same array of seconds is given."""
        if seconds is not self._seconds:
            one, two = self.cell.tau_s
            self._seconds = seconds
            self._decays = np.exp(-seconds / one), np.exp(-seconds / two)
            self._gain()
        return self._decays

    @property
    def ocv(self) -> Array:
        """Open-circuit voltages, (packs, cells); beyond empty and full the end's slope goes on."""
        place = self.soc * STEPS
        index = np.minimum(np.maximum(place, 0.0), STEPS - 1.0).astype(np.intp)
        low = self.cell.ocv_v[index]
        slope = self.cell.ocv_v[index + 1] - low
        warm = (self.temperature - REFERENCE_DEGC) * self.spec.assumed["ocv_v_per_k"]
        volts: Array = low + (place - index) * slope + warm
        return volts

    @property
    def cell_voltages(self) -> Array:
        """Voltages of the cells, (packs, cells)."""
        volts: Array = self.ocv + self.current * self._r[0] + self.v1 + self.v2
        return volts

    def held(self, wanted_a: Array, voltage_v: Array, seconds: Array) -> Array:
        """The current of a cycler that holds a voltage, at most `wanted_a`; all (packs, 1).

        A charge is held below the voltage, a discharge above it.
        """
        one, two = self._decay(seconds)
        gain1, gain2 = self._gains
        open_v = (self.ocv + self.v1 * one + self.v2 * two).sum(axis=1, keepdims=True)
        ohm = (self._r[0] + gain1 + gain2).sum(axis=1, keepdims=True)
        limit = (voltage_v - open_v) / ohm
        charge = np.minimum(wanted_a, np.maximum(limit, 0.0))
        discharge = np.maximum(wanted_a, np.minimum(limit, 0.0))
        held: Array = np.where(wanted_a > 0, charge, discharge)
        return held

    def step(self, current_a: Array, seconds: Array) -> None:
        """Let a constant current flow for a while; both (packs, 1).

        An array of seconds is known again by itself, so it is not to be changed in place.
        """
        if self._age >= RENEW_EVERY:
            self.renew()
        self._age += 1
        self.current = current_a
        one, two = self._decay(seconds)
        self.v1 = self.v1 * one + self._gains[0] * current_a
        self.v2 = self.v2 * two + self._gains[1] * current_a
        self.soc = self.soc + (current_a - self._drained) * seconds * self._part_per_as
        if not self.is_isothermal:
            self._heat(current_a, seconds)

    def _heat(self, current_a: Array, seconds: Array) -> None:
        watts = current_a**2 * self._r[0]
        watts += self.v1 * self.v1 * self._losses[0]
        watts += self.v2 * self.v2 * self._losses[1]
        assumed, rated = self.spec.assumed, self.spec.rated_ah
        watts -= assumed["cooling_w_per_k_ah"] * rated * (self.temperature - self.ambient)
        if self._is_heating:
            over = np.minimum((self.temperature - REFERENCE_DEGC) / RUNAWAY_K, 5.0)
            watts += self.heating_w * np.exp(over)
        capacity = assumed["heat_capacity_j_per_k_ah"] * rated
        self.temperature = self.temperature + watts * (seconds / capacity)

    def resistance(self, seconds: float) -> Array:
        """What a pulse of this length finds in Ohm, without the OCV's change, (packs, cells)."""
        one, two = (1 - float(np.exp(-seconds / tau)) for tau in self.cell.tau_s)
        r0, r1, r2 = self._r
        return r0 + r1 * one + r2 * two

    def at_rest(self, soc: Array) -> Packs:
        """The same packs relaxed, at other states of charge, and always at 25 degC."""
        cold = np.full_like(self.temperature, REFERENCE_DEGC)
        found = replace(
            self, soc=soc.copy(), temperature=cold, ambient=cold[:, :1],
            heating_w=np.zeros_like(self.heating_w), balancing=np.zeros_like(self.balancing),
        )  # fmt: skip
        found.is_isothermal = True
        return found
