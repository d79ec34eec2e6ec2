"""The points that are checked on a car: a list that is data (`check_plans/*.toml`)."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from stations.quality.records import SeverityClass

POINTS_MAX = 1000
LANGUAGES = ("en", "fr")
CLASSES: tuple[SeverityClass, ...] = ("A", "B", "C")


class CheckPlanUnusable(ValueError):
    """A list of points that cannot be checked by; `problems` says each mistake."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Point:
    """One point: its block, the class of a defect there, whether a photo is due, and its words."""

    id: str
    block: str
    severity: SeverityClass
    photo: bool
    text: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class CheckPlan:
    """A list of points; `weights` are the demerits of one defect of a class."""

    name: str
    version: int
    source: str
    blocks: tuple[str, ...]
    weights: Mapping[SeverityClass, int]
    points: tuple[Point, ...]


def parse_check_plan(text: str) -> CheckPlan:
    """The list of a TOML text. CheckPlanUnusable with every mistake."""
    try:
        said = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CheckPlanUnusable([f"it is no TOML: {error}"]) from error
    problems = [*_of_head(said), *_of_points(said)]
    if problems:
        raise CheckPlanUnusable(problems)
    points = tuple(
        Point(one["id"], one["block"], one["class"], one["photo"], dict(one["text"]))
        for one in said["point"]
    )
    weights = {name: said["weights"][name] for name in CLASSES}
    head = (said["name"], said["version"], said["source"])
    return CheckPlan(*head, tuple(said["blocks"]), weights, points)


def _of_head(said: Mapping[str, Any]) -> list[str]:
    kinds = {"name": str, "version": int, "source": str, "blocks": list, "weights": dict}
    problems = [
        f"{key}: {'missing' if key not in said else 'not ' + _named(kind)}"
        for key, kind in kinds.items()
        if not isinstance(said.get(key), kind)
    ]
    if unknown := set(said) - {*kinds, "point"}:
        problems.append(f"unknown: {', '.join(sorted(unknown))}")
    weights = said.get("weights")
    if isinstance(weights, dict):
        if set(weights) != set(CLASSES):
            problems.append(f"weights: needed are {', '.join(CLASSES)}")
        elif not all(type(one) is int and one >= 0 for one in weights.values()):
            problems.append("weights: whole numbers from 0 on")
        elif not weights["A"] >= weights["B"] >= weights["C"]:
            problems.append("weights: A is the most severe class, C the least")
    return problems


def _of_points(said: Mapping[str, Any]) -> list[str]:
    rows = said.get("point")
    if not isinstance(rows, list) or not 1 <= len(rows) <= POINTS_MAX:
        return [f"point: write 1 to {POINTS_MAX} tables [[point]]"]
    blocks = said.get("blocks")
    blocks = blocks if isinstance(blocks, list) else []
    problems = []
    for place, row in enumerate(rows, 1):
        name = f"point {place} ({row.get('id', 'without an id')})"
        problems += [f"{name}: {what}" for what in _of_point(row, blocks)]
    ids = Counter(str(row.get("id")) for row in rows)
    problems += [f"{one}: {count} points have this id" for one, count in ids.items() if count > 1]
    empty = set(map(str, blocks)) - {str(row.get("block")) for row in rows}
    return problems + [f"blocks: no point is in {one}" for one in sorted(empty)]


def _of_point(row: Mapping[str, Any], blocks: list[Any]) -> list[str]:
    found = []
    if not isinstance(row.get("id"), str) or not row["id"]:
        found.append("id: a text")
    if row.get("block") not in blocks:
        found.append(f"block: {row.get('block')!r} is none of {', '.join(map(str, blocks))}")
    if row.get("class") not in CLASSES:
        found.append(f"class: {row.get('class')!r} is none of {', '.join(CLASSES)}")
    if not isinstance(row.get("photo"), bool):
        found.append("photo: true or false")
    text = row.get("text")
    words = text if isinstance(text, dict) else {}
    missing = [one for one in LANGUAGES if not str(words.get(one, "")).strip()]
    if missing:
        found.append(f"text: missing in {', '.join(missing)}")
    if unknown := set(row) - {"id", "block", "class", "photo", "text"}:
        found.append(f"unknown: {', '.join(sorted(unknown))}")
    return found


def _named(kind: type) -> str:
    return {str: "a text", int: "a whole number", list: "a list", dict: "a table"}[kind]
