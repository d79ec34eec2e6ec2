"""Names that Grafana keeps things by: derived from the site alone, so that they never change."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

UID_MAX = 40  # Grafana refuses a longer one


def uid(*parts: str) -> str:
    """A uid for Grafana: letters, digits and dashes, the same for the same parts."""
    whole = "-".join(parts)
    clean = re.sub(r"[^A-Za-z0-9_-]", "-", whole)
    if clean == whole and len(clean) <= UID_MAX:
        return clean
    mark = hashlib.sha256(whole.encode()).hexdigest()[:8]
    return f"{clean[: UID_MAX - 9]}-{mark}"


@dataclass(frozen=True, slots=True)
class Source:
    """A data source, as panels refer to it."""

    type: str
    uid: str

    def json(self) -> dict[str, str]:
        """The reference in a panel, a target or a variable."""
        return {"type": self.type, "uid": self.uid}


INFLUXDB, POSTGRESQL = "influxdb", "grafana-postgresql-datasource"
MIXED = Source("datasource", "-- Mixed --")


@dataclass(frozen=True, slots=True)
class Sources:
    """The three data sources of a site."""

    samples: Source
    means: Source
    ledger: Source


def sources(site: str) -> Sources:
    """The data sources of a site, by names that its dashboards and its provisioning share."""
    return Sources(
        Source(INFLUXDB, uid(site, "samples")),
        Source(INFLUXDB, uid(site, "means")),
        Source(POSTGRESQL, uid(site, "ledger")),
    )
