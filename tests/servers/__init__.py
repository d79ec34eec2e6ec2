"""Real servers for tests, on free ports of the loopback; a missing one fails where CI is set.

`install.sh` puts them on a machine. What Debian has no package of lies in CACHE, by version.
"""

from __future__ import annotations

import os
from pathlib import Path

from tests.servers.influxdb import InfluxDB
from tests.servers.influxdb2 import InfluxDB2
from tests.servers.mosquitto import Mosquitto
from tests.servers.ports import accepts, free_port, until
from tests.servers.postgres import Postgres
from tests.servers.victoria import VictoriaMetrics

CACHE = Path(os.environ.get("REFIT_CACHE") or Path.home() / ".cache" / "refit")

__all__ = [
    "CACHE",
    "InfluxDB",
    "InfluxDB2",
    "Mosquitto",
    "Postgres",
    "VictoriaMetrics",
    "accepts",
    "free_port",
    "until",
]
