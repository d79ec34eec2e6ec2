"""The station in a simulation: the quick qualification as a sequence of steps around a `Pack`."""

from __future__ import annotations

import random
from dataclasses import dataclass

from stations.battery import isolation
from stations.battery.pack import NOMINAL_V, RATED_AH, RATED_WH, Pack
from stations.battery.states import (
    BankState,
    BatteryState,
    ChargeStatus,
    IsolationState,
    SafetyState,
    StringFailure,
)
from stations.battery.station import CELLS, Battery
from stations.model import Model, Values, Vehicle

S = BatteryState
DISCHARGE_A, CHARGE_A = 60.0, 45.0  # charge pulse at 0.75 of the discharge pulse
HEALTH_MIN = 0.3
LIMIT_OHM_PER_V = 100.0

# The quick qualification: seconds in each state. In all below 300 s.
SEQUENCE: tuple[tuple[BatteryState, float], ...] = (
    (S.ARRIVING, 8.0), (S.CONNECTING, 12.0), (S.ISOLATION, 20.0), (S.CLOSING, 6.0),
    (S.REST, 30.0), (S.DISCHARGE, 32.0), (S.RELAX, 40.0), (S.CHARGE, 32.0), (S.SETTLE, 40.0),
    (S.DISCONNECTING, 10.0),
)  # fmt: skip
AFTER_HOLD = ((S.HOLD, 15.0), (S.DISCONNECTING, 10.0))
CURRENT = {S.DISCHARGE: -DISCHARGE_A, S.CHARGE: CHARGE_A}
CLOSED = (S.REST, S.DISCHARGE, S.RELAX, S.CHARGE, S.SETTLE)
MEASURING = (IsolationState.BALANCE, IsolationState.LOADED, IsolationState.VALID)
LIVE = (S.CONNECTING, S.ISOLATION, S.CLOSING, *CLOSED, S.HOLD)


@dataclass(frozen=True, slots=True)
class Leak:
    """Resistances of the poles to chassis in Ohm."""

    negative_ohm: float
    positive_ohm: float


class BatteryModel(Model):
    """Qualifies one pack: a pack of poor health fails its isolation test and is held."""

    def __init__(self, rng: random.Random) -> None:
        super().__init__(rng)
        self.state = S.IDLE
        self.pack: Pack | None = None
        self._ambient = 23.0 + rng.uniform(-1.5, 1.5)
        self._leak = Leak(1e6, 1e6)
        self._serial = ""
        self._plan: list[tuple[BatteryState, float]] = []
        self._spent = 0.0
        self._alive = 0.0

    @property
    def is_done(self) -> bool:
        return self.state is S.DONE

    def arrive(self, vehicle: Vehicle) -> None:
        super().arrive(vehicle)
        self.pack = Pack(self.rng, vehicle.health, self._ambient)
        self._serial = f"P{self.rng.randrange(10**8):08d}"
        self._leak = self._draw_leak(vehicle.health)
        handling = (S.ARRIVING, S.CONNECTING, S.DISCONNECTING)
        self._plan = [
            (state, seconds * (self.rng.uniform(0.9, 1.2) if state in handling else 1.0))
            for state, seconds in SEQUENCE
        ]
        self._enter(self._plan[0][0])

    def leave(self) -> None:
        super().leave()
        self.pack = None
        self._plan = []
        self._enter(S.IDLE)

    def step(self, seconds: float, values: Values) -> None:
        self._ambient += 0.002 * seconds * self.rng.uniform(-1.0, 1.0)
        self._alive = (self._alive + seconds) % 60_000
        while self._plan and seconds >= self._plan[0][1] - self._spent:
            part = self._plan[0][1] - self._spent
            self._flow(part)
            seconds -= part
            self._next()
        self._flow(seconds)
        self._spent += seconds
        self._show(values)

    def _draw_leak(self, health: float) -> Leak:
        sound = health >= HEALTH_MIN
        near = self.rng.uniform(0.8e6, 4e6) if sound else self.rng.uniform(12e3, 28e3)
        far = near * self.rng.uniform(1.2, 2.5)
        return Leak(near, far) if self.rng.random() < 0.5 else Leak(far, near)

    def _flow(self, seconds: float) -> None:
        if self.pack is not None:
            self.pack.flow(CURRENT.get(self.state, 0.0), seconds)

    def _enter(self, state: BatteryState) -> None:
        self.state, self._spent = state, 0.0
        self._flow(0.0)

    def _next(self) -> None:
        """The next state of the plan; a failed isolation test leads to a hold, never to current."""
        ended, _ = self._plan.pop(0)
        if ended is S.ISOLATION and self._isolation_fails():
            self._plan = list(AFTER_HOLD)
        self._enter(self._plan[0][0] if self._plan else S.DONE)

    def _isolation_fails(self) -> bool:
        smaller = min(self._leak.negative_ohm, self._leak.positive_ohm)
        return smaller < LIMIT_OHM_PER_V * NOMINAL_V

    def _show(self, values: Values) -> None:
        values[Battery.state] = self.state
        values[Battery.visit] = self.vehicle.visit if self.vehicle else ""
        known = self.pack is not None and self.state is not S.ARRIVING
        values[Battery.pack_model] = "96S2P-131" if known else ""
        values[Battery.pack_serial] = self._serial if known else ""
        values[Battery.nominal_voltage] = NOMINAL_V if known else 0.0
        values[Battery.protocol] = "quick/1" if self.vehicle else ""
        values[Battery.ambient] = round(self._ambient, 2)
        self._show_isolation(values)
        self._show_safety(values)
        self._show_cycler(values)
        values[Battery.heartbeat] = int(self._alive)
        if self.pack is not None and self.state in LIVE:
            self._show_bms(values, self.pack)
        else:
            _show_no_bms(values)

    def _show_isolation(self, values: Values) -> None:
        if self.state in (S.IDLE, S.ARRIVING, S.CONNECTING):
            values[Battery.isolation_state] = IsolationState.OFF
        elif self.state is S.ISOLATION and self.pack is not None:
            step = min(int(self._spent / 5.0), 2)
            values[Battery.isolation_state] = MEASURING[step]
            resistor = LIMIT_OHM_PER_V * NOMINAL_V
            leak = self._leak
            shown = isolation.voltages(
                self.pack.voltage, leak.negative_ohm, leak.positive_ohm, resistor
            )
            values[Battery.isolation_bus] = shown.bus
            values[Battery.isolation_negative] = shown.negative
            values[Battery.isolation_positive] = shown.positive
            values[Battery.isolation_resistor] = resistor
            values[Battery.isolation_loaded] = shown.loaded if step else 0.0
            smaller = min(leak.negative_ohm, leak.positive_ohm)
            values[Battery.isolation_result] = smaller if step == 2 else 0.0

    def _show_safety(self, values: Values) -> None:
        closed = self.state in CLOSED
        chain = SafetyState.CLOSED if closed else SafetyState.OPEN
        values[Battery.safety_chain] = SafetyState.PRECHARGE if self.state is S.CLOSING else chain
        values[Battery.emergency_stop_clear] = True
        values[Battery.guard_closed] = self.state in (S.ISOLATION, S.CLOSING, S.HOLD, *CLOSED)
        values[Battery.interlock_closed] = self.state in LIVE
        values[Battery.precharge_done] = closed
        values[Battery.contactors_closed] = closed
        values[Battery.watchdog_alive] = True

    def _show_cycler(self, values: Values) -> None:
        closed = self.pack is not None and self.state in CLOSED
        current = CURRENT.get(self.state, 0.0) if closed else 0.0
        voltage = self.pack.voltage if self.pack is not None and closed else 0.0
        values[Battery.remote] = self.vehicle is not None
        values[Battery.output_on] = current != 0.0
        values[Battery.set_discharge_power] = 30_000.0
        values[Battery.set_charge_power] = 30_000.0
        values[Battery.set_discharge_current] = DISCHARGE_A if current < 0 else 0.0
        values[Battery.set_charge_current] = CHARGE_A if current > 0 else 0.0
        values[Battery.set_voltage] = 400.0 if current > 0 else 290.0 if current < 0 else 0.0
        values[Battery.device_state] = int(closed) | int(current != 0.0) << 1
        values[Battery.voltage] = voltage
        values[Battery.current] = current
        values[Battery.power] = voltage * current
        values[Battery.limit_voltage_high] = 410.0
        values[Battery.limit_voltage_low] = 280.0
        values[Battery.limit_current_high] = 80.0
        values[Battery.limit_current_low] = 0.0
        values[Battery.limit_power_high] = 35_000.0

    def _show_bms(self, values: Values, pack: Pack) -> None:
        cells, temperatures = pack.cell_voltages, pack.temperature
        values[Battery.rated_capacity] = RATED_AH
        values[Battery.rated_energy] = RATED_WH
        values[Battery.reported_soc] = 100 * float(pack.soc.mean())
        values[Battery.reported_soh] = round(100 * pack.soh, 1)
        values[Battery.cycles] = int(4000 * (1 - pack.soh))
        values[Battery.charge_status] = _charge_status(self.state)
        values[Battery.bank_state] = (
            BankState.CONNECTED if self.state in CLOSED else BankState.STANDBY
        )
        values[Battery.events] = 0
        values[Battery.pack_voltage] = pack.voltage
        values[Battery.pack_current] = pack.current
        values[Battery.pack_power] = pack.voltage * pack.current
        values[Battery.cell_voltage_high] = float(cells.max())
        values[Battery.cell_voltage_low] = float(cells.min())
        values[Battery.module_temperature_high] = float(temperatures.max())
        values[Battery.module_temperature_low] = float(temperatures.min())
        values[Battery.balancing] = 0
        values[Battery.string_failure] = StringFailure.NO_FAILURE
        values[Battery.bms_serial] = self._serial
        values[Battery.cell_voltages] = cells.tolist()
        values[Battery.cell_temperatures] = temperatures.tolist()
        values[Battery.cell_states] = [0] * CELLS


def _charge_status(state: BatteryState) -> ChargeStatus:
    return ChargeStatus.TESTING if state in CLOSED else ChargeStatus.HOLDING


def _show_no_bms(values: Values) -> None:
    """The gateway without a pack: it is alive and says that the bank is not connected."""
    for tag in (
        Battery.reported_soc, Battery.reported_soh, Battery.pack_voltage, Battery.pack_current,
        Battery.pack_power, Battery.cell_voltage_high, Battery.cell_voltage_low,
        Battery.rated_capacity, Battery.rated_energy,
    ):  # fmt: skip
        values[tag] = 0.0
    values[Battery.cell_voltages] = [0.0] * CELLS
    values[Battery.cycles] = 0
    values[Battery.charge_status] = ChargeStatus.OFF
    values[Battery.bank_state] = BankState.DISCONNECTED
    values[Battery.bms_serial] = ""
