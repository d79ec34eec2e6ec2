"""Runs a protocol on many simulated packs at once and keeps what the bench records of each.

The protocol's machine (`stations.battery.machine`) sees the sensors' samples alone. Contactors are
closed by what stands for the safety relay here: at `CLOSES_S`, when they were open before.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from simulators.battery.sensors import ISOLATION_GAIN, Sensors, Shown
from stations.battery import isolation
from stations.battery.draw import Drawn
from stations.battery.interlocks import Sample
from stations.battery.machine import OFF, Outcome, Setpoints, State, advance
from stations.battery.protocol import Protocol

Array = NDArray[np.float64]
CLOSES_S, CHARGED_S = 5.0, 7.0
LONGEST_S = 2 * 86_400.0
GROWS = 4096
Progress = Callable[[float], None]


@dataclass(slots=True, eq=False)
class Run:
    """What was recorded of one pack: columns, the steps' names, how it ended, what was read once.

    `cells_v` is NaN in rows without a sample of the cells; negative says that it is balanced.
    """

    time_s: Array
    voltage_v: Array
    current_a: Array
    cells_v: NDArray[np.float32]
    degc: Array
    step: list[str]
    state: State
    isolation: isolation.Voltages
    start: Start
    told_soc_pct: float
    hottest_degc: float


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """Cells and temperatures as read when current was first allowed or refused, and the truth."""

    cells_v: Array
    degc: Array
    true_cells_v: Array
    true_degc: Array


@dataclass(slots=True, eq=False)
class _Columns:
    """Rows of all packs; it grows."""

    packs: int
    cells: int
    count: int = 0
    numbers: Array = field(init=False)
    cells_v: NDArray[np.float32] = field(init=False)
    steps: list[list[str]] = field(init=False)

    def __post_init__(self) -> None:
        self.numbers = np.empty((GROWS, 4, self.packs))
        self.cells_v = np.empty((GROWS, self.packs, self.cells), np.float32)
        self.steps = [[] for _ in range(self.packs)]

    def add(self, time_s: Array, shown: Shown, fresh: NDArray[np.bool_], cells: Array) -> None:
        if self.count == len(self.numbers):
            self.numbers = np.concatenate([self.numbers, np.empty_like(self.numbers)])
            self.cells_v = np.concatenate([self.cells_v, np.empty_like(self.cells_v)])
        row = self.numbers[self.count]
        row[0], row[1], row[2] = time_s, shown.voltage_v, shown.current_a
        row[3] = shown.degc.mean(axis=1)
        self.cells_v[self.count] = cells
        if not fresh.all():
            self.cells_v[self.count, ~fresh] = np.nan
        self.count += 1


class Bench:
    """Some packs with their sensors under one protocol."""

    def __init__(self, drawn: Drawn, protocol: Protocol, rngs: Sequence[Generator]) -> None:
        self._drawn, self._protocol = drawn, protocol
        self._packs = drawn.packs
        count, cells = self._packs.soc.shape
        self._sensors = Sensors(rngs, cells)
        self._states = [State() for _ in range(count)]
        self._told: list[Setpoints] = [OFF] * count
        self._time = np.zeros(count)
        self._ends = [0] * count
        self._isolation = [self._measured(row) for row in range(count)]
        self._said = [self._isolation_said(row) for row in range(count)]
        self._start: list[Start | None] = [None] * count
        self._soc_told = drawn.told_soc()
        self._hottest = np.full(count, -np.inf)
        self._cells = np.zeros((count, cells))
        self._code = np.where(self._packs.balancing, -1.0, 1.0)
        self._columns = _Columns(count, cells)

    def run(self, progress: Progress | None = None) -> list[Run]:
        """Until every run has ended; the packs are afterwards as the runs have left them."""
        count = len(self._packs)
        seconds = np.ones((count, 1))
        spacing = [1.0] * count
        while not all(state.is_over for state in self._states):
            wanted = [self._spacing(state) for state in self._states]
            if wanted != spacing:
                spacing, seconds = wanted, np.array(wanted)[:, None]
            self._sample(seconds)
            if progress is not None and self._columns.count % 500 == 0:
                progress(float(self._time.max()))
            if self._time.max() > LONGEST_S:
                raise AssertionError("a protocol has no end")
        return [self._run(row) for row in range(count)]

    def _spacing(self, state: State) -> float:
        if state.phase != "running":
            return 1.0
        return self._protocol.steps[state.step].sample_s

    def _sample(self, seconds: Array) -> None:
        packs = self._packs
        current = np.array([[one.current_a] for one in self._told])
        if current.any():
            held = np.array([[one.voltage_v] for one in self._told])
            current = packs.held(current, held, seconds)
        packs.step(current, seconds)
        before = np.floor(self._time + 1e-6)
        self._time = np.round(self._time + seconds[:, 0], 6)
        volts = packs.cell_voltages
        drift = self._drawn.drift_a_per_h * self._time / 3600
        shown = self._sensors.shown(
            volts, volts.sum(axis=1), current[:, 0] + drift, packs.temperature
        )
        fresh = np.floor(self._time + 1e-6) > before
        self._cells = np.where(fresh[:, None], shown.cells_v, self._cells)
        self._hottest = np.maximum(self._hottest, packs.temperature.max(axis=1))
        self._columns.add(self._time, shown, fresh, shown.cells_v * self._code)
        self._advance(shown, volts)

    def _advance(self, shown: Shown, volts: Array) -> None:
        low, high = self._cells.min(axis=1).tolist(), self._cells.max(axis=1).tolist()
        cold, hot = shown.degc.min(axis=1).tolist(), shown.degc.max(axis=1).tolist()
        time_s, volt = self._time.tolist(), shown.voltage_v.tolist()
        amperes = shown.current_a.tolist()
        for row, state in enumerate(self._states):
            steps = self._columns.steps[row]
            if state.is_over:
                continue
            at, stuck = time_s[row], self._drawn.stuck[row]
            closes, ohm_per_v, u95 = at >= CLOSES_S, *self._said[row]
            sample = Sample(
                at, volt[row] if closes or stuck else 0.0, amperes[row], low[row], high[row],
                cold[row], hot[row], ohm_per_v, u95, True, True, closes, at >= CHARGED_S, 0.0, 0.0,
            )  # fmt: skip
            outcome = advance(self._protocol, state, sample)
            self._states[row], self._told[row] = outcome.state, outcome.setpoints
            steps.append(self._name(state, outcome))
            self._ends[row] = self._columns.count
            if state.phase == "waiting" and outcome.state.phase != "waiting":
                self._start[row] = Start(
                    self._cells[row].copy(), shown.degc[row].copy(), volts[row].copy(),
                    self._packs.temperature[row].copy(),
                )  # fmt: skip

    def _name(self, before: State, outcome: Outcome) -> str:
        """The step in which this row was recorded: a row is the end of its sample."""
        if before.phase != "running":
            return before.phase
        return self._protocol.steps[before.step].name

    def _started(self, row: int) -> Start:
        found = self._start[row]
        if found is None:
            raise AssertionError("a run ended that never left its waiting")
        return found

    def _measured(self, row: int) -> isolation.Voltages:
        packs = self._packs
        return self._sensors.isolation(
            row, float(packs.ocv[row].sum()), float(packs.negative_ohm[row]),
            float(packs.positive_ohm[row]), packs.spec.nominal_v,
        )  # fmt: skip

    def _isolation_said(self, row: int) -> tuple[float | None, float | None]:
        measured = self._isolation[row]
        if isolation.doubts(measured):
            return None, None
        nominal = self._packs.spec.nominal_v
        u95 = isolation.u95_ohm(measured, ISOLATION_GAIN) / nominal
        return isolation.resistance_ohm(measured) / nominal, u95

    def _run(self, row: int) -> Run:
        """Rows from the closing of the contactors on: before, the leads carry nothing."""
        end = self._ends[row]
        time_s = self._columns.numbers[:end, 0, row]
        begin = int(np.searchsorted(time_s, math.ceil(CLOSES_S)))
        chosen = slice(begin, end)
        numbers = self._columns.numbers[chosen, :, row]
        return Run(
            time_s=numbers[:, 0].copy(),
            voltage_v=numbers[:, 1].copy(),
            current_a=numbers[:, 2].copy(),
            cells_v=self._columns.cells_v[chosen, row].copy(),
            degc=numbers[:, 3].copy(),
            step=self._columns.steps[row][begin:],
            state=self._states[row],
            isolation=self._isolation[row],
            start=self._started(row),
            told_soc_pct=float(self._soc_told[row]),
            hottest_degc=float(self._hottest[row]),
        )
