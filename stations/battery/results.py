"""What a qualification record says: `battery.qualification`, version 1.

A value that could not be found is absent and says why; it is never 0. `RECORDS` says which model
belongs to which kind of record.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from stations.cycle import CycleData, StateChange


class _Fact(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class NotDecidable(_Fact):
    """There is no value, for these reasons (codes)."""

    not_decidable: tuple[str, ...] = Field(min_length=1)


class Measured(_Fact):
    """A value; `u95` is the expanded uncertainty (k = 2) where known, `notes` are codes."""

    value: float
    unit: str
    method: str
    n: int = 1
    u95: float | None = None
    notes: tuple[str, ...] = ()


class Isolation(_Fact):
    """Isolation resistance by the known resistor; `reported_ohm` is the tester's own result."""

    ohm: float
    ohm_per_v: float
    nominal_v: float
    reported_ohm: float | None
    method: str = "UN R100, known resistor"


class Gate(_Fact):
    """A safety gate: its limits, where they come from, what was found and the verdict."""

    gate: str
    unit: str
    low: float | None
    high: float | None
    source: str
    value: float | None
    u95: float | None = None
    verdict: Literal["pass", "fail", "not_decidable"]
    reasons: tuple[str, ...] = ()


class Resistance(_Fact):
    """DCIR of one pulse after so many seconds, with the measured change of current."""

    direction: Literal["discharge", "charge"]
    seconds: float
    result: Measured | NotDecidable
    current_a: float | None = None


class Cells(_Fact):
    """Cell voltages at rest in V; `resting` is the state at the end of which they were read."""

    resting: str
    count: int
    min: float
    max: float
    mean: float
    spread: float
    lowest_cell: int
    highest_cell: int


class Temperatures(_Fact):
    """Cell temperatures in degC at the end of the first rest, spread and rise in K.

    `count` says how many cells have a sensor.
    """

    count: int
    min: float
    max: float
    spread: float
    rise: float | None = None
    ambient: float | None = None


class Moved(_Fact):
    """Charge and energy that one pulse moved, without sign."""

    direction: Literal["discharge", "charge"]
    charge: Measured | NotDecidable
    energy: Measured | NotDecidable


class Reported(_Fact):
    """What the BMS says of itself, beside what is measured; None: it did not say."""

    soc_pct: float | None = None
    soh_pct: float | None = None
    cycles: int | None = None
    events: int | None = None


class Identity(_Fact):
    """Which pack it is and what was run on it; None: it was not told."""

    pack_model: str | None = None
    pack_serial: str | None = None
    bms_serial: str | None = None
    protocol: str | None = None


class Qualification(CycleData):
    """Data of the record `battery.qualification`."""

    identity: Identity
    held: bool
    isolation: Isolation | NotDecidable
    gates: tuple[Gate, ...]
    ocv: Measured | NotDecidable
    dcir: tuple[Resistance, ...]
    cells: Cells | NotDecidable
    temperatures: Temperatures | NotDecidable
    moved: tuple[Moved, ...]
    reported: Reported


RECORDS: dict[str, type[BaseModel]] = {
    "battery.state": StateChange,
    "battery.qualification": Qualification,
}
