"""A hall with one studio: its site file, its plan, and what a run of it leaves behind."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.servers import free_port
from tests.system.commands import opened

SITE = """
[site]
name = "hall-2"
[broker]
port = {broker}
[historian]
http = {http}
[media]
url = "embedded"
port = {media}
free_min = "1 MiB"
[[agent]]
name = "studio-pc"
[[station]]
name = "studio-1"
kind = "studio"
agent = "studio-pc"
[station.opcua]
url = "opc.tcp://127.0.0.1:{opcua}"
writes = ["start", "repeat_spin", "set_acquisition_done", "release", "set_result_ready"]
[station.modbus]
url = "tcp://127.0.0.1:{modbus}"
[station.capture]
plan = "plan.toml"
originals = "7 d"
[station.cameras.ring]
folder = "card"
simulator = "{cameras}"
[station.cameras.floor]
url = "{cameras}/still/floor?set={{set}}&index={{index}}&visit={{visit}}"
"""
SHOT = '[[shot]]\nset = "{set}"\nindex = {index}\ncamera = "{camera}"\n'
Shots = Sequence[tuple[str, int, float | None, str]]
"""Set, index, angle (None: the table stands), and more lines of the plan."""


def write_site(folder: Path, cameras: str, shots: Shots) -> Path:
    """The site file and the plan of a studio whose cameras are simulated at an address."""
    ports = {name: free_port() for name in ("broker", "http", "media", "opcua", "modbus")}
    plan = 'id = "full-360"\nversion = 3\n'
    for kind, index, angle, more in shots:
        camera = "floor" if angle is None else "ring"
        plan += SHOT.format(set=kind, index=index, camera=camera)
        plan += more if angle is None else f"angle_deg = {angle}\n{more}"
    (folder / "plan.toml").write_text(plan)
    file = folder / "site.toml"
    file.write_text(SITE.format(**ports, cameras=cameras))
    return file


def captures(site: Path) -> list[dict[str, Any]]:
    """The records of captures, oldest first; none while there is no ledger."""
    query = "SELECT body FROM entry JOIN fact USING (number) WHERE kind = 'studio.capture'"
    try:
        with closing(opened(site.parent / "var/ledger.db")) as ledger:
            return [json.loads(body) for (body,) in ledger.execute(f"{query} ORDER BY number")]
    except sqlite3.OperationalError:
        return []


def stored(site: Path, file: dict[str, Any]) -> Path | None:
    """A file in the folder of the media store."""
    sha256 = file["sha256"]
    folder = site.parent / "var/media" / sha256[:2] / sha256[2:4]
    return next(folder.glob(f"{sha256}.*"), None)
