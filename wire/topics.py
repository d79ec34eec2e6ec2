"""Every topic string, in one place (Sparkplug 3.0, chapter 4; records are our own)."""

from __future__ import annotations

import enum
from dataclasses import dataclass

NAMESPACE = "spBv1.0"
STATE = "STATE"
EVERYTHING = f"{NAMESPACE}/#"
LEVEL_BYTES_MAX = 256


class Verb(enum.StrEnum):
    """What a Sparkplug message says: N of a node, D of a device."""

    NBIRTH = "NBIRTH"
    NDEATH = "NDEATH"
    NDATA = "NDATA"
    NCMD = "NCMD"
    DBIRTH = "DBIRTH"
    DDEATH = "DDEATH"
    DDATA = "DDATA"
    DCMD = "DCMD"

    @property
    def is_of_device(self) -> bool:
        """True when the topic has a device level."""
        return self.value.startswith("D")


_VERBS = {verb.value: verb for verb in Verb}
NODE_VERBS = (Verb.NBIRTH, Verb.NDATA, Verb.NDEATH, Verb.NCMD)


@dataclass(frozen=True, slots=True)
class Address:
    """A Sparkplug topic taken apart; `device` is "" in a node's message."""

    group: str
    verb: Verb
    edge: str
    device: str = ""


def level(value: str) -> str:
    """`value` when it can be one level of a topic; ValueError when it cannot."""
    if not _is_level(value):
        raise ValueError(
            f"{value[:40]!r} cannot be a topic level: 1 to {LEVEL_BYTES_MAX} bytes without + / #"
        )
    return value


def _is_level(value: str) -> bool:
    return not any(sign in value for sign in "+/#\0") and (
        0 < len(value.encode("utf-8", "replace")) <= LEVEL_BYTES_MAX
    )


def node(group: str, verb: Verb, edge: str) -> str:
    """The topic of a node's message."""
    return f"{NAMESPACE}/{level(group)}/{verb.value}/{level(edge)}"


def device(group: str, verb: Verb, edge: str, device: str) -> str:
    """The topic of a device's message."""
    return f"{NAMESPACE}/{level(group)}/{verb.value}/{level(edge)}/{level(device)}"


def of_all(group: str, verb: Verb) -> str:
    """The filter for a verb of all nodes of a group, or of all their devices."""
    return f"{NAMESPACE}/{level(group)}/{verb.value}/+" + ("/+" if verb.is_of_device else "")


def state(host: str) -> str:
    """Where a host application says whether it is online."""
    return f"{NAMESPACE}/{STATE}/{level(host)}"


def device_commands(group: str, edge: str) -> str:
    """The filter for the commands of all devices of a node."""
    return f"{NAMESPACE}/{level(group)}/{Verb.DCMD.value}/{level(edge)}/+"


def parse(topic: str) -> Address | None:
    """A Sparkplug topic taken apart; None for any other, STATE included."""
    levels = topic.split("/")
    if len(levels) not in (4, 5) or levels[0] != NAMESPACE:
        return None
    verb = _VERBS.get(levels[2])
    if not all(map(_is_level, levels)):
        return None
    if verb is None or verb.is_of_device != (len(levels) == 5):
        return None
    return Address(levels[1], verb, levels[3], levels[4] if len(levels) == 5 else "")


def is_data(topic: str) -> bool:
    """Whether it is the topic of NDATA or DDATA."""
    address = parse(topic)
    return address is not None and address.verb in (Verb.NDATA, Verb.DDATA)


def parse_state(topic: str) -> str | None:
    """The host id of a STATE topic; None for any other."""
    levels = topic.split("/")
    if len(levels) != 3 or levels[:2] != [NAMESPACE, STATE]:
        return None
    return levels[2] or None


def records(site: str, agent: str) -> str:
    """Where an agent publishes its records (QoS 1)."""
    return f"refit/{level(site)}/record/{level(agent)}"


def recorded(site: str, agent: str) -> str:
    """Where the ledger confirms the records of an agent (QoS 1)."""
    return f"refit/{level(site)}/recorded/{level(agent)}"


def all_records(site: str) -> str:
    """The filter for the records of all agents of a site."""
    return f"refit/{level(site)}/record/+"


def all_recorded(site: str) -> str:
    """The filter for the confirmations of all agents of a site."""
    return f"refit/{level(site)}/recorded/+"


def commands(site: str, agent: str) -> str:
    """Where the line controller asks an agent to move something (QoS 1); reserved."""
    return f"refit/{level(site)}/command/{level(agent)}"


def all_commands(site: str) -> str:
    """The filter for the commands to all agents of a site."""
    return f"refit/{level(site)}/command/+"


def answers(site: str, agent: str) -> str:
    """Where an agent says what became of a command (QoS 1); reserved."""
    return f"refit/{level(site)}/answer/{level(agent)}"


def all_answers(site: str) -> str:
    """The filter for the answers of all agents of a site."""
    return f"refit/{level(site)}/answer/+"


def record_agent(site: str, topic: str) -> str | None:
    """The agent whose records a topic carries; None for any other topic."""
    levels = topic.split("/")
    if len(levels) != 4 or levels[:3] != ["refit", site, "record"]:
        return None
    return levels[3] or None
