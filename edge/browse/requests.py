"""Browse and Read in batches that the server takes: its limits, continuation points, halves.

Services: OPC 10000-4, 5.9.2 (Browse), 5.9.3 (BrowseNext), 5.11.2 (Read). Limits: OPC 10000-5,
6.3.11.
"""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator, Sequence
from typing import TypeVar

from asyncua import Client, ua

from edge.sources.fault import MachineFault, machine

BATCH = 1000
REFERENCES_MAX = 10_000  # in one answer; the rest comes by continuation points
NEXT_MAX = 100_000  # continuations of one node: a server that never ends must not hold us
T = TypeVar("T")

_TOO_LARGE = (
    ua.StatusCodes.BadTooManyOperations, ua.StatusCodes.BadEncodingLimitsExceeded,
    ua.StatusCodes.BadResponseTooLarge, ua.StatusCodes.BadRequestTooLarge,
    ua.StatusCodes.BadTcpMessageTooLarge, ua.StatusCodes.BadTimeout,
    ua.StatusCodes.BadNoContinuationPoints,
)  # fmt: skip
# What the library raises over an answer that it does not understand; the session goes on.
_NOT_DECODED = (struct.error, ValueError, LookupError, TypeError, AttributeError)
_DECODING_ERROR = ua.StatusCode(ua.UInt32(ua.StatusCodes.BadDecodingError))
_CLASSES = ua.NodeClass.Object | ua.NodeClass.Variable


class Requests:
    """The requests of one session; `batch` shrinks for good when the server refuses it."""

    def __init__(self, client: Client) -> None:
        self._session = client.uaclient.session
        self._browse_max = self._read_max = BATCH

    async def open(self) -> None:
        """Read the server's OperationLimits; where it states none our own batch counts."""
        ids = ua.ObjectIds
        stated = await self.read(
            [
                (ua.NodeId(node), ua.AttributeIds.Value)
                for node in (
                    ids.Server_ServerCapabilities_OperationLimits_MaxNodesPerBrowse,
                    ids.Server_ServerCapabilities_OperationLimits_MaxNodesPerRead,
                    ids.Server_ServerCapabilities_MaxBrowseContinuationPoints,
                )
            ]
        )
        browse, read, points = (_limit(value) for value in stated)
        self._browse_max = min(browse, points)
        self._read_max = read

    async def read(self, wanted: Sequence[tuple[ua.NodeId, ua.AttributeIds]]) -> list[ua.DataValue]:
        """One DataValue for each node and attribute, in order."""
        values: list[ua.DataValue] = []
        while len(values) < len(wanted):
            batch = wanted[len(values) : len(values) + self._read_max]
            try:
                values += await self._read_batch(batch)
            except MachineFault as fault:
                self._read_max = _smaller(fault, len(batch))
        return values

    async def _read_batch(
        self, wanted: Sequence[tuple[ua.NodeId, ua.AttributeIds]]
    ) -> list[ua.DataValue]:
        """One request; an answer that the library cannot decode costs only what it is about."""
        try:
            with machine():
                return list(_as_many(await self._session.read(_read(wanted)), wanted))
        except MachineFault as fault:
            if not isinstance(fault.__cause__, _NOT_DECODED):
                raise
            if len(wanted) == 1:
                return [ua.DataValue(None, _DECODING_ERROR)]
            half = len(wanted) // 2
            return await self._read_batch(wanted[:half]) + await self._read_batch(wanted[half:])

    async def children(
        self, nodes: Sequence[ua.NodeId], references: int = ua.ObjectIds.HierarchicalReferences
    ) -> AsyncIterator[tuple[ua.NodeId, list[ua.ReferenceDescription], ua.StatusCode]]:
        """Each node with its objects and variables, and the status with which it was browsed."""
        start = 0
        while start < len(nodes):
            batch = nodes[start : start + self._browse_max]
            try:
                with machine():
                    answers = await self._session.browse(_browse(batch, references))
            except MachineFault as fault:
                self._browse_max = _smaller(fault, len(batch))
                continue
            results = _as_many(answers, batch)
            if self._no_points(batch, results):
                continue
            for node, result in zip(batch, results, strict=True):
                found = list(result.References or ())
                if result.ContinuationPoint:
                    found += await self._rest(result.ContinuationPoint)
                yield node, found, result.StatusCode
            start += len(batch)

    def _no_points(self, batch: Sequence[ua.NodeId], results: Sequence[ua.BrowseResult]) -> bool:
        """True when the server had no continuation point left: the batch must be smaller."""
        if len(batch) == 1 or not any(
            one.StatusCode.value == ua.StatusCodes.BadNoContinuationPoints for one in results
        ):
            return False
        self._browse_max = len(batch) // 2
        return True

    async def _rest(self, point: bytes) -> list[ua.ReferenceDescription]:
        found: list[ua.ReferenceDescription] = []
        for _ in range(NEXT_MAX):
            parameters = ua.BrowseNextParameters()
            parameters.ReleaseContinuationPoints = False
            parameters.ContinuationPoints = [point]
            with machine():
                (result,) = await self._session.browse_next(parameters)
                result.StatusCode.check()
            found += result.References or ()
            if not result.ContinuationPoint:
                return found
            point = result.ContinuationPoint
        raise MachineFault(f"a node has more than {NEXT_MAX} pages of references")

    async def data_type_parents(
        self, types: Sequence[ua.NodeId]
    ) -> dict[ua.NodeId, ua.NodeId | None]:
        """The supertype of each data type; None where the server knows none."""
        found: dict[ua.NodeId, ua.NodeId | None] = {}
        for start in range(0, len(types), self._browse_max):
            batch = types[start : start + self._browse_max]
            parameters = _browse(batch, ua.ObjectIds.HasSubtype)
            for description in parameters.NodesToBrowse:
                description.BrowseDirection = ua.BrowseDirection.Inverse
                description.NodeClassMask = ua.NodeClass.DataType
            with machine():
                results = _as_many(await self._session.browse(parameters), batch)
            for node, result in zip(batch, results, strict=True):
                above = result.References or []
                found[node] = local(above[0].NodeId) if above else None
        return found


def local(node: ua.NodeId) -> ua.NodeId:
    """A NodeId without what an ExpandedNodeId has beside."""
    return ua.NodeId(node.Identifier, node.NamespaceIndex, node.NodeIdType)


def value_of(value: ua.DataValue) -> object | None:
    """What a DataValue holds; None when it holds nothing or is bad."""
    if value.StatusCode is not None and value.StatusCode.value & 0x8000_0000:
        return None
    return None if value.Value is None else value.Value.Value


def _limit(value: ua.DataValue) -> int:
    stated = value_of(value)
    return min(int(stated), BATCH) if isinstance(stated, int) and stated > 0 else BATCH


def _smaller(fault: MachineFault, size: int) -> int:
    """Half of a batch that the server refuses as too large; anything else is a fault."""
    code = getattr(fault.__cause__, "code", None)
    is_late = isinstance(fault.__cause__, TimeoutError)
    if size == 1 or not (is_late or code in _TOO_LARGE):
        raise fault
    return max(1, size // 2)


def _as_many(answers: Sequence[T] | None, asked: Sequence[object]) -> Sequence[T]:
    if answers is None or len(answers) != len(asked):
        raise MachineFault(f"{len(answers or ())} answers to {len(asked)} questions")
    return answers


def _read(wanted: Sequence[tuple[ua.NodeId, ua.AttributeIds]]) -> ua.ReadParameters:
    parameters = ua.ReadParameters()
    parameters.TimestampsToReturn = ua.TimestampsToReturn.Neither
    for node, attribute in wanted:
        one = ua.ReadValueId()
        one.NodeId, one.AttributeId = node, attribute
        parameters.NodesToRead.append(one)
    return parameters


def _browse(nodes: Sequence[ua.NodeId], references: int) -> ua.BrowseParameters:
    parameters = ua.BrowseParameters()
    parameters.RequestedMaxReferencesPerNode = REFERENCES_MAX
    for node in nodes:
        one = ua.BrowseDescription()
        one.NodeId = node
        one.BrowseDirection = ua.BrowseDirection.Forward
        one.ReferenceTypeId = ua.NodeId(references)
        one.IncludeSubtypes = True
        one.NodeClassMask = _CLASSES
        one.ResultMask = ua.BrowseResultMask.All
        parameters.NodesToBrowse.append(one)
    return parameters
