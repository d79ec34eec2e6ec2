"""What a simulated pack is made of: the identified cell and the pack's own figures, from tables.

A pack's cell is the identified one made larger: charge moved in the same proportion, resistance in
the opposite one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from stations.battery.data import table

Array = NDArray[np.float64]
PACKS = tuple(name for name in table("packs") if name != "assumed")
STEPS = 2000  # places of the curves, equally far apart, so that a place is found without a search


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """Curves over the state of charge from 0 to 1 in STEPS steps: V, Ohm at `capacity_ah`."""

    name: str
    capacity_ah: float
    ocv_v: Array
    r0_ohm: Array
    r1_ohm: Array
    r2_ohm: Array
    tau_s: tuple[float, float]


@dataclass(frozen=True, slots=True)
class PackSpec:
    """A pack model: cells in series, modules, rated values, a cell's window, what is assumed."""

    key: str
    name: str
    series: int
    modules: int
    rated_ah: float
    rated_wh: float
    nominal_v: float
    cell_v: tuple[float, float]
    source: str
    assumed: Mapping[str, float]

    @property
    def per_module(self) -> int:
        """Cells of a module."""
        return self.series // self.modules


def pack_spec(key: str) -> PackSpec:
    """The pack of this name; LookupError with the known names."""
    if key not in PACKS:
        raise LookupError(f"no pack {key!r}; known are {', '.join(PACKS)}")
    found: dict[str, Any] = dict(table("packs")[key])
    found["cell_v"] = tuple(found["cell_v"])
    return PackSpec(key=key, assumed=table("packs")["assumed"], **found)


def new_r10_ohm(spec: PackSpec, cell: Cell, soc: float) -> float:
    """What a discharge pulse of 10 s finds on a new pack at 25 degC, the OCV's change included."""
    place = round(min(max(soc, 0.0), 1.0) * STEPS)
    fast, slow = (1 - float(np.exp(-10.0 / tau)) for tau in cell.tau_s)
    ohm = cell.r0_ohm[place] + cell.r1_ohm[place] * fast + cell.r2_ohm[place] * slow
    near = slice(max(place - 20, 0), place + 21)
    slope = float(np.ptp(cell.ocv_v[near])) / ((len(cell.ocv_v[near]) - 1) / STEPS)
    scaled = float(ohm) * cell.capacity_ah / spec.rated_ah
    return spec.series * (scaled + slope * 10.0 / 3600 / spec.rated_ah)


def identified_cell(name: str = "leaf_cell") -> Cell:
    """The cell as it was identified: see the head of its table for source and error."""
    found = table(name)
    at = np.linspace(0.0, 1.0, STEPS + 1)
    resistance = found["resistance"]
    r0, r1, r2 = (
        np.interp(at, resistance["soc"], resistance[key]) for key in ("r0_ohm", "r1_ohm", "r2_ohm")
    )
    return Cell(
        name=found["name"],
        capacity_ah=found["capacity_ah"],
        ocv_v=np.interp(at, found["ocv"]["soc"], found["ocv"]["volts"]),
        r0_ohm=r0,
        r1_ohm=r1,
        r2_ohm=r2,
        tau_s=(found["tau_s"][0], found["tau_s"][1]),
    )
