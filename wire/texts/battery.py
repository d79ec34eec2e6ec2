"""What grades, quantities and gates of a battery's qualification are called for people."""

from __future__ import annotations

from wire.texts import Texts, phrase

GRADES = {
    "A": phrase("Fit to be used in a vehicle"),
    "B": phrase("Fit for a second life in stationary storage"),
    "C": phrase("To be repaired by exchange of modules"),
    "D": phrase("To be recycled"),
    "HOLD": phrase("On hold: not enough is known for a grade"),
}
QUANTITIES = {
    "capacity_ah": phrase("Capacity"),
    "soh_pct": phrase("State of health (capacity)"),
    "energy_wh": phrase("Energy of the discharge"),
    "energy_soh_bench_pct": phrase("Energy over rated energy (on the bench)"),
    "round_trip_efficiency_pct": phrase("Round-trip efficiency"),
    "coulombic_efficiency_pct": phrase("Charge efficiency"),
    "r10_discharge_mohm": phrase("Resistance after 10 s, discharge"),
    "r10_charge_mohm": phrase("Resistance after 10 s, charge"),
    "resistance_increase_pct": phrase("Increase of the resistance"),
    "power_discharge_10s_w": phrase("Power for 10 s, discharge"),
    "power_charge_10s_w": phrase("Power for 10 s, charge"),
    "ocv_v": phrase("Voltage at rest"),
    "worst_module_below_pct": phrase("Weakest module below the median"),
    "other_modules_soh_pct": phrase("State of health of the other modules"),
    "modules_to_mend": phrase("Modules to be worked on"),
    "worst_joint_pct": phrase("Highest resistance of a cell above the median"),
    "rest_current_a": phrase("Current shown while none flowed"),
}
GATES = {
    "isolation_dc": phrase("Isolation to chassis"),
    "cell_voltage_low": phrase("Lowest cell voltage"),
    "cell_voltage_high": phrase("Highest cell voltage"),
    "cell_spread_at_rest": phrase("Spread of the cells at rest"),
    "start_temperature": phrase("Temperature at the beginning"),
    "temperature_spread": phrase("Spread of the temperatures"),
    "contactors": phrase("Contactors"),
    "interlock": phrase("High-voltage interlock"),
    "communication": phrase("Communication"),
    "cycler": phrase("Cycler"),
    "cell_window_in_test": phrase("Cell voltages during the test"),
    "temperature": phrase("Temperature during the test"),
    "temperature_rise": phrase("Rise of the temperature"),
    "temperature_spread_in_test": phrase("Spread of the temperatures during the test"),
}
VERDICTS = {
    "pass": phrase("in order"),
    "fail": phrase("fails"),
    "undecided": phrase("not decided"),
    "not_decidable": phrase("not decided"),
}
STATUSES = {
    "Original": phrase("original"),
    "Reused": phrase("reused"),
    "Repurposed": phrase("repurposed"),
    "Remanufactured": phrase("remanufactured"),
    "Waste": phrase("waste"),
}
CATEGORIES = {"ev": phrase("electric vehicle"), "stationary": phrase("stationary storage")}
UNITS = {"mOhm": "mΩ", "Ohm/V": "Ω/V", "degC": "°C", "1": ""}


def named(texts: Texts, names: dict[str, str], key: str) -> str:
    """What a key is called; the key itself, in words, where nobody has named it."""
    return texts.say(names[key]) if key in names else key.replace("_", " ")


def unit_of(unit: str) -> str:
    """A unit as it is printed."""
    return UNITS.get(unit, unit)


def amount(texts: Texts, value: float | None, unit: str, u95: float | None = None) -> str:
    """A value with as many digits as its uncertainty has a meaning for, and that uncertainty."""
    if value is None:
        return texts.say("not known")
    decimals = _decimals(value, u95)
    said = texts.number(value, decimals)
    if u95:
        said += f" ± {texts.number(u95, decimals)}"
    return f"{said} {unit_of(unit)}".strip()


def _decimals(value: float, u95: float | None) -> int:
    """Two digits of the uncertainty are told, at most; four of a value without one."""
    size = u95 or abs(value) / 100.0
    for decimals in range(5):
        if size >= 10.0 ** (1 - decimals) or size == 0:
            return decimals
    return 4
