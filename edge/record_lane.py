"""The lane of the records: each goes until the ledger names it, and none holds up the others.

A record that no message can carry stays in the outbox and is said. Not every broker says what it
takes: some drop what is too long after a PUBACK, some end the session. So a record that is not
answered is sent less and less often, of the long ones only one is under way, and one that ends
session after session rests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import orjson
import structlog

from edge.intake import Run
from edge.outbox import Outbox
from edge.record_queue import Waiting
from stations.records import BYTES_MAX
from wire.mqtt import Message, Session

RETRY_S = 5.0
RETRY_S_MAX = 60.0
UNDER_WAY = 50
UNANSWERED_MAX = 1_000
LONG_BYTES = 16_384
STRIKE_S = 5.0  # a session that ends so soon after a long record was perhaps ended by it
STRIKES_MAX = 3
REST_S = 3_600.0

log = structlog.get_logger()


@dataclass(slots=True)
class _Try:
    """How often a record was sent in this session, when last, and when it may go again."""

    count: int
    sent: float
    due: float
    is_long: bool


class RecordLane:
    """Sends the outbox's records on `topic`. `waits`: there may be some that nobody is sending."""

    def __init__(
        self,
        topic: str,
        outbox: Outbox,
        run_blocking: Run,
    ) -> None:
        self.waits = True
        self.confirmed = self.refused = 0
        self.too_long: dict[str, int] = {}
        self._topic = topic
        self._outbox, self._run_blocking = outbox, run_blocking
        self._tries: dict[str, _Try] = {}
        self._done: list[str] = []
        self._strikes: dict[str, int] = {}
        self._resting: dict[str, float] = {}

    async def turn(self, now: float, session: Session, publish: Callable[[Message], bool]) -> None:
        """Forget what is confirmed, send what is due by `publish`, as the session can take it."""
        if done := self._done[:]:
            await self._run_blocking(self._outbox.records_confirmed, done)
            del self._done[: len(done)]
        for id in [id for id, until in self._resting.items() if until <= now]:
            del self._resting[id]
            self.waits = True
        under_way = sum(now - one.sent <= RETRY_S for one in self._tries.values())
        due = {id for id, one in self._tries.items() if one.due <= now}
        self.waits |= bool(due)
        room = min(UNDER_WAY - under_way, UNANSWERED_MAX - len(self._tries) + len(due))
        if not self.waits or room <= 0:
            return
        self.waits = False
        limit = min(BYTES_MAX, session.message_max - len(self._topic))
        # What was never sent goes first: what is not answered may never be.
        longs = 0 if any(one.is_long and one.due > now for one in self._tries.values()) else 1
        fresh = await self._read(room, limit, self._resting.keys() | self._tries.keys(), longs)
        skip = (self._resting.keys() | self._tries.keys()) - due | {id for id, _ in fresh}
        longs -= any(len(body) > LONG_BYTES for _, body in fresh)
        ready = fresh + (await self._read(room - len(fresh), limit, skip, longs) if due else [])
        self.waits |= len(ready) == room
        for id, body in ready:
            if not self._send(id, body, now, publish):
                return

    async def _read(
        self, count: int, limit: int, skip: AbstractSet[str], longs: int
    ) -> list[tuple[str, bytes]]:
        if count <= 0:
            return []
        read = self._outbox.record_queue.waiting
        waiting: Waiting = await self._run_blocking(read, count, limit, skip, LONG_BYTES, longs)
        self._tell(waiting.large, limit)
        return waiting.ready

    def ended(self, now: float) -> None:
        """The session is over: what it carried may or may not have arrived."""
        for id, one in self._tries.items():
            if one.is_long and now - one.sent <= STRIKE_S:
                self._strike(id, now)
        self._tries.clear()
        self.waits = True

    def answered(self, payload: bytes) -> None:
        """The ledger has some records, or will never take them: neither is sent again."""
        try:
            said = orjson.loads(payload)
            ids, refused = list(map(str, said["ids"])), dict(said["refused"])
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            log.warning("a confirmation of records cannot be read", why=str(error))
            return
        for id, why in refused.items():
            log.error("the ledger refuses a record", id=id, why=why)
        self.confirmed += len(ids)
        self.refused += len(refused)
        for id in (*ids, *refused):
            known = self._tries.pop(id, None)
            self.waits |= known is not None and known.is_long  # the next long one may go
            self._strikes.pop(id, None)
        self._done += (*ids, *refused)

    def _send(self, id: str, body: bytes, now: float, publish: Callable[[Message], bool]) -> bool:
        """Whether the session takes more."""
        is_long = len(body) > LONG_BYTES
        if not publish(Message(self._topic, body, qos=1)):
            self.waits = True
            return False
        known = self._tries.get(id)
        count = 1 if known is None else known.count + 1
        wait = min(RETRY_S * 2 ** (count - 1), RETRY_S_MAX)
        self._tries[id] = _Try(count, now, now + wait, is_long)
        return True

    def _strike(self, id: str, now: float) -> None:
        self._strikes[id] = self._strikes.get(id, 0) + 1
        if self._strikes[id] >= STRIKES_MAX:
            del self._strikes[id]
            self._resting[id] = now + REST_S
            log.error(
                "a record rests: each session ended right after it was sent; does the broker take"
                " messages of its size?", id=id, hours=REST_S / 3600,
            )  # fmt: skip

    def _tell(self, large: Sequence[tuple[str, int]], limit: int) -> None:
        """Say once of each record that no message can carry it."""
        sizes: Mapping[str, int] = dict(large)
        for id, size in sizes.items():
            if id not in self.too_long:
                log.error(
                    "a record is too long to be sent and stays in the outbox: let the broker take"
                    " larger messages", id=id, bytes=size, limit=limit,
                )  # fmt: skip
        self.too_long = dict(sizes)
