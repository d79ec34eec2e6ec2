"""Packs drawn at random, with faults put in: what a simulation begins with, and its truth.

Spread and wear are made up (no pack-level record with a licence was found); the state of health of
a used pack is drawn between the least and the greatest of 52 retired NMC cells (74.6 to 100.9 %).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from stations.battery.cell import Array, PackSpec, identified_cell
from stations.battery.packs import Packs

SOH = (0.66, 1.0)
SOC = (0.25, 0.45)
AMBIENT_DEGC = (21.5, 24.0)
ALPHA_PER_K = (0.003, 0.006)
ISOLATION_OHM = (0.8e6, 4e6)
WEAK_LOSS = (0.08, 0.18)  # of the capacity of a weak module
JOINT_OHM = (0.3e-3, 0.8e-3)
LEAK_OHM = (8e3, 28e3)
RUNAWAY_W = (12.0, 20.0)
IMBALANCE_V = (0.12, 0.18)
FAULTS = {
    "weak-module": "a module with 8 to 18 % less capacity; =N says which",
    "joint": "a bad joint, 0.3 to 0.8 mOhm, at the first cell of a module; =N says which",
    "isolation-leak": "one pole leaks to chassis; =OHM says how much",
    "current-drift": "the current sensor drifts; =A says by how much in an hour",
    "lying-bms": "the BMS tells a better health; =POINTS says by how much",
    "runaway": "a cell begins to heat itself; =N says in which module",
    "stuck-contactor": "a contactor stays closed",
    "imbalance": "one cell stands lower at rest, by 0.12 to 0.18 V; =V says by how much",
    "negative-code": "cells are balanced and told as negative voltages",
}
MODULES = ("weak-module", "joint", "runaway")


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault; `value` is the module (from 1), the size, or None: drawn."""

    name: str
    value: float | None = None


def read_fault(text: str, spec: PackSpec) -> Fault:
    """From NAME or NAME=VALUE; ValueError says what would be right."""
    name, _, value = text.partition("=")
    if name not in FAULTS:
        raise ValueError(f"no fault {name!r}; known are {', '.join(FAULTS)}")
    if not value and "=" not in text:
        return Fault(name)
    if name in ("stuck-contactor", "negative-code"):
        raise ValueError(f"{name} takes no value, not {value!r}")
    try:
        number = float(value)
    except ValueError:
        raise ValueError(f"{name} wants a number, not {value!r}") from None
    if name in MODULES and number not in range(1, spec.modules + 1):
        raise ValueError(f"{name}={value}: modules are 1 to {spec.modules}")
    if not np.isfinite(number) or (name not in MODULES and number <= 0):
        raise ValueError(f"{name} wants a number above 0, not {value!r}")
    return Fault(name, number)


@dataclass(slots=True, eq=False)
class Drawn:
    """The packs, and of each what is no part of the circuit; told SOH and SOC offsets in points."""

    packs: Packs
    faults: tuple[tuple[Fault, ...], ...]
    told_soh_off: Array
    told_soc_off: Array
    drift_a_per_h: Array
    stuck: list[bool]

    def told_soh(self, soh: Array) -> Array:
        """What the BMS says of its health, in whole percent."""
        return np.clip(np.rint(100 * soh + self.told_soh_off), 0, 110)

    def told_soc(self) -> Array:
        """What it says of its state of charge, in half percents."""
        mean = 100 * self.packs.soc.mean(axis=1)
        told: Array = np.clip(np.rint(2 * (mean + self.told_soc_off)) / 2, 0, 100)
        return told


def drawn(spec: PackSpec, rngs: Sequence[Generator], faults: Sequence[Sequence[Fault]]) -> Drawn:
    """One pack for each generator, the same whatever is drawn beside it."""
    each = [_one(spec, rng) for rng in rngs]
    columns = {key: np.array([one[key] for one in each]) for key in each[0]}
    narrow = {key: columns[key][:, None] for key in ("ambient", "alpha_per_k")}
    whole = ("q_ah", "growth", "soc", "temperature", "leak_a", "joint_ohm", "heating_w")
    told = {key: columns[key] for key in ("told_soh_off", "told_soc_off", "drift_a_per_h")}
    balancing = np.zeros((len(each), spec.series), bool)
    sides = {key: columns[key] for key in ("negative_ohm", "positive_ohm")}
    packs = Packs(
        spec=spec, cell=identified_cell(), balancing=balancing, **sides, **narrow,
        **{key: columns[key] for key in whole},
    )  # fmt: skip
    found = Drawn(packs, tuple(map(tuple, faults)), stuck=[False] * len(each), **told)
    for row, (rng, some) in enumerate(zip(rngs, faults, strict=True)):
        for fault in some:
            _put(found, row, fault, rng)
    packs.renew()
    return found


def _one(spec: PackSpec, rng: Generator) -> Mapping[str, object]:
    cells = spec.series
    soh = rng.uniform(*SOH)
    loss = 1 - soh
    module = np.repeat(rng.normal(0, 0.004 + 0.03 * loss, spec.modules), spec.per_module)
    own = np.clip(rng.normal(0, 1, cells), -3, 3) * (0.004 + 0.02 * loss)
    health = soh * (1 + module + own)
    growth = 1 + spec.assumed["growth_per_loss"] * (1 - health)
    ambient = rng.uniform(*AMBIENT_DEGC)
    near = rng.uniform(*ISOLATION_OHM)
    far = near * rng.uniform(1.2, 2.5)
    sides = (near, far) if rng.random() < 0.5 else (far, near)
    return {
        "q_ah": spec.rated_ah * health,
        "growth": growth * (1 + np.clip(rng.normal(0, 1, cells), -3, 3) * 0.03),
        "soc": rng.uniform(*SOC) + np.clip(rng.normal(0, 1, cells), -3, 3) * 0.003,
        "ambient": ambient,
        "temperature": ambient + rng.uniform(-0.5, 0.5) + rng.normal(0, 0.15, cells),
        "alpha_per_k": rng.uniform(*ALPHA_PER_K),
        "leak_a": np.abs(rng.normal(0, 2e-4, cells)),
        "joint_ohm": np.zeros(cells),
        "heating_w": np.zeros(cells),
        "negative_ohm": sides[0],
        "positive_ohm": sides[1],
        "told_soh_off": rng.normal(0, 3.0),
        "told_soc_off": rng.normal(0, 2.0),
        "drift_a_per_h": 0.0,
    }


def _put(found: Drawn, row: int, fault: Fault, rng: Generator) -> None:
    """Put one fault into one pack."""
    packs, value = found.packs, fault.value
    spec = packs.spec
    number = int(value or 0) or int(rng.integers(1, spec.modules + 1))
    first = (number - 1) * spec.per_module if fault.name in MODULES else 0
    cells = slice(first, first + spec.per_module)
    if fault.name == "weak-module":
        loss = rng.uniform(*WEAK_LOSS)
        packs.q_ah[row, cells] = _others(packs, row, cells) * (1 - loss) * _like(rng, spec)
        packs.growth[row, cells] *= 1 + spec.assumed["growth_per_loss"] * loss
    elif fault.name == "joint":
        packs.joint_ohm[row, first] = rng.uniform(*JOINT_OHM)
    elif fault.name == "isolation-leak":
        side = packs.negative_ohm if rng.random() < 0.5 else packs.positive_ohm
        side[row] = value or rng.uniform(*LEAK_OHM)
    elif fault.name == "current-drift":
        found.drift_a_per_h[row] = value or rng.uniform(0.2, 1.0) * rng.choice([-1, 1])
    elif fault.name == "lying-bms":
        found.told_soh_off[row] = value or rng.uniform(8.0, 20.0)
        found.told_soc_off[row] = rng.uniform(4.0, 10.0)
    elif fault.name == "runaway":
        packs.heating_w[row, first + int(rng.integers(spec.per_module))] = rng.uniform(*RUNAWAY_W)
    elif fault.name == "imbalance":
        below = value or rng.uniform(*IMBALANCE_V)
        curve = packs.cell.ocv_v
        volts = float(packs.ocv[row].mean()) - below
        lower = float(np.interp(volts, curve, np.linspace(0.0, 1.0, len(curve))))
        packs.soc[row, int(rng.integers(spec.series))] = lower
    elif fault.name == "stuck-contactor":
        found.stuck[row] = True
    else:
        packs.balancing[row, rng.choice(spec.series, 3, replace=False)] = True


def _others(packs: Packs, row: int, cells: slice) -> float:
    rest = np.delete(packs.q_ah[row], np.r_[cells])
    return float(np.median(rest))


def _like(rng: Generator, spec: PackSpec) -> Array:
    return 1 + np.clip(rng.normal(0, 0.004, spec.per_module), -0.01, 0.01)
