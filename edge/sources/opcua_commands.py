"""The only place that writes to a machine: commands over OPC UA that the site file names.

A command is a boolean node which the station declares; nothing else can be written, no value of a
tag and no method. Every write is answered by the server, and stands in the log with its answer.
"""

from __future__ import annotations

from collections.abc import Iterable

import structlog
from asyncua import Client, ua

from edge.sources.fault import MachineFault, machine
from edge.sources.opcua_nodes import Limits, resolve
from edge.sources.source import Item
from stations.declare import Command, Node, Tag
from wire.site.connections import OpcuaConfig

log = structlog.get_logger()


class NotAllowed(PermissionError):
    """A command that the site file does not allow, or that the station does not have."""


class OpcuaCommands:
    """The commands of one station, over whatever session its source has."""

    def __init__(self, name: str, config: OpcuaConfig, declared: Iterable[Command]) -> None:
        self._name, self._config = name, config
        self._allowed = {
            one.name: one.at
            for one in declared
            if one.name in config.writes and isinstance(one.at, Node)
        }
        self._client: Client | None = None
        self._nodes: dict[str, ua.NodeId] = {}

    def attach(self, client: Client | None) -> None:
        """From now on this is the session; None: there is none."""
        self._client, self._nodes = client, {}

    def allows(self, command: str) -> bool:
        """Whether the site file lets this command be given."""
        return command in self._allowed

    async def give(self, command: str, value: bool) -> None:
        """Write a command and wait for the answer. NotAllowed; MachineFault when it was not taken.

        A fault leaves open whether the machine has heard it: the caller looks at the tags.
        """
        if command not in self._allowed:
            raise NotAllowed(
                f'{self._name}: "{command}" may not be written; it is allowed by writes ='
                f' ["{command}"] in the opcua table of the station'
            )
        client = self._client
        if client is None:
            raise MachineFault("there is no session")
        try:
            node = await self._node(client, command)
            # Without times: many servers refuse a write that brings its own.
            wanted = ua.DataValue(ua.Variant(value, ua.VariantType.Boolean))
            with machine():
                (status,) = await client.uaclient.session.write_attributes([node], [wanted])
            if not status.is_good():
                raise MachineFault(f"the server refuses it ({status.name})")
        except MachineFault as fault:
            log.warning("command", station=self._name, command=command, value=value, why=str(fault))
            raise
        log.info("command", station=self._name, command=command, value=value)

    async def _node(self, client: Client, command: str) -> ua.NodeId:
        if command not in self._nodes:
            tag = Tag(bool, self._allowed[command], doc=command)
            root = self._config.root
            found, refused = await resolve(client, root, [Item(0, tag)], Limits())
            if 0 in refused:
                raise MachineFault(refused[0].why)
            self._nodes[command] = found[0]
        return self._nodes[command]
