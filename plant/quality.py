"""Look-ups of the quality control: the rules that ship with it, what the ledger says of a visit."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from stations.quality.run_rules import RuleSet, parse_rules
from stations.quality.tables import Tables, parse_tables

SAMPLING = "iso-2859-1-1999"


@cache
def sampling_tables(name: str = SAMPLING) -> Tables:
    """The sampling tables of this name."""
    return parse_tables(_shipped("sampling_plans", name))


def run_rule_names() -> list[str]:
    """The sets of run rules that there are."""
    found = (files("stations.quality") / "run_rules").iterdir()
    return sorted(one.name.removesuffix(".toml") for one in found if one.name.endswith(".toml"))


@cache
def run_rules(name: str) -> RuleSet:
    """The run rules of this name; LookupError with the known names when there are none."""
    if name not in run_rule_names():
        raise LookupError(f"no run rules are named {name!r}: {', '.join(run_rule_names())}")
    return parse_rules(_shipped("run_rules", name))


def _shipped(folder: str, name: str) -> str:
    return (files("stations.quality") / folder / f"{name}.toml").read_text(encoding="utf-8")
