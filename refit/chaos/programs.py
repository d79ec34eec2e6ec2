"""Servers that are not ours beside the plant: where they are, and how they are started."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

INFLUXDB = "1.8.10"
MOSQUITTO = "/usr/sbin/mosquitto"
INFLUX_SETTINGS = {
    "REPORTING_DISABLED": "true", "DATA_INDEX_VERSION": "tsi1", "DATA_QUERY_LOG_ENABLED": "false",
    "HTTP_LOG_ENABLED": "false", "MONITOR_STORE_ENABLED": "false", "LOGGING_LEVEL": "warn",
    "CONTINUOUS_QUERIES_ENABLED": "false",
}  # fmt: skip


class NotInstalled(LookupError):
    """A program that was asked for is not on this machine."""


@dataclass(frozen=True, slots=True)
class Program:
    """A server: the command, its environment, and what it is."""

    command: tuple[str, ...]
    version: str
    environment: Mapping[str, str] = field(default_factory=dict)


def mosquitto(folder: Path, port: int) -> Program:
    """Mosquitto on the loopback, with a session store on disk."""
    program = shutil.which("mosquitto") or MOSQUITTO
    if not Path(program).exists():
        raise NotInstalled("mosquitto is not installed: apt-get install mosquitto")
    folder.mkdir(parents=True, exist_ok=True)
    owner = ["user root"] if os.geteuid() == 0 else []
    settings = [
        *owner, f"listener {port} 127.0.0.1", "allow_anonymous true", "persistence true",
        f"persistence_location {folder.absolute()}/", "max_queued_messages 0",
    ]  # fmt: skip
    file = folder / "mosquitto.conf"
    file.write_text("\n".join(settings) + "\n")
    told = subprocess.run([program, "-h"], capture_output=True, text=True, check=False).stdout
    version = told.split("\n")[0].removeprefix("mosquitto version ")
    return Program((program, "-c", str(file)), f"Mosquitto {version}")


def influxdb(folder: Path, port: int, rpc: int, program: Path | None = None) -> Program:
    """InfluxDB 1 on the loopback: `program`, else 1.8.10 where it was built, else Debian's."""
    cache = Path(os.environ.get("REFIT_CACHE") or Path.home() / ".cache" / "refit")
    built = cache / f"influxdb-{INFLUXDB}" / "influxd"
    packaged = shutil.which("influxd")
    found = program or (built if built.exists() else packaged and Path(packaged))
    if not found or not found.exists():
        raise NotInstalled("InfluxDB is not installed: tests/servers/install.sh, or give its path")
    folder.mkdir(parents=True, exist_ok=True)
    places = {
        "META_DIR": f"{folder}/meta", "DATA_DIR": f"{folder}/data", "DATA_WAL_DIR": f"{folder}/wal",
        "BIND_ADDRESS": f"127.0.0.1:{rpc}", "HTTP_BIND_ADDRESS": f"127.0.0.1:{port}",
    }  # fmt: skip
    (folder / "influxdb.conf").touch()
    told = subprocess.run([found, "version"], capture_output=True, text=True, check=False).stdout
    number = next((word for word in told.split() if word.lstrip("v")[:2] == "1."), INFLUXDB)
    number = number.lstrip("v").partition("~")[0]
    return Program(
        (str(found), "run", "-config", str(folder / "influxdb.conf")),
        f"InfluxDB {number}",
        {f"INFLUXDB_{name}": value for name, value in (places | INFLUX_SETTINGS).items()},
    )
