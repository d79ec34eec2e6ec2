"""Packs with faults, the protocol run on them, and the truth beside what was recorded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulators.battery.bench import Bench, Progress, Run
from stations.battery import reference
from stations.battery.cell import PackSpec
from stations.battery.draw import Drawn, Fault, drawn
from stations.battery.modules import WEAK_PCT
from stations.battery.protocol import Protocol
from stations.battery.qualification import Evidence
from stations.battery.trace import Trace

SIMULATED_FROM = "one measured cell (stations/battery/data/leaf_cell.toml); no real pack"
UNSAFE = ("isolation-leak", "runaway", "stuck-contactor")  # faults that no pack may pass with


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What is so of one pack, whatever was measured."""

    seed: int
    faults: tuple[Fault, ...]
    capacity_ah: float
    soh_pct: float
    module_ah: tuple[float, ...]
    below_pct: tuple[float, ...]
    weak_modules: tuple[int, ...]
    resistance_increase_pct: float
    isolation_ohm_per_v: float
    cell_spread_v: float
    start_degc: tuple[float, float]
    bms_soh_pct: float

    def plain(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        return {
            "seed": self.seed,
            "faults": [
                one.name if one.value is None else f"{one.name}={one.value:g}"
                for one in self.faults
            ],
            "capacity_ah": round(self.capacity_ah, 3),
            "soh_pct": round(self.soh_pct, 3),
            "weak_modules": list(self.weak_modules),
            "module_ah": [round(one, 3) for one in self.module_ah],
            "module_below_pct": [round(one, 3) for one in self.below_pct],
            "resistance_increase_pct": round(self.resistance_increase_pct, 2),
            "isolation_ohm_per_v": round(self.isolation_ohm_per_v, 2),
            "cell_spread_v": round(self.cell_spread_v, 4),
            "start_degc": [round(one, 2) for one in self.start_degc],
            "bms_soh_pct": self.bms_soh_pct,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Simulated:
    """One pack: the raw run, what the evaluation gets of it, and the truth."""

    run: Run
    evidence: Evidence
    truth: Truth


def simulated(
    spec: PackSpec,
    protocol: Protocol,
    seeds: Sequence[int],
    faults: Sequence[Sequence[Fault]],
    progress: Progress | None = None,
) -> list[Simulated]:
    """Run the protocol on one pack for each seed, all at once; a seed makes the same pack."""
    rngs = [np.random.default_rng([11, seed]) for seed in seeds]
    packs = drawn(spec, rngs, faults)
    new = spec_resistance(packs)
    capacity_ah = reference.capacity_ah(packs.packs)
    told = packs.told_soh(capacity_ah / spec.rated_ah)
    runs = Bench(packs, protocol, rngs).run(progress)
    return [
        Simulated(
            run,
            evidence_of(run, spec, float(told[row])),
            _truth(packs, row, seeds[row], float(capacity_ah[row]), float(new[row]), run, told),
        )
        for row, run in enumerate(runs)
    ]


def spec_resistance(packs: Drawn) -> np.ndarray:
    """R10 at 25 degC and half charge over that of a new pack, in % above it, (packs,)."""
    circuit = packs.packs
    half = circuit.at_rest(np.full_like(circuit.soc, 0.5))
    own = half.resistance(10.0).sum(axis=1)
    half.growth = np.ones_like(half.growth)
    half.joint_ohm = np.zeros_like(half.joint_ohm)
    half.renew()
    return 100 * (own / half.resistance(10.0).sum(axis=1) - 1)


def evidence_of(run: Run, spec: PackSpec, told_soh_pct: float) -> Evidence:
    """What the evaluation may see; a cell that is told as negative is balanced, not known."""
    names = list(dict.fromkeys(run.step))
    numbers = {name: number for number, name in enumerate(names)}
    cells = run.cells_v.astype(np.float64)
    trace = Trace(
        time_s=run.time_s,
        voltage_v=run.voltage_v,
        current_a=run.current_a,
        cells=spec.series,
        step=np.array([numbers[name] for name in run.step], np.int64),
        temperature_degc=run.degc,
        cells_v=np.where(cells > 0, cells, np.nan),
    )
    return Evidence(
        trace=trace,
        step_names=run.step,
        state=run.state,
        isolation=run.isolation,
        start_cells_v=run.start.cells_v,
        start_degc=run.start.degc,
        bms_soh_pct=told_soh_pct,
        bms_soc_pct=run.told_soc_pct,
    )


def _truth(
    packs: Drawn, row: int, seed: int, capacity_ah: float, increase: float, run: Run,
    told: np.ndarray,
) -> Truth:  # fmt: skip
    circuit, spec = packs.packs, packs.packs.spec
    modules = circuit.q_ah[row].reshape(spec.modules, -1).mean(axis=1)
    below = 100 * (1 - modules / np.median(modules))
    least = min(float(circuit.negative_ohm[row]), float(circuit.positive_ohm[row]))
    degc = run.start.true_degc
    return Truth(
        seed=seed,
        faults=packs.faults[row],
        capacity_ah=capacity_ah,
        soh_pct=100 * capacity_ah / spec.rated_ah,
        module_ah=tuple(float(one) for one in modules),
        below_pct=tuple(float(one) for one in below),
        weak_modules=tuple(int(at) + 1 for at in np.flatnonzero(below >= WEAK_PCT)),
        resistance_increase_pct=increase,
        isolation_ohm_per_v=least / spec.nominal_v,
        cell_spread_v=float(np.ptp(run.start.true_cells_v)),
        start_degc=(float(degc.min()), float(degc.max())),
        bms_soh_pct=float(told[row]),
    )
