"""A simulated OPC UA server with exactly the nodes that its stations declare."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from asyncua import Node as UaNode
from asyncua import ua
from asyncua.crypto.cert_gen import setup_self_signed_certificate
from asyncua.crypto.permission_rules import User, UserRole
from cryptography.x509.oid import ExtendedKeyUsageOID

from simulators.opcua_seam import GatedServer, Hidden, Instant
from simulators.truth import TruthLog
from stations.declare import Command, Node, Station, Tag, Type
from stations.status import GOOD
from wire.site import OpcuaConfig

Ticks = Callable[[], int]
Heard = Callable[[str, bool], None]

VARIANTS = {
    Type.BOOL: ua.VariantType.Boolean,
    Type.INT: ua.VariantType.Int64,
    Type.FLOAT: ua.VariantType.Double,
    Type.TEXT: ua.VariantType.String,
    Type.INTS: ua.VariantType.Int64,
    Type.FLOATS: ua.VariantType.Double,
}
SECURITIES = {
    "None": ua.SecurityPolicyType.NoSecurity,
    "Basic256Sha256,Sign": ua.SecurityPolicyType.Basic256Sha256_Sign,
    "Basic256Sha256,SignAndEncrypt": ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt,
    "Aes128Sha256RsaOaep,Sign": ua.SecurityPolicyType.Aes128Sha256RsaOaep_Sign,
    "Aes128Sha256RsaOaep,SignAndEncrypt": ua.SecurityPolicyType.Aes128Sha256RsaOaep_SignAndEncrypt,
    "Aes256Sha256RsaPss,Sign": ua.SecurityPolicyType.Aes256Sha256RsaPss_Sign,
    "Aes256Sha256RsaPss,SignAndEncrypt": ua.SecurityPolicyType.Aes256Sha256RsaPss_SignAndEncrypt,
}
GOOD_CODE = ua.StatusCode(GOOD)
NS_PER_TICK = 100


def wall_ticks() -> int:
    """The wall clock in 100 ns since 1970 UTC."""
    return time.time_ns() // NS_PER_TICK


@dataclass
class Point:
    """One tag's node on the server, and the source time of its latest value."""

    station: str
    tag: Tag[Any]
    node: ua.NodeId
    ticks: int = 0
    hidden: Hidden | None = None


@dataclass
class OpcuaServer:
    """One server at one host and port, for all the stations whose url says so."""

    config: OpcuaConfig
    log: TruthLog
    folder: Path
    ticks: Ticks = wall_ticks
    points: dict[tuple[str, str], Point] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.server = GatedServer(self)
        self._tags: dict[ua.NodeId, Point] = {}
        self._folders: dict[tuple[ua.NodeId, str], UaNode] = {}

    async def init(self) -> None:
        """Make the server and its certificate; stations are added next, then it is started."""
        server = self.server
        await server.init()
        server.set_endpoint(self.config.url)
        server.set_server_name("Refit simulator")
        server.set_security_policy([SECURITIES[self.config.security]])
        if self.config.security != "None":
            await self._certify()
        anyone = self.config.user is None
        tokens = [ua.AnonymousIdentityToken] if anyone else [ua.UserNameIdentityToken]
        server.set_identity_tokens(tokens)
        if self.config.user is not None:
            server.iserver.user_manager = _Accounts(self.config.user, self.config.password() or "")
        now = ua.NodeId(ua.ObjectIds.Server_ServerStatus_CurrentTime)
        server.iserver.aspace[now].attributes[ua.AttributeIds.Value].value_callback = _current_time

    async def _certify(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        uri = f"urn:refit:simulator:{self.config.port}"
        await self.server.set_application_uri(uri)
        key = self.folder / f"opcua-{self.config.port}.key.pem"
        certificate = self.folder / f"opcua-{self.config.port}.der"
        subject = {"commonName": "Refit simulator"}
        use = [ExtendedKeyUsageOID.SERVER_AUTH]
        await setup_self_signed_certificate(key, certificate, uri, self.config.host, use, subject)
        key.chmod(0o600)
        await self.server.load_certificate(certificate)
        await self.server.load_private_key(key)

    async def add(
        self, name: str, declaration: type[Station], root: str, heard: Heard = lambda *_: None
    ) -> None:
        """Make the nodes of a station below `root`; its tags show no value until `show`.

        `heard` is called with the name and the value of each command that is written.
        """
        place = await self._root(root)
        for tag in declaration.tags:
            if isinstance(tag.at, Node):
                await self._add_tag(name, place, tag, tag.at)
        for command in declaration.commands:
            if isinstance(command.at, Node):
                await self._add_command(name, place, command, command.at, heard)

    async def _add_tag(self, station: str, root: UaNode, tag: Tag[Any], at: Node) -> None:
        parent, node, browse_name = await self._place(root, at)
        is_array = tag.value_type in (Type.INTS, Type.FLOATS)
        variant = _variant(tag, [] if is_array else _nothing(tag))
        made = await parent.add_variable(node, browse_name, variant)
        await _describe(made, tag.doc)
        if tag.low is not None and tag.high is not None:
            span = ua.Range(Low=float(tag.low), High=float(tag.high))
            await made.add_property(0, "EURange", span)
        if tag.unit:
            unit = ua.EUInformation(DisplayName=ua.LocalizedText(tag.unit))
            await made.add_property(0, "EngineeringUnits", unit)
        point = Point(station, tag, made.nodeid)
        self.points[station, tag.name] = self._tags[made.nodeid] = point

    async def _add_command(
        self, station: str, root: UaNode, command: Command, at: Node, heard: Heard
    ) -> None:
        parent, node, browse_name = await self._place(root, at)
        made = await parent.add_variable(node, browse_name, False)
        await made.set_writable()
        await _describe(made, command.doc)

        async def written(value: Any) -> None:
            self.log.add("command", station, command=command.name, value=value)
            heard(command.name, bool(value))

        self.server.on_write(made.nodeid, written)

    async def _root(self, root: str) -> UaNode:
        objects = self.server.nodes.objects
        if not root:
            return objects
        parent, node, browse_name = await self._place(objects, Node(root))
        found = self._folders.get((parent.nodeid, browse_name.to_string()))
        if found is None:
            found = await parent.add_object(node, browse_name)
            self._folders[parent.nodeid, browse_name.to_string()] = found
        return found

    async def _place(self, root: UaNode, at: Node) -> tuple[UaNode, ua.NodeId, ua.QualifiedName]:
        """The parent, NodeId and browse name of what lies at `at` below `root`."""
        space, path = await self._namespace(at.path, root.nodeid.NamespaceIndex)
        if at.is_node_id:
            node = ua.NodeId.from_string(f"ns={space};{path}")
            return root, node, ua.QualifiedName(str(node.Identifier), space)
        parent = root
        *folders, leaf = [_step(name, space) for name in path.split("/")]
        for folder in folders:
            parent = await self._folder(parent, folder)
        return parent, ua.NodeId(0, leaf.NamespaceIndex), leaf

    async def _folder(self, parent: UaNode, name: ua.QualifiedName) -> UaNode:
        known = self._folders.get((parent.nodeid, name.to_string()))
        if known is None:
            known = await parent.add_folder(ua.NodeId(0, name.NamespaceIndex), name)
            self._folders[parent.nodeid, name.to_string()] = known
        return known

    async def _namespace(self, path: str, default: int) -> tuple[int, str]:
        """Index and rest of `nsu=URI;...` or `ns=3;...`; namespaces in between are made up."""
        if found := re.match(r"nsu=([^;]+);(.*)", path):
            return await self.server.register_namespace(found[1]), found[2]
        if found := re.match(r"ns=(\d+);(.*)", path):
            known = len(await self.server.get_namespace_array())
            for index in range(known, int(found[1]) + 1):
                await self.server.register_namespace(f"urn:refit:simulator:namespace:{index}")
            return int(found[1]), found[2]
        is_node_id = Node(path).is_node_id
        return (0 if is_node_id else default), path

    async def start(self) -> None:
        """Listen; OSError when the address is taken."""
        await self.server.start()

    async def stop(self) -> None:
        """Let every client go and listen no longer."""
        self.server.inward.open()
        self.server.outward.open()
        await self.server.stop()

    async def show(self, station: str, tag: Tag[Any], status: int, value: Any) -> None:
        """Give a tag a new value or status at the present time."""
        point = self.points[station, tag.name]
        point.ticks = max(self.ticks(), point.ticks + 1)
        where = {"tag": tag.name, "ticks": point.ticks, "status": status, "value": value}
        self.log.add("change", station, **where)
        null = ua.Variant(None, ua.VariantType.Null)
        await self.server.show(
            point.node,
            ua.DataValue(
                Value=null if value is None else _variant(tag, value),
                StatusCode=ua.StatusCode(status) if status else GOOD_CODE,
                SourceTimestamp=Instant.of(point.ticks),
                ServerTimestamp=Instant.of(point.ticks),
            ),
        )

    def forget_times(self) -> None:
        """The clock was set: the next time of a tag may lie before its last one."""
        for point in self.points.values():
            point.ticks = 0

    async def hide(self, station: str, tag: str) -> None:
        """Take a tag's node away."""
        point = self.points[station, tag]
        if point.hidden is None:
            point.ticks = max(self.ticks(), point.ticks + 1)
            point.hidden = await self.server.hide(point.node, point.ticks)

    def restore(self, station: str, tag: str) -> None:
        """Put a tag's node back."""
        point = self.points[station, tag]
        if point.hidden is not None:
            self.server.restore(point.hidden)
            point.hidden = None

    def offered(self, node: ua.NodeId, value: ua.DataValue, first: bool) -> int | None:
        """`item`: the first report of a monitored item; `write`: each one after it."""
        point = self._tags.get(node)
        if point is None:
            return None
        return self.log.add("item" if first else "write", point.station, **_fields(point, value))

    def overflowed(self, node: ua.NodeId, value: ua.DataValue, number: int | None) -> None:
        """`overflow`: a report that was offered before is lost; `of` is its number."""
        if point := self._tags.get(node):
            self.log.add("overflow", point.station, of=number, **_fields(point, value))

    def acknowledged(self, subscription: int, sequence: int, numbers: list[int]) -> None:
        """`ack`: the client has the reports with these numbers and the server forgets them."""
        self.log.add("ack", "", subscription=subscription, sequence=sequence, numbers=numbers)

    def gone(self, node: ua.NodeId) -> None:
        """`gone`: a monitored item was deleted."""
        if point := self._tags.get(node):
            self.log.add("gone", point.station, tag=point.tag.name)


class _Accounts:
    """The one account that a server with `user` knows."""

    def __init__(self, user: str, password: str) -> None:
        self.user, self.password = user, password

    def get_user(
        self,
        iserver: Any,
        username: str | None = None,
        password: str | None = None,
        certificate: Any = None,
    ) -> User | None:
        is_right = (username, password) == (self.user, self.password)
        return User(role=UserRole.User) if is_right else None


def _current_time(node: ua.NodeId, attribute: ua.AttributeIds) -> ua.DataValue:
    now = datetime.now(UTC)
    return ua.DataValue(ua.Variant(now, ua.VariantType.DateTime), SourceTimestamp=now)


def _step(text: str, default: int) -> ua.QualifiedName:
    """One name of a browse path: `Angle`, or `3:Angle` in a namespace of its own."""
    if found := re.match(r"(\d+):(.+)", text):
        return ua.QualifiedName(found[2], int(found[1]))
    return ua.QualifiedName(text, default)


def _variant(tag: Tag[Any], value: Any) -> ua.Variant:
    is_array = tag.value_type in (Type.INTS, Type.FLOATS)
    kind = ua.VariantType.Int32 if tag.states is not None else VARIANTS[tag.value_type]
    return ua.Variant(value, kind, is_array=is_array)


def _nothing(tag: Tag[Any]) -> Any:
    return {Type.BOOL: False, Type.INT: 0, Type.FLOAT: 0.0}.get(tag.value_type, "")


async def _describe(node: UaNode, doc: str) -> None:
    text = ua.DataValue(ua.Variant(ua.LocalizedText(doc), ua.VariantType.LocalizedText))
    await node.write_attribute(ua.AttributeIds.Description, text)


def _fields(point: Point, value: ua.DataValue) -> dict[str, Any]:
    time = value.SourceTimestamp
    return {
        "tag": point.tag.name,
        "ticks": time.ticks if isinstance(time, Instant) else 0,
        "status": value.StatusCode.value if value.StatusCode else GOOD,
        "value": value.Value.Value if value.Value else None,
    }
