"""What the qualification of a pack says, whole: the record `battery.qualification`, version 2.

Absent data is absent with a reason, never 0. A gate and a result carry their uncertainty (k = 2).
Quantities of `results` (each at most once; conditions say direction, soc_pct, seconds, degC):

- `capacity_ah` at the rated temperature, `soh_pct` = that over the rated Ah
- `energy_wh` of the C/3 discharge, `energy_soh_bench_pct` = that over the rated Wh (no SOCE)
- `round_trip_efficiency_pct`, `coulombic_efficiency_pct` of the standard charge
- `r10_discharge_mohm`, `r10_charge_mohm` of the pack, `resistance_increase_pct` over a new pack's
- `power_discharge_10s_w`, `power_charge_10s_w`, `ocv_v` of the pack at its last rest
- `worst_module_below_pct` the median module, `worst_joint_pct` R10 of a cell above the median
- `modules_to_mend` (weak, or a joint suspected), `other_modules_soh_pct` the worst of the others
- `rest_current_a` that the sensor showed while none flowed
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from stations.battery.results import Gate

Status = Literal["Original", "Repurposed", "Reused", "Remanufactured", "Waste"]


class _Fact(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Result(_Fact):
    """One quantity; without a value its reasons say why."""

    quantity: str
    value: float | None
    unit: str
    u95: float | None
    method: str
    n: int = 1
    valid: bool = True
    reasons: tuple[str, ...] = ()
    conditions: dict[str, float | str | None] = Field(default_factory=dict)


class BudgetLine(_Fact):
    """A standard uncertainty of the capacity in Ah, and what it is assumed from."""

    term: str
    u_ah: float
    assumption: str


class Bms(_Fact):
    """What the BMS says beside what was measured, in points; None: it did not say."""

    soh_pct: float | None
    soc_pct: float | None
    soh_difference: float | None
    reasons: tuple[str, ...] = ()


class ModuleResult(_Fact):
    """A module by its position, from 1: charge, how far below the median, R10 of all its cells."""

    module: int
    q_ah: float | None
    below_pct: float | None
    u95_pct: float | None
    r10_mohm: float | None
    is_weak: bool
    joint_suspected: bool


class CellResult(_Fact):
    """A cell by its position, from 1."""

    cell: int
    q_ah: float | None
    r10_mohm: float | None
    rest_v: float | None


class ProtocolRun(_Fact):
    """What was run, by the hash of its table, and how it ended."""

    id: str
    sha256: str
    complete: bool
    seconds: float
    stopped_by: tuple[str, ...]


class RuleResult(_Fact):
    """A rule of the grade as it was applied."""

    id: str
    grade: str
    quantity: str
    verdict: Literal["pass", "fail", "undecided"]
    side: Literal["at_least", "at_most"]
    limit: float
    value: float | None
    u95: float | None
    source: str
    reasons: tuple[str, ...] = ()


class Grade(_Fact):
    """The grade with all that led to it."""

    grade: Literal["A", "B", "C", "D", "HOLD"]
    name: str
    reasons: tuple[str, ...]
    next_test: str | None
    rules: tuple[RuleResult, ...]
    gates_failed: tuple[str, ...]
    gates_undecided: tuple[str, ...]


class PackRecord(_Fact):
    """The whole qualification of one pack."""

    kind: Literal["battery.qualification"] = "battery.qualification"
    schema_version: Literal[2] = 2
    record_id: str
    battery_id: str
    pack_model: str
    serial: str
    original_placing_on_market_date: str | None = None
    status_before: Status | None = None
    status_after: Status | None = None
    station: str
    operator: str | None = None
    software: dict[str, str] = Field(default_factory=dict)
    calibration_ids: tuple[str, ...] = ()
    simulated: bool
    simulated_from: str | None = None
    made_at: str
    category: Literal["ev", "stationary"] = "ev"
    rated_ah: float
    rated_wh: float
    nominal_v: float
    series: int
    protocol: ProtocolRun
    trace_file: str | None = None
    trace_sha256: str | None = None
    conditions: dict[str, float | str | None]
    gates: tuple[Gate, ...]
    results: tuple[Result, ...]
    budget: tuple[BudgetLine, ...]
    bms: Bms
    modules: tuple[ModuleResult, ...]
    cells: tuple[CellResult, ...]
    weak_modules: tuple[int, ...]
    joint_modules: tuple[int, ...]
    grade: Grade | None = None
    absent: dict[str, str] = Field(default_factory=dict)

    def result(self, quantity: str) -> Result | None:
        """The result of this quantity, if there is one."""
        return next((one for one in self.results if one.quantity == quantity), None)

    def plain(self) -> dict[str, Any]:
        """As plain values, for JSON."""
        found: dict[str, Any] = self.model_dump(mode="json")
        return found
