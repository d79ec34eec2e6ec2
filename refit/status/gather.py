"""Asks the historian and the agents of this machine how they are."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from refit.status import judge
from refit.status.judge import Finding
from refit.watching.client import Away, Client
from wire.site import Site


@dataclass(slots=True)
class Gathered:
    """What is wrong, worst first, and how much there is of what is well."""

    findings: list[Finding] = field(default_factory=list)
    historian: bool = False
    agents: int = 0
    stations: int = 0
    tags: int = 0


def gather(site: Site, url: str) -> Gathered:
    """Ask everybody once; what does not answer is a finding, or on another machine."""
    client = Client(url, site.http)
    here = _agents_here(site)
    try:
        health, stations = client.health(), client.ask()
    except Away as error:
        told = f"no answer from {url}: {error}"
        findings = [Finding("historian", None, told), *judge.lost(here)]
        return Gathered(judge.ordered(findings), agents=len(here))
    found = [*judge.historian(health), *judge.agents(stations, here), *judge.tags(stations)]
    return Gathered(
        judge.ordered(found),
        historian=not health["problems"],
        agents=sum(one["online"] for one in stations["agents"].values()),
        stations=sum(one["online"] for one in stations["stations"].values()),
        tags=sum(len(one["tags"]) for one in stations["stations"].values()),
    )


def _agents_here(site: Site) -> dict[str, dict[str, Any]]:
    """/healthz of each agent that answers on this machine as itself."""
    found = {}
    for agent in site.agents:
        if agent.http:
            try:
                scheme = "https" if site.http.tls else "http"
                said = Client(f"{scheme}://127.0.0.1:{agent.http}", site.http).health()
            except Away:
                continue  # on another machine, or not running: the historian knows
            if said.get("agent") == agent.name:
                found[agent.name] = said
    return found
