"""The case that the lane's own tags make: what its benches measured, without any order.

The tags name no first registration, no masses, no tyres, no recall and nothing that was seen: such
a case is not decidable, but what is dangerous is found. Where there are sessions, the case is
theirs. The lane is one for cars: category M1 is assumed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from stations.inspection.judging.case import Wrong
from stations.inspection.judging.judge import Judge
from stations.inspection.judging.judgement import Judgement
from stations.inspection.judging.parsing import of
from stations.inspection.records import Measurement, Obd

_AXLES = (("front", "axle1"), ("rear", "axle2"))
_SIDES = (("left", "l"), ("right", "r"))


def _names() -> Iterator[tuple[str, str]]:
    for axle, number in _AXLES:
        yield f"slip.{axle}", f"slip.{number}.slip"
        for side, letter in _SIDES:
            yield f"brake.{axle}_{side}", f"rbt.{number}.force_max_{letter}"
            yield f"suspension.{axle}_{side}", f"susp.{number}.eff_{letter}"
            for what in ("weight", "drag", "ovality"):
                yield f"{what}.{axle}_{side}", f"rbt.{number}.{what}_{letter}"
    for side, letter in _SIDES:
        yield f"parking.{side}", f"rbt.park_force_{letter}"
        yield f"lamp.dip_{side}", f"lamp.dip_{letter}.dip"
        yield f"lamp.intensity_{side}", f"lamp.main_{letter}.intensity"
    yield "gas.co_idle", "gas.co_idle"
    yield "gas.co_fast", "gas.co_fast"
    yield "gas.lambda_fast", "gas.lambda"
    yield "gas.opacity", "opac.k_result"
    yield "electric.ground_continuity", "ev.ground_continuity"


ITEM_OF = dict(_names())
BRAKES = "brakes"


def case_of(
    day: str,
    fuel: str | None,
    found: Mapping[str, Measurement],
    obd: Obd,
    calibrated: str | None,
    zero_ok: bool | None,
) -> dict[str, Any]:
    """The case of one vehicle, as JSON has it."""
    measurements: dict[str, Any] = {}
    for name, item in ITEM_OF.items():
        one = found.get(name)
        if one is not None and one.value is not None:
            unit = "1" if item == "gas.lambda" else one.unit
            measurements[item] = {"value": one.value, "unit": unit}
    height, target = found.get("lamp.height"), found.get("lamp.target_dip")
    for letter in ("l", "r"):
        if height is not None and height.value is not None:
            measurements[f"lamp.dip_{letter}.height"] = {"value": height.value, "unit": "mm"}
        if target is not None and target.value:  # the lane says 0 when the plate has none
            measurements[f"lamp.dip_{letter}.target_dip"] = {"value": target.value, "unit": "%"}
    if obd.mil is not None:
        measurements["obd.mil"] = {"value": obd.mil}
    machine: dict[str, Any] = {"kind": "roller_brake_tester", "zero_ok": zero_ok}
    if calibrated is not None and _is_day(calibrated):
        machine["last_calibration"] = calibrated
    return {
        "test": {"date": day, "kind": "full"},
        "vehicle": {"category": "M1", "fuel": fuel or "unknown"},
        "equipment": {BRAKES: machine},
        "measurements": measurements,
    }


def judged(case: dict[str, Any], judge: Judge) -> Judgement | None:
    """The judgement of a case whose numbers are floats; None when it is refused."""
    try:
        return judge.judge(of(_exact(case)))
    except Wrong:
        return None


def _exact(value: Any) -> Any:
    """Numbers as the shortest decimals that they are told from their neighbours by."""
    if isinstance(value, dict):
        return {key: _exact(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_exact(one) for one in value]
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return Decimal(repr(value)) if is_number else value


def _is_day(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text))
    except ValueError:
        return False
