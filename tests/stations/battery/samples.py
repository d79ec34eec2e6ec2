"""Samples of a pack at rest with every gate open, for tests of the machine."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

from stations.battery.cell import pack_spec
from stations.battery.interlocks import Sample
from stations.battery.machine import Outcome, State, advance
from stations.battery.protocol import Protocol, protocol

SPEC = pack_spec("ze40")
OPEN = Sample(
    time_s=0.0, voltage_v=360.0, current_a=0.0, cell_low_v=3.74, cell_high_v=3.76, cold_degc=24.0,
    hot_degc=25.0, isolation_ohm_per_v=3000.0, isolation_u95=30.0, hvil_closed=True,
    stop_clear=True, contactors_closed=True, precharge_done=True, bms_age_s=0.5, cycler_age_s=0.1,
)  # fmt: skip
PROVING = {"contactors_closed": False, "voltage_v": 0.0}


@cache
def quick() -> Protocol:
    """The quick protocol for the usual pack."""
    return protocol("quick", SPEC)


def at(time_s: float, **changed: Any) -> Sample:
    """A sample at a time, open but for what is changed."""
    return replace(OPEN, time_s=time_s, **changed)


def begun(steps: Protocol) -> State:
    """A run whose contactors were seen open and whose first step has begun, at 1 s."""
    state = advance(steps, State(), at(0.0, **PROVING)).state
    outcome = advance(steps, state, at(1.0))
    assert outcome.state.phase == "running", outcome
    return outcome.state


@cache
def driven(steps: Protocol, name: str) -> tuple[State, float]:
    """A run that stands in this step since one sample, and the time of it."""
    state, time_s = begun(steps), 1.0
    outcome: Outcome | None = None
    while steps.steps[state.step].name != name:
        time_s += steps.steps[state.step].sample_s
        amperes = state.asked_a
        outcome = advance(steps, state, at(time_s, current_a=amperes))
        state = outcome.state
        assert state.phase == "running", outcome
    return state, time_s
