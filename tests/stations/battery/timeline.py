"""Timelines for the rules of the battery station: what is said at which second, or by the model."""

from __future__ import annotations

import random
from typing import Any

from stations import kinds
from stations.battery.states import BatteryState, IsolationState
from stations.battery.station import CELLS, Battery
from stations.declare import Type
from stations.model import Values, Vehicle
from stations.records import Draft
from stations.samples import Samples, build
from stations.status import BAD_SENSOR_FAILURE, GOOD
from stations.watch import Watch

START_MS = 1_700_000_000_000
KIND = kinds.find("battery")
TAGS = dict(enumerate(Battery.tags, 1))
NUMBERS = {tag.name: number for number, tag in TAGS.items()}
STATES = {"state": BatteryState, "isolation_state": IsolationState}
Row = tuple[int, int, int, Type, Any]


class Timeline:
    """Rows of samples by the second at which they are taken."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def say(self, second: float, *, bad: tuple[str, ...] = (), **values: Any) -> Timeline:
        """These tags have these values now; those in `bad` have none and a Bad status."""
        for name, value in values.items():
            if name in STATES and isinstance(value, str):
                value = STATES[name][value].value
            if name in ("cell_voltages", "cell_temperatures") and not isinstance(value, list):
                value = [float(value)] * CELLS
            self._row(second, name, GOOD, value)
        for name in bad:
            self._row(second, name, BAD_SENSOR_FAILURE, None)
        return self

    def pulse(
        self,
        begins: float,
        ends: float,
        *,
        ohm: float,
        ampere: float,
        ocv: float = 360.0,
        every: float = 0.1,
    ) -> Timeline:
        """From one second to another a current flows through this resistance."""
        count = round((ends - begins) / every)
        for index in range(count):
            self.say(begins + index * every, voltage=ocv + ohm * ampere, current=ampere)
        return self.say(ends, voltage=ocv, current=0.0)

    def samples(self) -> Samples:
        """All rows in the order of time."""
        return build(sorted(self.rows, key=lambda row: row[1]))

    def drafts(self) -> list[Draft]:
        """What the rules make of it."""
        return Watch(KIND, TAGS).feed(self.samples())

    def _row(self, second: float, name: str, status: int, value: Any) -> None:
        tag = Battery.tag(name)
        time_ms = START_MS + round(second * 1000)
        self.rows.append((NUMBERS[name], time_ms, status, tag.value_type, value))


def whole_cycle(ohm: float = 0.1, **instead: tuple[str, ...]) -> Timeline:
    """A quick qualification of 130 s; `bad` names the tags that are Bad from the start on."""
    bad = instead.get("bad", ())
    said: dict[str, Any] = {
        "pack_model": "96S2P-131", "nominal_voltage": 345.6, "isolation_bus": 360.0,
        "isolation_negative": 200.0, "isolation_positive": 160.0, "isolation_loaded": 13.5,
        "isolation_resistor": 34_560.0, "cell_voltages": 3.75, "cell_temperatures": 23.0,
        "reported_soc": 51.0, "reported_soh": 90.0, "voltage": 360.0, "current": 0.0,
    }  # fmt: skip
    line = Timeline().say(0, state="IDLE", visit="")
    line.say(1, state="ARRIVING", visit="v-2026-000001")
    line.say(5, state="CONNECTING")
    good = {name: value for name, value in said.items() if name not in bad}
    line.say(6, bad=tuple(name for name in bad if name in said), **good)
    line.say(10, state="ISOLATION").say(15, isolation_state="VALID")
    line.say(20, state="CLOSING").say(25, state="REST")
    line.say(40, state="DISCHARGE").say(72, state="RELAX")
    line.say(90, state="CHARGE").say(122, state="SETTLE")
    if "current" not in bad and "voltage" not in bad:
        line.pulse(40.05, 72.05, ohm=ohm, ampere=-60.0).pulse(90.05, 122.05, ohm=ohm, ampere=45.0)
    return line.say(130, state="DISCONNECTING").say(135, state="DONE")


def of_model(
    seed: int, health: float = 0.9, step_s: float = 0.1, speed: float = 1.0
) -> tuple[list[dict[str, Any]], Samples]:
    """What the model shows of one vehicle, at each step, and the changes of it as samples."""
    model, values = KIND.model(random.Random(seed)), Values(Battery)
    shown: list[dict[str, Any]] = []
    rows: list[Row] = []
    last: dict[str, Any] = {}
    time_ms = START_MS
    model.step(step_s, values)
    model.arrive(Vehicle("v-2026-000007", health=health))
    while not model.is_done and len(shown) < 10_000:
        snapshot = dict(values.items())
        shown.append(snapshot)
        for name, value in snapshot.items():
            if name not in last or last[name] != value:
                rows.append((NUMBERS[name], time_ms, GOOD, Battery.tag(name).value_type, value))
        last = snapshot
        model.step(step_s * speed, values)
        time_ms += round(step_s * 1000)
    shown.append(dict(values.items()))
    rows.append((NUMBERS["state"], time_ms, GOOD, Type.INT, shown[-1]["state"]))
    return shown, build(rows)
