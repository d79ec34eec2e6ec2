"""From declared addresses to the NodeIds of one server: namespaces by URI, browse paths in batches.

Namespace indices move when a machine restarts with another configuration, so they are looked up
anew in every session (OPC 10000-4, 5.9.4; OPC 10000-5, 6.3.1).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from asyncua import Client, ua

from edge.sources.fault import MachineFault, machine
from edge.sources.source import Item
from stations.declare import Node
from stations.status import BAD_NODE_ID_UNKNOWN

BATCH = 500
NUMBER_MAX, INDEX_MAX = 0xFFFF_FFFF, 0xFFFF  # OPC 10000-6, 5.2.2.9
_PREFIX = re.compile(r"(?:nsu=(?P<uri>[^;]+);|ns=(?P<index>\d+);)?(?P<rest>.*)\Z", re.DOTALL)
_STEP = re.compile(r"(?:(?P<index>\d+):)?(?P<name>.+)\Z", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Refused:
    """Why one item cannot be read: a StatusCode, and words for the log."""

    status: int
    why: str


@dataclass(frozen=True, slots=True)
class Limits:
    """How many operations this server takes in one request."""

    items: int = BATCH
    paths: int = BATCH
    reads: int = BATCH
    history: int = BATCH


LINK_IS_LOST = (
    ua.StatusCodes.BadSessionIdInvalid, ua.StatusCodes.BadSessionClosed,
    ua.StatusCodes.BadSubscriptionIdInvalid, ua.StatusCodes.BadSecureChannelIdInvalid,
    ua.StatusCodes.BadShutdown, ua.StatusCodes.BadServerHalted,
)  # fmt: skip


async def read_limits(client: Client) -> Limits:
    """The server's OperationLimits; our own batch where it states none or a larger one."""
    ids = ua.ObjectIds
    nodes = (
        ids.Server_ServerCapabilities_OperationLimits_MaxMonitoredItemsPerCall,
        ids.Server_ServerCapabilities_OperationLimits_MaxNodesPerTranslateBrowsePathsToNodeIds,
        ids.Server_ServerCapabilities_OperationLimits_MaxNodesPerRead,
        ids.Server_ServerCapabilities_OperationLimits_MaxNodesPerHistoryReadData,
    )
    with machine():
        values = await client.uaclient.session.read_attributes(
            [ua.NodeId(node) for node in nodes], ua.AttributeIds.Value
        )
    stated = [value.Value.Value if value.Value is not None else None for value in values]
    return Limits(*(min(int(limit), BATCH) if limit else BATCH for limit in stated))


async def resolve(
    client: Client, root: str, items: Sequence[Item], limits: Limits
) -> tuple[dict[int, ua.NodeId], dict[int, Refused]]:
    """NodeIds by tag number, and the items that this server does not have."""
    with machine():
        uris: list[str] = await client.get_namespace_array()
    found: dict[int, ua.NodeId] = {}
    refused: dict[int, Refused] = {}
    paths: dict[int, ua.BrowsePath] = {}
    for item in items:
        assert isinstance(item.tag.at, Node)
        try:
            if item.tag.at.is_node_id:
                found[item.number] = node_id(item.tag.at.path, uris)
            else:
                paths[item.number] = browse_path(root, item.tag.at.path, uris)
        except ValueError as error:
            refused[item.number] = Refused(BAD_NODE_ID_UNKNOWN, str(error))
    numbers = list(paths)
    for start in range(0, len(numbers), limits.paths):
        batch = numbers[start : start + limits.paths]
        with machine():
            results = await client.uaclient.session.translate_browsepaths_to_nodeids(
                [paths[number] for number in batch]
            )
        if len(results) != len(batch):
            raise MachineFault(f"{len(results)} answers to {len(batch)} browse paths")
        for number, result in zip(batch, results, strict=True):
            if result.StatusCode.is_good() and result.Targets:
                target = result.Targets[0].TargetId
                found[number] = ua.NodeId(target.Identifier, target.NamespaceIndex)
            else:
                why = f"the server has no such node ({result.StatusCode.name})"
                refused[number] = Refused(BAD_NODE_ID_UNKNOWN, why)
    return found, refused


def node_id(text: str, uris: Sequence[str]) -> ua.NodeId:
    """A NodeId from its text form, the namespace looked up by URI; ValueError without one."""
    index, rest = _namespace(text, uris)
    try:
        node = ua.NodeId.from_string(f"ns={index or 0};{rest}")
    except ua.UaError as error:
        raise ValueError(f"{text!r} is no NodeId") from error
    # What does not fit into a request would cost the whole session, not this node alone.
    is_wide = isinstance(node.Identifier, int) and node.Identifier > NUMBER_MAX
    if is_wide or node.NamespaceIndex > INDEX_MAX:
        raise ValueError(f"{text!r} has a number that no NodeId holds")
    return node


def browse_path(root: str, path: str, uris: Sequence[str]) -> ua.BrowsePath:
    """Where a browse path begins and the names it goes along.

    The root is a NodeId or a path below the Objects folder; an empty path means the root itself. A
    step without a namespace index of its own (`3:Angle`) is in the namespace of the root.
    """
    index, rest = _namespace(root, uris)
    start = ua.NodeId(ua.ObjectIds.ObjectsFolder)
    steps = rest.split("/") if rest else []
    if Node(root).is_node_id:
        start, steps = node_id(root, uris), []
    steps += path.split("/") if path else []
    elements = []
    for step in steps:
        match = _STEP.match(step)
        if match is None:
            raise ValueError(f"{path!r} has an empty step")
        space = int(match["index"]) if match["index"] else index or 0
        elements.append(
            ua.RelativePathElement(
                ReferenceTypeId=ua.NodeId(ua.ObjectIds.HierarchicalReferences),
                IsInverse=False,
                IncludeSubtypes=True,
                TargetName=ua.QualifiedName(match["name"], space),
            )
        )
    return ua.BrowsePath(StartingNode=start, RelativePath=ua.RelativePath(Elements=elements))


def namespace(root: str, uris: Sequence[str]) -> int:
    """The index of the namespace of a root, in which steps are that do not say another."""
    return _namespace(root, uris)[0] or 0


def _namespace(text: str, uris: Sequence[str]) -> tuple[int | None, str]:
    match = _PREFIX.match(text)
    assert match is not None
    if match["uri"]:
        if match["uri"] not in uris:
            raise ValueError(f"the server has no namespace {match['uri']}")
        return uris.index(match["uri"]), match["rest"]
    return (int(match["index"]) if match["index"] else None), match["rest"]
