"""What the historian answers under /stations: the stations of the plant, their tags and values.

Names, types, units and limits are those of a station's birth where there is one, before that those
of the site file; what the numbers of states mean only the declarations know. Nothing here changes
the historian, and nothing is secret.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from plant.historian import Historian
from plant.latest import Current, Latest, Presence, View
from stations import kinds
from stations.declare import Station, Tag, Type
from wire.clock import Clock
from wire.site import Site
from wire.sparkplug import metrics
from wire.sparkplug.lookup import Device, Metadata

STATIONS = "/stations"
RECENT_CHANGED = 8  # numbers of a tag in an answer to somebody who has the rest
NOT_HEARD = "not heard yet"
Answer = dict[str, Any]


class Overview:
    """Answers for /stations and /stations/NAME.

    `token` in an answer stands for what it says; with `?since=TOKEN` the next answer has
    `partial` true and only the tags that have changed, as long as their names have not.
    """

    def __init__(self, site: Site, historian: Historian, clock: Clock) -> None:
        self._site, self._historian, self._clock = site, historian, clock
        self._id = secrets.token_hex(4)
        self._declared = {one.name: _declared(one.declaration) for one in site.stations}
        self._states = {one.name: _states(one.declaration) for one in site.stations}

    def answer(self, path: str, query: Mapping[str, str]) -> Answer | None:
        """The answer to a path below /stations; None where there is nothing."""
        if path == STATIONS:
            return self._all(self._revision(query.get("since", "")))
        name = path.removeprefix(STATIONS + "/")
        found: Answer = self._all(0)["stations"]
        return found.get(name)

    def _revision(self, token: str) -> int:
        """The revision of a token of ours; 0 (everything) for any other."""
        made_by, _, number = token.partition("-")
        return int(number) if made_by == self._id and number.isdecimal() else 0

    def _all(self, since: int) -> Answer:
        latest: Latest = self._historian.latest
        view = latest.view(since, RECENT_CHANGED if since else None)
        is_partial = since > 0 and not view.names_changed
        if since and not is_partial:
            view = latest.view()
        return {
            "site": self._site.name,
            "historian": self._historian.host.id,
            "time_ms": self._clock.now_ms(),
            "connected": self._historian.links.connected,
            "store": self._historian.writer.problem or "",
            "token": f"{self._id}-{view.revision}",
            "partial": is_partial,
            "agents": self._agents(view),
            "stations": {name: self._station(name, view, is_partial) for name in self._names(view)},
        }

    def _names(self, view: View) -> Iterable[str]:
        named = [one.name for one in self._site.stations]
        return [*named, *sorted({*view.devices, *view.stations} - set(named))]

    def _agents(self, view: View) -> Answer:
        named = [one.name for one in self._site.agents]
        unheard = Presence("", False, NOT_HEARD, 0)
        found = {}
        for name in [*named, *sorted(set(view.agents) - set(named))]:
            one = view.agents.get(name, unheard)
            health = self._historian.health.get(name, {})
            found[name] = {
                "online": one.online,
                "why": one.why,
                "since_ms": one.since_ms or None,
                "heard_ms": self._historian.heard_ms.get(name),
                "backlog_samples": health.get("backlog_samples"),
                "backlog_age_s": health.get("backlog_age"),
                "problems": health.get("problems"),
                "problem": health.get("problem"),
            }
        return found

    def _station(self, name: str, view: View, is_partial: bool) -> Answer:
        device = view.devices.get(name)
        about = next((one for one in self._site.stations if one.name == name), None)
        path = (device.path if device else "").split("/")
        present = view.stations.get(name) or view.agents.get(name)
        agent = present.agent if present else about.agent if about else ""
        return {
            "line": about.line if about else path[1] if len(path) == 3 else "",
            "kind": about.kind if about else device.kind if device else "",
            "agent": agent,
            "online": present.online if present else False,
            "why": present.why if present else NOT_HEARD,
            "since_ms": present.since_ms if present else None,
            "tags": self._values(device, view) if is_partial else self._tags(name, device, view),
        }

    def _values(self, device: Device | None, view: View) -> Answer:
        current = view.current
        return {
            tag: _value(current[number]) for tag, number in _tags_of(device).items()
            if number in current
        }  # fmt: skip

    def _tags(self, name: str, device: Device | None, view: View) -> Answer:
        """Every tag, those of the site file first and in its order."""
        declared, numbers = self._declared.get(name, {}), _tags_of(device)
        states = self._states.get(name) or _states(_kind(device))
        found = {}
        for tag in [*declared, *(one for one in numbers if one not in declared)]:
            about = dict(declared.get(tag, {}))
            number = numbers.get(tag)
            if device is not None and number is not None:
                about |= _born(device.names[number].type, device.metadata.get(number))
            if tag in states:
                about["states"] = states[tag]
            current = view.current.get(-1 if number is None else number)
            found[tag] = about | _value(current)
        return found


def _tags_of(device: Device | None) -> dict[str, int]:
    """The numbers of a device's tags by name; a node's health is none of them."""
    if device is None:
        return {}
    names = device.names.copy()  # the historian may add a name meanwhile
    return {
        one.name: number for number, one in names.items()
        if device.station or not one.name.startswith(metrics.HEALTH)
    }  # fmt: skip


def _kind(device: Device | None) -> type[Station]:
    known = device is not None and device.kind in kinds.names()
    return kinds.find(device.kind).station if known and device is not None else Station


def _declared(station: type[Station]) -> dict[str, Answer]:
    return {tag.name: _about(tag) for tag in station.tags}


def _about(tag: Tag[Any]) -> Answer:
    metadata = Metadata(tag.unit, tag.low, tag.high, tag.doc)
    return _born(tag.value_type, metadata)


def _born(kind: Type, metadata: Metadata | None) -> Answer:
    known = metadata or Metadata()
    return {
        "type": kind.name.lower(), "unit": known.unit, "low": known.low, "high": known.high,
        "doc": known.doc,
    }  # fmt: skip


def _states(station: type[Station]) -> dict[str, dict[str, str]]:
    return {
        tag.name: {str(state.value): state.name for state in tag.states}
        for tag in station.tags
        if tag.states is not None
    }


def _value(current: Current | None) -> Answer:
    if current is None:
        return {"value": None, "status": None, "time_ms": None, "count": 0, "recent": []}
    return {
        "value": current.value, "status": current.status, "time_ms": current.time_ms,
        "count": current.count, "recent": current.recent,
    }  # fmt: skip
