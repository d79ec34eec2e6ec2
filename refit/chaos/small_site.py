"""The site of the small plant: one agent, a press, a meter and a studio, for a number of values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

AGENT = "pc-1"
FAST = {"press-1": "force_01", "meter-1": "power_01"}
EMBEDDED = 'url = "embedded"\nport = {port}'
TURNS_PER_S = 10.0  # of the simulators
METER_SHARE, METER_MAX = 0.3, 60
HEAD = """
[site]
name = "small"
[broker]
{broker}
{store}
[historian]
http = {historian}
[[agent]]
name = "pc-1"
http = {agent}
"""
STATIONS = """
[[station]]
name = "press-1"
kind = "device"
line = "line-1"
agent = "pc-1"
tags = "press.csv"
opcua = {{ url = "opc.tcp://127.0.0.1:{press}" }}
[[station]]
name = "meter-1"
kind = "device"
line = "line-1"
agent = "pc-1"
tags = "meter.csv"
modbus = {{ url = "tcp://127.0.0.1:{meter}", every = "100 ms" }}
[[station]]
name = "studio-1"
kind = "studio"
line = "line-1"
agent = "pc-1"
opcua = {{ url = "opc.tcp://127.0.0.1:{studio}" }}
modbus = {{ url = "tcp://127.0.0.1:{cabinet}", every = "200 ms" }}
"""
COUNTING = """
[[station]]
name = "machine-1"
kind = "device"
line = "line-1"
agent = "pc-1"
tags = "counts.csv"
opcua = {{ url = "opc.tcp://127.0.0.1:{press}" }}
"""
COLUMNS = "name,address,type,low,high\n"


@dataclass(frozen=True, slots=True)
class Size:
    """How many tags change with every turn of the simulators."""

    forces: int = 40
    powers: int = 20

    @classmethod
    def of(cls, values_per_s: float) -> Size:
        """The size that offers about so many values a second."""
        tags = values_per_s / TURNS_PER_S
        powers = min(max(1, round(tags * METER_SHARE)), METER_MAX)
        return cls(max(1, round(tags - powers) - 8), powers)


def press_csv(size: Size) -> str:
    """Numbers, arrays and counters that change with every turn, a text and a switch."""
    rows = [f"force_{n:02},Press/Force{n},float,0,100" for n in range(1, size.forces + 1)]
    rows += [f"profile_{n},Press/Profile{n},float[8],0,100" for n in range(1, 5)]
    rows += [f"position_{n},Press/Position{n},int,0,1000000" for n in range(1, 5)]
    rows += ["name,Press/Name,text,,", "closed,Press/Closed,bool,,"]
    return COLUMNS + "\n".join(rows) + "\n"


def meter_csv(size: Size) -> str:
    """Numbers that change with every turn, and one that only rises."""
    rows = [f"power_{n:02},input {4 * n} float64,float,0,1000" for n in range(1, size.powers + 1)]
    return COLUMNS + "\n".join([*rows, "energy,holding 100 float64,float,0,"]) + "\n"


def counts_csv(names: Sequence[str]) -> str:
    """The tags of a machine that counts."""
    return "name,address,type\n" + "".join(f"{name},ns=1;s={name},float\n" for name in names)


def site_text(
    ports: Mapping[str, int], broker: str, store: str = "", stations: str = STATIONS
) -> str:
    """The text of a site file; `broker` and `store` are the text of their tables."""
    return (HEAD + stations).format(**{**ports, "broker": broker, "store": store})
