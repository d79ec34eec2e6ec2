"""Looking through an OPC UA server: its variables become the rows of a tags CSV.

Addresses name the namespace by its URI, never by an index that moves with the next restart. What no
source can read is not left out in silence: it is in `Found.skipped` with a reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from asyncua import Client, ua

from edge.browse import opcua_types as types
from edge.browse.filters import Filter, Wanted
from edge.browse.found import Found, Progress, Skipped
from edge.browse.opcua_facts import Facts, read_facts
from edge.browse.opcua_walk import NODES_MAX, OWN, Variable, walk
from edge.browse.requests import Requests
from edge.sources.fault import MachineFault, machine
from edge.sources.opcua_nodes import browse_path, namespace, node_id
from edge.sources.opcua_session import connected
from stations.declare import Node
from wire.site import addresses
from wire.site.connections import OpcuaConfig
from wire.site.device_csv import Names, Row, legal_address

TIMEOUT_S = 20.0  # a slow server needs long for a large batch
PATHS_SHOWN = 3  # of a server where no path fits what was asked for


@dataclass(frozen=True, slots=True)
class Options:
    """What is wanted of a server. `types` are the words of the column `type` (`float` for arrays
    of float too); `properties`: the properties of nodes are tags too; `server`: so is the Server
    object with its diagnostics. `by_path`: addresses are paths below the root where they can be,
    for servers that number their nodes anew with every start.
    """

    wanted: Filter = field(default_factory=Filter)
    types: tuple[str, ...] = ()
    depth: int | None = None
    properties: bool = False
    server: bool = False
    by_path: bool = False


async def browse(config: OpcuaConfig, options: Options, progress: Progress) -> Found:
    """All tags below the root of `config`; MachineFault when the server cannot be looked through.

    ValueError when the root or an expression of the filter is none.
    """
    wanted = options.wanted.compiled()
    async with connected(config, timeout_s=TIMEOUT_S) as client:
        requests = Requests(client)
        await requests.open()
        with machine():
            uris: list[str] = await client.get_namespace_array()
        root = await _root(client, config.root, uris)
        space = namespace(config.root, uris)
        leave_out = () if options.server or root in OWN else OWN
        walked = await walk(
            requests, root, progress, space=space, depth_max=options.depth, leave_out=leave_out
        )
        found = Found()
        for path in walked.elsewhere:
            found.skipped.append(Skipped("/".join(path), "", "on another server"))
        for path, why in walked.failed:
            found.skipped.append(Skipped("/".join(path), "", why))
        if walked.is_cut:
            found.notes.append(f"stopped after {NODES_MAX} nodes: browse a part with --root")
        chosen = list(_chosen(walked.variables, wanted, options, found, uris))
        if walked.variables and not any(wanted("/".join(one.path)) for one in walked.variables):
            first = ", ".join("/".join(one.path) for one in walked.variables[:PATHS_SHOWN])
            found.notes.append(f"no path fits the filter; there are {first} and so on")
        facts = await read_facts(requests, chosen, progress)
        add_rows(chosen, facts, options, uris, found)
        return found


async def _root(client: Client, root: str, uris: Sequence[str]) -> ua.NodeId:
    if not root:
        return ua.NodeId(ua.ObjectIds.ObjectsFolder)
    if Node(root).is_node_id:
        return node_id(root, uris)
    path = browse_path(root, "", uris)
    with machine():
        (result,) = await client.uaclient.session.translate_browsepaths_to_nodeids([path])
    if not result.StatusCode.is_good() or not result.Targets:
        raise MachineFault(f"the server has no node {root!r} ({result.StatusCode.name})")
    target = result.Targets[0].TargetId
    return ua.NodeId(target.Identifier, target.NamespaceIndex)


def _chosen(
    variables: Sequence[Variable], wanted: Wanted, options: Options, found: Found,
    uris: Sequence[str],
) -> list[Variable]:  # fmt: skip
    """The variables that are asked for; those beside the filter are not even counted."""
    described = {node for one in variables for node in one.properties.values()}
    chosen = []
    for variable in variables:
        path = "/".join(variable.path)
        if not wanted(path):
            continue
        if variable.is_property and (variable.node in described or not options.properties):
            reason = "a property that describes a variable"
            if variable.node not in described:
                reason = "a property of an object (wanted with --properties)"
            found.skipped.append(Skipped(path, address_of(variable.node, uris), reason))
            continue
        chosen.append(variable)
    return chosen


def add_rows(
    variables: Sequence[Variable], facts: Mapping[ua.NodeId, Facts], options: Options,
    uris: Sequence[str], found: Found,
) -> None:  # fmt: skip
    """Make a row of each variable that can be a tag of a wanted type (any, when none is said)."""
    names, taken, numbered = Names(), set(), 0
    for variable in variables:
        fact = facts[variable.node]
        address = address_of(variable.node, uris)
        if options.by_path:
            by_path = "/".join(variable.path)
            if variable.by_path and by_path not in taken and _is_path(by_path):
                address = by_path
            else:
                numbered += 1
        taken.add(address)
        path = "/".join(variable.path)
        word = types.word_of(fact.built_in, fact.length)
        reason = fact.why_not
        if reason is None and word is None:
            reason = types.why_not(fact.built_in, fact.length)
        if reason is None and not _is_node(address):
            reason = "its NodeId cannot be written as an address"
        if reason is not None or word is None:
            found.skipped.append(Skipped(path, address, reason or ""))
        elif not options.types or {word, word.partition("[")[0]} & set(options.types):
            name = names.give("_".join(variable.path), address)
            found.rows.append(
                Row(
                    name, address, word, unit=fact.unit, low=fact.low, high=fact.high,
                    every=fact.every_ms, doc=fact.doc,
                )
            )  # fmt: skip
    if numbered:
        found.notes.append(f"{numbered} addresses are NodeIds: their names alone do not say them")


def _is_path(text: str) -> bool:
    """Whether names can be an address: `holding 5` would be a register, `i=5` a NodeId."""
    return _is_node(text) and not Node(text).is_node_id


def _is_node(address: str) -> bool:
    return legal_address(address) and isinstance(addresses.parse(address).at, Node)


def address_of(node: ua.NodeId, uris: Sequence[str]) -> str:
    """A NodeId with the URI of its namespace; with the index alone where the server names none."""
    identifier = ua.NodeId(node.Identifier, 0, node.NodeIdType).to_string()
    index = node.NamespaceIndex
    if not index:
        return identifier
    uri = uris[index] if index < len(uris) else ""
    return f"nsu={uri};{identifier}" if uri and ";" not in uri else f"ns={index};{identifier}"
