"""What is known of one station at a moment, in the fields of `station_state`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from stations.cycle import Scheme
from stations.declare import Phase
from stations.status import is_bad, is_good
from wire.sparkplug.datatypes import Scalar

OFFLINE, BAD, NOTHING = "offline", "bad quality", "no data"


@dataclass(frozen=True, slots=True)
class Said:
    """One sample of a station's state or visit."""

    time_ms: int
    status: int
    value: Any

    @property
    def is_known(self) -> bool:
        """A value that can be relied on; an Uncertain time is no doubt of it."""
        return self.value is not None and not is_bad(self.status)


def phase_of(scheme: Scheme[Any], said: Said | None) -> Phase:
    """What the state means for the line."""
    if said is None or not said.is_known:
        return Phase.UNKNOWN
    try:
        return scheme.state.kind(said.value).phase or Phase.UNKNOWN
    except ValueError:
        return Phase.UNKNOWN


def name_of(scheme: Scheme[Any], said: Said | None) -> str:
    """The state as it is declared, or in words why it is not known."""
    if said is None:
        return NOTHING
    if not said.is_known:
        return BAD
    try:
        return str(scheme.state.kind(said.value).name)
    except ValueError:
        return f"unknown_{said.value}"


def state_fields(
    scheme: Scheme[Any], said: Said | None, since_ms: int, visit: Said | None, time_ms: int
) -> dict[str, Scalar | None]:
    """The fields of a station that is online, at this time."""
    known = said is not None and said.is_known
    # A foreign edge may say a state in words or as NaN, which no integer field can hold.
    is_number = said is not None and known and isinstance(said.value, int)
    return {
        "phase": int(phase_of(scheme, said)),
        "state_name": name_of(scheme, said),
        "quality": quality(said),
        "state": said.value if said is not None and is_number else None,
        "state_status": None if said is None else said.status,
        "since_s": max(time_ms - since_ms, 0) / 1000 if known else None,
        "visit": str(visit.value) if visit is not None and visit.is_known else "",
    }


def offline_fields() -> dict[str, Scalar | None]:
    """The fields of a station that is not online: what it did last is not what it does."""
    return {"phase": int(Phase.OFFLINE), "state_name": OFFLINE, "quality": "none", "visit": ""}


def quality(said: Said | None) -> str:
    """Good, uncertain or bad in a word; `none` for what was never heard."""
    if said is None:
        return "none"
    if not said.is_known:
        return "bad"
    return "good" if is_good(said.status) else "uncertain"
