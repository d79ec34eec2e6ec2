"""What inspectors see of a session, as JSON."""

from __future__ import annotations

from typing import Any

from stations.cycle import utc_text
from stations.inspection.coming import is_done
from stations.inspection.facts import Memory, Plan, Session, StepName, plain
from stations.inspection.requirements import NEEDED


def view(plan: Plan, memory: Memory) -> dict[str, Any]:
    """The session that is open with its parts, and the machines."""
    session = memory.session
    machines = {
        name: {
            "kind": config.kind.value,
            "status": machine.status,
            "fault": machine.fault,
            "calibration_due": None if (due := machine.calibration_due) is None else str(due),
            "zero_ok": machine.zero_ok,
            "taken": machine.taken,
            "refused": machine.refused,
        }
        for name, config in plan.machines.items()
        if (machine := memory.machines.get(name)) is not None
    }
    return {
        "lane": memory.visit,
        "orders": sorted(memory.orders),
        "session": None if session is None else _session(session),
        "machines": machines,
        "unrecorded": [one.session.session for one in memory.ended],
    }


def _session(session: Session) -> dict[str, Any]:
    return {
        "id": session.session,
        "visit": session.visit,
        "kind": session.order.kind,
        "started": utc_text(session.started_ms),
        "identity": session.identity.value,
        "inspectors": list(session.inspectors),
        "odometer_km": session.odometer_km,
        "steps": {
            name.value: _step(session, name) for name, one in session.steps.items() if one.required
        },
        "refused": [
            {"machine": one.machine, "reasons": [str(r) for r in one.reasons], "id": one.message}
            for one in session.refused[-20:]
        ],
        "marks": [[one.about, str(one.reason)] for one in session.marks],
    }


def _step(session: Session, name: StepName) -> dict[str, Any]:
    step = session.steps[name]
    entry = step.entry
    return {
        "done": is_done(session, name),
        "by": step.done_by or step.taken_by,
        "slow": step.is_slow,
        "missing": [item for item in NEEDED.get(name, ()) if item not in step.values],
        "values": {item: [plain(h.value), h.value.unit] for item, h in step.values.items()},
        "repeated": len(step.repeated),
        "waits_for_second_person": None
        if entry is None
        else {
            "by": entry.by,
            "why": entry.why,
            "values": {item: [plain(one), one.unit] for item, one in entry.values.items()},
        },
    }
