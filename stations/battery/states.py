"""The states that the station, its safety chain, its tester and the BMS tell, and their numbers."""

from stations.declare import Phase, State


class BatteryState(State):
    """Where the sequence of the quick qualification stands."""

    IDLE = 0, "No pack on the station.", Phase.IDLE
    ARRIVING = 1, "A pack is driven in.", Phase.WORKING
    CONNECTING = 2, "Power and data leads are connected and the BMS is read.", Phase.WORKING
    ISOLATION = 3, "The isolation of both poles is measured.", Phase.WORKING
    CLOSING = 4, "The safety chain closes and the contactors are precharged.", Phase.WORKING
    REST = 5, "No current: the open-circuit voltage settles.", Phase.WORKING
    DISCHARGE = 6, "The discharge pulse runs.", Phase.WORKING
    RELAX = 7, "No current after the discharge pulse.", Phase.WORKING
    CHARGE = 8, "The charge pulse runs.", Phase.WORKING
    SETTLE = 9, "No current after the charge pulse.", Phase.WORKING
    DISCONNECTING = 10, "Contactors open and the leads are taken off.", Phase.WORKING
    DONE = 11, "The pack may leave.", Phase.DONE
    HOLD = 20, "Stopped at a safety gate: a person decides.", Phase.STOPPED


class IsolationState(State):
    """What the isolation tester is doing."""

    OFF = 0, "Not measuring: the voltages shown are old."
    BALANCE = 1, "Measuring both poles to chassis."
    LOADED = 2, "Measuring with the known resistor in place."
    VALID = 3, "The result is valid."
    FAULT = 9, "The tester has a fault."


class SafetyState(State):
    """The safety relay's chain; this software reads it and is no part of it."""

    OPEN = 0, "The chain is open: no high voltage on the leads."
    PRECHARGE = 1, "The intermediate circuit is charged through the resistor."
    CLOSED = 2, "The chain is closed: current may flow."
    TRIPPED = 9, "The chain opened by itself."


class ChargeStatus(State):
    """SunSpec 802 ChaSt."""

    NONE = 0, "Not told."
    OFF = 1, "The battery is off."
    EMPTY = 2, "The battery is empty."
    DISCHARGING = 3, "The battery is discharged."
    CHARGING = 4, "The battery is charged."
    FULL = 5, "The battery is full."
    HOLDING = 6, "The battery holds its charge."
    TESTING = 7, "The battery is being tested."


class BankState(State):
    """SunSpec 802 State."""

    NONE = 0, "Not told."
    DISCONNECTED = 1, "The pack is not connected."
    INITIALIZING = 2, "The BMS starts."
    CONNECTED = 3, "The pack is connected."
    STANDBY = 4, "The pack waits."
    SOC_PROTECTION = 5, "The BMS protects the state of charge."
    SUSPENDING = 6, "The BMS suspends operation."
    FAULT = 99, "The BMS reports a fault."


class StringFailure(State):
    """SunSpec 803 StrConFail."""

    NO_FAILURE = 0, "The string connects."
    BUTTON_PUSHED = 1, "A button was pushed."
    GROUND_FAULT = 2, "A ground fault keeps the string open."
    OUTSIDE_VOLTAGE_RANGE = 3, "The voltage is outside its range."
    NOT_ENABLED = 4, "The string is not enabled."
    FUSE_OPEN = 5, "The fuse is open."
    CONTACTOR = 6, "A contactor failed."
    PRECHARGE = 7, "Precharging failed."
    STRING_FAULT = 8, "The string has a fault."
