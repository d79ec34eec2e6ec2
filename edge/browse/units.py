"""The text of an engineering unit from an EUInformation (OPC 10000-8, 5.6.4.3)."""

from __future__ import annotations

from asyncua import ua

UNECE = "http://www.opcfoundation.org/UA/units/un/cefact"
# Common codes of UN/ECE Recommendation 20, for servers that give a code and no text.
UNITS = {
    "CEL": "°C", "KEL": "K", "FAH": "°F", "BAR": "bar", "MBR": "mbar", "PAL": "Pa", "KPA": "kPa",
    "MPA": "MPa", "HPA": "hPa", "MTR": "m", "MMT": "mm", "CMT": "cm", "4H": "µm", "KMT": "km",
    "SEC": "s", "C26": "ms", "B98": "µs", "MIN": "min", "HUR": "h", "DAY": "d", "VLT": "V",
    "2Z": "mV", "KVT": "kV", "AMP": "A", "4K": "mA", "B22": "kA", "OHM": "Ω", "2P": "mΩ",
    "B49": "kΩ", "B75": "MΩ", "WTT": "W", "KWT": "kW", "MAW": "MW", "D46": "VA", "D44": "var",
    "KVR": "kvar", "WHR": "Wh", "KWH": "kWh", "MWH": "MWh", "JOU": "J", "KJO": "kJ", "AMH": "Ah",
    "HTZ": "Hz", "KHZ": "kHz", "MHZ": "MHz", "P1": "%", "59": "ppm", "RPM": "rpm", "NEW": "N",
    "B47": "kN", "NU": "N·m", "KGM": "kg", "GRM": "g", "TNE": "t", "LTR": "l", "MTQ": "m³",
    "L2": "l/min", "MQH": "m³/h", "MTS": "m/s", "KMH": "km/h", "MSK": "m/s²", "DD": "°",
    "C81": "rad", "LUX": "lx", "2N": "dB", "C62": "", "MTK": "m²", "FAR": "F", "4O": "µF",
}  # fmt: skip


def unit_of(value: object) -> str:
    """The unit as people write it; "" when there is none. The text counts, then the code."""
    if not isinstance(value, ua.EUInformation):
        return ""
    for text in (value.DisplayName, value.Description):
        if text is not None and text.Text and text.Text.strip():
            return str(text.Text).strip()
    if value.NamespaceUri not in (None, "", UNECE):
        return ""
    code = code_of(value.UnitId)
    return UNITS.get(code, code)


def code_of(unit_id: int) -> str:
    """The UNECE code behind a UnitId: its letters are the bytes of the number."""
    if not 0 < unit_id < 1 << 31:
        return ""
    code = unit_id.to_bytes(4, "big").lstrip(b"\0").decode("latin-1")
    return code if code.isascii() and code.isalnum() else ""
