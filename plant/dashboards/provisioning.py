"""What Grafana reads when it starts: data sources, where the dashboards lie, alert rules.

Secrets and addresses that the site file does not know are named as environment variables; Grafana
puts their values in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import yaml

from plant.dashboards.names import INFLUXDB, POSTGRESQL, Sources, uid

Json = dict[str, Any]
HEAD = "# Made by `refit dashboards`; do not edit. How it is used: docs/how-to/grafana.md\n"
FOLDER = "/etc/grafana/refit/dashboards"


@dataclass(frozen=True, slots=True)
class Servers:
    """Where Grafana finds the stores; what is not known is the name of an environment variable."""

    influxdb: str = "$REFIT_INFLUXDB_URL"
    database: str = "$REFIT_INFLUXDB_DATABASE"
    means: str = "${REFIT_INFLUXDB_DATABASE}_1m"
    token: bool = False
    postgresql: str = "$REFIT_POSTGRESQL_HOST"
    ledger: str = "$REFIT_POSTGRESQL_DATABASE"
    sslmode: str = "$REFIT_POSTGRESQL_SSLMODE"


def text(content: Json) -> str:
    """A provisioning file."""
    dumped: str = yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100)
    return HEAD + dumped


def datasources(site: str, sources: Sources, servers: Servers) -> Json:
    """The three data sources; Grafana's accounts need to read, and no more."""
    return {
        "apiVersion": 1,
        "datasources": [
            _influxdb(f"Refit {site}: samples", sources.samples.uid, servers.database, servers),
            _influxdb(f"Refit {site}: means", sources.means.uid, servers.means, servers),
            {
                "name": f"Refit {site}: ledger",
                "uid": sources.ledger.uid,
                "type": POSTGRESQL,
                "access": "proxy",
                "url": servers.postgresql,
                "user": "$REFIT_POSTGRESQL_USER",
                "editable": False,
                "jsonData": {
                    "database": servers.ledger,
                    "sslmode": servers.sslmode,
                    "postgresVersion": 1500,
                    "maxOpenConns": 10,
                },
                "secureJsonData": {"password": "$REFIT_POSTGRESQL_PASSWORD"},
            },
        ],
    }


def _influxdb(name: str, uid: str, database: str, servers: Servers) -> Json:
    """InfluxQL in all versions; 2 and 3 take a token in a header instead of a password."""
    source: Json = {
        "name": name,
        "uid": uid,
        "type": INFLUXDB,
        "access": "proxy",
        "url": servers.influxdb,
        "editable": False,
    }
    data: Json = {
        "version": "InfluxQL",
        "dbName": database,
        "httpMode": "POST",
        "timeInterval": "1s",
        "maxSeries": 1000,
    }
    if not servers.token:
        source["user"] = "$REFIT_INFLUXDB_USER"
        secret = {"password": "$REFIT_INFLUXDB_PASSWORD"}
    else:
        data["httpHeaderName1"] = "Authorization"
        secret = {"httpHeaderValue1": "Token $REFIT_INFLUXDB_TOKEN"}
    return source | {"jsonData": data, "secureJsonData": secret}


def dashboards(site: str, folder: str) -> Json:
    """The provider that reads the dashboards from a folder of Grafana's machine."""
    return {
        "apiVersion": 1,
        "providers": [
            {
                "name": f"refit {site}",
                "orgId": 1,
                "folder": f"Refit {site}",
                "folderUid": uid(site, "folder"),
                "type": "file",
                "disableDeletion": False,
                "allowUiUpdates": False,
                "updateIntervalSeconds": 30,
                "options": {"path": folder},
            }
        ],
    }
