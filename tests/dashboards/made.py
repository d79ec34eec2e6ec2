"""The dashboards of the demo's site, made once, and how to walk through them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from plant.dashboards import files
from refit.dashboards import GRAFANA_FOLDER, servers_of
from wire.site import Site, load

ROOT = Path(__file__).parents[2]
SITE = ROOT / "config" / "demo" / "site.toml"
PLANT = ROOT / "config" / "plant" / "site.toml"
Json = dict[str, Any]


@cache
def site(path: Path = SITE) -> Site:
    """A site of this repository."""
    return load(path)


@cache
def made(path: Path = SITE) -> dict[str, str]:
    """Every file for Grafana of a site, by its path."""
    return files(site(path), servers_of(site(path)), GRAFANA_FOLDER)


def boards(path: Path = SITE) -> dict[str, str]:
    """The dashboards by name."""
    return {Path(name).stem: text for name, text in made(path).items() if name.endswith(".json")}


def board(name: str) -> Json:
    """One dashboard, to be changed as one likes."""
    read: Json = json.loads(boards()[name])
    return read


def panels(board: Json) -> Iterator[Json]:
    """All panels that are no rows, those in collapsed rows too."""
    for panel in board["panels"]:
        if panel["type"] == "row":
            yield from panel["panels"]
        else:
            yield panel
