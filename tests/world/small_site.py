"""The site of the small world: what its stations declare, and the databases as they are made."""

from __future__ import annotations

import atexit
from collections.abc import Callable
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from plant.dead_letters import DeadLetters
from plant.ledger import Ledger
from plant.stores.sqlite import SqliteStore
from stations.declare import Node, Register, Station, Tag
from wire.clock import SystemClock
from wire.site import Site, load

AGENT = "pc-1"
SITE = """
[site]
name = "small"
[broker]
url = "embedded"
[outbox]
folder = "."
[[agent]]
name = "pc-1"
[[station]]
name = "press-1"
kind = "device"
line = "line-1"
agent = "pc-1"
tags = "empty.csv"
opcua = { url = "opc.tcp://127.0.0.1:4840" }
modbus = { url = "tcp://127.0.0.1:5020", every = "1 s" }
[[station]]
name = "meter-1"
kind = "device"
line = "line-1"
agent = "pc-1"
tags = "empty.csv"
opcua = { url = "opc.tcp://127.0.0.1:4841" }
"""


class Press(Station):
    """Two connections, a tag of each type, and one that becomes stale."""

    force = Tag(float, Node("Force"), doc="A number that is never the same twice.")
    position = Tag(int, Node("Position"), doc="Another one.", stale_ms=2_500)
    name = Tag(str, Node("Name"), doc="A text.")
    speed = Tag(float, Register("input", 0, "float32"), doc="A number that is polled.")
    load = Tag(int, Register("input", 10, "uint16"), doc="Another one.")


class Meter(Station):
    """One number."""

    power = Tag(float, Node("Power"), doc="A number that is never the same twice.")


VALUES: dict[str, Callable[[int], Any]] = {
    "force": lambda number: number + 0.5,
    "position": lambda number: number,
    "name": lambda number: f"part {number}",
    "speed": lambda number: number + 0.25,
    "load": lambda number: number,
    "power": lambda number: number + 0.125,
}


@cache
def small_site() -> Site:
    """The site; its outbox lies in the working folder until somebody says otherwise."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "empty.csv").write_text("name,address,type\nnothing,Nothing,float\n")
        (folder / "site.toml").write_text(SITE)
        site = load(folder / "site.toml")
        for config, declaration in zip(site.stations, (Press, Meter), strict=True):
            vars(config)["declaration"] = declaration
    return site


@cache
def new_databases() -> Path:
    """A folder with the historian's databases as they are made: the same bytes for every run."""
    made = TemporaryDirectory(prefix="refit-world-")
    atexit.register(made.cleanup)
    folder, clock = Path(made.name), SystemClock()
    for database in (
        SqliteStore(folder / "samples.db"), DeadLetters(folder / "dead.db"),
        Ledger(f"sqlite:{folder / 'ledger.db'}", clock),
    ):  # fmt: skip
        database.close()
    return folder


def in_folder(site: Site, folder: Path, bytes_max: int) -> Site:
    """A site with its outbox and its ledger in a folder of its own."""
    outbox = site.outbox.model_copy(update={"folder": folder, "bytes_max": bytes_max})
    ledger = site.ledger.model_copy(update={"url": f"sqlite:{folder / 'ledger.db'}"})
    return site.model_copy(update={"outbox": outbox, "ledger": ledger})
