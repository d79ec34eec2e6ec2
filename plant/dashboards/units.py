"""Units of tags as Grafana knows them; one that it does not know is shown as it is written."""

from __future__ import annotations

from stations.declare import Tag, Type

# Ids of @grafana/data, valueFormats/categories. Left out on purpose: `h`, which Grafana would show
# as weeks, and `kg`, which it would show as Mg.
GRAFANA = {
    "V": "volt", "mV": "mvolt", "kV": "kvolt", "A": "amp", "mA": "mamp", "Ah": "amph",
    "W": "watt", "kW": "kwatt", "MW": "megwatt", "Wh": "watth", "kWh": "kwatth", "MWh": "mwatth",
    "VA": "voltamp", "kVA": "kvoltamp", "var": "voltampreact", "kvar": "kvoltampreact",
    "Ohm": "ohm", "mOhm": "mohm", "kOhm": "kohm", "MOhm": "Mohm", "Hz": "hertz",
    "degC": "celsius", "K": "kelvin", "%": "percent", "ppm": "ppm",
    "ms": "ms", "s": "s", "min": "m", "B": "bytes", "GB": "decgbytes",
    "lx": "lux", "cd": "candela", "dB": "dB", "mm": "lengthmm", "m": "lengthm",
    "deg": "degree", "rad": "radian", "deg/s": "rotdegs", "1/min": "rotrpm",
    "m/s": "velocityms", "km/h": "velocitykmh", "l/min": "flowlpm", "m3": "m3",
    "N": "forceN", "kN": "forcekN", "Nm": "forceNm",
    "Pa": "pressurepa", "kPa": "pressurekpa", "mbar": "pressurembar", "bar": "pressurebar",
}  # fmt: skip
NONE, TEXT, SECONDS, SHARE, SHORT = "none", "string", "s", "percentunit", "short"


def of(tag: Tag[object]) -> str:
    """The Grafana unit of a tag's values."""
    if tag.value_type is Type.TEXT:
        return TEXT
    return named(tag.unit)


def named(unit: str) -> str:
    """The Grafana unit of a unit as a declaration writes it."""
    if not unit:
        return NONE
    return GRAFANA.get(unit, f"suffix: {unit}")
