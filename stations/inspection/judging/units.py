"""Units that a measurement may be delivered in, and what they are in the item's own unit."""

from __future__ import annotations

from decimal import Decimal

_ONE = Decimal(1)

# Of each unit that items have: how many of it one of the delivered unit is.
FACTORS: dict[str, dict[str, Decimal]] = {
    "N": {"N": _ONE, "daN": Decimal(10), "kN": Decimal(1000)},
    "kg": {"kg": _ONE, "t": Decimal(1000)},
    "%": {"%": _ONE, "ratio": Decimal(100)},
    "m/km": {"m/km": _ONE, "mm/m": _ONE},
    "mm": {"mm": _ONE, "cm": Decimal(10), "m": Decimal(1000)},
    "1/m": {"1/m": _ONE, "m-1": _ONE, "m^-1": _ONE, "m⁻¹": _ONE},
    "Hz": {"Hz": _ONE},
    "kcd": {"kcd": _ONE, "cd": Decimal("0.001")},
    "ppm": {"ppm": _ONE},
    "1": {"1": _ONE, "": _ONE},
    "1/min": {"1/min": _ONE, "rpm": _ONE, "min-1": _ONE},
    "degC": {"degC": _ONE, "°C": _ONE},
    "kPa": {"kPa": _ONE, "bar": Decimal(100)},
    "mOhm": {"mOhm": _ONE, "mΩ": _ONE, "Ohm": Decimal(1000), "Ω": Decimal(1000)},
    "MOhm": {"MOhm": _ONE, "MΩ": _ONE, "kOhm": Decimal("0.001")},
    "dB(A)": {"dB(A)": _ONE, "dBA": _ONE},
    "km": {"km": _ONE},
}
