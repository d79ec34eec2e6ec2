"""From a site file to a `Site`: read it and its includes, check everything, report all that is wrong."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from wire.site.models import Site, SiteFile

Overrides = Mapping[tuple[str, ...], Any]


def load(path: Path, overrides: Overrides | None = None) -> Site:
    path = path.absolute()
    raw = tomllib.loads(path.read_text())
    f = SiteFile.model_validate(raw, context={"folder": path.parent}, by_alias=True, by_name=False)
    return Site(
        name=f.site.name,
        broker=f.broker,
        store=f.store,
        ledger=f.ledger,
        historian=f.historian,
        outbox=f.outbox,
        agents=f.agent,
        stations=f.station,
        folder=path.parent,
        file=path,
    )
