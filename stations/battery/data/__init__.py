"""Tables that belong to the code: cells, packs, protocols, the rules of grading (TOML)."""

from __future__ import annotations

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def table(name: str) -> dict[str, Any]:
    """One of the tables, such as "packs"; a caller does not change it."""
    return tomllib.loads((files(__package__) / f"{name}.toml").read_text())
