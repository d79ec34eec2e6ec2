"""Dashboards, data sources and alert rules for Grafana, made from a site and its declarations.

Pure: a site goes in, texts by the name of their file come out, the same for the same site.
"""

from __future__ import annotations

from plant.dashboards import alerts, andon, edge, line, provisioning, station, vehicle
from plant.dashboards.board import Board, Json, link
from plant.dashboards.lines import DEVICE, Line
from plant.dashboards.names import Sources, sources
from plant.dashboards.provisioning import FOLDER, Servers
from plant.dashboards.station import Shown
from wire.site import Site

__all__ = ["FOLDER", "Servers", "files"]


def files(site: Site, servers: Servers, folder: str = FOLDER) -> dict[str, str]:
    """Every file for Grafana by its path; `folder` is where Grafana will find the dashboards."""
    where = sources(site.name)
    agents = [agent.name for agent in site.agents]
    made = {f"dashboards/{name}.json": board.text() for name, board in boards(site, where).items()}
    rules = alerts.file(site.name, where.samples, site.outbox.bytes_max, agents)
    provisioned = {
        "datasources": provisioning.datasources(site.name, where, servers),
        "dashboards": provisioning.dashboards(site.name, folder),
        "alerting": rules,
    }
    made |= {
        f"provisioning/{kind}/refit.yaml": provisioning.text(content)
        for kind, content in provisioned.items()
    }
    return dict(sorted(made.items()))


def boards(site: Site, where: Sources) -> dict[str, Board]:
    """Every dashboard of a site by its name."""
    lines, shown = lines_of(site, where), stations_of(site, where)
    kinds = sorted({one.kind for one in site.stations} - {DEVICE})
    links = _links(site.name, lines)
    made = {f"andon-{one.name}": andon.board(one, links) for one in lines}
    made |= {f"history-{one.name}": line.board(one, links) for one in lines}
    for one in shown:
        made[f"station-{one.name}"] = station.today(one, links)
        made[f"long-{one.name}"] = station.months(one, links)
    made["vehicle"] = vehicle.board(site.name, where.ledger, kinds, links)
    made["edge-health"] = edge.board(site.name, [agent.name for agent in site.agents], where, links)
    return made


def lines_of(site: Site, where: Sources) -> list[Line]:
    """The lines on which stations stand, in the order of the site file."""
    takts = {one.name: (one.takt_ms or 0) / 1000 for one in site.lines}
    names = dict.fromkeys(one.line for one in site.stations if one.line)
    return [
        Line(
            site.name,
            name,
            tuple((one.name, one.kind) for one in site.stations if one.line == name),
            takts.get(name, 0.0),
            where,
        )
        for name in names
    ]


def stations_of(site: Site, where: Sources) -> list[Shown]:
    """What there is a dashboard of: each kind on the site, and each device."""
    found: dict[str, Shown] = {}
    for one in site.stations:
        is_device = one.kind == DEVICE
        name = one.name if is_device else one.kind
        found.setdefault(name, Shown(site.name, name, one.declared, is_device, where))
    return [found[name] for name in sorted(found)]


def _links(site: str, lines: list[Line]) -> list[Json]:
    return [
        *(link(f"Andon {one.name}", andon.uid_of(site, one.name)) for one in lines),
        *(link(f"Line {one.name}", line.uid_of(site, one.name)) for one in lines),
        link("Vehicle", vehicle.uid_of(site)),
        link("Edge health", edge.uid_of(site)),
    ]
