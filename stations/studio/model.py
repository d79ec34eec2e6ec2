"""How a studio behaves: a vehicle drives on, turns once, is shot inside and outside, drives off.

A cycle is 266 s from arrival to done; with 25 s until the next may come it is a quick vehicle of
those for which the takt of 360 s has room. The spin follows the shot plan: a ramp of 3 s, then 360
degrees at 6 deg/s. A guided studio turns when it is told to start, waits in the review for
`set_acquisition_done` or `repeat_spin`, and lets the vehicle go after `release`.
"""

from __future__ import annotations

import random
from collections.abc import Callable

from stations.model import Model, Pulse, Values, Vehicle
from stations.phases import Phases, ramp, settled
from stations.studio.station import NO_FRAME, SLOTS, SPIN_ANGLES, StopCause, Studio, StudioState

RAMP_S, SPEED_DEG_S = 3.0, 6.0
RAMP_DEG = SPEED_DEG_S * RAMP_S / 2
SPIN_S = 360.0 / SPEED_DEG_S
DONE_S, LEAVING_S, EMPTY_S = 5.0, 15.0, 5.0
SECURING_S = 10.0
UNDERBODY_LINES = 12_000
LAMPS, CAMERAS = 8, 12

WORK = (
    (StudioState.LOADING, 45.0),
    (StudioState.SECURING, SECURING_S),
    (StudioState.TURNING, SPIN_S + 2 * RAMP_S),
    (StudioState.HOMING, 10.0),
    (StudioState.DETAILS, 50.0),
    (StudioState.INTERIOR, 45.0),
    (StudioState.WHEELS, 25.0),
    (StudioState.REVIEW, 15.0),
    (StudioState.DONE, 0.0),
)
ARRIVING, SHOOTING, SPINNING = WORK[:2], WORK[2:8], (WORK[2], WORK[3], WORK[7])
DONE = WORK[8:]
REST = ((StudioState.EMPTY, 0.0),)
OFF = ((StudioState.LEAVING, LEAVING_S), *REST)


class StudioModel(Model):
    """A turntable studio. A vehicle in poor health is dirty: more of its pictures are blurred."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        self._phases: Phases[StudioState] = Phases(REST)
        self._phases.elapsed_s = EMPTY_S
        self._visit = ""
        self._mass_kg = 0.0
        self._health = 1.0
        self._latched: list[float] = []
        self._commands: set[str] = set()
        self._pulses: list[Pulse] = []
        self._is_released = False
        self._hours_s = rng.uniform(200.0, 4000.0) * 3600
        self._energy_kwh = rng.uniform(2000.0, 40000.0)
        self._cabinet = 33.0
        self._turns = rng.randrange(1000, 50000)
        self._lamp_a = [round(4.0 + rng.uniform(-0.2, 0.2), 2) for _ in range(LAMPS)]
        self._acts: dict[StudioState, Callable[[float, float, Values], None]] = {
            StudioState.EMPTY: self._empty,
            StudioState.LOADING: self._loading,
            StudioState.SECURING: self._securing,
            StudioState.TURNING: self._turning,
            StudioState.HOMING: self._homing,
            StudioState.DETAILS: self._details,
            StudioState.INTERIOR: self._interior,
            StudioState.WHEELS: self._wheels,
            StudioState.REVIEW: self._review,
            StudioState.DONE: self._done,
            StudioState.LEAVING: self._leaving,
        }

    @property
    def is_free(self) -> bool:
        """True when the table has been empty for long enough to drive on again."""
        resting = self._phases.state is StudioState.EMPTY and self._phases.elapsed_s >= EMPTY_S
        return self.vehicle is None and resting

    @property
    def is_done(self) -> bool:
        """True when every picture is taken and the results are ready."""
        done = self._phases.state is StudioState.DONE and self._phases.elapsed_s >= DONE_S
        return self.vehicle is not None and done and (self._is_released or not self.guided)

    def arrive(self, vehicle: Vehicle) -> None:
        """A vehicle drives on; its share of luck is drawn now."""
        super().arrive(vehicle)
        self._phases = Phases(ARRIVING if self.guided else WORK)
        self._commands.clear()
        self._is_released = False
        self._visit, self._mass_kg, self._health = vehicle.visit, vehicle.mass_kg, vehicle.health
        self._latch()
        if vehicle.health < 0.3 and not self.guided:
            lost = self.rng.randrange(len(SPIN_ANGLES))
            self._latched[SLOTS.index(SPIN_ANGLES[lost])] = NO_FRAME

    def leave(self) -> None:
        """The exit opens and the vehicle drives off."""
        super().leave()
        self._phases = Phases(OFF)

    def _latch(self) -> None:
        self._latched = [NO_FRAME] * len(SLOTS)
        for angle in SPIN_ANGLES:
            seen = round((angle + self.rng.uniform(-0.1, 0.1)) % 360, 2)
            self._latched[SLOTS.index(angle)] = seen

    def commanded(self, command: str, value: bool) -> None:
        """A command is set or taken back; a guided studio does what it is told when it can."""
        if value:
            self._commands.add(command)
        else:
            self._commands.discard(command)

    def fired(self) -> list[Pulse]:
        """The triggers of the spin since this was asked last."""
        fired, self._pulses = self._pulses, []
        return fired

    def _obey(self, values: Values) -> None:
        state, told = self._phases.state, self._commands
        is_secured = self._phases.elapsed_s >= SECURING_S
        if state is StudioState.SECURING and is_secured and "start" in told:
            self._phases = Phases(SHOOTING)
        elif state is StudioState.REVIEW and "repeat_spin" in told:
            self._latch()
            self._phases = Phases(SPINNING)
        elif state is StudioState.REVIEW and "set_acquisition_done" in told:
            values[Studio.acquisition_done] = True
            self._phases = Phases(DONE)
        elif state is StudioState.DONE:
            self._is_released |= "release" in told
            values[Studio.result_ready] |= "set_result_ready" in told

    def step(self, seconds: float, values: Values) -> None:
        """Let the studio work for `seconds`."""
        if self.guided and self.vehicle is not None:
            self._obey(values)
        for state, start, end in self._phases.advance(seconds):
            values[Studio.state] = state
            self._acts[state](start, end, values)
        self._surroundings(seconds, values)

    def _surroundings(self, seconds: float, values: Values) -> None:
        shooting = values[Studio.lamps_on]
        power_kw = 9.0 if shooting else 0.8
        self._energy_kwh += power_kw * seconds / 3600
        self._hours_s += seconds if shooting else 0.0
        values[Studio.energy] = round(self._energy_kwh, 1)
        values[Studio.lamp_hours] = round(self._hours_s / 3600, 1)
        values[Studio.lamp_currents] = self._lamp_a if shooting else [0.0] * LAMPS
        values[Studio.illuminance] = 4200.0 if shooting else 180.0
        values[Studio.lamp_level] = 100.0 if shooting else 0.0
        self._cabinet = settled(seconds, 600.0, self._cabinet, 41.0 if shooting else 33.0)
        values[Studio.cabinet_temperature] = round(self._cabinet, 1)
        values[Studio.drive_temperature] = round(self._cabinet + 6.0, 1)
        values[Studio.camera_temperature] = round(self._cabinet - 2.0, 1)
        values[Studio.fan_running] = self._cabinet > 35.0

    def _empty(self, start: float, end: float, values: Values) -> None:
        self._visit = ""
        values[Studio.visit] = ""
        values[Studio.job] = ""
        values[Studio.stop_cause] = StopCause.NONE
        values[Studio.load] = 0.0
        values[Studio.load_ok] = False
        values[Studio.entry_closed] = False
        values[Studio.exit_closed] = True
        values[Studio.guard_closed] = True
        values[Studio.curtain_clear] = True
        values[Studio.in_position] = True
        values[Studio.locked] = True
        values[Studio.simulated] = True
        values[Studio.recipe] = "full-360@3"
        values[Studio.turns] = self._turns
        values[Studio.cameras_ready] = CAMERAS
        values[Studio.cabinet_closed] = True
        values[Studio.supply_voltage] = 400.0
        values[Studio.air_pressure] = 620.0
        values[Studio.cabinet_humidity] = 41.0
        values[Studio.storage_free] = values[Studio.storage_free] or 3800.0
        _clear(values)

    def _loading(self, start: float, end: float, values: Values) -> None:
        if start == 0.0:
            self._empty(start, end, values)
            self._visit = self.vehicle.visit if self.vehicle else ""
        values[Studio.visit] = self._visit
        values[Studio.job] = f"{self._visit}/1"
        values[Studio.curtain_clear] = end >= 30.0
        values[Studio.load] = round(ramp(end - 10, 15, 0, self._mass_kg), 1)
        values[Studio.lines_underbody] = int(ramp(end - 5, 25, 0, UNDERBODY_LINES))
        values[Studio.load_ok] = end >= 40.0
        values[Studio.lamps_on] = end >= 5.0

    def _securing(self, start: float, end: float, values: Values) -> None:
        values[Studio.entry_closed] = end >= 5.0
        values[Studio.locked] = end < 8.0

    def _turning(self, start: float, end: float, values: Values) -> None:
        cruise_end = RAMP_S + SPIN_S
        speed = SPEED_DEG_S * min(end / RAMP_S, 1.0, max(cruise_end + RAMP_S - end, 0) / RAMP_S)
        angle = _turned(end)
        values[Studio.speed_set] = SPEED_DEG_S if end < cruise_end else 0.0
        values[Studio.speed] = round(speed, 3)
        values[Studio.angle] = round(angle, 2)
        values[Studio.in_position] = False
        accelerating = speed > 0 and end < RAMP_S
        current = 3.0 + self._mass_kg / 400 + (self._mass_kg / 200 if accelerating else 0.0)
        values[Studio.motor_current] = round(current, 1)
        passed = sum(1 for slot in SLOTS if slot <= angle - RAMP_DEG)
        latched = self._latched[:passed] + [NO_FRAME] * (len(SLOTS) - passed)
        fired = [one for one in latched if one != NO_FRAME]
        if self.guided:
            known = sum(one != NO_FRAME for one in values[Studio.trigger_angles])
            self._pulses += [Pulse(self._visit, one) for one in fired[known:]]
        values[Studio.trigger_angles] = latched
        values[Studio.frames_exterior] = len(fired)
        self._judged(values, sum(1 for planned in SPIN_ANGLES if planned <= angle - RAMP_DEG))

    def _judged(self, values: Values, frames: int) -> None:
        """What the check says of the newest frame: it differs from frame to frame, repeatably."""
        ripple = (frames * 7 % 11) / 11
        values[Studio.sharpness] = round(0.7 + 1.2 * self._health + 0.3 * ripple, 2)
        values[Studio.clipped] = round(0.2 + (1 - self._health) * 2 + 0.2 * ripple, 2)

    def _homing(self, start: float, end: float, values: Values) -> None:
        values[Studio.angle] = round(ramp(end, 9, 360 + 2 * RAMP_DEG, 360), 2)
        values[Studio.speed] = -2.0 if end < 9.0 else 0.0
        values[Studio.motor_current] = 2.0 if end < 9.0 else 0.0
        if end >= 10.0:
            self._turns += 1
            values[Studio.turns] = self._turns
            values[Studio.angle] = 0.0
            values[Studio.in_position] = True
            values[Studio.locked] = True

    def _details(self, start: float, end: float, values: Values) -> None:
        values[Studio.frames_details] = int(ramp(end, 48, 0, 12))
        values[Studio.frames_rejected] = int(ramp(end, 48, 0, (1 - self._health) * 8))
        values[Studio.guard_closed] = end >= 48.0

    def _interior(self, start: float, end: float, values: Values) -> None:
        values[Studio.frames_interior] = int(end >= 20) + int(end >= 40)

    def _wheels(self, start: float, end: float, values: Values) -> None:
        values[Studio.frames_wheels] = int(ramp(end, 24, 0, 8))

    def _review(self, start: float, end: float, values: Values) -> None:
        values[Studio.lamps_on] = False
        values[Studio.acquisition_done] = end >= 10.0 and not self.guided

    def _done(self, start: float, end: float, values: Values) -> None:
        if not self.guided:
            values[Studio.result_ready] = end >= DONE_S
        if start == 0.0:
            shots = sum(values[tag] for tag in (Studio.frames_exterior, Studio.frames_details))
            values[Studio.storage_free] = round(values[Studio.storage_free] - 0.012 * shots, 1)

    def _leaving(self, start: float, end: float, values: Values) -> None:
        values[Studio.exit_closed] = False
        values[Studio.curtain_clear] = False
        values[Studio.load] = round(ramp(end - 3, 8, self._mass_kg, 0), 1)


def _turned(elapsed_s: float) -> float:
    """Degrees since home after this time in the spin: ramp up, constant speed, ramp down."""
    up = min(elapsed_s, RAMP_S)
    even = min(max(elapsed_s - RAMP_S, 0.0), SPIN_S)
    down = min(max(elapsed_s - RAMP_S - SPIN_S, 0.0), RAMP_S)
    slope = SPEED_DEG_S / RAMP_S
    return slope * up**2 / 2 + SPEED_DEG_S * even + SPEED_DEG_S * down - slope * down**2 / 2


def _clear(values: Values) -> None:
    """A new job: the counters start again."""
    values[Studio.angle] = 0.0
    values[Studio.speed] = 0.0
    values[Studio.speed_set] = 0.0
    values[Studio.motor_current] = 0.0
    values[Studio.trigger_angles] = [NO_FRAME] * len(SLOTS)
    values[Studio.frames_exterior] = 0
    values[Studio.lines_underbody] = 0
    values[Studio.frames_details] = 0
    values[Studio.frames_interior] = 0
    values[Studio.frames_wheels] = 0
    values[Studio.frames_rejected] = 0
    values[Studio.acquisition_done] = False
    values[Studio.result_ready] = False
