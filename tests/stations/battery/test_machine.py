"""The machine that runs a protocol: no current with a closed gate, and an end for every run."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stations.battery.interlocks import Sample, closed
from stations.battery.machine import OFF, Setpoints, State, advance, restored, resumed
from tests.stations.battery.samples import OPEN, PROVING, at, begun, driven, quick

NAN = float("nan")
CLOSING: list[tuple[str, dict[str, Any]]] = [
    ("isolation", {"isolation_ohm_per_v": 99.0}),
    ("isolation", {"isolation_ohm_per_v": 120.0, "isolation_u95": 25.0}),
    ("isolation", {"isolation_ohm_per_v": None}),
    ("isolation", {"isolation_u95": NAN}),
    ("hvil", {"hvil_closed": False}),
    ("hvil", {"hvil_closed": None}),
    ("emergency_stop", {"stop_clear": None}),
    ("contactors", {"contactors_closed": False}),
    ("contactors", {"precharge_done": None}),
    ("cell_window", {"cell_high_v": 4.26}),
    ("cell_window", {"cell_low_v": 2.69}),
    ("cell_window", {"cell_low_v": NAN}),
    ("temperature", {"hot_degc": 45.1}),
    ("temperature", {"hot_degc": None}),
    ("temperature_spread", {"cold_degc": 16.0}),
    ("bms_watchdog", {"bms_age_s": 3.1}),
    ("cycler_watchdog", {"cycler_age_s": None}),
    ("current", {"current_a": 200.0}),
    ("current", {"current_a": None}),
    ("pack_voltage", {"voltage_v": None}),
    ("pack_voltage", {"voltage_v": 10.0}),
]


@pytest.mark.parametrize(("gate", "changed"), CLOSING)
def test_a_gate_that_closes_stops_the_current_within_one_sample(
    gate: str, changed: dict[str, Any]
) -> None:
    steps = quick()
    state, time_s = driven(steps, "pulse")
    assert state.asked_a < 0
    outcome = advance(steps, state, at(time_s + 0.1, **{"current_a": -131.2, **changed}))
    assert outcome.setpoints == OFF and gate in outcome.reasons
    assert outcome.state.phase == "stopped"
    later = advance(steps, outcome.state, at(time_s + 0.2))
    assert later.setpoints == OFF and later.state == outcome.state


@pytest.mark.parametrize(
    ("gate", "changed"),
    [
        *CLOSING,
        ("start_temperature", {"cold_degc": 19.0}),
        ("start_temperature", {"cold_degc": 29.0, "hot_degc": 31.0}),
        ("start_temperature_spread", {"cold_degc": 22.0, "hot_degc": 28.0}),
        ("cell_spread", {"cell_low_v": 3.6, "cell_high_v": 3.8}),
    ],
)
def test_before_the_first_current_every_gate_is_open(gate: str, changed: dict[str, Any]) -> None:
    steps, state = quick(), State()
    state = advance(steps, state, at(0.0, **PROVING)).state
    for second in range(1, 320):
        outcome = advance(steps, state, at(float(second), **changed))
        state = outcome.state
        assert outcome.setpoints == OFF and gate in outcome.reasons
    assert state.phase == "stopped" and gate in state.reasons


def test_contactors_that_were_never_seen_open_may_be_stuck() -> None:
    steps, state = quick(), State()
    for second in range(400):
        outcome = advance(steps, state, at(float(second)))
        state = outcome.state
        assert outcome.setpoints == OFF
    assert state.reasons == ("contactor_not_proven_open",)
    stuck = advance(steps, State(), at(0.0, contactors_closed=False)).state
    assert not stuck.was_open


@pytest.mark.parametrize(
    ("amperes", "reason"),
    [(-160.0, "current_above_setpoint"), (50.0, "current_reversed")],
)
def test_a_cycler_that_does_something_else_is_stopped(amperes: float, reason: str) -> None:
    steps = quick()
    state, time_s = driven(steps, "pulse")
    first = advance(steps, state, at(time_s + 0.1, current_a=-131.2))
    outcome = advance(steps, first.state, at(time_s + 0.2, current_a=amperes))
    assert outcome.setpoints == OFF and reason in outcome.reasons


def test_current_that_goes_on_after_its_step_is_told_at_the_second_sample() -> None:
    steps = quick()
    state, time_s = driven(steps, "relax")
    lagging = advance(steps, state, at(time_s + 0.1, current_a=-131.2))
    assert lagging.state.phase == "running"
    outcome = advance(steps, lagging.state, at(time_s + 0.2, current_a=-131.2))
    assert outcome.state.phase == "stopped" and "current_at_rest" in outcome.reasons


def test_samples_that_stay_away_or_go_back_in_time_stop_it() -> None:
    steps = quick()
    late = advance(steps, begun(steps), at(9.0))
    assert late.state.phase == "stopped" and "sample_gap" in late.reasons
    back = advance(steps, begun(steps), at(0.5))
    assert back.state.phase == "stopped" and back.reasons == ("time_went_back",)


def test_a_fast_rise_of_the_hottest_cell_stops_it() -> None:
    steps = quick()
    state = begun(steps)
    for second in range(2, 40):
        outcome = advance(steps, state, at(float(second), hot_degc=25.0 + 0.1 * second))
        state = outcome.state
        if state.is_over:
            break
    assert state.reasons == ("temperature_rise",)


def test_after_a_restart_current_is_zero_first_and_goes_on_where_the_protocol_says() -> None:
    steps = quick()
    state, time_s = driven(steps, "charge of a window")
    kept = restored(json.loads(json.dumps(asdict(state))))
    assert kept == state
    state = resumed(steps, kept)
    for second in range(60):
        outcome = advance(steps, state, at(time_s + 100 + second))
        state = outcome.state
        assert outcome.setpoints == OFF and outcome.reasons == ("restarted",)
    outcome = advance(steps, state, at(time_s + 161))
    assert outcome.state.phase == "running" and outcome.step == "rest before"
    assert outcome.state.moved_ah == 0.0


def test_a_run_restarts_three_times_and_no_more() -> None:
    steps = quick()
    state, _ = driven(steps, "pulse")
    for _ in range(3):
        state = resumed(steps, state)
        assert state.phase == "resuming"
    state = resumed(steps, state)
    assert state.phase == "stopped" and state.reasons == ("too_many_restarts",)
    assert resumed(steps, state) == state


def test_a_charge_is_held_back_so_that_the_highest_cell_stays_at_its_end() -> None:
    steps = quick()
    state, time_s = driven(steps, "charge of a window")
    high = 4.23
    told: list[Setpoints] = []
    for second in range(1, 30):
        sample = at(time_s + second, current_a=60.0, cell_high_v=high, voltage_v=402.0)
        outcome = advance(steps, state, sample)
        state = outcome.state
        told.append(outcome.setpoints)
    voltages = [one.voltage_v for one in told]
    assert voltages == sorted(voltages, reverse=True) and voltages[-1] < 96 * 4.2 - 1


amount = st.one_of(st.none(), st.just(NAN), st.floats(-500, 500))
flag = st.sampled_from([True, True, True, True, False, None])
usual = st.fixed_dictionaries(
    {},
    optional={
        "voltage_v": amount, "current_a": amount, "cell_low_v": st.floats(2.5, 4.4),
        "cell_high_v": st.floats(2.5, 4.4), "cold_degc": st.floats(10, 50),
        "hot_degc": st.floats(10, 50), "isolation_ohm_per_v": amount, "isolation_u95": amount,
        "hvil_closed": flag, "stop_clear": flag, "contactors_closed": flag,
        "precharge_done": flag, "bms_age_s": st.floats(0, 5), "cycler_age_s": st.floats(0, 5),
    },
)  # fmt: skip
changes = st.lists(
    st.tuples(st.floats(0.05, 4.0), st.one_of(st.just({}), st.just({}), usual)), max_size=40
)


def follows(state: State, sample: Sample) -> Sample:
    """The sample with the current that was asked for, where none is given."""
    given = sample.current_a != OPEN.current_a
    return sample if given else replace(sample, current_a=state.asked_a)


@given(begins=st.sampled_from(["", "pulse", "charge of a window"]), rest=changes, restart=flag)
@settings(max_examples=150, deadline=None)
def test_no_current_ever_flows_with_a_closed_gate(
    begins: str, rest: list[tuple[float, dict[str, Any]]], restart: bool | None
) -> None:
    steps = quick()
    state, time_s = driven(steps, begins) if begins else (State(), 0.0)
    for number, (seconds, changed) in enumerate(rest):
        if restart is None and number == 5:
            state = resumed(steps, state)
            assert state.asked_a == 0.0
        time_s += seconds
        sample = follows(state, at(time_s, **changed))
        outcome = advance(steps, state, sample)
        if outcome.setpoints.is_on:
            assert closed(steps.limits, sample) == ()
            assert outcome.state.phase == "running" and outcome.state.was_open
            assert abs(outcome.setpoints.current_a) <= steps.cycler.current_max_a
        else:
            assert outcome.state.asked_a == 0.0
        if state.is_over:
            assert outcome.state == state
        state = outcome.state


@given(
    seconds=st.floats(0.5, 2.9), low=st.floats(2.8, 4.2), volts=st.floats(280, 400),
    amperes=st.one_of(st.none(), st.floats(-1, 1)), open_=st.booleans(),
)  # fmt: skip
@settings(max_examples=30, deadline=None)
def test_every_run_ends(
    seconds: float, low: float, volts: float, amperes: float | None, open_: bool
) -> None:
    """Whatever the cells do or do not, a step's length and the patience bound the run."""
    steps = quick()
    bound = sum(one.seconds for one in steps.steps) + steps.limits.patience_s
    state, time_s = (begun(steps), 1.0) if open_ else (State(), 0.0)
    samples = 0
    while not state.is_over:
        time_s += seconds
        flowing = state.asked_a if amperes is None else amperes
        state = advance(
            steps, state,
            at(time_s, cell_low_v=low, cell_high_v=low, voltage_v=volts, current_a=flowing),
        ).state  # fmt: skip
        samples += 1
        assert time_s <= bound + 4 * seconds * (len(steps.steps) + 1)
    assert samples > 0
