"""The fields of every measurement: those of declared tags, and those that the historian writes."""

from __future__ import annotations

from edge.health import METRICS
from plant.kpi.measurements import MEASUREMENTS
from plant.stores.store import EDGE_HEALTH
from stations.declare import Type
from wire.site import Site

HEALTH = {metric.name for metric in METRICS} | {"online", "why"}
MEANS = ("", "_min", "_max", "_count")


def known(site: Site) -> dict[str, set[str]]:
    """All fields of a site's measurements, raw and means."""
    found = {one.name: {field.name for field in one.fields} for one in MEASUREMENTS}
    found[EDGE_HEALTH] = HEALTH
    for one in site.stations:
        measurement = one.name if one.kind == "device" else one.kind
        for tag in one.declared.tags:
            names = found.setdefault(measurement, set())
            names |= {tag.name, f"{tag.name}_q"}
            if tag.value_type in (Type.INT, Type.FLOAT):
                names |= {tag.name + ending for ending in MEANS}
    return found
