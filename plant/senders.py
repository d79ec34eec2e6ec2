"""Who may speak for a station: the agent that serves it by the site file, under its own name."""

from __future__ import annotations

from dataclasses import dataclass

from stations.records import Record
from wire.site import Site


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a record is not taken from who sent it; `may_pass` once the site file says otherwise."""

    why: str
    may_pass: bool = False


class Senders:
    """Judges records by the agent in whose topic they came; the broker's rights guard the topic."""

    def __init__(self, site: Site) -> None:
        self._agents = {station.name: station.agent for station in site.stations}

    def objection(self, agent: str, record: Record) -> Objection | None:
        """None for a record that its station's own agent has sent."""
        if record.agent.name != agent:
            return Objection(f"agent.name: it says {record.agent.name}, and {agent} has sent it")
        owner = self._agents.get(record.station)
        if owner is None:
            # An agent may know of a new station before we do: what it says must not be lost.
            why = f"station: the historian's site file has no {record.station}"
            return Objection(f"{why}; the agent keeps the record until it has", may_pass=True)
        if owner != agent:
            return Objection(
                f"station: {record.station} is served by {owner}, and {agent} has sent it"
            )
        return None
