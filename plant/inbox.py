"""What the MQTT thread hands to the historian's worker: bounded, and fair between the agents.

Each agent has a queue of its own and the worker takes from them in turn, so that one agent that
floods the plant fills its own queue and no other. What finds no room is dropped and counted; it was
not acknowledged, so it comes again.
"""

from __future__ import annotations

import threading
from collections import Counter, deque
from dataclasses import dataclass, field

from wire import topics
from wire.mqtt import Message
from wire.topics import Verb

MESSAGES_MAX = 4_000
BYTES_MAX = 32 << 20
ALL_BYTES_MAX = 256 << 20
AGENTS_MAX = 1_000
_DATA = (Verb.NDATA, Verb.DDATA)


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds for each agent and for all of them together."""

    messages: int = MESSAGES_MAX
    bytes: int = BYTES_MAX
    all_bytes: int = ALL_BYTES_MAX
    agents: int = AGENTS_MAX


@dataclass(slots=True)
class _Queue:
    messages: deque[Message] = field(default_factory=deque)
    bytes: int = 0


class Inbox:
    """Queues of Sparkplug messages by agent; `dropped` counts what found no room, by agent."""

    def __init__(self, limits: Limits | None = None) -> None:
        self.dropped: Counter[str] = Counter()
        self._limits = limits or Limits()
        self._queues: dict[str, _Queue] = {}
        self._turn: deque[str] = deque()
        self._bytes = 0
        self._lock = threading.Lock()
        self._filled = threading.Event()

    def put(self, message: Message) -> bool:
        """Whether there was room. Births and deaths have twice the room of data."""
        address = topics.parse(message.topic)
        agent = "" if address is None else address.edge
        share = 1 if address is None or address.verb in _DATA else 2
        with self._lock:
            queue = self._queues.get(agent)
            if queue is None:
                queue = _Queue()
            full = agent not in self._queues and len(self._queues) >= self._limits.agents
            if full or not self._has_room(queue, message, share):
                known = agent in self.dropped or len(self.dropped) < self._limits.agents
                self.dropped[agent if known else ""] += 1
                return False
            if not queue.messages:
                self._queues[agent] = queue
                self._turn.append(agent)
            queue.messages.append(message)
            queue.bytes += message.size
            self._bytes += message.size
        self._filled.set()
        return True

    def _has_room(self, queue: _Queue, message: Message, share: int) -> bool:
        limits, size = self._limits, message.size
        return (
            len(queue.messages) < share * limits.messages
            and queue.bytes + size <= share * limits.bytes
            and self._bytes + size <= share * limits.all_bytes
        )

    def take(self, count: int) -> list[Message]:
        """Up to `count` messages: one of each agent in turn, those of one agent in order."""
        taken: list[Message] = []
        with self._lock:
            self._filled.clear()
            while self._turn and len(taken) < count:
                agent = self._turn.popleft()
                queue = self._queues[agent]
                message = queue.messages.popleft()
                queue.bytes -= message.size
                self._bytes -= message.size
                if queue.messages:
                    self._turn.append(agent)
                else:
                    del self._queues[agent]  # a name that is not heard again takes no room
                taken.append(message)
            if self._turn:
                self._filled.set()
        return taken

    def wait(self, timeout_s: float) -> bool:
        """Wait until there is something to take, or the time is over, or `wake` was called."""
        return self._filled.wait(timeout_s)

    def wake(self) -> None:
        """End a wait although there is nothing to take."""
        self._filled.set()

    def clear(self, server: int = 0) -> int:
        """Forget what came from a server, since the connection is gone; how much it was."""
        count = 0
        with self._lock:
            for queue in self._queues.values():
                kept = deque(one for one in queue.messages if one.server != server)
                count += len(queue.messages) - len(kept)
                queue.messages, queue.bytes = kept, sum(one.size for one in kept)
            self._queues = {agent: one for agent, one in self._queues.items() if one.messages}
            self._turn = deque(agent for agent in self._turn if agent in self._queues)
            self._bytes = sum(queue.bytes for queue in self._queues.values())
        return count

    def __len__(self) -> int:
        with self._lock:
            return sum(len(queue.messages) for queue in self._queues.values())
