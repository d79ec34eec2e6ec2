"""Records of inspections as a session leaves them, made from the cases of the inspection."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson

from stations.inspection.judging.judge import Judge
from stations.inspection.judging.parsing import parse
from stations.records import AgentInfo, Record, record_id
from wire.rule_sets import rule_set

CASES = Path(__file__).parents[3] / "stations" / "inspection" / "cases"
VISIT = "v-2026-000123"
VIN = "VF1RFB00066123456"
TIME_MS = 1_795_594_491_000  # 2026-11-25T08:14:51Z


def case_of(name: str) -> dict[str, Any]:
    """A case of the inspection by its name."""
    said: dict[str, Any] = orjson.loads((CASES / f"{name}.json").read_bytes())
    return said


def report_of(name: str, **changes: Any) -> Record:
    """The record of an inspection whose case has this name; `changes` are of its data."""
    case = case_of(name)
    judgement = Judge(rule_set()).judge(parse(orjson.dumps(case)))
    machines = {
        machine: {
            "kind": "roller_brake_tester" if machine.startswith("rbt") else "headlamp_tester",
            "model": "BM 4.2", "serial": f"S-{place:04d}", "last_calibration": "2026-03-01",
            "calibration_due": said.get("calibration_due"), "zero_ok": True, "fault": None,
        } for place, (machine, said) in enumerate(case["equipment"].items())
    }  # fmt: skip
    data = {
        "visit": VISIT, "started": "2026-11-25T08:00:00.000Z", "ended": "2026-11-25T08:14:51.000Z",
        "cycle_s": 891.0, "complete": True, "flaws": [], "phases": {},
        "fuel": case["vehicle"]["fuel"],
        "measurements": {
            item: {"value": one["value"], "unit": one.get("unit", "")}
            for item, one in case["measurements"].items()
        },
        "case": case, "judgement": judgement.model_dump(mode="json"),
        "session": {
            "kind": "full", "inspectors": {"ins-7": "024A1234"}, "centre": "S024T001",
            "odometer_km": 84_210, "machines": machines,
            "steps": {"exhaust": {"manual": {"gas.lambda": {}}}},
        },
    }  # fmt: skip
    return Record(
        id=record_id(TIME_MS, "report", name, str(sorted(changes))),
        kind="inspection.report", version=1, site="flins-vo", line="line-1",
        station="inspection-1", visit=VISIT, time="2026-11-25T08:14:51.000Z",
        agent=AgentInfo(name="pc-1", version="0.1.0"), data=data | changes,
    )  # fmt: skip
