"""What can go wrong with a simulated machine, for a number of times, for a time, or until cleared.

Faults of a tag change what it shows; faults of the station change how its servers answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args

from stations.declare import Tag
from stations.status import (
    BAD_DEVICE_FAILURE,
    BAD_SENSOR_FAILURE,
    GOOD,
    UNCERTAIN_LAST_USABLE_VALUE,
)

TagFault = Literal["bad", "bad-kept", "uncertain", "sensor", "frozen", "missing", "illegal"]
StationFault = Literal["stall", "late", "drop", "reset", "unsubscribe"]
Name = Literal[TagFault, StationFault]

ONE_TAG = get_args(TagFault)
WHOLE_STATION = get_args(StationFault)
NAMES = (*ONE_TAG, *WHOLE_STATION)
DELAY_MS = 500

DOCS = {
    "bad": "the tag's status is Bad and it has no value",
    "bad-kept": "the tag's status is Bad and its last value stands beside it (OPC UA)",
    "uncertain": "the tag's value is the last usable one (OPC UA)",
    "sensor": "the tag's sensor has failed",
    "frozen": "the tag's value no longer changes and its status stays Good",
    "missing": "the node is gone; a register answers exception 2",
    "illegal": "the same as missing",
    "stall": "the machine takes requests and answers nothing",
    "late": "every answer comes late",
    "drop": "OPC UA sessions are closed with their subscriptions, connections are broken",
    "reset": "connections are broken; OPC UA sessions stay",
    "unsubscribe": "OPC UA subscriptions are deleted; sessions and connections stay",
}


@dataclass(slots=True)
class Fault:
    """One fault that is in force. `tag` None: the whole station."""

    name: Name
    tag: str | None = None
    until_s: float | None = None
    times: int | None = None
    delay_ms: int = DELAY_MS
    kept: Any = None

    def shows(self, tag: Tag[Any], value: Any, last: Any) -> tuple[int, Any]:
        """Status and value that the tag shows instead of `value`; `last` is what it showed."""
        match self.name:
            case "bad":
                return BAD_DEVICE_FAILURE, None
            case "bad-kept":
                return BAD_DEVICE_FAILURE, last
            case "sensor":
                return BAD_SENSOR_FAILURE, None
            case "uncertain":
                return UNCERTAIN_LAST_USABLE_VALUE, last
            case "frozen":
                return GOOD, last
            case _:
                return GOOD, value


def problem(name: str, tag: str | None, tags: set[str]) -> str | None:
    """What is wrong with a wish for a fault, in words; None when nothing is."""
    if name not in NAMES:
        return f"no fault {name!r}; known are {', '.join(NAMES)}"
    if name in ONE_TAG and tag is None:
        return f"{name} needs the name of a tag"
    if name in WHOLE_STATION and tag is not None:
        return f"{name} is a fault of the whole station, not of a tag"
    if tag is not None and tag not in tags:
        return f"no tag {tag!r}; known are {', '.join(sorted(tags))}"
    return None
