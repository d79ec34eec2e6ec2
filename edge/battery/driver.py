"""Drives one qualification: samples in, set-points out, the state on disk before the cycler hears.

At every start and after every loss the first thing told is no current; what comes then is the
machine's to say (`stations.battery.machine`). The software never closes a contactor.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol as Contract

import structlog

from edge.battery.journal import Journal
from edge.battery.recording import Recording
from stations.battery.interlocks import Sample
from stations.battery.machine import Outcome, Setpoints, State, advance, resumed
from stations.battery.protocol import CyclerLimits, Protocol

AGAIN_S = 2.0
SETTLE_S = 1.0  # after switching off, until a current that still shows is one too many
LOSSES_MAX = 100

log = structlog.get_logger()


class BenchLost(Exception):
    """The bench does not answer: its cycler's own watchdog is in charge until it does."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One look at the bench: what the machine needs, and all cells (V) where they are new."""

    sample: Sample
    cells_v: Sequence[float] | None
    degc: float | None


class Bench(Contract):
    """A cycler with a pack; every call may raise BenchLost."""

    async def secure(self) -> None:
        """No current, terminal off."""

    async def take(self, limits: CyclerLimits) -> None:
        """Control, the cycler's own limits read back, terminal on with no current."""

    async def read(self, time_s: float) -> Reading:
        """What is known now."""
        ...

    async def tell(self, setpoints: Setpoints) -> None:
        """Set-points of now."""


class Timing(Contract):
    """A clock in the seconds of the run, which a simulation may make quicker."""

    def now_s(self) -> float:
        """Seconds that never step back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait so many seconds of the run."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What is shown of a run: step, seconds since its beginning, why there is no current."""

    step: str
    time_s: float
    reasons: tuple[str, ...]


class Driver:
    """One run of one protocol at one bench."""

    def __init__(
        self,
        protocol: Protocol,
        bench: Bench,
        journal: Journal,
        recording: Recording,
        timing: Timing,
        said: Callable[[Progress], None] = lambda progress: None,
    ) -> None:
        self._protocol, self._bench, self._journal = protocol, bench, journal
        self._recording, self._timing, self._said = recording, timing, said
        self._base_s = 0.0

    async def run(self) -> State:
        """To its end, however often the bench is lost in between; the state in which it ended.

        Raises JournalTorn and OSError after the current was switched off. A run that was cancelled
        is switched off too, and goes on when it is started again.
        """
        await self._secured()
        kept = self._journal.read()
        state = State() if kept is None else resumed(self._protocol, kept)
        for _ in range(LOSSES_MAX):
            with self._recording:
                self._base_s = self._recording.last_s() + 1.0 - self._timing.now_s()
                state, lost = await self._until_lost(state)
            if state.is_over:
                return state
            log.warning("the bench is lost", why=str(lost), step=state.step)
            await self._secured()
            state = resumed(self._protocol, state)
            self._journal.write(state)
        raise BenchLost(f"the bench was lost {LOSSES_MAX} times")

    async def _until_lost(self, state: State) -> tuple[State, BenchLost | None]:
        """Go on until the run is over or the bench is lost; the current is off afterwards."""
        lost = None
        try:
            if not state.is_over:
                await self._bench.take(self._protocol.cycler)
            while not state.is_over:
                state = await self._one(state)
        except BenchLost as error:
            lost = error
        finally:
            with contextlib.suppress(BenchLost):  # then the cycler's watchdog sees it
                await self._bench.secure()
        return state, lost

    async def _one(self, before: State) -> State:
        """One sample: what changed is on disk before the cycler is told."""
        began_s = self._timing.now_s()
        reading = await self._bench.read(began_s + self._base_s)
        outcome = advance(self._protocol, before, reading.sample)
        state = outcome.state
        if (state.phase, state.step) != (before.phase, before.step):
            self._journal.write(state)
        await self._bench.tell(outcome.setpoints)
        self._record(before, reading, outcome)
        if not state.is_over:
            rest_s = self._every_s(state) - (self._timing.now_s() - began_s)
            await self._timing.sleep(max(rest_s, 0.0))
        return state

    def _record(self, before: State, reading: Reading, outcome: Outcome) -> None:
        """A row is the end of its sample, so it belongs to the step before."""
        running = before.phase == "running"
        step = self._protocol.steps[before.step].name if running else before.phase
        sample = reading.sample
        if sample.contactors_closed:  # before, the leads carry nothing
            self._recording.add(
                sample.time_s, sample.voltage_v, sample.current_a, step, reading.degc,
                reading.cells_v,
            )  # fmt: skip
        self._said(Progress(outcome.step or outcome.state.phase, sample.time_s, outcome.reasons))

    def _every_s(self, state: State) -> float:
        return self._protocol.steps[state.step].sample_s if state.phase == "running" else 1.0

    async def _secured(self) -> None:
        """Until the bench says that no current flows: before that nothing else is thought of."""
        told = ""
        while True:
            try:
                await self._bench.secure()
                break
            except BenchLost as error:
                if str(error) != told:  # for hours it would be the same line
                    told = str(error)
                    log.error("the current cannot be switched off", why=told)
            await self._timing.sleep(AGAIN_S)
        await self._timing.sleep(SETTLE_S)


class RealTime:
    """The machine's own time; `speed` for simulated benches."""

    def __init__(self, monotonic: Callable[[], float], speed: float = 1.0) -> None:
        self._monotonic, self._speed = monotonic, speed

    def now_s(self) -> float:
        """Seconds of the run."""
        return self._monotonic() * self._speed

    async def sleep(self, seconds: float) -> None:
        """Wait so many of them."""
        await asyncio.sleep(seconds / self._speed)
