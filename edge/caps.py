"""What one message to this broker may carry, and what is too large for any.

A broker says its limit when a session begins (MQTT 5) or the site file says it. What is above it
would end the session each time it is sent, so it is not: it stays in the outbox and is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import structlog

from edge.outbox_file import Batch
from edge.packing import parts
from stations.samples import Samples
from wire import topics
from wire.sparkplug.edge_node import BYTES_MAX, EdgeNode
from wire.topics import Verb

NAME_MAX = 256  # bytes of a station's, for which room is left

log = structlog.get_logger()


def topic_max(group: str, agent: str) -> int:
    """Bytes of the longest topic of an agent."""
    return len(topics.device(group, Verb.DBIRTH, agent, "x" * NAME_MAX).encode())


class Caps:
    """The limit of the present session, and the positions that no message of it can carry.

    `told` gets the limit of a payload, or None where it is above what is ever sent.
    """

    def __init__(self, node: EdgeNode) -> None:
        self.told: Callable[[int | None], None] = lambda bytes_max: None
        self._node = node
        self._topic_max = topic_max(node.group, node.agent)
        self._held: dict[int, bool] = {}  # whether it is the batch itself that is too large
        self._said: set[str] = set()

    def __contains__(self, position: int) -> bool:
        return position in self._held

    def begin(self, message_max: int | None) -> None:
        """What a broker takes, topic and payload together, holds from now on; None: anything."""
        self._held.clear()
        cap = BYTES_MAX if message_max is None else message_max - self._topic_max
        self._node.bytes_max = min(cap, BYTES_MAX)
        self.told(cap if cap < BYTES_MAX else None)

    def cut(self, samples: Samples) -> list[Samples]:
        """The samples of a batch in messages that fit."""
        if self._node.bytes_max >= BYTES_MAX:
            return [samples]
        return list(parts(samples, self._node.bytes_max))

    def hold(self, batch: Batch, why: str) -> bool:
        """Keep a batch back that is larger than the broker takes; no where nothing may be so."""
        if self._node.bytes_max >= BYTES_MAX:
            return False
        self._held[batch.position] = True
        self._say(batch.station, f"batches wait, the broker takes no message so large: {why}")
        return True

    def is_unfit(self, batch: Batch) -> bool:
        """Whether the batch is of a station that could not be born; then it waits, too."""
        if batch.station not in self._node.unfit:
            return False
        self._held[batch.position] = False
        return True

    def look(self) -> None:
        """Say whose birth no message can carry; each once."""
        for name, why in self._node.unfit.items():
            self._say(name or self._node.agent, why)

    def problems(self) -> Iterator[str]:
        """The same for a person who asks."""
        for name, why in self._node.unfit.items():
            yield f"nothing of {name or self._node.agent} is sent: {why}"
        if count := sum(self._held.values()):
            yield (
                f"{count} batches are larger than what the broker takes"
                f" ({self._node.bytes_max} bytes): let it take more, see [broker] packet_max"
            )

    def _say(self, name: str, why: str) -> None:
        if (told := f"{name}: {why}") not in self._said:
            self._said.add(told)
            log.error("too large for the broker", station=name, why=why)
