"""The variables below a node, breadth first: each once, by the shortest path that leads to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from asyncua import ua

from edge.browse.found import Progress
from edge.browse.requests import Requests, local

NODES_MAX = 2_000_000
# What every server has below Objects beside that which it is there for.
OWN = (ua.NodeId(ua.ObjectIds.Server), ua.NodeId(ua.ObjectIds.Aliases),
       ua.NodeId(ua.ObjectIds.Locations))  # fmt: skip
_HAS_PROPERTY = ua.NodeId(ua.ObjectIds.HasProperty)


@dataclass(slots=True)
class Variable:
    """A variable: where it is, what it is called on the way there, and its own properties."""

    node: ua.NodeId
    path: tuple[str, ...]
    display: str
    is_property: bool = False
    properties: dict[str, ua.NodeId] = field(default_factory=dict)


@dataclass(slots=True)
class Walk:
    """What a walk has found: `elsewhere` are paths to other servers, `failed` with the reason."""

    variables: list[Variable] = field(default_factory=list)
    elsewhere: list[tuple[str, ...]] = field(default_factory=list)
    failed: list[tuple[tuple[str, ...], str]] = field(default_factory=list)
    nodes: int = 0
    is_cut: bool = False


async def walk(
    requests: Requests,
    root: ua.NodeId,
    progress: Progress,
    *,
    depth_max: int | None = None,
    leave_out: Sequence[ua.NodeId] = (),
) -> Walk:
    """Browse from the root down; a node that is reached twice is taken the first time only."""
    found = Walk()
    seen: set[ua.NodeId] = {root, *leave_out}
    level: dict[ua.NodeId, Variable | tuple[str, ...]] = {root: ()}
    depth = 0
    while level and (depth_max is None or depth < depth_max):
        below: dict[ua.NodeId, Variable | tuple[str, ...]] = {}
        async for node, references, status in requests.children(list(level)):
            found.nodes += 1
            here = level.pop(node)
            if not status.is_good():
                path = here.path if isinstance(here, Variable) else here
                found.failed.append((path, f"cannot be browsed ({status.name})"))
            for reference in references:
                _take(found, seen, below, here, reference)
            if found.nodes % 100 == 0:
                progress("browsing", found.nodes, found.nodes + len(level) + len(below))
            if len(seen) > NODES_MAX:
                found.is_cut = True
                return found
        level, depth = below, depth + 1
    progress("browsing", found.nodes, found.nodes)
    return found


def _take(
    found: Walk,
    seen: set[ua.NodeId],
    below: dict[ua.NodeId, Variable | tuple[str, ...]],
    here: Variable | tuple[str, ...],
    reference: ua.ReferenceDescription,
) -> None:
    path = here.path if isinstance(here, Variable) else here
    name = reference.BrowseName.Name or ""
    path = (*path, name)
    if getattr(reference.NodeId, "ServerIndex", 0):
        found.elsewhere.append(path)
        return
    node = local(reference.NodeId)
    is_property = reference.ReferenceTypeId == _HAS_PROPERTY
    if is_property and isinstance(here, Variable):
        here.properties.setdefault(name, node)
    if node in seen:
        return
    seen.add(node)
    if reference.NodeClass == ua.NodeClass.Variable:
        display = (reference.DisplayName.Text if reference.DisplayName else None) or name
        variable = Variable(node, path, display, is_property)
        found.variables.append(variable)
        if not is_property:
            below[node] = variable
    else:
        below[node] = path
