"""Data of the lane's records. `RECORDS` says which model belongs to which kind of record."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from stations.cycle import CycleData, StateChange, Statistic
from stations.inspection.document import Correction, Document
from stations.inspection.judging.judgement import Judgement
from stations.inspection.session_data import SessionData

Result = Literal["Undefined", "OK", "NotOK", "NotDecidable"]


class Measurement(BaseModel):
    """One value of the report with the result words of OPC UA Machinery Result Transfer.

    `Undefined`: measured and not judged. `NotDecidable`: there is no value to judge, and `reason`
    is why: `not_seen` (its part of the test did not take place), `not_measured` (the bench has no
    result of this vehicle), `bad_quality`, `not_believable` (outside the tag's limits),
    `force_too_small`, `weight_too_small`.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")
    value: float | None
    unit: str
    result: Result = "Undefined"
    reason: str | None = None


class Obd(BaseModel):
    """What the vehicle's own diagnosis said. All None: it was not read."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    mil: bool | None
    ready: bool | None
    dtc_count: int | None


class Report(CycleData):
    """Data of `inspection.report`: what the benches measured on one vehicle, and the judgement.

    The names of measurements are `bench.value`, as in `brake.imbalance_front`; a petrol car has no
    `gas.opacity`, an electric car no `gas.*`. `not_decidable` names those without a value. Where
    there was a session, names are those of a case (`rbt.axle1.force_max_l`), and it says how it
    went.

    `case` is what was judged, in the form of `refit inspection judge`; `judgement` holds for good,
    whatever becomes of the rule set that it names. It is None where no rule set was at hand, or
    where the case was refused.
    """

    fuel: str | None
    calibrated: str | None
    zero_ok: bool | None
    stops: int
    takt_s: float
    measurements: dict[str, Measurement]
    not_decidable: tuple[str, ...]
    statistics: dict[str, Statistic]
    obd: Obd
    session: SessionData | None = None
    case: dict[str, JsonValue] | None = None
    judgement: Judgement | None = None
    corrects: Correction | None = None


RECORDS: dict[str, type[BaseModel]] = {
    "inspection.state": StateChange,
    "inspection.report": Report,
    "inspection.document": Document,
}
