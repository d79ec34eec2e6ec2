"""An OPC UA server for tests: a few variables, a port that stays the same over a restart."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

from asyncua import Server, ua
from asyncua.common.node import Node
from asyncua.crypto.permission_rules import User, UserRole
from asyncua.server.internal_session import InternalSession
from asyncua.server.internal_subscription import InternalSubscription

URI = "urn:studio"


class _Account:
    """The one who is let in."""

    def __init__(self, user: str, password: str, attempts: list[str | None]) -> None:
        self.known, self.attempts = (user, password), attempts

    def get_user(
        self, iserver: Any, username: str | None = None, password: str | None = None,
        certificate: Any = None,
    ) -> User | None:  # fmt: skip
        self.attempts.append(username)
        return User(role=UserRole.User) if (username, password) == self.known else None


class Machine:
    """One server with the object `Studio1` in the namespace `urn:studio`."""

    def __init__(self, values: dict[str, Any]) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port: int = free.getsockname()[1]
        self.url = f"opc.tcp://127.0.0.1:{self.port}"
        self.values = values
        self.nodes: dict[str, Node] = {}
        self.attempts: list[str | None] = []  # who has tried to log in, where there is an account
        self.server = Server()

    async def start(
        self, *, others: int = 0, keys: tuple[Path, Path] | None = None, uri: str = "urn:server",
        policies: tuple[str, ...] = ("Basic256Sha256_SignAndEncrypt",),
        account: tuple[str, str] | None = None,
    ) -> None:  # fmt: skip
        """Start with so many namespaces before ours; with a key and a certificate, encrypted.

        With an account nobody else is let in.
        """
        self.server = Server()
        await self.server.init()
        self.server.set_endpoint(self.url)
        if account is not None:
            self.server.set_identity_tokens([ua.UserNameIdentityToken])
            self.server.iserver.user_manager = _Account(*account, self.attempts)
        if keys is None:
            self.server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
        else:
            await self.server.set_application_uri(uri)
            self.server.set_security_policy([ua.SecurityPolicyType[one] for one in policies])
            await self.server.load_private_key(keys[0])
            await self.server.load_certificate(str(keys[1]))
        for number in range(others):
            await self.server.register_namespace(f"urn:other:{number}")
        index = await self.server.register_namespace(URI)
        studio = await self.server.nodes.objects.add_object(index, "Studio1")
        for path, value in self.values.items():
            parent = studio
            *folders, name = path.split("/")
            for folder in folders:
                parent = await parent.add_folder(index, folder)
            variant = value if isinstance(value, ua.Variant) else ua.Variant(value)
            self.nodes[path] = await parent.add_variable(index, name, variant)
        await self.server.start()

    async def stop(self) -> None:
        """Stop; every connection is closed and forgotten, as after a power cut."""
        sessions = self._sessions()
        await self.server.stop()
        for session in sessions:
            await session.close_session(True)

    async def drop_sessions(self) -> None:
        """Forget every session while the connections stay open."""
        for session in self._sessions():
            await session.close_session(True)

    def subscriptions(self) -> dict[int, InternalSubscription]:
        """The subscriptions of all clients."""
        return dict(self.server.iserver.subscription_service.subscriptions)

    def _sessions(self) -> list[InternalSession]:
        return list(self.server.iserver._external_sessions.values())

    async def write(self, path: str, value: Any) -> None:
        """Write a value, a Variant or a DataValue."""
        await self.nodes[path].write_value(value)
