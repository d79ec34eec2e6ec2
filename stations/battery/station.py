"""The battery qualification station: what its sequence, its DC cycler and the pack's BMS tell.

Currents and powers are positive while the pack is charged. How the cycler's 16-bit percentages and
the SunSpec blocks (base 802, bank 803 with one string, module 805 with all cells) lie: README.md.
"""

from dataclasses import replace

from stations.battery.states import (
    BankState,
    BatteryState,
    ChargeStatus,
    IsolationState,
    SafetyState,
    StringFailure,
)
from stations.declare import Command, Node, Register, Station, Tag

CELLS = 96
NOMINAL_V, NOMINAL_A, NOMINAL_W = 500.0, 300.0, 60_000.0
LSB_SET = 1 / 52_428  # of the nominal: 52428 is 100 %, 53477 is 102 %
LSB_ACTUAL = 1 / 26_214  # signed: 26214 is 100 % charge, -26214 is 100 % discharge
BASE, BANK, MODULE = 40_070, 40_134, 40_194  # ID registers of the models 802, 803 and 805
NO_U16, NO_I16, NO_U32 = 0xFFFF, 0x8000, 0xFFFF_FFFF


def _set(address: int, nominal: float) -> Register:
    return Register("holding", address, "uint16", scale=nominal * LSB_SET, on="cycler")


def _actual(address: int, nominal: float) -> Register:
    return Register("holding", address, "int16", scale=nominal * LSB_ACTUAL, on="cycler")


def _unsigned(address: int, scale_at: int | None = None) -> Register:
    return Register("holding", address, "uint16", scale_at=scale_at, absent=NO_U16, on="bms")


def _signed(address: int, scale_at: int) -> Register:
    return Register("holding", address, "int16", scale_at=scale_at, absent=NO_I16, on="bms")


class Battery(Station):
    """Qualifies a used pack of 96 cells in series within minutes: isolation, rest, two pulses."""

    # fmt: off
    state = Tag(BatteryState, Node("State"), doc="Where the qualification stands.")
    visit = Tag(str, Node("Vehicle/Visit"), doc="Visit id of the vehicle; empty when none is here.")
    pack_model = Tag(str, Node("Pack/Model"), doc="Model by the pack's own id, never by a badge.")
    pack_serial = Tag(str, Node("Pack/Serial"), doc="Serial number read from the pack's label.")
    nominal_voltage = Tag(
        float, Node("Pack/NominalVoltage"), unit="V", low=0, high=1000,
        doc="Nominal voltage to which the isolation limit refers.",
    )
    protocol = Tag(str, Node("Test/Protocol"), doc="Id and version of the protocol that runs.")
    ambient = Tag(
        float, Node("Ambient/Temperature"), unit="degC", low=-20, high=60, deadband=0.05,
        doc="Air temperature at the pack.",
    )

    isolation_state = Tag(IsolationState, Node("Isolation/State"), doc="What the tester does.")
    isolation_bus = Tag(
        float, Node("Isolation/BusVoltage"), unit="V", low=0, high=1000,
        doc="Vb, between the poles.",
    )
    isolation_negative = Tag(
        float, Node("Isolation/NegativeVoltage"), unit="V", low=0, high=1000,
        doc="V1, from the negative pole to chassis.",
    )
    isolation_positive = Tag(
        float, Node("Isolation/PositiveVoltage"), unit="V", low=0, high=1000,
        doc="V2, from the positive pole to chassis.",
    )
    isolation_loaded = Tag(
        float, Node("Isolation/LoadedVoltage"), unit="V", low=0, high=1000,
        doc="V1' or V2', the larger of V1 and V2 again, with the known resistor beside it.",
    )
    isolation_resistor = Tag(
        float, Node("Isolation/KnownResistor"), unit="Ohm", low=0, high=1e7,
        doc="Ro, the known resistor.",
    )
    isolation_result = Tag(
        float, Node("Isolation/Resistance"), unit="Ohm", low=0, high=1e9,
        doc="Isolation resistance as the tester itself calculates it.",
    )

    safety_chain = Tag(SafetyState, Node("Safety/Chain"), doc="State of the safety relay's chain.")
    emergency_stop_clear = Tag(
        bool, Node("Safety/EmergencyStopClear"), doc="No emergency stop is pressed.",
    )
    guard_closed = Tag(bool, Node("Safety/GuardClosed"), doc="The guard around the pack is closed.")
    interlock_closed = Tag(
        bool, Node("Safety/InterlockClosed"), doc="The high-voltage interlock loop is closed.",
    )
    precharge_done = Tag(bool, Node("Safety/PrechargeDone"), doc="Precharging has ended well.")
    contactors_closed = Tag(
        bool, Node("Safety/ContactorsClosed"), doc="Both contactors are closed.",
    )
    watchdog_alive = Tag(
        bool, Node("Safety/WatchdogAlive"), doc="The cycler's communication watchdog is served.",
    )

    remote = Tag(
        bool, Register("coil", 402, "bit", on="cycler"), doc="The cycler is controlled remotely.",
    )
    output_on = Tag(bool, Register("coil", 405, "bit", on="cycler"), doc="The DC terminal is on.")
    set_discharge_power = Tag(
        float, _set(498, NOMINAL_W), unit="W", low=0, high=61_200, doc="Set power as a sink.",
    )
    set_discharge_current = Tag(
        float, _set(499, NOMINAL_A), unit="A", low=0, high=306, doc="Set current as a sink.",
    )
    set_voltage = Tag(float, _set(500, NOMINAL_V), unit="V", low=0, high=510, doc="Set voltage.")
    set_charge_current = Tag(
        float, _set(501, NOMINAL_A), unit="A", low=0, high=306, doc="Set current as a source.",
    )
    set_charge_power = Tag(
        float, _set(502, NOMINAL_W), unit="W", low=0, high=61_200, doc="Set power as a source.",
    )
    device_state = Tag(
        int, Register("holding", 505, "uint32", on="cycler"), low=0, high=0xFFFF_FFFF,
        doc="The cycler's state word.",
    )
    voltage = Tag(
        float, _set(507, NOMINAL_V), unit="V", low=0, high=510, every_ms=100,
        doc="Voltage at the cycler's sense leads.",
    )
    current = Tag(
        float, _actual(508, NOMINAL_A), unit="A", low=-306, high=306, every_ms=100,
        doc="Current; positive charges the pack.",
    )
    power = Tag(
        float, _actual(509, NOMINAL_W), unit="W", low=-61_200, high=61_200, every_ms=100,
        doc="Power; positive charges the pack.",
    )
    limit_voltage_high = Tag(
        float, _set(9000, NOMINAL_V), unit="V", low=0, high=510, every_ms=5000,
        doc="Voltage above which the cycler switches off.",
    )
    limit_voltage_low = Tag(
        float, _set(9001, NOMINAL_V), unit="V", low=0, high=510, every_ms=5000,
        doc="Voltage below which the cycler switches off.",
    )
    limit_current_high = Tag(
        float, _set(9002, NOMINAL_A), unit="A", low=0, high=306, every_ms=5000,
        doc="Current above which the cycler switches off.",
    )
    limit_current_low = Tag(
        float, _set(9003, NOMINAL_A), unit="A", low=0, high=306, every_ms=5000,
        doc="Smallest current that may be set.",
    )
    limit_power_high = Tag(
        float, _set(9004, NOMINAL_W), unit="W", low=0, high=61_200, every_ms=5000,
        doc="Power above which the cycler switches off.",
    )

    rated_capacity = Tag(
        float, _unsigned(BASE + 2, BASE + 52), unit="Ah", low=0, high=1000, every_ms=5000,
        doc="Rated capacity (802 AHRtg).",
    )
    rated_energy = Tag(
        float, _unsigned(BASE + 3, BASE + 53), unit="Wh", low=0, high=200_000, every_ms=5000,
        doc="Rated energy (802 WHRtg).",
    )
    reported_soc = Tag(
        float, _unsigned(BASE + 11, BASE + 56), unit="%", low=0, high=100,
        doc="State of charge as the BMS reports it (802 SoC).",
    )
    reported_soh = Tag(
        float, _unsigned(BASE + 13, BASE + 58), unit="%", low=0, high=110,
        doc="State of health as the BMS reports it (802 SoH).",
    )
    cycles = Tag(
        int, Register("holding", BASE + 14, "uint32", absent=NO_U32, on="bms"), low=0,
        high=20_000, doc="Full cycles as the BMS counts them (802 NCyc).",
    )
    charge_status = Tag(ChargeStatus, _unsigned(BASE + 16), doc="Charge status (802 ChaSt).")
    heartbeat = Tag(
        int, _unsigned(BASE + 18), low=0, high=0xFFFE, stale_ms=10_000,
        doc="Counts up each second; standing still means that the BMS is not alive (802 Hb).",
    )
    bank_state = Tag(BankState, _unsigned(BASE + 22), doc="State of the battery bank (802 State).")
    events = Tag(
        int, Register("holding", BASE + 26, "uint32", absent=NO_U32, on="bms"), low=0,
        high=0xFFFF_FFFE, doc="Alarm and warning bits (802 Evt1).",
    )
    pack_voltage = Tag(
        float, _unsigned(BASE + 34, BASE + 59), unit="V", low=0, high=500,
        doc="Pack voltage as the BMS measures it (802 V).",
    )
    cell_voltage_high = Tag(
        float, _unsigned(BASE + 37, BASE + 60), unit="V", low=0, high=5,
        doc="Highest cell voltage (802 CellVMax).",
    )
    cell_voltage_low = Tag(
        float, _unsigned(BASE + 40, BASE + 60), unit="V", low=0, high=5,
        doc="Lowest cell voltage (802 CellVMin).",
    )
    pack_current = Tag(
        float, _signed(BASE + 44, BASE + 61), unit="A", low=-500, high=500,
        doc="Pack current as the BMS measures it; positive charges (802 A).",
    )
    pack_power = Tag(
        float, _signed(BASE + 47, BASE + 63), unit="W", low=-100_000, high=100_000,
        doc="Pack power as the BMS measures it; positive charges (802 W).",
    )
    module_temperature_high = Tag(
        float, _signed(BANK + 4, BANK + 23), unit="degC", low=-40, high=100,
        doc="Highest module temperature (803 ModTmpMax).",
    )
    module_temperature_low = Tag(
        float, _signed(BANK + 7, BANK + 23), unit="degC", low=-40, high=100,
        doc="Lowest module temperature (803 ModTmpMin).",
    )
    balancing = Tag(
        int, _unsigned(BANK + 21), low=0, high=CELLS, doc="Cells that are balanced (803 NCellBal).",
    )
    string_failure = Tag(
        StringFailure, _unsigned(BANK + 28 + 3),
        doc="Why the string does not connect (803 StrConFail).",
    )
    bms_serial = Tag(
        str, Register("holding", MODULE + 22, "text", size=16, on="bms"), every_ms=5000,
        doc="Serial number as the BMS tells it (805 SN).",
    )
    cell_voltages = Tag(
        list[float], replace(_unsigned(MODULE + 44, MODULE + 42), stride=4),
        length=CELLS, unit="V", low=0, high=5,
        doc="Voltage of each cell, from cell 1 (805 CellV).",
    )
    cell_temperatures = Tag(
        list[float], replace(_signed(MODULE + 45, MODULE + 43), stride=4),
        length=CELLS, unit="degC", low=-40, high=100,
        doc="Temperature of each cell, from cell 1 (805 CellTmp).",
    )
    cell_states = Tag(
        list[int], Register("holding", MODULE + 46, "uint32", absent=NO_U32, stride=4, on="bms"),
        length=CELLS,
        doc="State bits of each cell; bit 0 means that it is balanced (805 CellSt).",
    )

    start = Command(
        Node("Commands/Start"), doc="Start the qualification of the pack on the station.",
    )
    stop = Command(Node("Commands/Stop"), doc="End the test in order and open the contactors.")
    # fmt: on
