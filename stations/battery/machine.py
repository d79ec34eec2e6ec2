"""Runs a protocol: from one sample to what the cycler is told, which step it is, and why.

Pure: the caller brings samples and carries the state, which it may keep on disk. After a restart
`resumed` comes first: no current, then the gates, then the step that the protocol names. Loss of
communication leads to no current here, and leaves the cycler's own watchdog in charge there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from stations.battery.interlocks import Sample, closed, closed_at_start, proves_open
from stations.battery.protocol import Protocol, Step

Phase = Literal["waiting", "running", "resuming", "complete", "stopped"]
RISE_EVERY_S = 60.0
TAPER_GAIN = 0.05  # of the highest cell's excess, each sample
TAPER_V = 0.005  # so close to its end a cell is when the voltage is held back
AT_REST_A = 2.0  # a cycler that is told 0 A shows no more
BEYOND = 1.05  # of the current that was asked for
NOT_FLOWING_S = 10.0
HOUR_S = 3600.0


@dataclass(frozen=True, slots=True)
class Setpoints:
    """What the cycler is told: A (positive charges) and the voltage of the pack to hold at most
    (charge) or at least (discharge)."""

    current_a: float = 0.0
    voltage_v: float = 0.0

    @property
    def is_on(self) -> bool:
        """Whether any current is asked for."""
        return self.current_a != 0.0


OFF = Setpoints()


@dataclass(frozen=True, slots=True)
class State:
    """All that a run remembers; a plain value."""

    phase: Phase = "waiting"
    step: int = 0
    begun_s: float | None = None  # of the phase or the step
    last_s: float | None = None
    last_a: float = 0.0
    asked_a: float = 0.0
    before_a: float = 0.0  # what was asked for a sample earlier
    moved_ah: float = 0.0
    held_v: float = 0.0
    rise_s: float | None = None
    rise_degc: float = 0.0
    was_open: bool = False
    restarts: int = 0
    reasons: tuple[str, ...] = ()

    @property
    def is_over(self) -> bool:
        """Nothing more will be asked for."""
        return self.phase in ("complete", "stopped")


@dataclass(frozen=True, slots=True)
class Outcome:
    """State to go on with, what the cycler is told, the step's name, and why current is off."""

    state: State
    setpoints: Setpoints
    step: str | None
    reasons: tuple[str, ...]


def restored(kept: Mapping[str, Any]) -> State:
    """A state from its fields as they were kept, for instance in JSON."""
    return State(**{**kept, "reasons": tuple(kept.get("reasons", ()))})


def resumed(protocol: Protocol, state: State) -> State:
    """The state after a restart: current zero first, whatever it was."""
    if state.phase not in ("running", "resuming"):
        return replace(state, begun_s=None, last_s=None) if not state.is_over else state
    if state.restarts >= protocol.limits.restarts_max:
        return replace(state, phase="stopped", asked_a=0.0, reasons=("too_many_restarts",))
    return replace(
        state, phase="resuming", begun_s=None, last_s=None, last_a=0.0, asked_a=0.0,
        before_a=0.0, rise_s=None, restarts=state.restarts + 1, reasons=("restarted",),
    )  # fmt: skip


def advance(protocol: Protocol, state: State, sample: Sample) -> Outcome:
    """One sample further."""
    if state.is_over:
        return Outcome(state, OFF, None, state.reasons)
    if state.last_s is not None and not sample.time_s > state.last_s:
        return _stopped(state, "time_went_back")
    if state.begun_s is None:
        state = replace(state, begun_s=sample.time_s)
    if state.phase != "running":
        return _waiting(protocol, state, sample)
    reasons = _beyond(protocol, state, sample)
    if reasons:
        return _stopped(state, *reasons)
    return _running(protocol, _counted(state, sample), sample)


def _waiting(protocol: Protocol, state: State, sample: Sample) -> Outcome:
    """No current until all gates are open, and after a restart have been so for a while."""
    limits = protocol.limits
    state = replace(
        state, last_s=sample.time_s, was_open=state.was_open or proves_open(limits, sample)
    )
    gates = closed(limits, sample)
    if state.phase == "waiting":
        gates += closed_at_start(limits, sample)
    if not state.was_open:
        gates += ("contactor_not_proven_open",)
    waited = sample.time_s - (state.begun_s or 0.0)
    if gates:
        if waited > limits.patience_s:
            return _stopped(state, *gates)
        return Outcome(state, OFF, None, gates)
    if abs(sample.current_a or 0.0) > AT_REST_A:
        return _stopped(state, "current_at_rest")
    if state.phase == "waiting":
        return _entered(protocol, state, 0, sample)
    if waited < limits.quiet_s:
        return Outcome(state, OFF, None, ("restarted",))
    at = protocol.index(protocol.steps[state.step].resume)
    return _entered(protocol, state, at, sample)


def _beyond(protocol: Protocol, state: State, sample: Sample) -> tuple[str, ...]:
    """Why no current may flow any longer; empty when it may."""
    limits = protocol.limits
    found = closed(limits, sample)
    if state.last_s is not None and sample.time_s - state.last_s > limits.age_max_s:
        found += ("sample_gap",)
    if found:
        return found
    amperes, asked = sample.current_a or 0.0, state.asked_a
    # At the sample after a change what was asked for before may still flow.
    most = max(abs(asked), abs(state.before_a))
    if abs(amperes) > BEYOND * most + AT_REST_A:
        found += ("current_above_setpoint" if most else "current_at_rest",)
    elif abs(amperes) > AT_REST_A and amperes * asked <= 0 and amperes * state.before_a <= 0:
        found += ("current_reversed",)
    if _rises(protocol, state, sample):
        found += ("temperature_rise",)
    return found


def _rises(protocol: Protocol, state: State, sample: Sample) -> bool:
    if state.rise_s is None or sample.hot_degc is None:
        return False
    minutes = max((sample.time_s - state.rise_s) / 60.0, 1.0)
    return sample.hot_degc - state.rise_degc > protocol.limits.rise_max_k_per_min * minutes


def _counted(state: State, sample: Sample) -> State:
    """The sample's time, current and charge; written out, since it is made for every sample."""
    seconds = sample.time_s - (state.last_s if state.last_s is not None else sample.time_s)
    amperes = sample.current_a or 0.0
    renew = state.rise_s is None or sample.time_s - state.rise_s >= RISE_EVERY_S
    return State(
        phase=state.phase,
        step=state.step,
        begun_s=state.begun_s,
        last_s=sample.time_s,
        last_a=amperes,
        asked_a=state.asked_a,
        before_a=state.before_a,
        moved_ah=state.moved_ah + amperes * seconds / HOUR_S,
        held_v=state.held_v,
        rise_s=sample.time_s if renew else state.rise_s,
        rise_degc=(sample.hot_degc or 0.0) if renew else state.rise_degc,
        was_open=state.was_open,
        restarts=state.restarts,
        reasons=state.reasons,
    )


def _running(protocol: Protocol, state: State, sample: Sample) -> Outcome:
    step = protocol.steps[state.step]
    spent = sample.time_s - (state.begun_s or 0.0)
    if _has_ended(protocol, step, state, sample, spent):
        return _entered(protocol, state, state.step + 1, sample)
    if spent >= step.seconds:
        return _stopped(state, "step_too_long")
    if step.kind in ("charge", "discharge") and spent > NOT_FLOWING_S and not state.last_a:
        return _stopped(state, "current_does_not_flow")
    return _told(protocol, state, step, sample)


def _has_ended(protocol: Protocol, step: Step, state: State, sample: Sample, spent: float) -> bool:
    """Whether the step's own end is reached: its time, its charge, or the window of the cells."""
    low, high = protocol.cell_v
    if step.kind in ("rest", "pulse") and spent >= step.seconds - 1e-6:
        return True
    if step.until_moved_ah is not None and abs(state.moved_ah) >= step.until_moved_ah:
        return True
    if step.current_a < 0:
        return sample.cell_low_v is not None and sample.cell_low_v <= low
    if step.kind == "charge" and step.until_current_a is not None and spent > NOT_FLOWING_S:
        near = sample.cell_high_v is not None and sample.cell_high_v >= high - 2 * TAPER_V
        full = (sample.voltage_v or 0.0) >= protocol.cells * (high - TAPER_V)
        return state.last_a <= step.until_current_a and (near or full)
    return False


def _told(protocol: Protocol, state: State, step: Step, sample: Sample) -> Outcome:
    """Set-points within a step; a charge is held back so that its highest cell stays at its end."""
    if not step.current_a:
        return Outcome(_asking(state, 0.0, state.held_v), OFF, step.name, ())
    cells, (low, high) = protocol.cells, protocol.cell_v
    held = cells * low if step.current_a < 0 else state.held_v
    if step.current_a > 0:
        held = held or cells * high
        excess = (sample.cell_high_v or 0.0) - high
        if excess > -TAPER_V:
            held = min(held, (sample.voltage_v or 0.0) + cells * TAPER_V)
        held = min(held - TAPER_GAIN * cells * excess, cells * high)
    setpoints = Setpoints(step.current_a, held)
    return Outcome(_asking(state, step.current_a, held), setpoints, step.name, ())


def _asking(state: State, amperes: float, held_v: float) -> State:
    """The state with what is asked for; most samples change nothing."""
    if state.asked_a == amperes == state.before_a and state.held_v == held_v:
        return state
    return replace(state, asked_a=amperes, before_a=state.asked_a, held_v=held_v)


def _entered(protocol: Protocol, state: State, at: int, sample: Sample) -> Outcome:
    state = replace(
        state, phase="running", step=at, begun_s=sample.time_s, last_s=sample.time_s,
        moved_ah=0.0, held_v=0.0, reasons=(),
    )  # fmt: skip
    if at >= len(protocol.steps):
        done = replace(state, phase="complete", step=at - 1, asked_a=0.0)
        return Outcome(done, OFF, None, ())
    return _told(protocol, state, protocol.steps[at], sample)


def _stopped(state: State, *reasons: str) -> Outcome:
    over = replace(state, phase="stopped", asked_a=0.0, reasons=reasons)
    return Outcome(over, OFF, None, reasons)
