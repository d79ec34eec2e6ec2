"""Finds the rule sets of the inspection among the files of this installation."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import stations.inspection
from stations.inspection.judging.rule_set import RuleSet, load

FOLDER = Path(stations.inspection.__file__).parent / "rule_sets"
NEWEST = "fr-2026-01"


class UnknownRuleSet(LookupError):
    """There is no rule set of this name; the message names those that there are."""


def names() -> list[str]:
    """The names of the rule sets that are installed."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


@cache
def rule_set(name: str = NEWEST) -> RuleSet:
    """A rule set by its name; UnknownRuleSet, or WrongRuleSet when its file cannot be used."""
    if name not in names():
        raise UnknownRuleSet(f"there is no rule set {name!r}: known are {', '.join(names())}")
    return load((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


def newest() -> str:
    """The text of the newest rule set."""
    return (FOLDER / f"{NEWEST}.toml").read_text(encoding="utf-8")


def rule_set_of(path: Path) -> RuleSet:
    """The rule set of any file."""
    return load(path.read_text(encoding="utf-8"))
