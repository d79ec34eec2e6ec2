"""What every dashboard must have beyond what Grafana's types ask for: one problem a line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

from tests.dashboards.made import panels

Json = dict[str, Any]
BARE = {"alertlist"}  # shows what Grafana itself knows: no data source, no unit
TAGS = {"site", "line", "station", "time"}
QUOTED = re.compile(r'(\bAS |\bFROM )?"((?:[^"\\]|\\.)*)"')
PROPERTIES = {
    "unit", "min", "max", "decimals", "color", "mappings", "thresholds", "links", "noValue",
    "custom.axisPlacement", "custom.lineWidth", "custom.fillOpacity", "custom.spanNulls",
    "custom.thresholdsStyle", "custom.fillBelowTo", "custom.cellOptions", "custom.drawStyle",
    "custom.showPoints", "custom.hideFrom",
}  # fmt: skip


def problems(board: Json, fields: Mapping[str, set[str]], uids: set[str]) -> list[str]:
    """All that is wrong; `fields` are those of each measurement, `uids` those of all dashboards."""
    return [
        *_numbers(board),
        *_places(board),
        *_words(board),
        *_variables(board),
        *_names(board),
        *_overrides(board),
        *(f"{where}: {what}" for where, what in _queries(board, fields)),
        *_links(board, uids),
    ]


def _numbers(board: Json) -> Iterator[str]:
    numbers = [one["id"] for one in [*panels(board), *board["panels"]]]
    rows = [one["id"] for one in board["panels"] if one["type"] != "row"]
    for number in {one for one in numbers if numbers.count(one) > 1 + (one in rows)}:
        yield f"two panels have the id {number}"


def _places(board: Json) -> Iterator[str]:
    for one, other in combinations(board["panels"], 2):
        if _overlap(one["gridPos"], other["gridPos"]):
            yield f"{one['title']} and {other['title']} overlap"
    for row in board["panels"]:
        for one, other in combinations(row.get("panels", []), 2):
            if _overlap(one["gridPos"], other["gridPos"]):
                yield f"{one['title']} and {other['title']} overlap"
    for one in panels(board):
        place = one["gridPos"]
        if place["x"] + place["w"] > 24 or place["w"] < 1 or place["h"] < 2:
            yield f"{one['title']} does not fit: {place}"


def _overlap(one: Json, other: Json) -> bool:
    return all(
        one[at] < other[at] + other[size] and other[at] < one[at] + one[size]
        for at, size in (("x", "w"), ("y", "h"))
    )


def _words(board: Json) -> Iterator[str]:
    for key in ("title", "description", "uid", "tags"):
        if not board.get(key):
            yield f"the dashboard has no {key}"
    for panel in panels(board):
        needed = {"title": panel.get("title"), "description": panel.get("description")}
        if panel["type"] not in BARE:
            needed["unit"] = panel["fieldConfig"]["defaults"].get("unit")
            needed["datasource"] = panel.get("datasource")
            needed["targets"] = panel.get("targets")
        yield from (f"{panel['title']} has no {key}" for key, value in needed.items() if not value)


def _variables(board: Json) -> Iterator[str]:
    text = json.dumps([board["panels"], board["links"]])
    for one in board["templating"]["list"]:
        if not re.search(rf"\$\{{?{one['name']}\b", text):
            yield f"the variable {one['name']} is not used"
    known = {one["name"] for one in board["templating"]["list"]}
    own = {
        "timeFilter", "__interval", "__timeFilter", "__data", "__value", "__url_time_range",
        "tag_station", "col",
    }  # fmt: skip
    for name in set(re.findall(r"\$\{?([A-Za-z_]+)", text)) - known - own:
        yield f"the variable {name} does not exist"


def _names(board: Json) -> Iterator[str]:
    for panel in panels(board):
        refs = [target["refId"] for target in panel.get("targets", [])]
        if len(refs) != len(set(refs)):
            yield f"{panel['title']} has two targets of one refId"


def _overrides(board: Json) -> Iterator[str]:
    for panel in panels(board):
        named = json.dumps([panel.get("targets"), panel.get("transformations")])
        for one in panel["fieldConfig"]["overrides"]:
            name = one["matcher"]["options"]
            if one["matcher"]["id"] == "byName" and not re.search(rf"\b{re.escape(name)}\b", named):
                yield f"{panel['title']}: nothing is called {name}"
            for known in one["properties"]:
                if known["id"] not in PROPERTIES:
                    yield f"{panel['title']}: {known['id']} is no property"


def _queries(board: Json, fields: Mapping[str, set[str]]) -> Iterator[tuple[str, str]]:
    for panel in panels(board):
        for target in panel.get("targets", []):
            if "query" not in target:
                continue
            found = QUOTED.findall(target["query"])
            measurement = next(name for before, name in found if before == "FROM ")
            if measurement not in fields:
                yield panel["title"], f"no measurement is called {measurement}"
                continue
            for before, name in found:
                if not before and name not in fields[measurement] | TAGS:
                    yield panel["title"], f"{measurement} has no field {name}"


def _links(board: Json, uids: set[str]) -> Iterator[str]:
    for uid in re.findall(r"/d/([A-Za-z0-9_-]+)", json.dumps(board)):
        if uid not in uids:
            yield f"a link leads to {uid}, which is no dashboard"
