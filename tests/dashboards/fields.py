"""The fields of every measurement: those of declared tags, and those that the historian writes."""

from __future__ import annotations

from edge.health import METRICS
from stations.declare import Type
from wire.site import Site

OWN = {
    "edge_health": {metric.name for metric in METRICS} | {"online", "why"},
    "station_state": {
        "online", "why", "phase", "state_name", "quality", "state", "state_q", "since_s",
        "silent_s", "visit",
    },
    "station_cycle": {"cycle_s", "ok", "complete", "takt_s", "planned_s", "visit", "flaws"},
    "station_stop": {"reason", "duration_s", "state_name", "visit"},
    "stop_reason": set(),
    "station_kpi": {
        "pbt_s", "apt_s", "adet_s", "adot_s", "idle_s", "blocked_s", "unknown_s", "pri_s", "pq",
        "gq", "availability", "effectiveness", "quality", "oee", "run_s", "good_run_s",
    },
    "line_kpi": {
        "vehicles_out", "takt_s", "actual_s", "between_s", "vehicles_between", "pbt_s",
        "planned_out", "bottleneck", "oee", "availability", "effectiveness", "quality",
    },
}  # fmt: skip
MEANS = ("", "_min", "_max", "_count")


def known(site: Site) -> dict[str, set[str]]:
    """All fields of a site's measurements, raw and means."""
    found = dict(OWN)
    for one in site.stations:
        measurement = one.name if one.kind == "device" else one.kind
        for tag in one.declared.tags:
            names = found.setdefault(measurement, set())
            names |= {tag.name, f"{tag.name}_q"}
            if tag.value_type in (Type.INT, Type.FLOAT):
                names |= {tag.name + ending for ending in MEANS}
    return found
