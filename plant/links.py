"""The sessions of a historian: one at each MQTT server of its site, each with a number."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from wire.mqtt import Message
from wire.sparkplug.effects import HostEffect, Publish


class Link(Protocol):
    """What the historian needs of an MQTT session."""

    @property
    def connected(self) -> bool: ...
    @property
    def address(self) -> str: ...
    def start(self) -> None: ...
    def publish(self, message: Message) -> bool: ...
    def reconnect(self, final: tuple[Message, ...] = ()) -> None: ...
    def disconnect(self, final: tuple[Message, ...] = ()) -> bool: ...


class Links:
    """All of them, by the number of the server."""

    def __init__(self) -> None:
        self._all: list[Link] = []

    def __len__(self) -> int:
        return len(self._all)

    def add(self, link: Link) -> None:
        """One more; its server has the next number."""
        self._all.append(link)

    def start(self) -> None:
        """Begin to connect everywhere."""
        for link in self._all:
            link.start()

    @property
    def connected(self) -> bool:
        """Whether there is one, and each is connected."""
        return bool(self._all) and all(link.connected for link in self._all)

    def problems(self) -> list[str]:
        """Which servers are not reached; named where there are several."""
        if len(self) <= 1:
            return [] if self.connected else ["no connection to the broker"]
        return [
            f"no connection to the broker {link.address}"
            for link in self._all
            if not link.connected
        ]

    def publish(self, effect: Publish) -> bool:
        """Whether the session at the effect's server took the message."""
        return effect.server < len(self) and self._all[effect.server].publish(message_of(effect))

    def say(self, server: int, message: Message) -> bool:
        """Whether the session at a server took a message."""
        return self._all[server].publish(message)

    def reconnect(self, server: int) -> None:
        """End the client session at a server on purpose, and begin another one."""
        if server < len(self):
            self._all[server].reconnect()

    def disconnect(self, effects: Iterable[HostEffect]) -> None:
        """End all for good, each after the last messages for its server."""
        final = [one for one in effects if isinstance(one, Publish)]
        for server, link in enumerate(self._all):
            link.disconnect(tuple(message_of(one) for one in final if one.server == server))


def message_of(publish: Publish) -> Message:
    """The MQTT message of what is to be published."""
    return Message(publish.topic, publish.payload, publish.qos, publish.retain)
