"""STATE: how a host application says that it is online, and how an edge node follows it.

Sparkplug 3.0, chapters 4.3 and 5.6. The forms of earlier versions are not understood on purpose.
"""

from __future__ import annotations

import enum
import json
from dataclasses import dataclass

TIMESTAMP_MAX = (1 << 63) - 1
HOST_WAIT_MS = 5_000  # for the first STATE of a connection, where there are more brokers
_BYTES_MAX = 1024


@dataclass(frozen=True, slots=True)
class HostState:
    """One STATE message: online or offline since `timestamp` (UTC ms)."""

    online: bool
    timestamp: int


def write(state: HostState) -> bytes:
    """The JSON of a STATE message."""
    return json.dumps({"online": state.online, "timestamp": state.timestamp}).encode()


def read(payload: bytes) -> HostState | None:
    """A STATE message, None for any form but that of Sparkplug 3.0."""
    if len(payload) > _BYTES_MAX:
        return None
    try:
        content = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    if not isinstance(content, dict):
        return None
    online, timestamp = content.get("online"), content.get("timestamp")
    if not isinstance(online, bool) or type(timestamp) is not int:
        return None
    return HostState(online, timestamp) if 0 <= timestamp <= TIMESTAMP_MAX else None


class Phase(enum.Enum):
    """Where a node stands: AWAY from the broker, WAITING for its host, BORN, or LEAVING."""

    AWAY = "away"
    WAITING = "waiting"
    BORN = "born"
    LEAVING = "leaving"


class Turn(enum.Enum):
    """What a STATE message means to an edge node."""

    NONE = "none"
    CAME = "came"
    LEFT = "left"


class PrimaryWatch:
    """Whether the primary host is online, as told on one connection.

    The first STATE of a connection always counts: it is retained, and what this broker says now is
    the truth on this broker. A later one counts when its timestamp is not older. A node that
    `walks` has more brokers to go to, where the host may be.
    """

    def __init__(self, since_ms: int = 0, *, walks: bool = False) -> None:
        self.last: HostState | None = None
        self._since_ms, self._walks = since_ms, walks

    def anew(self, now_ms: int) -> PrimaryWatch:
        """The same on the next connection."""
        return PrimaryWatch(now_ms, walks=self._walks)

    @property
    def online(self) -> bool:
        """True after a valid STATE that says so."""
        return self.last is not None and self.last.online

    def is_elsewhere(self, now_ms: int) -> bool:
        """Whether to look for the host at the next broker: here it is offline, or not known."""
        if not self._walks or self.online:
            return False
        return self.last is not None or not 0 <= now_ms - self._since_ms < HOST_WAIT_MS

    def hear(self, state: HostState) -> Turn:
        """Take in one STATE of the configured host."""
        if self.last is not None and state.timestamp < self.last.timestamp:
            return Turn.NONE
        was_online, self.last = self.online, state
        if state.online == was_online:
            return Turn.NONE
        return Turn.CAME if state.online else Turn.LEFT
