"""How the inspection lane behaves: one bench after another, 275 s from arrival to done."""

from __future__ import annotations

import random
from collections.abc import Callable

from stations.inspection.station import Inspection, InspectionState, StopCause
from stations.inspection.vehicle import GRAVITY, Truth, draw
from stations.model import Model, Values, Vehicle
from stations.phases import Phases, ramp, settled

DONE_S, LEAVING_S, EMPTY_S = 5.0, 10.0, 5.0
ROLLER_KMH = 5.0
LAMBDA_AIR, O2_AIR = 2.0, 20.9

REST = ((InspectionState.EMPTY, 0.0),)
OFF = ((InspectionState.LEAVING, LEAVING_S), *REST)

SUSPENSION = (
    Inspection.suspension_front_left, Inspection.suspension_front_right,
    Inspection.suspension_rear_left, Inspection.suspension_rear_right,
)  # fmt: skip
BRAKES = (
    Inspection.brake_front_left, Inspection.brake_front_right,
    Inspection.brake_rear_left, Inspection.brake_rear_right,
)  # fmt: skip
FLAGS = (
    Inspection.slip_measured, Inspection.suspension_measured, Inspection.service_measured,
    Inspection.parking_measured, Inspection.lamps_measured, Inspection.gas_measured,
    Inspection.obd_read, Inspection.continuity_measured, Inspection.obd_mil, Inspection.obd_ready,
    Inspection.rollers_running,
)  # fmt: skip
RESULTS = (
    *SUSPENSION, *BRAKES, Inspection.slip_front, Inspection.slip_rear, Inspection.parking_left,
    Inspection.parking_right, Inspection.service_efficiency, Inspection.parking_efficiency,
    Inspection.lamp_height, Inspection.lamp_target_dip, Inspection.lamp_dip_left,
    Inspection.lamp_dip_right, Inspection.lamp_intensity_left, Inspection.lamp_intensity_right,
    Inspection.gas_co_idle, Inspection.gas_co_fast, Inspection.gas_lambda_fast, Inspection.opacity,
    Inspection.ground_continuity, Inspection.force_left, Inspection.force_right,
    Inspection.pedal_force, Inspection.roller_speed, Inspection.suspension_frequency,
)  # fmt: skip


def course(electric: bool) -> tuple[tuple[InspectionState, float], ...]:
    """The states of one test, each with its seconds: 275 s in all."""
    middle = InspectionState.ELECTRIC if electric else InspectionState.EXHAUST
    return (
        (InspectionState.ENTERING, 15.0),
        (InspectionState.SLIP, 10.0),
        (InspectionState.SUSPENSION_FRONT, 20.0),
        (InspectionState.SUSPENSION_REAR, 20.0),
        (InspectionState.BRAKES_FRONT, 30.0),
        (InspectionState.BRAKES_REAR, 30.0),
        (InspectionState.PARKING_BRAKE, 20.0),
        (InspectionState.LAMPS, 40.0),
        (middle, 50.0),
        (InspectionState.OBD, 25.0),
        (InspectionState.REPORT, 15.0),
        (InspectionState.DONE, 0.0),
    )


class InspectionModel(Model):
    """A lane for cars. A vehicle in poor health brakes weakly and unevenly, and smokes."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        self._phases: Phases[InspectionState] = Phases(REST)
        self._phases.elapsed_s = EMPTY_S
        self._truth = draw(Vehicle(""), random.Random(0))
        self._acts: dict[InspectionState, Callable[[float, Values, Truth], None]] = {
            InspectionState.EMPTY: _empty,
            InspectionState.ENTERING: self._entering,
            InspectionState.SLIP: _slip,
            InspectionState.SUSPENSION_FRONT: _suspension(0),
            InspectionState.SUSPENSION_REAR: _suspension(2),
            InspectionState.BRAKES_FRONT: _brakes(0),
            InspectionState.BRAKES_REAR: _brakes(2),
            InspectionState.PARKING_BRAKE: _parking,
            InspectionState.LAMPS: _lamps,
            InspectionState.EXHAUST: _exhaust,
            InspectionState.ELECTRIC: _electric,
            InspectionState.OBD: _obd,
            InspectionState.REPORT: _rest,
            InspectionState.DONE: _rest,
            InspectionState.LEAVING: _rest,
        }

    @property
    def is_free(self) -> bool:
        """True when the lane has been empty for long enough to drive in again."""
        empty = self._phases.state is InspectionState.EMPTY and self._phases.elapsed_s >= EMPTY_S
        return self.vehicle is None and empty

    @property
    def is_done(self) -> bool:
        """True when every bench has measured and the lane has said so for a while."""
        done = self._phases.state is InspectionState.DONE and self._phases.elapsed_s >= DONE_S
        return self.vehicle is not None and done

    def arrive(self, vehicle: Vehicle) -> None:
        """A vehicle enters; what the benches will find is drawn now."""
        super().arrive(vehicle)
        self._truth = draw(vehicle, self.rng)
        self._phases = Phases(course(vehicle.electric))

    def leave(self) -> None:
        """The exit opens and the vehicle drives off."""
        super().leave()
        self._phases = Phases(OFF)

    def step(self, seconds: float, values: Values) -> None:
        """Let the lane work for `seconds`."""
        for state, start, end in self._phases.advance(seconds):
            values[Inspection.state] = state
            if start == 0.0 and state is InspectionState.ENTERING:
                _empty(end, values, self._truth)
            self._acts[state](end, values, self._truth)

    def _entering(self, elapsed_s: float, values: Values, truth: Truth) -> None:
        values[Inspection.visit] = self.vehicle.visit if self.vehicle else ""
        values[Inspection.fuel] = truth.fuel


def _empty(elapsed_s: float, values: Values, truth: Truth) -> None:
    values[Inspection.visit] = ""
    values[Inspection.fuel] = ""
    values[Inspection.stop_cause] = StopCause.NONE
    values[Inspection.zero_ok] = True
    values[Inspection.calibrated] = "2026-03-02"
    _cleared(values)


def _cleared(values: Values) -> None:
    """A new test: every bench forgets the last vehicle."""
    for flag in FLAGS:
        values[flag] = False
    for result in RESULTS:
        values[result] = 0.0
    for wheels in (Inspection.weights, Inspection.drag, Inspection.ovality):
        values[wheels] = [0.0] * 4
    values[Inspection.obd_dtc_count] = 0
    values[Inspection.oil_temperature] = 20.0
    values[Inspection.engine_speed] = 0.0
    _air(values)


def _air(values: Values) -> None:
    """The gas analyser breathes the air of the hall."""
    values[Inspection.gas_co] = 0.0
    values[Inspection.gas_co2] = 0.0
    values[Inspection.gas_o2] = O2_AIR
    values[Inspection.gas_hc] = 0.0
    values[Inspection.gas_lambda] = LAMBDA_AIR


def _rest(elapsed_s: float, values: Values, truth: Truth) -> None:
    """Nothing is measured; what was measured stays."""


def _slip(elapsed_s: float, values: Values, truth: Truth) -> None:
    values[Inspection.slip_front] = truth.slip[0] if elapsed_s >= 3 else 0.0
    values[Inspection.slip_rear] = truth.slip[1] if elapsed_s >= 7 else 0.0
    values[Inspection.slip_measured] = elapsed_s >= 8


def _suspension(first: int) -> Callable[[float, Values, Truth], None]:
    """One axle: the plates shake up to 25 Hz, then run down through the resonance."""

    def act(elapsed_s: float, values: Values, truth: Truth) -> None:
        frequency = min(ramp(elapsed_s, 6, 0, 25), ramp(elapsed_s - 8, 8, 25, 0))
        values[Inspection.suspension_frequency] = round(frequency, 1)
        if elapsed_s >= 17:
            for wheel in (first, first + 1):
                values[SUSPENSION[wheel]] = truth.suspension[wheel]
            values[Inspection.suspension_measured] = first == 2

    return act


def _brakes(first: int) -> Callable[[float, Values, Truth], None]:
    """One axle: weigh, turn freely for the drag, brake to the maximum, stop before the slip."""

    def act(elapsed_s: float, values: Values, truth: Truth) -> None:
        sides = (first, first + 1)
        if elapsed_s >= 3:
            values[Inspection.weights] = _put(values[Inspection.weights], truth.weights, sides)
        _rollers(elapsed_s, values, stop_s=24.0)
        pedal = ramp(elapsed_s - 12, 11, 0, 320) if elapsed_s < 25 else 0.0
        values[Inspection.pedal_force] = round(pedal, 0)
        left, right = (_braked(elapsed_s, truth, wheel) for wheel in sides)
        values[Inspection.force_left], values[Inspection.force_right] = left, right
        if elapsed_s >= 12:
            values[Inspection.drag] = _put(values[Inspection.drag], truth.drag, sides)
        if elapsed_s >= 25:
            for wheel in sides:
                values[BRAKES[wheel]] = truth.forces[wheel]
            values[Inspection.ovality] = _put(values[Inspection.ovality], truth.ovality, sides)
        if elapsed_s >= 26 and first == 2:
            total = 100 * sum(truth.forces) / (GRAVITY * sum(truth.weights))
            values[Inspection.service_efficiency] = round(total, 1)
            values[Inspection.service_measured] = True

    return act


def _braked(elapsed_s: float, truth: Truth, wheel: int) -> float:
    """Force at a roller: the drag, then rising to the wheel's maximum, then nothing."""
    if not 4 <= elapsed_s < 24:
        return 0.0
    drag, top = truth.drag[wheel], truth.forces[wheel]
    share = ramp(elapsed_s - 12, 11, 0, 1)
    return round(drag + (top - drag) * (1 - (1 - share) ** 2), 0)


def _rollers(elapsed_s: float, values: Values, stop_s: float) -> None:
    running = 4 <= elapsed_s < stop_s
    values[Inspection.rollers_running] = running
    values[Inspection.roller_speed] = round(ramp(elapsed_s - 4, 3, 0, ROLLER_KMH), 2) * running


def _put(shown: list[float], truth: tuple[float, ...], sides: tuple[int, int]) -> list[float]:
    return [truth[wheel] if wheel in sides else shown[wheel] for wheel in range(4)]


def _parking(elapsed_s: float, values: Values, truth: Truth) -> None:
    _rollers(elapsed_s, values, stop_s=15.0)
    share = ramp(elapsed_s - 7, 7, 0, 1) if elapsed_s < 15 else 0.0
    values[Inspection.force_left] = round(truth.parking[0] * share, 0)
    values[Inspection.force_right] = round(truth.parking[1] * share, 0)
    if elapsed_s >= 16:
        values[Inspection.parking_left], values[Inspection.parking_right] = truth.parking
        total = 100 * sum(truth.parking) / (GRAVITY * sum(truth.weights))
        values[Inspection.parking_efficiency] = round(total, 1)
        values[Inspection.parking_measured] = True


def _lamps(elapsed_s: float, values: Values, truth: Truth) -> None:
    if elapsed_s >= 5:
        values[Inspection.lamp_height] = truth.lamp_height_mm
        values[Inspection.lamp_target_dip] = truth.target_dip
    if elapsed_s >= 18:
        values[Inspection.lamp_dip_left] = truth.dip[0]
        values[Inspection.lamp_intensity_left] = truth.intensity[0]
    if elapsed_s >= 34:
        values[Inspection.lamp_dip_right] = truth.dip[1]
        values[Inspection.lamp_intensity_right] = truth.intensity[1]
    values[Inspection.lamps_measured] = elapsed_s >= 35


def _exhaust(elapsed_s: float, values: Values, truth: Truth) -> None:
    """Fast idle for 22 s, then idle; the gas cell follows with its time constant of 4 s."""
    fast = elapsed_s < 24
    values[Inspection.engine_speed] = 2500.0 if fast else 780.0
    values[Inspection.oil_temperature] = round(settled(elapsed_s, 40.0, 72.0, 86.0), 1)
    if truth.fuel == "diesel":
        values[Inspection.opacity] = truth.opacity if elapsed_s >= 40 else 0.0
        values[Inspection.gas_measured] = elapsed_s >= 44
        return
    since_s = elapsed_s - 2 if fast else elapsed_s - 24
    before, after = (0.0, truth.co_fast) if fast else (truth.co_fast, truth.co_idle)
    gas_s = elapsed_s - 2
    values[Inspection.gas_co] = round(settled(since_s, 4.0, before, after), 3)
    values[Inspection.gas_co2] = round(settled(gas_s, 4.0, 0.0, 15.2), 1)
    values[Inspection.gas_o2] = round(settled(gas_s, 4.0, O2_AIR, 0.3), 1)
    values[Inspection.gas_hc] = round(settled(gas_s, 4.0, 0.0, truth.hc), 0)
    air = settled(gas_s, 4.0, LAMBDA_AIR, truth.lambda_ratio)
    values[Inspection.gas_lambda] = round(air, 3)
    values[Inspection.gas_co_fast] = truth.co_fast if elapsed_s >= 23 else 0.0
    values[Inspection.gas_lambda_fast] = truth.lambda_ratio if elapsed_s >= 23 else 0.0
    values[Inspection.gas_co_idle] = truth.co_idle if elapsed_s >= 46 else 0.0
    values[Inspection.gas_measured] = elapsed_s >= 46


def _electric(elapsed_s: float, values: Values, truth: Truth) -> None:
    if elapsed_s >= 30:
        values[Inspection.ground_continuity] = truth.continuity_mohm
    values[Inspection.continuity_measured] = elapsed_s >= 32


def _obd(elapsed_s: float, values: Values, truth: Truth) -> None:
    if elapsed_s < 12:
        return
    _air(values)
    values[Inspection.engine_speed] = 0.0
    values[Inspection.obd_dtc_count] = truth.dtc_count
    values[Inspection.obd_mil] = truth.dtc_count > 0
    values[Inspection.obd_ready] = truth.ready
    values[Inspection.obd_read] = True
