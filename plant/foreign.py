"""Edge nodes that are not our agents under the names that the site file gives their devices.

Their metrics have names of their own, and they ask for no acknowledgement. Behind this everything
speaks of stations and tags, as it does for our agents.
"""

from __future__ import annotations

from dataclasses import replace

from wire.site import Site
from wire.site.foreign import ForeignConfig
from wire.sparkplug.effects import HostEffect, Offline, Online, Received
from wire.sparkplug.lookup import Device


class Foreign:
    """The foreign devices of a site."""

    def __init__(self, site: Site) -> None:
        self._known = {(one.edge, one.device or ""): one for one in site.foreign}
        self._named: dict[tuple[str, str], tuple[Device, int, Device]] = {}

    def named(self, effect: HostEffect) -> HostEffect:
        """What a host has learnt, with the names of the site file where it has any."""
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
