"""STATE of a host application at one MQTT server: its Will, its birth, its death, put right.

Sparkplug 3.0, chapter 5.13. The timestamps of one server have nothing to do with those of another.
"""

from __future__ import annotations

from collections import Counter

from wire import topics
from wire.sparkplug import state
from wire.sparkplug.effects import Disconnect, HostEffect, Publish
from wire.sparkplug.state import HostState


class Presence:
    """What a host says of itself at the server of this number; `announced`: that it is online."""

    def __init__(self, host_id: str, server: int, counts: Counter[str]) -> None:
        self.announced = False
        self._id, self._server, self._counts = host_id, server, counts
        self._topic = topics.state(host_id)
        self._timestamp = 0
        self._foreign_ms = -1
        self._is_stopping = False

    def will(self, now_ms: int) -> Publish:
        """The Last Will for the CONNECT that follows; its timestamp is that of the STATE birth.

        After another's newer offline the timestamp is behind that one, so that nodes which have
        seen it come back.
        """
        self._timestamp = max(now_ms, self._foreign_ms + 1)
        return self._state(False, self._timestamp)

    def connected(self) -> Publish:
        """The connection and its subscriptions stand: the first thing published is STATE."""
        self.announced = True
        return self._state(True, self._timestamp)

    def disconnected(self) -> None:
        """The connection is gone."""
        self.announced = False

    def stop(self, now_ms: int) -> list[HostEffect]:
        """Leave on purpose: STATE offline, stamped now, then the disconnect."""
        self._is_stopping = True
        death = [self._state(False, max(now_ms, self._timestamp))] if self.announced else []
        return [*death, Disconnect("stopped", again=False, server=self._server)]

    def heard(self, host: str, payload: bytes, now_ms: int) -> list[HostEffect]:
        """Only our own STATE matters; while stopping we do not answer our own death."""
        if host != self._id or self._is_stopping or not self.announced:
            return []
        said = state.read(payload)
        if said is None:
            self._counts["unknown STATE"] += 1
            return []
        if said.online:
            self._counts["another host of our id"] += said.timestamp > self._timestamp
            return []
        if said.timestamp <= self._timestamp:
            self._counts["STATE put right"] += 1
            return [self._state(True, self._timestamp)]
        self._counts["newer foreign STATE"] += 1
        self._foreign_ms = min(said.timestamp, state.TIMESTAMP_MAX - 1)
        self.announced = False
        # The answer that the specification wants; nodes pass it over, being older than the other.
        # So we leave as it wants us to leave, and come back with a time above both.
        death = self._state(False, max(now_ms, self._timestamp))
        why = "another's newer STATE said offline"
        return [self._state(True, self._timestamp), death, Disconnect(why, True, self._server)]

    def _state(self, online: bool, timestamp: int) -> Publish:
        payload = state.write(HostState(online, timestamp))
        return Publish(self._topic, payload, qos=1, retain=True, server=self._server)
