"""Who may say and hear what at the broker of a site: every account with its topics.

Derived from the site file and the topics, for whatever writes the access list of a broker. A role
that is not in here gets no account: nothing is for everybody.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from wire import topics
from wire.site import Site
from wire.site.problems import Wrong
from wire.topics import Verb

NODE_SAYS = (Verb.NBIRTH, Verb.NDATA, Verb.NDEATH)
DEVICE_SAYS = (Verb.DBIRTH, Verb.DDATA, Verb.DDEATH)


class Role(enum.StrEnum):
    """What an account is for."""

    AGENT = "agent"
    FOREIGN = "foreign edge node"
    HISTORIAN = "historian"
    CONTROLLER = "line controller"
    VIEWER = "viewer"


@dataclass(frozen=True, slots=True)
class Account:
    """One account at the broker: the topics on which it may publish, and those that reach it.

    `reads` and `publishes` may hold `+`, never `#`.
    """

    name: str
    role: Role
    publishes: tuple[str, ...]
    reads: tuple[str, ...]


def accounts(site: Site, also: Sequence[tuple[str, str]] = ()) -> tuple[Account, ...]:
    """Every account of a site; Wrong when two would have one name.

    `also` are more stations of agents, (agent, station): such as an agent no longer serves, but of
    which it still has values to send.
    """
    found = list(_accounts(site, also))
    seen: dict[str, Account] = {}
    for one in found:
        other = seen.setdefault(one.name, one)
        if other is not one:
            raise Wrong(
                f'"{one.name}" is the name of the {other.role} and of the {one.role} at the broker',
                "give each a name of its own: whoever shares an account shares its rights",
            )
    return tuple(found)


def _accounts(site: Site, also: Sequence[tuple[str, str]]) -> Iterator[Account]:
    group = site.name
    state = topics.state(site.historian.name)
    told = [topics.of_all(group, verb) for verb in (*NODE_SAYS, *DEVICE_SAYS)]
    for agent in site.agents:
        stations = [one.name for one in site.stations_of(agent.name)]
        stations += [station for name, station in also if name == agent.name]
        yield _agent(group, agent.name, list(dict.fromkeys(stations)), state)
    for edge in dict.fromkeys(one.edge for one in site.foreign):
        devices = [one.device for one in site.foreign if one.edge == edge and one.device]
        yield _foreign(group, edge, devices, state)
    yield Account(
        site.historian.name,
        Role.HISTORIAN,
        (state, topics.of_all(group, Verb.NCMD), topics.all_recorded(group)),
        (state, *told, topics.all_records(group)),
    )
    yield Account(
        site.broker.controller,
        Role.CONTROLLER,
        (topics.all_commands(group),),
        (state, *told, topics.all_answers(group)),
    )
    for viewer in site.broker.viewers:
        yield Account(viewer, Role.VIEWER, (), (state, *told))


def _foreign(group: str, name: str, devices: Sequence[str], state: str) -> Account:
    """An edge node of another maker speaks for itself and for the devices that the site names."""
    return Account(name, Role.FOREIGN, _says(group, name, devices), _hears(group, name, state))


def _says(group: str, name: str, devices: Sequence[str]) -> tuple[str, ...]:
    nodes = [topics.node(group, verb, name) for verb in NODE_SAYS]
    return (
        *nodes,
        *(topics.device(group, verb, name, device) for device in devices for verb in DEVICE_SAYS),
    )


def _hears(group: str, name: str, state: str) -> tuple[str, ...]:
    return topics.node(group, Verb.NCMD, name), topics.device_commands(group, name), state


def _agent(group: str, name: str, stations: Sequence[str], state: str) -> Account:
    """An agent speaks for itself and for its own stations: the store knows a station by its name.

    Could it speak for a station of another, it could overwrite that one's values.
    """
    says = _says(group, name, stations)
    hears = _hears(group, name, state)
    return Account(
        name,
        Role.AGENT,
        (*says, topics.records(group, name), topics.answers(group, name)),
        (*hears, topics.recorded(group, name), topics.commands(group, name)),
    )
