"""What is agreed with the controller, tag by tag: when a command may be given, what answers it.

A command is set, stands until the controller has answered, and is taken back.

| command | given when | answered by |
|---|---|---|
| `start` | doors shut, load accepted, guard and curtain clear, table unlocked | `state` TURNING |
| `repeat_spin` | the operator wants the table to turn again | `state` TURNING |
| `set_acquisition_done` | all is judged, or the operator goes on | `acquisition_done` |
| `release` | after that: for the pictures the vehicle may leave | `state` LEAVING or EMPTY |
| `set_result_ready` | the record is safe and the vehicle is still there | `result_ready` |

Guard and light curtain are only read: whether anything moves is the safety controller's to say.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from stations.studio.jobs import Asked
from stations.studio.manifest import PictureSet
from stations.studio.station import Studio, StudioState

PHASES = {
    PictureSet.SPIN: StudioState.TURNING,
    PictureSet.HERO: StudioState.TURNING,
    PictureSet.UNDERBODY: StudioState.LOADING,
    PictureSet.INTERIOR: StudioState.INTERIOR,
    PictureSet.WHEEL: StudioState.WHEELS,
    PictureSet.TREAD: StudioState.WHEELS,
}
"""In which state a set is shot; those that are not named are shot with the details."""

WATCHED = (
    Studio.state, Studio.visit, Studio.job, Studio.recipe, Studio.simulated, Studio.stop_cause,
    Studio.entry_closed, Studio.guard_closed, Studio.curtain_clear, Studio.load_ok, Studio.locked,
    Studio.trigger_angles, Studio.acquisition_done, Studio.result_ready,
)  # fmt: skip
"""The tags that a capture follows."""

TO_TURN = {
    "entry_closed": True,
    "guard_closed": True,
    "curtain_clear": True,
    "load_ok": True,
    "locked": False,
}
GONE = (StudioState.LEAVING.name, StudioState.EMPTY.name)


class VisionState(StrEnum):
    """The states of OPC 40100-1 that the studio shows."""

    PREOPERATIONAL = "Preoperational"
    INITIALIZED = "Initialized"
    READY = "Ready"
    SINGLE_EXECUTION = "SingleExecution"


def in_the_way(plc: Mapping[str, Any], lost: Mapping[str, str]) -> tuple[str, ...]:
    """Why the table may not be asked to turn: tags that are not as they must be, lost cameras."""
    tags = [name for name, wanted in TO_TURN.items() if plc.get(name) is not wanted]
    return (*tags, *(f"camera_{name}" for name in sorted(lost)))


def is_answered(asked: Asked, plc: Mapping[str, Any]) -> bool:
    """Whether the controller has done what it was asked for, or the job has gone."""
    if plc.get("job") is not None and plc["job"] != asked.job:
        return True
    match asked.command:
        case "start" | "repeat_spin":
            return bool(plc.get("state") == StudioState.TURNING.name)
        case "set_acquisition_done":
            return plc.get("acquisition_done") is True
        case "release":
            return plc.get("state") in GONE
        case "set_result_ready":
            return plc.get("result_ready") is True
