"""What waits to be handed to the broker: one queue per session, bounded, emptied at its end."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence

from wire.mqtt.link import Mark, Message


class Outgoing:
    """Messages in the order in which they were put; any thread puts, one thread takes.

    At most `count_max` messages and `bytes_max` bytes wait here. What does not fit is refused and
    counted. While messages of QoS 1 may not be given out they wait and let those of QoS 0 pass.
    """

    def __init__(self, count_max: int, bytes_max: int) -> None:
        self.count_max = count_max
        self.bytes_max = bytes_max
        self.refused = 0
        self._lock = threading.Lock()
        self._message_max = 0
        self._fresh: deque[Message | Mark] = deque()
        self._held: deque[Message] = deque()
        self._bytes = 0
        self._open = False

    def __len__(self) -> int:
        return len(self._fresh) + len(self._held)

    def open(self, message_max: int) -> None:
        """A session begins; its broker takes messages of at most `message_max` bytes."""
        with self._lock:
            self._message_max = message_max
            self._open = True

    @property
    def message_max(self) -> int:
        """The largest message that this session's broker takes; 0 before the first session."""
        return self._message_max

    def put(self, message: Message | Mark) -> bool:
        """Whether the message was taken: no when there is no session or no room."""
        with self._lock:
            if not self._open:
                return False
            room = len(self) < self.count_max and self._bytes + message.size <= self.bytes_max
            if not room or message.size > self._message_max:
                self.refused += 1
                return False
            self._fresh.append(message)
            self._bytes += message.size
            return True

    def finish(self, final: Sequence[Message]) -> None:
        """Take these, the last of the session, whatever room there is, and nothing more."""
        with self._lock:
            if self._open:
                self._open = False
                self._fresh.extend(final)
                self._bytes += sum(message.size for message in final)

    def take(self, *, sure: bool) -> Message | Mark | None:
        """The next message; the next one of QoS 0 when `sure` is false."""
        with self._lock:
            message = self._next(sure)
            if message is not None:
                self._bytes -= message.size
            return message

    def clear(self) -> int:
        """The session is over: how many messages were taken and never given out."""
        with self._lock:
            count = len(self)
            self._open = False
            self._fresh.clear()
            self._held.clear()
            self._bytes = 0
            return count

    def _next(self, sure: bool) -> Message | Mark | None:
        if sure and self._held:
            return self._held.popleft()
        while self._fresh:
            message = self._fresh.popleft()
            if sure or isinstance(message, Mark) or message.qos == 0:
                return message
            self._held.append(message)
        return None
