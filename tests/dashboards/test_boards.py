"""The dashboards that are made of a site: whole, linked, fresh, and as Grafana's types ask."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from plant.dashboards import looks, names, units
from stations import kinds
from tests.dashboards import fields, lint, typescript
from tests.dashboards.made import PLANT, ROOT, SITE, Json, board, boards, made, panels, site

Mutation = Callable[[Json], Any]


def uids(path: Path) -> set[str]:
    return {json.loads(text)["uid"] for text in boards(path).values()}


@pytest.mark.parametrize("path", [SITE, PLANT], ids=["demo", "plant"])
def test_every_dashboard_is_whole(path: Path) -> None:
    known, all_uids = fields.known(site(path)), uids(path)
    assert len(all_uids) == len(boards(path))
    for name, text in boards(path).items():
        assert lint.problems(json.loads(text), known, all_uids) == [], name


@pytest.mark.parametrize("name", sorted(made()))
def test_the_files_in_the_repository_are_what_the_code_makes_of_the_demo(name: str) -> None:
    path = ROOT / "config" / "grafana" / name
    assert path.read_text(encoding="utf-8") == made()[name], "run: make dashboards"


def test_no_other_file_lies_there() -> None:
    folder = ROOT / "config" / "grafana"
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert found == set(made())


def test_the_same_site_gives_the_same_files() -> None:
    assert made() == made.__wrapped__()


def test_every_kind_and_every_device_has_its_dashboards() -> None:
    expected = {"vehicle", "edge-health", "andon-line-1", "history-line-1"}
    for name in ("inspection", "battery", "studio", "energy-meter-1"):
        expected |= {f"station-{name}", f"long-{name}"}
    assert set(boards()) == expected


@pytest.mark.parametrize("kind", [one.name for one in site().stations])
def test_every_tag_is_on_its_dashboard(kind: str) -> None:
    one = site().station(kind)
    name = one.name if one.kind == "device" else one.kind
    text = json.dumps(board(f"station-{name}"))
    for tag in one.declared.tags:
        assert json.dumps(tag.doc)[1:-1] in text, tag.name


def test_a_number_has_its_unit_and_its_limits() -> None:
    panel = next(p for p in panels(board("station-studio")) if p["title"] == "drive temperature")
    defaults = panel["fieldConfig"]["defaults"]
    assert defaults["unit"] == "celsius"
    assert [step["value"] for step in defaults["thresholds"]["steps"]] == [None, 0, 90]
    assert panel["description"].startswith("Heat sink of the table's drive.")


def test_a_state_has_its_words_and_the_colour_of_its_phase() -> None:
    panel = next(p for p in panels(board("station-studio")) if p["title"] == "States")
    override = next(
        one for one in panel["fieldConfig"]["overrides"] if one["matcher"]["options"] == "state"
    )
    options = override["properties"][0]["value"][0]["options"]
    assert options["3"] == {"index": 3, "text": "turning", "color": looks.GREEN}
    assert options["90"]["color"] == looks.RED
    assert "- turning: The table turns and the cameras shoot the exterior." in panel["description"]


def test_one_name_of_a_state_has_one_colour_on_a_whole_line() -> None:
    colours: dict[str, set[str]] = {}
    for kind in kinds.names():
        for state in kinds.find(kind).station.tag("state").states or ():
            colours.setdefault(state.name, set()).add(looks.colour_of(state))
    assert {name: found for name, found in colours.items() if len(found) > 1} == {}


def test_situations_that_must_not_be_confused_have_looks_of_their_own() -> None:
    phases = {colour for _, colour in looks.PHASES.values()}
    assert len(phases) == len(looks.PHASES)
    assert len(set(looks.SITUATIONS.values())) == len(looks.SITUATIONS)
    # Only the machine's own phases are left when what the historian says is taken away.
    assert len(phases - set(looks.SITUATIONS.values())) == 4


def test_a_unit_that_grafana_does_not_know_is_shown_as_it_is() -> None:
    assert units.named("m/km") == "suffix: m/km"
    assert units.named("degC") == "celsius"
    assert units.named("") == "none"


def test_a_uid_is_short_and_clean_and_its_own() -> None:
    long = names.uid("a" * 50, "b"), names.uid("a" * 50, "c")
    assert max(map(len, long)) <= names.UID_MAX
    assert len({*long, names.uid("hall a"), names.uid("hall_a"), names.uid("hall-a")}) == 5


def _first(board: Json, kind: str) -> Json:
    return next(panel for panel in panels(board) if panel["type"] == kind)


def _defaults(board: Json) -> Json:
    found: Json = _first(board, "timeseries")["fieldConfig"]["defaults"]
    return found


# Mistakes that tsc must find, each with a word of what it says.
TYPE_MISTAKES: dict[str, tuple[Mutation, str]] = {
    "grid": (lambda b: b["panels"][0]["gridPos"].update(w="12"), "not assignable"),
    "panel_key": (lambda b: b["panels"][0].update(colour=1), "colour"),
    "option_key": (lambda b: b["panels"][0]["options"].update(rowHieght=1), "rowHieght"),
    "option": (lambda b: b["panels"][0]["options"].update(showValue="often"), "often"),
    "threshold": (lambda b: _defaults(b).update(thresholds={"mode": "abs", "steps": []}), "abs"),
    "custom": (lambda b: _defaults(b)["custom"].update(drawStyle="dots"), "dots"),
    "custom_key": (lambda b: _defaults(b)["custom"].update(spanNull=True), "spanNull"),
    "panel_type": (lambda b: b["panels"][0].update(type="states"), "states"),
    "format": (lambda b: b["panels"][0]["targets"][0].update(resultFormat="frame"), "frame"),
    "target_key": (lambda b: b["panels"][0]["targets"][0].update(sql="x"), "sql"),
    "no_ref": (lambda b: b["panels"][0]["targets"][0].pop("refId"), "not assignable"),
    "no_description": (lambda b: b["panels"][0].pop("description"), "not assignable"),
    "link": (lambda b: b["links"][0].update(type="panel"), "panel"),
    "override": (lambda b: _other(b, "OEE", "unit", 5), "not assignable"),
    "override_key": (lambda b: _other(b, "OEE", "custom.widht", 5), "not assignable"),
    "override_enum": (lambda b: _other(b, "OEE", "custom.align", "up"), "not assignable"),
    "tooltip": (lambda b: b.update(graphTooltip=7), "7"),
    "key": (lambda b: b.update(titel=""), "titel"),
    "version": (lambda b: b.update(schemaVersion="41"), "not assignable"),
}  # fmt: skip


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What tsc says of all dashboards, and of one with each mistake: asked once, it takes long."""
    asked = boards()
    for name, (spoil, _) in TYPE_MISTAKES.items():
        spoiled = board("history-line-1")
        spoil(spoiled)
        asked[f"wrong_{name}"] = json.dumps(spoiled)
    return typescript.problems(asked, tmp_path_factory.mktemp("tsc"))


@pytest.mark.system
@pytest.mark.timeout(180)
def test_every_dashboard_is_as_grafana_s_types_ask(said: list[str]) -> None:
    assert [line for line in said if not line.startswith(("wrong_", " "))] == []


@pytest.mark.system
@pytest.mark.timeout(180)
@pytest.mark.parametrize("name", TYPE_MISTAKES)
def test_a_mistake_in_a_dashboard_is_found_by_grafana_s_types(name: str, said: list[str]) -> None:
    found = [line for line in said if line.startswith(f"wrong_{name}.ts")]
    assert found, "nothing was said"
    assert any(TYPE_MISTAKES[name][1] in line for line in found)


LINT_MISTAKES: dict[str, tuple[Mutation, str]] = {
    "two ids": (lambda b: b["panels"][1].update(id=b["panels"][0]["id"]), "have the id"),
    "overlap": (lambda b: b["panels"][1]["gridPos"].update(y=0), "overlap"),
    "too wide": (lambda b: b["panels"][0]["gridPos"].update(x=12), "does not fit"),
    "no unit": (lambda b: _defaults(b).pop("unit"), "has no unit"),
    "no description": (lambda b: b["panels"][0].update(description=""), "has no description"),
    "field": (lambda b: _ask(b, 'SELECT last("stat") FROM "station_state"'), "no field stat"),
    "measurement": (lambda b: _ask(b, 'SELECT last("x") FROM "stat"'), "no measurement"),
    "variable": (lambda b: _ask(b, "SELECT $x FROM \"station_state\""), "variable x"),
    "unused": (lambda b: b["templating"]["list"].append({"name": "shift"}), "shift is not used"),
    "link": (lambda b: b["links"][0].update(url="/d/elsewhere"), "leads to elsewhere"),
    "property": (lambda b: _other(b, "OEE", "custom.width"), "is no property"),
    "name": (lambda b: _other(b, "oeee", "unit"), "nothing is called oeee"),
}  # fmt: skip


def _ask(board: Json, query: str) -> None:
    board["panels"][0]["targets"][0]["query"] = query


def _other(board: Json, name: str, key: str, value: object = "") -> None:
    _first(board, "table")["fieldConfig"]["overrides"].append(
        {"matcher": {"id": "byName", "options": name}, "properties": [{"id": key, "value": value}]}
    )


@pytest.mark.parametrize("name", LINT_MISTAKES)
def test_a_mistake_is_found_by_our_own_rules(name: str) -> None:
    spoil, word = LINT_MISTAKES[name]
    spoiled = board("history-line-1")
    spoil(spoiled)
    found = lint.problems(spoiled, fields.known(site()), uids(SITE))
    assert any(word in line for line in found), found
