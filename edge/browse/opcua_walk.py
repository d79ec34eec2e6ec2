"""The variables below a node, breadth first: each once, by the shortest path that leads to it."""

from __future__ import annotations

import re
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
    """A variable: where it is, what it is called on the way there, and its own properties.

    `by_path`: the names alone lead there, for all are in one namespace, that of the root.
    """

    node: ua.NodeId
    path: tuple[str, ...]
    display: str
    is_property: bool = False
    by_path: bool = False
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
    space: int = 0,
    depth_max: int | None = None,
    leave_out: Sequence[ua.NodeId] = (),
) -> Walk:
    """Browse from the root down; a node that is reached twice is taken the first time only.

    `space` is the index of the namespace that names have when a path does not say another.
    """
    found = Walk()
    seen: set[ua.NodeId] = {root, *leave_out}
    level = {root: Variable(root, (), "", by_path=True)}
    depth = 0
    while level and (depth_max is None or depth < depth_max):
        below: dict[ua.NodeId, Variable] = {}
        async for node, references, status in requests.children(list(level)):
            found.nodes += 1
            here = level.pop(node)
            if not status.is_good():
                found.failed.append((here.path, f"cannot be browsed ({status.name})"))
            for reference in references:
                _take(found, seen, below, here, reference, space)
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
    below: dict[ua.NodeId, Variable],
    here: Variable,
    reference: ua.ReferenceDescription,
    space: int,
) -> None:
    name = reference.BrowseName.Name or ""
    path = (*here.path, name)
    if getattr(reference.NodeId, "ServerIndex", 0):
        found.elsewhere.append(path)
        return
    node = local(reference.NodeId)
    is_property = reference.ReferenceTypeId == _HAS_PROPERTY
    if is_property:
        here.properties.setdefault(name, node)
    if node in seen:
        return
    seen.add(node)
    display = (reference.DisplayName.Text if reference.DisplayName else None) or name
    by_path = here.by_path and reference.BrowseName.NamespaceIndex == space and _can_be_said(name)
    there = Variable(node, path, display, is_property, by_path)
    if reference.NodeClass == ua.NodeClass.Variable:
        found.variables.append(there)
    if not is_property:
        below[node] = there


def _can_be_said(name: str) -> bool:
    """Whether a name can be a step of a path: `3:Angle` would be a namespace and a name."""
    return "/" not in name and name == name.strip() != "" and not re.match(r"\d+:", name)
