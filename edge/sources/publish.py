"""Our own Publish loop over asyncua's session: acknowledged is only what is on disk.

This is the one file that reaches into asyncua, at one place: `UaSession._send_request`, which sends
a request and returns the bytes of the answer. Because a subscription is created here and not by
`UaSession.create_subscription`, the library's own Publish loop (`ensure_publish_loop`) never
starts; it would take notifications from us and acknowledge them at once. A test fails when either
moves.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from asyncua import ua
from asyncua.client.ua_session import UaSession
from asyncua.ua.ua_binary import struct_from_binary

from edge.sources.fault import MachineFault, machine
from edge.sources.notification import Notification, parse_publish, parse_republish
from edge.sources.source import Report, SourceStatus
from wire.clock import Clock

REQUESTS_IN_FLIGHT = 4
ARRIVALS_MAX = 64
ACKNOWLEDGEMENTS_MAX = 1000  # of one request; the rest goes with the next
_LAST = 0xFFFF_FFFF
MISSING_MAX = 100_000  # more than any server keeps: who skips so many is not believed

TOO_MANY_REQUESTS = ua.StatusCodes.BadTooManyPublishRequests
TRY_AGAIN = (ua.StatusCodes.BadTimeout,)
SUBSCRIPTION_LOST = (ua.StatusCodes.BadNoSubscription, ua.StatusCodes.BadSubscriptionIdInvalid)


@dataclass(frozen=True, slots=True)
class Arrival:
    """A notification and when it came in."""

    notification: Notification
    received_ms: int


Turn = Callable[[], Awaitable[None]]  # something to do between two arrivals


class Order:
    """Which sequence number comes next in one subscription: 1 follows 2^32 - 1."""

    def __init__(self, last: int = 0) -> None:
        self._next = last % _LAST + 1

    def is_past(self, sequence: int) -> bool:
        """True for a number that comes before the next one."""
        return (sequence - self._next) % _LAST > _LAST // 2

    def offer(self, sequence: int, *, is_keep_alive: bool = False) -> tuple[bool, list[int]]:
        """(Is it new?, the sequence numbers that should have come before it).

        A keep-alive carries the number of the next message and uses none up. Of the missing ones
        only the newest MISSING_MAX are named: a server may skip billions.
        """
        ahead = (sequence - self._next) % _LAST
        if ahead > _LAST // 2:
            return False, []
        steps = range(max(0, ahead - MISSING_MAX), ahead)
        missing = [(self._next - 1 + step) % _LAST + 1 for step in steps]
        self._next = sequence if is_keep_alive else sequence % _LAST + 1
        return not is_keep_alive, missing


class Publisher:
    """The Publish requests of one session: what came in, and what may be acknowledged."""

    def __init__(self, session: UaSession, clock: Clock, status: SourceStatus) -> None:
        self.arrivals: asyncio.Queue[Arrival | Report | MachineFault | Turn] = asyncio.Queue(
            ARRIVALS_MAX
        )
        self.heard_s = clock.monotonic()
        self.waiting = 0
        self._session = session
        self._clock = clock
        self._status = status
        self._loops = 0
        self._safe: deque[tuple[int, int]] = deque()

    async def create_subscription(
        self, parameters: ua.CreateSubscriptionParameters
    ) -> ua.CreateSubscriptionResult:
        """Create a subscription whose notifications come to `arrivals`."""
        request = ua.CreateSubscriptionRequest(Parameters=parameters)
        with machine():
            answer = await self._send(request)
            response = struct_from_binary(ua.CreateSubscriptionResponse, answer)
            response.ResponseHeader.ServiceResult.check()
        made: ua.CreateSubscriptionResult = response.Parameters
        return made

    async def transfer(self, subscription: int) -> tuple[int, list[int]]:
        """Take a subscription over from a session that is gone: StatusCode, what it still holds."""
        request = ua.TransferSubscriptionsRequest()
        request.Parameters.SubscriptionIds = [subscription]
        request.Parameters.SendInitialValues = False
        try:
            with machine():
                answer = await self._send(request)
                response = struct_from_binary(ua.TransferSubscriptionsResponse, answer)
                response.ResponseHeader.ServiceResult.check()
        except MachineFault as fault:
            code = getattr(fault.__cause__, "code", None)
            if code is None:
                raise
            return int(code), []
        results = response.Parameters.Results
        if not results:
            return int(ua.StatusCodes.BadUnexpectedError), []
        return int(results[0].StatusCode.value), list(results[0].AvailableSequenceNumbers or ())

    async def read_attributes(
        self, nodes: list[ua.NodeId], attribute: ua.AttributeIds
    ) -> list[ua.DataValue]:
        """One attribute of some nodes."""
        found: list[ua.DataValue] = await self._session.read_attributes(nodes, attribute)
        return found

    async def read_history(self, request: ua.HistoryReadRequest) -> bytes:
        """The answer to a HistoryRead as it came: the library would round its times."""
        with machine():
            return bytes(await self._send(request))

    def acknowledge(self, subscription: int, sequence: int) -> None:
        """Say that a notification is safe: the next Publish request tells the server so."""
        self._safe.append((subscription, sequence))

    async def run(self) -> None:
        """Keep one Publish request under way; several of these run at once.

        While `arrivals` is full no new request goes out: the server's queues then bridge.
        """
        self._loops += 1
        while True:
            notification = await self._publish()
            if notification is None and self._loops > 1:
                self._loops -= 1
                self._status.count("publish requests refused")
                return
            if notification is not None:
                self.heard_s = self._clock.monotonic()
                await self.arrivals.put(Arrival(notification, self._clock.now_ms()))

    async def _publish(self) -> Notification | None:
        """The next notification; None when the server holds as many requests as it wants."""
        acknowledged = self._take()
        self.waiting += 1
        try:
            with machine():
                return parse_publish(bytes(await self._send(_request(acknowledged), timeout_s=0)))
        except MachineFault as fault:
            self._safe.extendleft(reversed(acknowledged))
            code = getattr(fault.__cause__, "code", None)
            if code in TRY_AGAIN:
                return await self._publish_again(fault)
            if code == TOO_MANY_REQUESTS:
                return await self._publish_again(fault) if self._loops == 1 else None
            if code in SUBSCRIPTION_LOST:
                raise MachineFault(str(fault), "subscription lost") from fault
            raise
        finally:
            self.waiting -= 1

    async def _publish_again(self, fault: MachineFault) -> Notification:
        self._status.count("publish requests repeated")
        await asyncio.sleep(1.0)
        with machine():
            answer = await self._send(_request([]), timeout_s=0)
            return parse_publish(bytes(answer))

    async def republish(self, subscription: int, sequence: int) -> Notification | None:
        """A notification that did not arrive, once more; None when the server no longer has it."""
        request = ua.RepublishRequest()
        request.Parameters.SubscriptionId = subscription
        request.Parameters.RetransmitSequenceNumber = sequence
        try:
            with machine():
                found = parse_republish(bytes(await self._send(request)), subscription)
        except MachineFault as fault:
            if isinstance(fault.__cause__, ua.UaStatusCodeError):
                return None
            raise
        return found if found.sequence == sequence else None

    async def flush(self) -> None:
        """Send the acknowledgements that wait, without a wish for an answer: the end is near."""
        while acknowledged := self._take():
            with machine():
                await self._send(_request(acknowledged), timeout_s=0)

    def _take(self) -> list[tuple[int, int]]:
        count = min(len(self._safe), ACKNOWLEDGEMENTS_MAX)
        return [self._safe.popleft() for _ in range(count)]

    async def _send(self, request: Any, timeout_s: float | None = None) -> Any:
        return await self._session._send_request(request, timeout=timeout_s)


def _request(acknowledged: list[tuple[int, int]]) -> ua.PublishRequest:
    request = ua.PublishRequest()
    request.Parameters.SubscriptionAcknowledgements = [
        ua.SubscriptionAcknowledgement(SubscriptionId=subscription, SequenceNumber=sequence)
        for subscription, sequence in acknowledged
    ]
    return request
