"""Finding the parts of a kind by its name: `kind = "studio"` is the package `stations.studio`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import stations
from stations.cycle import Scheme
from stations.declare import Station, Tag
from stations.judge import Now
from stations.model import Model
from stations.records import Draft


@dataclass(frozen=True, slots=True)
class Kind:
    """What the folder of one kind offers: its declaration, its rules and its model.

    `scheme` is None for a kind whose rules follow no vehicle. `judge_by` makes a `judge` from the
    text of a rule set, for a kind that judges by one.
    """

    name: str
    station: type[Station]
    model: type[Model]
    triggers: tuple[Tag[Any], ...]
    memory: type[Any]
    judge: Callable[[Any, Now], tuple[Any, list[Draft]]]
    scheme: Scheme[Any] | None = None
    judge_by: Callable[[str], Callable[[Any, Now], tuple[Any, list[Draft]]]] | None = None


def names() -> list[str]:
    """The kinds that have a folder with a declaration here, in alphabetical order."""
    folders = [module.name for module in pkgutil.iter_modules(stations.__path__) if module.ispkg]
    return sorted(name for name in folders if find_spec(f"stations.{name}.station") is not None)


def find(name: str) -> Kind:
    """The kind of this name; LookupError with the known names when there is none."""
    if name not in names():
        raise LookupError(f"no kind {name!r}; known are {', '.join(names())} and device")
    parts = {
        part: importlib.import_module(f"stations.{name}.{part}")
        for part in ("station", "rules", "model")
    }
    rules = parts["rules"]
    return Kind(
        name,
        _only(parts["station"], Station),
        _only(parts["model"], Model),
        tuple(rules.TRIGGERS),
        rules.Memory,
        rules.judge,
        getattr(rules, "SCHEME", None),
        getattr(rules, "judge_by", None),
    )


def _only(module: Any, base: type) -> Any:
    own = [
        member
        for member in vars(module).values()
        if isinstance(member, type) and member.__module__ == module.__name__
    ]
    found = [member for member in own if issubclass(member, base)]
    if len(found) != 1:
        raise TypeError(f"{module.__name__} must hold one {base.__name__}, it holds {len(found)}")
    return found[0]
