"""Edge nodes that are not our agents under the names that the site file gives their devices.

Their metrics have names of their own, and they ask for no acknowledgement. Behind this everything
speaks of stations and tags, as it does for our agents. A station is known by its name alone from
here on, so what an edge node says of a station that the site file gives to another is left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

import structlog

from wire.site import Site
from wire.site.foreign import ForeignConfig
from wire.sparkplug.effects import EdgeId, HostEffect, Offline, Online, Received
from wire.sparkplug.lookup import Device

NOT_ITS_OWN = "station of another edge node"

log = structlog.get_logger("historian")


class Foreign:
    """The foreign devices of a site, and whose every station is.

    One of our agents may speak of every [[station]]: one that moved to another agent may still be
    in the outbox of the former. Which agent may say what is up to the broker (wire.access).
    """

    def __init__(self, site: Site) -> None:
        self._known = {(one.edge, one.device or ""): one for one in site.foreign}
        self._foreign = {one.name for one in site.foreign}
        self._stations = {one.name for one in site.stations}
        self._agents = {one.name for one in site.agents} | {one.agent for one in site.stations}
        self._told: set[EdgeId] = set()
        self._named: dict[tuple[str, str], tuple[Device, int, Device]] = {}

    def named(self, effects: Iterable[HostEffect], counts: Counter[str]) -> Iterator[HostEffect]:
        """What a host has learnt, with the names of the site file where it has any."""
        for effect in effects:
            if isinstance(effect, Received | Online | Offline) and self._is_of_another(effect):
                counts[NOT_ITS_OWN] += 1
                self._tell(effect)
            else:
                yield self._with_name(effect)

    def _is_of_another(self, effect: Received | Online | Offline) -> bool:
        edge, name = effect.edge.agent, effect.station
        if (edge, name) in self._known:
            return False
        if not name:  # values of the node itself stand under its own name
            return isinstance(effect, Received) and edge in self._stations | self._foreign
        return name in self._foreign or (name in self._stations and edge not in self._agents)

    def _tell(self, effect: Received | Online | Offline) -> None:
        if effect.edge not in self._told:
            self._told.add(effect.edge)
            log.warning("an edge node speaks of a station that is not its own: it is left out",
                        edge=effect.edge.agent, station=effect.station)  # fmt: skip

    def _with_name(self, effect: HostEffect) -> HostEffect:
        if not isinstance(effect, Received | Online | Offline):
            return effect
        config = self._known.get((effect.edge.agent, effect.station))
        if config is None or (not effect.station and not isinstance(effect, Received)):
            return effect  # that a node itself comes and goes is said under its own name
        if isinstance(effect, Offline):
            return replace(effect, station=config.name)
        device = self._device(effect.edge.agent, effect.device, config)
        return replace(effect, station=config.name, device=device)

    def _device(self, edge: str, device: Device, config: ForeignConfig) -> Device:
        key = (edge, device.station)
        known = self._named.get(key)
        if known is not None and known[0] is device and known[1] == len(device.names):
            return known[2]
        names = {
            number: replace(one, station=config.name, name=config.names.get(one.name, one.name))
            for number, one in device.names.items()
        }
        named = replace(device, station=config.name, names=names)
        self._named[key] = (device, len(device.names), named)
        return named
